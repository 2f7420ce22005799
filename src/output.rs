//! The only place that prints: results to standard output, messages and progress to standard error.
//!
//! Every write of a result is checked: a full disk is an error, or a work list would be cut short without a word. A reader that
//! has gone away (`carecoord sql … | head`) ends the command quietly.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use carecoord_lake::files::Fresh;
use carecoord_lake::parquet_file;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use indicatif::{ProgressBar, ProgressStyle};
use parquet::arrow::ArrowWriter;
use tracing::Level;

use crate::arguments::Format;
use crate::failure::Failure;

/// Rows of a table on the screen: its columns are as wide as the widest cell, so all rows are held.
const MOST_ROWS_OF_A_TABLE: usize = 10_000;

/// Prints a message. Messages are no results: where nobody can read them, the command goes on.
pub fn message(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Says on standard error, with the seconds since the start, what is being done: `1` that, `2` also what each step took, and from 3 on
/// all that the crates have to say. Nothing for `0`.
pub fn be_verbose(level: u8) {
    let most = match level {
        0 => return,
        1 => Level::INFO,
        2 => Level::DEBUG,
        _ => Level::TRACE,
    };
    let lines = tracing_subscriber::fmt()
        .with_max_level(most)
        .with_timer(tracing_subscriber::fmt::time::uptime())
        .with_target(false)
        .with_ansi(false)
        .with_writer(io::stderr);
    // Only the first of a program's two would fail, and there is one.
    let _ = lines.try_init();
}

/// Prints a line of a result.
pub fn line(text: &str) -> Result<(), Failure> {
    print(format!("{text}\n").as_bytes())
}

fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Failure::NobodyReads
        } else {
            Failure::Machine(format!("cannot write to standard output: {error}"))
        }
    })
}

/// A spinner on a terminal; nothing elsewhere.
pub struct Progress(ProgressBar);

impl Progress {
    /// Begins. Where lines are printed, no spinner writes among them.
    pub fn new() -> Self {
        if !io::stderr().is_terminal() || tracing::enabled!(Level::INFO) {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed:>4} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// Says what is being done.
    pub fn say(&self, text: &str) {
        tracing::info!("{text}");
        self.0.set_message(text.to_owned());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A table of texts.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    line(&table.to_string())
}

/// Rows on their way out, batch by batch: printed, or written to a file made for the owner alone that takes its place when all
/// rows are in it.
pub struct Rows {
    encoder: Encoder,
    waiting: Shared,
    file: Option<Fresh>,
}

enum Encoder {
    Table { table: Table, rows: usize, more: bool },
    Csv(arrow::csv::Writer<Shared>),
    Json(arrow::json::Writer<Shared, arrow::json::writer::JsonArray>, bool),
    Parquet(ArrowWriter<Shared>),
}

/// Bytes that an encoder has written and that are not yet on their way.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Rows {
    /// Begins; the file is made now, so that a wrong path is told before the work.
    pub fn begin(schema: &SchemaRef, format: Format, output: Option<&Path>) -> Result<Self, Failure> {
        let waiting = Shared::default();
        let encoder = match format {
            Format::Table => Encoder::Table { table: heading(schema), rows: 0, more: false },
            Format::Csv => {
                let mut writer = arrow::csv::Writer::new(waiting.clone());
                writer.write(&RecordBatch::new_empty(SchemaRef::clone(schema))).map_err(failed)?;
                Encoder::Csv(writer)
            }
            Format::Json => {
                let writer = arrow::json::WriterBuilder::new().with_explicit_nulls(true).build(waiting.clone());
                Encoder::Json(writer, false)
            }
            Format::Parquet if output.is_none() => {
                return Err(Failure::Usage("--format parquet needs --output FILE".to_owned()));
            }
            Format::Parquet => {
                let properties = Some(parquet_file::properties());
                let writer = ArrowWriter::try_new(waiting.clone(), SchemaRef::clone(schema), properties);
                Encoder::Parquet(writer.map_err(failed)?)
            }
        };
        Ok(Self { encoder, waiting, file: output.map(Fresh::create).transpose()? })
    }

    /// Writes more rows. False where no more are wanted.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<bool, Failure> {
        let mut wanted = true;
        match &mut self.encoder {
            Encoder::Table { table, rows, more } => {
                let shown = batch.num_rows().min(MOST_ROWS_OF_A_TABLE - *rows);
                add_rows(table, &batch.slice(0, shown))?;
                *rows += shown;
                *more |= shown < batch.num_rows();
                wanted = !*more;
            }
            Encoder::Csv(writer) => writer.write(batch).map_err(failed)?,
            Encoder::Json(writer, any) => {
                *any |= batch.num_rows() > 0;
                writer.write(batch).map_err(failed)?;
            }
            Encoder::Parquet(writer) => writer.write(batch).map_err(failed)?,
        }
        self.send()?;
        Ok(wanted)
    }

    /// Writes what is left, and puts a file into its place.
    pub fn end(mut self) -> Result<(), Failure> {
        let mut cut = false;
        match &mut self.encoder {
            Encoder::Table { table, more, .. } => {
                cut = *more;
                let text = format!("{table}\n");
                self.waiting.write_all(text.as_bytes()).map_err(failed)?;
            }
            Encoder::Csv(_) => {}
            Encoder::Json(writer, any) => {
                writer.finish().map_err(failed)?;
                if !*any {
                    // The writer writes nothing at all where there is no row.
                    self.waiting.take();
                    self.waiting.write_all(b"[]").map_err(failed)?;
                }
                self.waiting.write_all(b"\n").map_err(failed)?;
            }
            Encoder::Parquet(writer) => {
                writer.finish().map_err(failed)?;
            }
        }
        self.send()?;
        if let Some(file) = self.file.take() {
            file.publish()?;
        }
        if cut {
            message(&format!(
                "only the first {MOST_ROWS_OF_A_TABLE} rows are shown; --format csv, json or parquet writes all of them"
            ));
        }
        Ok(())
    }

    fn send(&mut self) -> Result<(), Failure> {
        let bytes = self.waiting.take();
        match &mut self.file {
            Some(file) => Ok(file.write(&bytes)?),
            None => print(&bytes),
        }
    }
}

/// Prints rows that are at hand, or writes them to a file.
pub fn rows(schema: &SchemaRef, batches: &[RecordBatch], format: Format, output: Option<&Path>) -> Result<(), Failure> {
    let mut rows = Rows::begin(schema, format, output)?;
    for batch in batches {
        if !rows.write(batch)? {
            break;
        }
    }
    rows.end()
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Machine(format!("cannot print the rows: {error}"))
}

fn heading(schema: &SchemaRef) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    if io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.set_header(schema.fields().iter().map(|field| field.name()));
    table
}

fn add_rows(table: &mut Table, batch: &RecordBatch) -> Result<(), Failure> {
    let options = FormatOptions::default().with_null("");
    let columns: Vec<ArrayFormatter<'_>> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column, &options))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    for row in 0..batch.num_rows() {
        table.add_row(columns.iter().map(|column| column.value(row).to_string()));
    }
    Ok(())
}
