//! What no single row shows: days before birth and after death, and how far the data reach.

use std::collections::HashMap;

use carecoord_lake::contract::{Contract, Severity};
use polars::prelude::*;

use super::{Context, Life, Lives, Merged, Places, engine, iso_date};
use crate::checks::CheckSettings;
use crate::error::Result;

/// Statuses of rows that have not happened, or not as the row says.
const NOT_HAPPENED: [&str; 11] = [
    "planned",
    "cancelled",
    "entered-in-error",
    "draft",
    "proposed",
    "pending",
    "booked",
    "waitlist",
    "noshow",
    "revoked",
    "not-started",
];

/// A check's name for a day before the patient's birth.
pub const BEFORE_BIRTH: &str = "before_birth";
/// A check's name for a day after the patient's death.
pub const AFTER_DEATH: &str = "after_death";

/// Whether each row has happened, by its status.
fn happened(rows: &DataFrame) -> Vec<bool> {
    let statuses = rows.column("status").ok().and_then(|column| column.str().ok().cloned());
    match statuses {
        Some(statuses) => {
            statuses.iter().map(|status| !status.is_some_and(|status| NOT_HAPPENED.contains(&status))).collect()
        }
        None => vec![true; rows.height()],
    }
}

/// Months since 1970-01 of a day.
#[must_use]
pub fn month_of(day: i32) -> i32 {
    let date = jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(day));
    (i32::from(date.year()) - 1970) * 12 + i32::from(date.month()) - 1
}

/// A check's name for one value in every row of a column that should vary.
pub const SINGLE_VALUE: &str = "single_value";
/// Rows from which one value in all of them is no chance.
pub const SINGLE_FROM: u64 = 20;

/// Whether a column holds one value, and which.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Single {
    /// Filled cells.
    pub filled: u64,
    /// The one value; none where there are several, or none at all.
    pub value: Option<String>,
    /// Whether there are several.
    pub several: bool,
}

impl Single {
    /// The same of two buckets together.
    pub fn add(&mut self, other: &Self) {
        self.several |= other.several || matches!((&self.value, &other.value), (Some(one), Some(two)) if one != two);
        self.filled += other.filled;
        let value = self.value.take().or_else(|| other.value.clone());
        self.value = value.filter(|_| !self.several);
    }
}

/// What the columns that should vary hold.
pub(super) fn singles(contract: &Contract, merged: &mut Merged) -> Result<()> {
    for column in contract.columns.iter().filter(|column| column.varies) {
        let values = merged.rows.column(&column.name).map_err(engine)?.drop_nulls();
        let mut single = Single { filled: values.len() as u64, ..Single::default() };
        if let (Ok(first), Ok(last)) = (values.get(0), values.get(values.len().saturating_sub(1))) {
            single.several =
                first != last || (1..values.len()).any(|row| values.get(row).ok().as_ref() != Some(&first));
            let text = match &first {
                AnyValue::Date(day) => iso_date(*day),
                other => other.str_value().into_owned(),
            };
            single.value = (!single.several).then_some(text);
        }
        merged.singles.insert(column.name.clone(), single);
    }
    Ok(())
}

/// How far the rows reach in time.
pub(super) fn times(contract: &Contract, context: &Context, merged: &mut Merged) -> Result<()> {
    let Some(time) = &contract.time else { return Ok(()) };
    let rows = merged.rows.clone();
    let dates = rows.column(time).and_then(Column::date).map_err(engine)?;
    merged.dates = dates.physical().min().zip(dates.physical().max());
    // A day that can be agreed ahead says nothing of what has happened, but for encounters, whose status says it.
    let ahead = contract.column(time).is_some_and(|column| column.ahead_days.is_some() || column.open_end);
    if ahead && contract.column("ended_at").is_none() {
        return Ok(());
    }
    let mut latest: [Option<i32>; 2] = [None, None];
    let mut days: HashMap<i32, u64> = HashMap::new();
    for (day, happened) in dates.physical().iter().zip(happened(&rows)) {
        let possible = |day: &i32| happened && context.last_day.is_none_or(|last| *day <= last);
        let Some(day) = day.filter(possible) else { continue };
        *days.entry(day).or_default() += 1;
        if Some(day) > latest[0] {
            latest = [Some(day), latest[0]];
        } else if Some(day) > latest[1] {
            latest[1] = Some(day);
        }
    }
    merged.happened = latest.into_iter().flatten().collect();
    for (day, rows) in days {
        *merged.months.entry(month_of(day)).or_default() += rows;
    }
    Ok(())
}

/// Rows that lie before their patient's birth or after the death.
pub(super) fn lives(contract: &Contract, settings: &CheckSettings, lives: &Lives, merged: &mut Merged) -> Result<()> {
    let (Some(time), Some(patient)) = (&contract.time, &contract.bucket_by) else { return Ok(()) };
    let ahead = contract.column(time).is_some_and(|column| column.ahead_days.is_some() || column.open_end);
    if lives.is_empty() || (ahead && contract.column("ended_at").is_none() && time != "start_date") {
        return Ok(());
    }
    let severity = |check: &str| settings.severity(&contract.name, time, check).unwrap_or(Severity::Warn);
    let (early, late) = (severity(BEFORE_BIRTH), severity(AFTER_DEATH));
    let rows = merged.rows.clone();
    let place = Places::new(&rows)?;
    let patients = rows.column(patient).and_then(Column::str).map_err(engine)?;
    let dates = rows.column(time).and_then(Column::date).map_err(engine)?;
    let happened = happened(&rows);
    let keys = contract.key.first().and_then(|key| rows.column(key).ok()?.str().ok().cloned());
    let named = |row: usize, day: i32| {
        let key = keys.as_ref().and_then(|keys| keys.get(row)).unwrap_or_default();
        format!("{key}: {}", iso_date(day))
    };
    let (mut before, mut life): (Option<&str>, Option<&Life>) = (None, None);
    for (row, (id, day)) in patients.iter().zip(dates.physical().iter()).enumerate() {
        // Rows are in order of patient.
        if id != before {
            (before, life) = (id, id.and_then(|id| lives.get(&super::hash_of(id.as_bytes()))));
        }
        let (Some(day), Some((birth, death)), true) = (day, life, happened[row]) else { continue };
        let (extract, record) = place.of(row);
        if birth.is_some_and(|birth| day < birth) {
            merged.find(extract, record, BEFORE_BIRTH, time, early, &named(row, day));
        } else if death.is_some_and(|death| day > death) && !ahead_of_death(contract) {
            merged.find(extract, record, AFTER_DEATH, time, late, &named(row, day));
        }
    }
    Ok(())
}

/// Tables whose rows rightly come after death: answers of those left behind, sampling, and spans that begin for all.
fn ahead_of_death(contract: &Contract) -> bool {
    contract.name.starts_with("survey_")
}
