//! What measures say of units: who counts, who meets the numerator, why not, and by what evidence. Read from the rows of a measure's
//! SQL, beside the units of the cohort that these are about.

use std::sync::Arc;

use arrow::array::{
    Array, AsArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, RecordBatch, StringViewArray,
};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use datafusion::common::HashMap;

use crate::cohort::UnitColumns;
use crate::completion::{OwnTexts, VARIANT};
use crate::definition::{Feed, Kind, Measure, SUBGROUPS};
use crate::dictionary::NONE;
use crate::error::{MeasureError, Result};
use crate::people::{as_groups, column, dates, texts};
use crate::span::{Span, days};
use crate::sums::DIGITS;

/// Codes of rows; [`NONE`] stands for null. Without an element where all are null.
#[derive(Debug, Clone, Default)]
pub struct Codes(Vec<u32>);

impl Codes {
    /// Of all rows.
    #[must_use]
    pub fn new(codes: Vec<u32>) -> Self {
        if codes.iter().all(|code| *code == NONE) { Self::default() } else { Self(codes) }
    }

    /// The code of a row.
    #[must_use]
    pub fn at(&self, row: usize) -> u32 {
        self.0.get(row).copied().unwrap_or(NONE)
    }

    /// Appends the code of row `row`, which is the next one.
    pub fn push(&mut self, row: usize, code: u32) {
        if code != NONE {
            self.0.resize(row, NONE);
            self.0.push(code);
        }
    }
}

/// What units add.
#[derive(Debug, Clone)]
pub enum Numbers {
    /// One for each whose flag is true, and zero for each whose flag is false.
    Flags,
    /// Numbers that the measure says, and the same as whole numbers of a unit in the last digit kept.
    Said(Float64Array, Decimal128Array),
}

impl Numbers {
    fn of(rows: &RecordBatch, name: &str) -> Result<Self> {
        let Some(numbers) = rows.column_by_name(name) else { return Ok(Self::Flags) };
        let options = arrow::compute::CastOptions { safe: false, ..Default::default() };
        let exact =
            arrow::compute::cast_with_options(numbers, &DataType::Decimal128(19, DIGITS), &options).map_err(odd)?;
        let numbers = arrow::compute::cast(numbers, &DataType::Float64).map_err(odd)?;
        Ok(Self::Said(numbers.as_primitive::<Float64Type>().clone(), exact.as_primitive::<Decimal128Type>().clone()))
    }

    /// What a row adds, as a number. `flag` is the row's flag.
    #[must_use]
    pub fn number(&self, row: usize, flag: Option<bool>) -> Option<f64> {
        match self {
            Self::Flags => flag.map(|flag| if flag { 1.0 } else { 0.0 }),
            Self::Said(numbers, _) => numbers.is_valid(row).then(|| numbers.value(row)),
        }
    }

    /// What a row adds, exactly: a whole number of units of 10^-`DIGITS`.
    #[must_use]
    pub fn exact(&self, row: usize, flag: Option<bool>) -> i128 {
        match self {
            Self::Flags => {
                if flag == Some(true) {
                    10_i128.pow(u32::from(DIGITS.unsigned_abs()))
                } else {
                    0
                }
            }
            Self::Said(_, exact) => {
                if exact.is_valid(row) {
                    exact.value(row)
                } else {
                    0
                }
            }
        }
    }
}

/// Outcomes of the measures of one pass, by column.
#[derive(Debug)]
pub struct Outcomes {
    /// Which of the measures of the pass a row is of.
    pub measure: Vec<u32>,
    /// The measure that all rows are of, if they are of one.
    pub only: Option<u32>,
    /// Places of the units in their cohort.
    pub place: Arc<[u32]>,
    /// Whether it counts, maturity aside.
    pub in_denominator: BooleanArray,
    /// Reasons for leaving the denominator.
    pub exclusion: Codes,
    /// Whether it meets the numerator.
    pub in_numerator: BooleanArray,
    /// Reasons for leaving after all.
    pub exception: Codes,
    /// What it adds to the numerator.
    pub numerator: Numbers,
    /// What it adds to the denominator.
    pub denominator: Numbers,
    /// Items, or how waits ended.
    pub component: Codes,
    /// The day on which it has been followed up, where the measure says it: else its window after the index date.
    pub mature_on: Option<Date32Array>,
    /// Evidence.
    pub evidence: StringViewArray,
    /// What the measure itself splits by.
    pub subgroups: [Codes; SUBGROUPS.len()],
}

/// A flag that may be null.
#[must_use]
pub fn flag(flags: &BooleanArray, row: usize) -> Option<bool> {
    flags.is_valid(row).then(|| flags.value(row))
}

impl Outcomes {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.place.len()
    }

    /// Whether a row counts, maturity aside.
    #[must_use]
    pub fn counts(&self, row: usize) -> Option<bool> {
        flag(&self.in_denominator, row)
    }

    /// Whether a row meets the numerator.
    #[must_use]
    pub fn meets(&self, row: usize) -> Option<bool> {
        flag(&self.in_numerator, row)
    }

    /// What a row adds to the denominator, as a number.
    #[must_use]
    pub fn denominator(&self, row: usize) -> Option<f64> {
        self.denominator.number(row, self.counts(row).filter(|counts| *counts))
    }

    /// The same, exactly.
    #[must_use]
    pub fn exact_denominator(&self, row: usize) -> i128 {
        self.denominator.exact(row, self.counts(row))
    }
}

/// Reads the outcomes of the measures of one pass.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// The measures.
    pub measures: &'a [Measure],
    /// What is measured.
    pub span: &'a Span,
    /// Texts of the pass by code.
    pub own: &'a OwnTexts,
}

impl Reading<'_> {
    fn feed(&self) -> Feed {
        self.measures.first().map_or(Feed::Ehr, |first| first.feed)
    }

    /// The outcomes that rows of the measures' SQL say, of units at these places of their cohort.
    ///
    /// # Errors
    /// When a column does not have the type that it must have.
    pub fn outcomes(&self, rows: &RecordBatch, columns: &UnitColumns, place: Arc<[u32]>) -> Result<Outcomes> {
        let measure = self.measures_of(rows)?;
        let in_denominator = column(rows, "in_denominator", &DataType::Boolean)?.as_boolean().clone();
        let kind = self.measures.first().map_or(Kind::Proportion, |first| first.kind);
        let (in_numerator, component) = if kind == Kind::Time {
            self.waits(rows, &measure, &in_denominator, &columns.index_date)?
        } else {
            let in_numerator = column(rows, "in_numerator", &DataType::Boolean)?.as_boolean().clone();
            (in_numerator, self.own.components.codes(&texts(rows, "component")?))
        };
        let reasons = |name: &str| Ok::<_, MeasureError>(Codes::new(self.own.reasons.codes(&texts(rows, name)?)));
        let mut subgroups = [const { Codes(Vec::new()) }; SUBGROUPS.len()];
        for ((codes, name), dictionary) in subgroups.iter_mut().zip(SUBGROUPS).zip(&self.own.subgroups) {
            *codes = Codes::new(dictionary.codes(&as_groups(&texts(rows, name)?)));
        }
        let only = measure.first().copied().filter(|first| measure.iter().all(|measure| measure == first));
        Ok(Outcomes {
            measure,
            only,
            place,
            in_denominator,
            exclusion: reasons("exclusion_reason")?,
            in_numerator,
            exception: reasons("exception_reason")?,
            numerator: Numbers::of(rows, "numerator")?,
            denominator: Numbers::of(rows, "denominator")?,
            component: Codes::new(component),
            mature_on: rows.column_by_name("mature_on").map(|_| dates(rows, "mature_on")).transpose()?,
            evidence: texts(rows, "evidence")?,
            subgroups,
        })
    }

    /// Which of the measures each row is about.
    fn measures_of(&self, rows: &RecordBatch) -> Result<Vec<u32>> {
        if self.measures.len() == 1 && rows.column_by_name(VARIANT).is_none() {
            return Ok(vec![0; rows.num_rows()]);
        }
        let ids: HashMap<&str, u32> = self.measures.iter().map(|measure| measure.id.as_str()).zip(0..).collect();
        let variants = texts(rows, VARIANT)?;
        let mut last: Option<(u128, u32)> = None;
        let mut found = Vec::with_capacity(variants.len());
        for (row, view) in variants.views().iter().enumerate() {
            // Equal views of one column are equal texts.
            let known = last.filter(|(of, _)| of == view && variants.is_valid(row)).map(|(_, place)| place);
            let place =
                known.or_else(|| if variants.is_valid(row) { ids.get(variants.value(row)).copied() } else { None });
            let place =
                place.ok_or_else(|| MeasureError::engine("the units", "a unit is of no variant of its measure"))?;
            last = Some((*view, place));
            found.push(place);
        }
        Ok(found)
    }

    /// How the wait of each unit of a measure of time ended, and after how many days, as one text: `event|12`, `competing|3`,
    /// `censored|90`. A unit is watched until the horizon of W days (0: none), until the data end, and until `censored_date`. Units
    /// that count other days than calendar days say numbers of days in place of dates: `event_days` and so on; `censored_days` then
    /// is the last day known.
    fn waits(
        &self,
        rows: &RecordBatch,
        measure: &[u32],
        in_denominator: &BooleanArray,
        index_date: &Date32Array,
    ) -> Result<(BooleanArray, Vec<u32>)> {
        let has = |name: &str| rows.column_by_name(name).is_some();
        let days_until = |what: &str| -> Result<Vec<Option<i64>>> {
            if has(&format!("{what}_days")) {
                let found = column(rows, &format!("{what}_days"), &DataType::Int64)?;
                return Ok(found.as_primitive::<Int64Type>().iter().collect());
            }
            let found = dates(rows, &format!("{what}_date"))?;
            let since = |(date, index): (Option<i32>, Option<i32>)| Some(i64::from(date?) - i64::from(index?));
            Ok(found.iter().zip(index_date).map(since).collect())
        };
        let (events, competing) = (days_until("event")?, days_until("competing")?);
        let censored = days_until("censored")?;
        let through = (!has("censored_days")).then(|| i64::from(days(self.span.data_through(self.feed()))));
        let ended = |row: usize| {
            if in_denominator.is_valid(row) && !in_denominator.value(row) {
                return None;
            }
            let window_days = self.measures[measure[row] as usize].window_days;
            let horizon = (window_days > 0).then_some(window_days);
            let loaded = through.filter(|_| index_date.is_valid(row)).map(|day| day - i64::from(index_date.value(row)));
            let last = [censored[row], loaded, horizon].into_iter().flatten().min().unwrap_or(0).max(0);
            let (event, other) = (events[row], competing[row]);
            Some(match (event, other) {
                (Some(event), _) if event <= last && other.is_none_or(|other| event <= other) => ("event", event),
                (_, Some(other)) if other <= last => ("competing", other),
                _ => ("censored", last),
            })
        };
        let ends: Vec<Option<(&str, i64)>> = (0..rows.num_rows()).map(ended).collect();
        let met = ends.iter().map(|end| end.map(|(end, _)| end == "event")).collect();
        // Few ways of ending are met very often.
        let mut codes: HashMap<(&str, i64), u32> = HashMap::new();
        let mut code = |(end, days)| {
            *codes.entry((end, days)).or_insert_with(|| self.own.components.code(&format!("{end}|{days}")))
        };
        Ok((met, ends.into_iter().map(|end| end.map_or(NONE, &mut code)).collect()))
    }
}

/// When units have been followed up: on the day that they say, or their measure's window after the index date.
#[derive(Debug, Clone, Copy)]
pub struct Maturity {
    window_days: i32,
    through: i32,
}

impl Maturity {
    /// Of the units of a measure.
    #[must_use]
    pub fn new(measure: &Measure, span: &Span) -> Self {
        Self {
            window_days: i32::try_from(measure.window_days).unwrap_or(i32::MAX),
            through: days(span.data_through(measure.feed)),
        }
    }

    /// The day on which the window of a unit that does not say it itself is over.
    #[must_use]
    pub fn after(self, index_date: Option<i32>) -> Option<i32> {
        index_date.map(|day| day.saturating_add(self.window_days))
    }

    /// Whether data are loaded up to a day. What is never over is not.
    #[must_use]
    pub fn reached(self, on: Option<i32>) -> bool {
        on.is_some_and(|day| day <= self.through)
    }
}

fn odd(error: arrow::error::ArrowError) -> MeasureError {
    MeasureError::engine("the columns of units", error)
}
