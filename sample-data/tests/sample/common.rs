//! Reading generated extracts in tests.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

/// One row, by column.
pub type Row = HashMap<String, String>;

/// Text of a table's file, gzipped or not.
pub fn text(folder: &Path, table: &str) -> String {
    let plain = folder.join(format!("{table}.csv"));
    if let Ok(text) = std::fs::read_to_string(plain) {
        return text;
    }
    let bytes = std::fs::read(folder.join(format!("{table}.csv.gz"))).expect("a file for each table");
    let mut text = String::new();
    GzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("gzipped text");
    text
}

/// Header of a table's file.
pub fn header(folder: &Path, table: &str) -> Vec<String> {
    text(folder, table).lines().next().expect("a header").split(',').map(str::to_owned).collect()
}

/// Rows of a table's file with the right number of fields, blanks around values taken off.
pub fn rows(folder: &Path, table: &str) -> Vec<Row> {
    let text = text(folder, table);
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").clone();
    reader
        .records()
        .map(|record| record.expect("CSV"))
        .filter(|record| record.len() == header.len())
        .map(|record| header.iter().map(str::to_owned).zip(record.iter().map(str::to_owned)).collect())
        .collect()
}

/// The first field of every line, however many fields it has.
pub fn first_fields(folder: &Path, table: &str) -> HashSet<String> {
    let text = text(folder, table);
    text.lines().skip(1).filter_map(|line| line.split(',').next()).map(|field| field.trim().to_owned()).collect()
}

/// The date in a date or instant, if it is one.
pub fn date(text: &str) -> Option<jiff::civil::Date> {
    text.get(..10)?.parse().ok()
}

/// Days from one date to another.
pub fn days(from: jiff::civil::Date, to: jiff::civil::Date) -> i32 {
    from.until(to).expect("days").get_days()
}
