//! The only place that prints: results to standard output, messages and progress to standard error.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use carecoord_lake::{files, parquet_file};
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::Format;
use crate::failure::Failure;

/// Prints a message.
pub fn message(text: &str) {
    eprintln!("{text}");
}

/// Prints a line of a result. A reader that has gone away is no error.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A spinner on a terminal; nothing elsewhere.
pub struct Progress(ProgressBar);

impl Progress {
    /// Begins.
    pub fn new() -> Self {
        if !std::io::stderr().is_terminal() {
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
        self.0.set_message(text.to_owned());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A table of texts.
pub fn table(header: &[&str], rows: &[Vec<String>]) {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    line(&table.to_string());
}

/// Prints rows, or writes them to a file made for the owner alone.
pub fn rows(schema: &SchemaRef, batches: &[RecordBatch], format: Format, output: Option<&Path>) -> Result<(), Failure> {
    let bytes = match format {
        Format::Table => as_table(schema, batches)?,
        Format::Csv => as_csv(schema, batches)?,
        Format::Json => as_json(batches)?,
        Format::Parquet => match output {
            Some(_) => as_parquet(schema, batches)?,
            None => return Err(Failure::Usage("--format parquet needs --output FILE".to_owned())),
        },
    };
    match output {
        Some(path) => Ok(files::replace(path, &bytes)?),
        None => {
            let _ = std::io::stdout().write_all(&bytes);
            Ok(())
        }
    }
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Machine(format!("cannot print the rows: {error}"))
}

fn as_table(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Vec<u8>, Failure> {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    if std::io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.set_header(schema.fields().iter().map(|field| field.name()));
    let options = FormatOptions::default().with_null("");
    for batch in batches {
        let columns: Vec<ArrayFormatter<'_>> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        for row in 0..batch.num_rows() {
            table.add_row(columns.iter().map(|column| column.value(row).to_string()));
        }
    }
    Ok(format!("{table}\n").into_bytes())
}

fn as_csv(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Vec<u8>, Failure> {
    let mut writer = arrow::csv::Writer::new(Vec::new());
    for batch in batches {
        writer.write(batch).map_err(failed)?;
    }
    if batches.is_empty() {
        writer.write(&RecordBatch::new_empty(schema.clone())).map_err(failed)?;
    }
    Ok(writer.into_inner())
}

fn as_json(batches: &[RecordBatch]) -> Result<Vec<u8>, Failure> {
    let mut writer = arrow::json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow::json::writer::JsonArray>(Vec::new());
    for batch in batches {
        writer.write(batch).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    let mut bytes = writer.into_inner();
    if bytes.is_empty() {
        bytes.extend_from_slice(b"[]");
    }
    bytes.push(b'\n');
    Ok(bytes)
}

fn as_parquet(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Vec<u8>, Failure> {
    parquet_file::to_bytes(schema, batches).map_err(Failure::from)
}
