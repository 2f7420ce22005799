//! The open files of a run: rows go in, quoted CSV comes out, with dirt where it strikes.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use carecoord_lake::files;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::dirt::Dirt;
use crate::error::SampleError;
use crate::layout::{LAYOUTS, Layout, Table};
use crate::value::Value;

/// Bytes gathered before they go to the file.
const BUFFER: usize = 1 << 17;

enum Sink {
    Plain(File),
    Gzip(Box<GzEncoder<File>>),
}

impl Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(file) => file.write_all(bytes),
            Self::Gzip(encoder) => encoder.write_all(bytes),
        }
    }

    fn finish(self) -> std::io::Result<()> {
        match self {
            Self::Plain(file) => file.sync_all(),
            Self::Gzip(encoder) => encoder.finish()?.sync_all(),
        }
    }
}

/// One file being written, under a name that readers do not look for until it is whole.
struct Output {
    layout: Layout,
    path: PathBuf,
    sink: Sink,
    buffer: Vec<u8>,
    rows: u64,
}

/// The name under which a file is written until it is whole.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

impl Output {
    fn create(folder: &Path, layout: Layout, gzip: bool) -> Result<Self, SampleError> {
        let path = folder.join(format!("{}.csv{}", layout.name, if gzip { ".gz" } else { "" }));
        let file = files::create_file(&unfinished(&path))?;
        // The encoder writes no name and no time of its own into the header, so equal rows make equal bytes.
        let sink =
            if gzip { Sink::Gzip(Box::new(GzEncoder::new(file, Compression::default()))) } else { Sink::Plain(file) };
        let mut buffer = Vec::with_capacity(BUFFER + (1 << 12));
        buffer.extend_from_slice(layout.columns.join(",").as_bytes());
        buffer.push(b'\n');
        Ok(Self { layout, path, sink, buffer, rows: 0 })
    }

    fn flush(&mut self) -> Result<(), SampleError> {
        self.sink.write(&self.buffer).map_err(|error| SampleError::io("cannot write", &self.path, error))?;
        self.buffer.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<(String, u64), SampleError> {
        self.flush()?;
        self.sink.finish().map_err(|error| SampleError::io("cannot write", &self.path, error))?;
        fs::rename(unfinished(&self.path), &self.path)
            .map_err(|error| SampleError::io("cannot rename to", &self.path, error))?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, self.rows))
    }
}

/// All files of a run.
pub(crate) struct Extracts {
    outputs: Vec<Output>,
    /// What makes rows dirty.
    pub dirt: Dirt,
}

impl Extracts {
    /// Opens a file for each table.
    pub(crate) fn create(folder: &Path, gzip: bool, dirt: Dirt) -> Result<Self, SampleError> {
        let outputs =
            LAYOUTS.iter().map(|layout| Output::create(folder, *layout, gzip)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { outputs, dirt })
    }

    /// Writes one row.
    pub(crate) fn row(&mut self, table: Table, values: &[Value<'_>]) -> Result<(), SampleError> {
        let output = &mut self.outputs[table as usize];
        debug_assert_eq!(values.len(), output.layout.columns.len(), "{}", output.layout.name);
        if self.dirt.strikes(table, values) {
            output.rows += self.dirt.write(table, values, &mut output.buffer);
        } else {
            write_row(&mut output.buffer, values);
            output.rows += 1;
        }
        if output.buffer.len() >= BUFFER { output.flush() } else { Ok(()) }
    }

    /// Ends every file and gives it its name; returns the names and their numbers of rows.
    pub(crate) fn finish(self) -> Result<Vec<(String, u64)>, SampleError> {
        self.outputs.into_iter().map(Output::finish).collect()
    }
}

/// Appends a row of values, quoted where they need it.
pub(crate) fn write_row(out: &mut Vec<u8>, values: &[Value<'_>]) {
    for (position, value) in values.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        if let Value::Text(text) = value
            && text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'))
        {
            out.push(b'"');
            out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            value.write(out);
        }
    }
    out.push(b'\n');
}
