//! Expressions that pass each cell of a column through a function.

use polars::prelude::*;

use super::code;
use crate::merge::FastMap;
use crate::text;

/// Distinct cells of a batch that are kept in mind.
const MEMO: usize = 4_096;

/// A text expression through a function on each of its cells.
pub fn each(text: Expr, function: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Expr {
    text.map(
        move |column| {
            let text = column.str()?;
            // Codes and words repeat.
            let mut memo: FastMap<&str, Option<String>> = FastMap::default();
            let mut kept = StringChunkedBuilder::new(text.name().clone(), text.len());
            for cell in text.iter() {
                let Some(cell) = cell else {
                    kept.append_null();
                    continue;
                };
                if let Some(known) = memo.get(cell) {
                    kept.append_option(known.as_deref());
                    continue;
                }
                let made = function(cell);
                kept.append_option(made.as_deref());
                if memo.len() < MEMO {
                    memo.insert(cell, made);
                }
            }
            Ok(kept.finish().into_column())
        },
        |_, field| Ok(Field::new(field.name().clone(), DataType::String)),
    )
}

/// A text expression through a function that returns each cell, a part of it, or nothing.
pub fn each_part(text: Expr, function: impl for<'a> Fn(&'a str) -> Option<&'a str> + Send + Sync + 'static) -> Expr {
    text.map(
        move |column| {
            let text = column.str()?;
            // The function leaves every cell of almost every batch as it is, and then nothing is copied.
            if text.iter().flatten().all(|cell| function(cell).is_some_and(|part| part.len() == cell.len())) {
                return Ok(column);
            }
            let kept: StringChunked = text.iter().map(|value| value.and_then(&function)).collect();
            Ok(kept.with_name(text.name().clone()).into_column())
        },
        |_, field| Ok(Field::new(field.name().clone(), DataType::String)),
    )
}

/// Whether a function holds for each cell; false for no value.
pub fn holds(text: Expr, function: impl Fn(&str) -> bool + Send + Sync + 'static) -> Expr {
    text.map(
        move |column| {
            let text = column.str()?;
            let found: BooleanChunked = text.iter().map(|value| Some(value.is_some_and(&function))).collect();
            Ok(found.with_name(text.name().clone()).into_column())
        },
        |_, field| Ok(Field::new(field.name().clone(), DataType::Boolean)),
    )
}

/// Days of each cell.
pub fn days(text: Expr, function: impl Fn(&str) -> Option<i32> + Send + Sync + 'static) -> Expr {
    text.map(
        move |column| {
            let text = column.str()?;
            // A file has few days.
            let mut memo: FastMap<&str, Option<i32>> = FastMap::default();
            let mut days: Vec<Option<i32>> = Vec::with_capacity(text.len());
            for cell in text.iter() {
                let Some(cell) = cell else {
                    days.push(None);
                    continue;
                };
                if let Some(known) = memo.get(cell) {
                    days.push(*known);
                    continue;
                }
                let made = function(cell);
                if memo.len() < MEMO {
                    memo.insert(cell, made);
                }
                days.push(made);
            }
            let days: Int32Chunked = days.into_iter().collect();
            Ok(days.with_name(text.name().clone()).into_date().into_column())
        },
        |_, field| Ok(Field::new(field.name().clone(), DataType::Date)),
    )
}

/// The type of an instant.
pub fn utc() -> DataType {
    DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
}

/// Instants of each cell.
pub fn instants(text: Expr, function: impl Fn(&str) -> Option<i64> + Send + Sync + 'static) -> Expr {
    text.map(
        move |column| {
            let text = column.str()?;
            let micros: Int64Chunked = text.iter().map(|value| value.and_then(&function)).collect();
            let micros = micros.with_name(text.name().clone());
            Ok(micros.into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)).into_column())
        },
        |_, field| Ok(Field::new(field.name().clone(), utc())),
    )
}

/// Why each cell whose value is missing could not be cast, by a function of its text.
pub fn codes_of(text: Expr, value: Expr, why: impl Fn(&str) -> u32 + Send + Sync + 'static) -> Expr {
    text.map_many(
        move |columns| {
            let (text, value) = (columns[0].str()?.clone(), &columns[1]);
            let name = text.name().clone();
            // Nothing is amiss in almost every batch.
            if text.null_count() == value.null_count() {
                return Ok(Column::new_scalar(name, Scalar::from(code::FINE), text.len()));
            }
            let missing = value.is_null();
            let codes: Vec<u32> = text
                .iter()
                .zip(missing.iter())
                .map(|(text, missing)| match text {
                    Some(text) if missing == Some(true) => why(text),
                    _ => code::FINE,
                })
                .collect();
            Ok(Column::new(name, codes))
        },
        &[value],
        |_, fields| Ok(Field::new(fields[0].name().clone(), DataType::UInt32)),
    )
}

/// Identifiers without invisible characters.
pub fn each_identifier(value: Expr) -> Expr {
    value.map(
        |column| {
            let text = column.str()?;
            // No identifier of almost any batch has such a character.
            if !text.iter().flatten().any(|cell| text::without_invisible(cell).is_some()) {
                return Ok(column);
            }
            let kept: StringChunked = text
                .iter()
                .map(|cell| cell.map(|cell| text::without_invisible(cell).unwrap_or_else(|| cell.to_owned())))
                .collect();
            Ok(kept.with_name(text.name().clone()).into_column())
        },
        |_, field| Ok(field.clone()),
    )
}

/// Yes or no in the usual words; no value for any other.
pub fn boolean(raw: &Expr) -> Expr {
    let lower = raw.clone().str().to_lowercase();
    let is_one_of = |words: &[&str]| words.iter().fold(lit(false), |any, word| any.or(lower.clone().eq(lit(*word))));
    when(is_one_of(&["true", "t", "yes", "y", "1", "1.0"]))
        .then(lit(true))
        .when(is_one_of(&["false", "f", "no", "n", "0", "0.0"]))
        .then(lit(false))
        .otherwise(lit(NULL))
}
