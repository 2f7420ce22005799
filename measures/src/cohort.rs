//! The units of a cohort: who could count. What all measures of a cohort need to know of a unit (its person and month, who answers
//! for it, who pays, and the groups that rates are split by) is found once for each group of buckets, and stored once.

use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use arrow::array::{Array, AsArray, Date32Array, RecordBatch, StringViewArray, UInt32Array};
use arrow::compute::take;
use datafusion::common::HashMap;
use foldhash::quality::RandomState;

use crate::completion::FIRST_SUBGROUP;
use crate::dictionary::NONE;
use crate::error::{MeasureError, Result};
use crate::people::{People, dates, texts};

/// A unit of a cohort. Codes are those of [`crate::completion::dictionary`]; [`NONE`] stands for null.
#[derive(Debug, Clone, Copy)]
pub struct CohortUnit {
    /// Place of the patient among [`People`].
    pub person: u32,
    /// The day that puts the unit into its period.
    pub index_date: Option<i32>,
    /// Place of the month among those of the span; [`NONE`] outside it.
    pub month: u32,
    /// Payer.
    pub payer: u32,
    /// Codes of the levels and of what persons are split by, in the order of [`crate::completion::SPLITS`].
    pub splits: [u32; FIRST_SUBGROUP],
}

/// Columns of text by which units are known, beside identifier and patient. A query need not have them.
pub const UNIT_TEXTS: [&str; 9] = [
    "organization_id",
    "practitioner_id",
    "coordinator_id",
    "payer_id",
    "sex",
    "race",
    "ethnicity",
    "language",
    "deprivation",
];

/// The columns of rows by which units are known: rows that agree in all of them are about the same unit of a cohort.
#[derive(Debug, Clone)]
pub struct UnitColumns {
    /// Identifiers.
    pub unit_id: StringViewArray,
    /// Patients.
    pub patient_id: StringViewArray,
    /// Index dates.
    pub index_date: Date32Array,
    /// Dates of birth, where the query says them itself.
    pub birth_date: Option<Date32Array>,
    /// Those of [`UNIT_TEXTS`] that the query has.
    pub texts: [Option<StringViewArray>; UNIT_TEXTS.len()],
}

impl UnitColumns {
    /// Those of the rows of a query.
    ///
    /// # Errors
    /// When a column does not have the type that it must have.
    pub fn of(rows: &RecordBatch) -> Result<Self> {
        let mut found = [const { None }; UNIT_TEXTS.len()];
        for (column, name) in found.iter_mut().zip(UNIT_TEXTS) {
            *column = rows.column_by_name(name).map(|_| texts(rows, name)).transpose()?;
        }
        Ok(Self {
            unit_id: texts(rows, "unit_id")?,
            patient_id: texts(rows, "patient_id")?,
            index_date: dates(rows, "index_date")?,
            birth_date: rows.column_by_name("birth_date").map(|_| dates(rows, "birth_date")).transpose()?,
            texts: found,
        })
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.unit_id.len()
    }

    /// The day that puts a row into its period.
    #[must_use]
    pub fn day(&self, row: usize) -> Option<i32> {
        self.index_date.is_valid(row).then(|| self.index_date.value(row))
    }

    /// Whether the query has one of [`UNIT_TEXTS`].
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&StringViewArray> {
        UNIT_TEXTS.iter().position(|known| *known == name).and_then(|place| self.texts[place].as_ref())
    }

    fn all_texts(&self) -> impl Iterator<Item = Option<&StringViewArray>> {
        [Some(&self.unit_id), Some(&self.patient_id)].into_iter().chain(self.texts.iter().map(Option::as_ref))
    }

    fn all_dates(&self) -> [Option<&Date32Array>; 2] {
        [Some(&self.index_date), self.birth_date.as_ref()]
    }

    /// Some of the rows.
    fn take(&self, rows: &[u32]) -> Result<Self> {
        let rows = UInt32Array::from(rows.to_vec());
        let mut texts = [const { None }; UNIT_TEXTS.len()];
        for (taken, column) in texts.iter_mut().zip(&self.texts) {
            *taken = column.as_ref().map(|column| taken_texts(column, &rows)).transpose()?;
        }
        Ok(Self {
            unit_id: taken_texts(&self.unit_id, &rows)?,
            patient_id: taken_texts(&self.patient_id, &rows)?,
            index_date: taken_dates(&self.index_date, &rows)?,
            birth_date: self.birth_date.as_ref().map(|column| taken_dates(column, &rows)).transpose()?,
            texts,
        })
    }

    /// A number of 128 bits for each row. Rows that agree in all columns have the same, and others do not: of a billion units no two
    /// have one by chance but once in 10^20 runs.
    fn keys(&self, states: &[RandomState; 2]) -> Vec<u128> {
        let texts: Vec<_> = self.all_texts().collect();
        let dates = self.all_dates();
        let key = |row: usize| {
            let hash = |state: &RandomState| {
                let mut hasher = state.build_hasher();
                for text in &texts {
                    hash_text(&mut hasher, *text, row);
                }
                for date in dates {
                    let day = date.map(|date| if date.is_valid(row) { date.value(row).into() } else { i64::MAX });
                    hasher.write_i64(day.unwrap_or(i64::MIN));
                }
                hasher.finish()
            };
            u128::from(hash(&states[0])) << 64 | u128::from(hash(&states[1]))
        };
        (0..self.len()).map(key).collect()
    }

    /// Whether the columns are those that another batch had: variants of a definition read one batch after the other from the same
    /// memory.
    #[must_use]
    pub fn same_memory(&self, other: &Self) -> bool {
        let same = |one: &dyn Array, two: &dyn Array| one.to_data().ptr_eq(&two.to_data());
        let texts = self.all_texts().zip(other.all_texts()).all(|pair| match pair {
            (Some(one), Some(two)) => same(one, two),
            (None, None) => true,
            _ => false,
        });
        texts
            && self.all_dates().into_iter().zip(other.all_dates()).all(|pair| match pair {
                (Some(one), Some(two)) => same(one, two),
                (None, None) => true,
                _ => false,
            })
    }

    /// The order of two units that agree in patient, day and identifier.
    fn compare(&self, row: usize, other: &Self, of_other: usize) -> std::cmp::Ordering {
        let text = |column: Option<&StringViewArray>, row: usize| {
            column.map(|column| column.is_valid(row).then(|| column.value(row).to_owned()))
        };
        let date = |column: Option<&Date32Array>, row: usize| {
            column.map(|column| column.is_valid(row).then(|| column.value(row)))
        };
        let texts = self.all_texts().map(|column| text(column, row));
        texts.cmp(other.all_texts().map(|column| text(column, of_other))).then_with(|| {
            let dates = self.all_dates().into_iter().map(|column| date(column, row));
            dates.cmp(other.all_dates().into_iter().map(|column| date(column, of_other)))
        })
    }
}

fn taken_texts(column: &StringViewArray, rows: &UInt32Array) -> Result<StringViewArray> {
    Ok(take(column, rows, None).map_err(|error| MeasureError::engine("the units", error))?.as_string_view().clone())
}

fn taken_dates(column: &Date32Array, rows: &UInt32Array) -> Result<Date32Array> {
    Ok(take(column, rows, None).map_err(|error| MeasureError::engine("the units", error))?.as_primitive().clone())
}

/// The longest text that a view holds itself, in bytes.
const INLINE: u32 = 12;

/// The length of the text of a view: its lowest four bytes.
#[allow(clippy::cast_possible_truncation)]
fn length(view: u128) -> u32 {
    view as u32
}

fn hash_text(hasher: &mut impl Hasher, column: Option<&StringViewArray>, row: usize) {
    let Some(column) = column else { return hasher.write_u8(0) };
    if column.is_null(row) {
        return hasher.write_u8(1);
    }
    let view = column.views()[row];
    if length(view) <= INLINE { hasher.write_u128(view) } else { hasher.write(column.value(row).as_bytes()) }
}

/// A text that is put after all others where there is none.
fn nulls_last(text: Option<&str>) -> (bool, &str) {
    (text.is_none(), text.unwrap_or_default())
}

/// Keys are hashes already.
#[derive(Debug, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    #[allow(clippy::cast_possible_truncation)] // The other half tells the keys of one hash apart.
    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }
}

/// The units of a cohort and a group of buckets. Measures that run at the same time add to it.
#[derive(Debug, Default)]
pub struct Cohort(RwLock<CohortUnits>);

/// The units of a cohort by place: the order in which they came.
#[derive(Debug, Default)]
pub struct CohortUnits {
    /// What is known of each.
    pub units: Vec<CohortUnit>,
    /// The unit of each key of its columns, and what keys are made with: another secret in each run, so that nobody can choose
    /// identifiers that share a key.
    places: HashMap<u128, u32, BuildHasherDefault<AsIs>>,
    states: [RandomState; 2],
    /// Where the columns of each lie.
    rows: Vec<(u32, u32)>,
    batches: Vec<UnitColumns>,
}

impl CohortUnits {
    fn add(&mut self, key: u128, unit: CohortUnit, row: (u32, u32)) -> u32 {
        let place = u32::try_from(self.units.len()).unwrap_or(NONE);
        self.places.insert(key, place);
        self.units.push(unit);
        self.rows.push(row);
        place
    }

    fn columns(&self, place: u32) -> (&UnitColumns, usize) {
        let (batch, row) = self.rows[place as usize];
        (&self.batches[batch as usize], row as usize)
    }

    /// The identifier of a unit.
    #[must_use]
    pub fn unit_id(&self, place: u32) -> Option<&str> {
        let (columns, row) = self.columns(place);
        columns.unit_id.is_valid(row).then(|| columns.unit_id.value(row))
    }

    /// The patient of a unit.
    #[must_use]
    pub fn patient_id(&self, place: u32) -> Option<&str> {
        let (columns, row) = self.columns(place);
        columns.patient_id.is_valid(row).then(|| columns.patient_id.value(row))
    }

    /// The places of the units that `wanted` names, in order of patient, index date and identifier; empty values come last.
    #[must_use]
    pub fn in_order(&self, people: &People, wanted: &[bool]) -> Vec<u32> {
        let key = |place: u32| {
            let unit = &self.units[place as usize];
            let person = self.patient_id(place).map_or(u64::MAX, |patient| people.order(unit.person, patient));
            (person, unit.index_date.map_or(i64::MAX, i64::from))
        };
        let places = (0_u32..).zip(wanted).filter(|(_, wanted)| **wanted).map(|(place, _)| place);
        let mut order: Vec<((u64, i64), u32)> = places.map(|place| (key(place), place)).collect();
        order.sort_unstable_by(|(one, place), (other, of)| {
            one.0
                .cmp(&other.0)
                // Patients that nothing is known of share a place.
                .then_with(|| match one.0 % 2 {
                    0 => nulls_last(self.patient_id(*place)).cmp(&nulls_last(self.patient_id(*of))),
                    _ => std::cmp::Ordering::Equal,
                })
                .then_with(|| one.1.cmp(&other.1))
                .then_with(|| nulls_last(self.unit_id(*place)).cmp(&nulls_last(self.unit_id(*of))))
                .then_with(|| {
                    let ((one, row), (other, of_other)) = (self.columns(*place), self.columns(*of));
                    one.compare(row, other, of_other)
                })
        });
        order.into_iter().map(|(_, place)| place).collect()
    }
}

impl Cohort {
    /// The places of the units that rows are about. Units that are new are completed.
    ///
    /// # Errors
    /// When rows cannot be taken, which their columns rule out.
    pub fn places(
        &self,
        columns: &UnitColumns,
        complete: impl Fn(&UnitColumns) -> Vec<CohortUnit>,
    ) -> Result<Vec<u32>> {
        let keys = columns.keys(&self.units().states);
        let mut places: Vec<u32> = Vec::with_capacity(keys.len());
        let mut missing: Vec<u32> = Vec::new();
        {
            let known = self.units();
            for (row, key) in (0_u32..).zip(&keys) {
                let place = known.places.get(key).copied().unwrap_or(NONE);
                if place == NONE {
                    missing.push(row);
                }
                places.push(place);
            }
        }
        if missing.is_empty() {
            return Ok(places);
        }
        // Few rows of a large batch must not keep all of its memory.
        let new = if missing.len() * 2 > columns.len() { None } else { Some(columns.take(&missing)?) };
        let completed = complete(new.as_ref().unwrap_or(columns));
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let batch = u32::try_from(known.batches.len()).unwrap_or(NONE);
        let all = new.is_none();
        known.batches.push(new.unwrap_or_else(|| columns.clone()));
        for (of_new, row) in (0_u32..).zip(missing) {
            let key = keys[row as usize];
            let of_batch = if all { row } else { of_new };
            // Another row of the batch, or of another thread, may have been first.
            places[row as usize] = match known.places.get(&key) {
                Some(found) => *found,
                None => known.add(key, completed[of_batch as usize], (batch, of_batch)),
            };
        }
        Ok(places)
    }

    /// All units.
    pub fn units(&self) -> RwLockReadGuard<'_, CohortUnits> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// All units, when no more will come.
    #[must_use]
    pub fn into_units(self) -> CohortUnits {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(rows: &[(&str, Option<&str>, i32, Option<&str>)]) -> UnitColumns {
        let mut texts = [const { None }; UNIT_TEXTS.len()];
        texts[1] = Some(rows.iter().map(|(_, _, _, practitioner)| *practitioner).collect());
        UnitColumns {
            unit_id: rows.iter().map(|(unit, ..)| Some(*unit)).collect(),
            patient_id: rows.iter().map(|(_, patient, ..)| *patient).collect(),
            index_date: rows.iter().map(|(_, _, day, _)| Some(*day)).collect(),
            birth_date: None,
            texts,
        }
    }

    fn complete(columns: &UnitColumns) -> Vec<CohortUnit> {
        let unit = |row| CohortUnit {
            person: 0,
            index_date: columns.day(row),
            month: NONE,
            payer: NONE,
            splits: [NONE; FIRST_SUBGROUP],
        };
        (0..columns.len()).map(unit).collect()
    }

    #[test]
    fn rows_that_agree_in_all_columns_are_about_one_unit() {
        let cohort = Cohort::default();
        let places =
            |rows: &[(&str, Option<&str>, i32, Option<&str>)]| cohort.places(&columns(rows), complete).expect("places");
        let long = "a unit whose name no view holds itself";
        let first = [("a", Some("p"), 1, None), (long, Some("p"), 1, Some("d")), ("a", Some("p"), 1, None)];
        assert_eq!(places(&first), [0, 1, 0]);
        // In another batch, among new ones, and with each column changed in turn.
        let others = [
            (long, Some("p"), 1, Some("d")),
            ("b", Some("p"), 1, None),
            ("a", Some("q"), 1, None),
            ("a", None, 1, None),
            ("a", Some("p"), 2, None),
            ("a", Some("p"), 1, Some("")),
            ("a", Some("p"), 1, None),
        ];
        assert_eq!(places(&others), [1, 2, 3, 4, 5, 6, 0]);
        // A query that does not say who answers is about other units than one that says nobody.
        let silent = UnitColumns { texts: [const { None }; UNIT_TEXTS.len()], ..columns(&first) };
        assert_eq!(cohort.places(&silent, complete).expect("places"), [7, 8, 7]);
        let known = cohort.into_units();
        assert_eq!((known.unit_id(1), known.patient_id(4), known.units[5].index_date), (Some(long), None, Some(2)));
        // Few new rows of a batch were copied, all of a batch were kept.
        assert_eq!(known.batches.iter().map(UnitColumns::len).collect::<Vec<_>>(), [3, 7, 3]);
    }

    #[test]
    fn units_are_in_order_of_patient_day_and_name() {
        let cohort = Cohort::default();
        let rows =
            [("b", Some("q"), 1, None), ("b", Some("p"), 2, None), ("a", Some("p"), 2, None), ("z", None, 0, None)];
        cohort.places(&columns(&rows), complete).expect("places");
        let known = cohort.into_units();
        let people = People::default();
        assert_eq!(known.in_order(&people, &[true; 4]), [2, 1, 0, 3]);
        assert_eq!(known.in_order(&people, &[true, false, true, false]), [2, 0]);
    }

    #[test]
    fn threads_that_meet_a_unit_at_the_same_time_agree() {
        let cohort = Cohort::default();
        let names: Vec<String> = (0..2_000).map(|number| format!("unit {}", number % 500)).collect();
        let rows: Vec<_> = names.iter().map(|name| (name.as_str(), Some("p"), 1, None)).collect();
        let places = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|thread| {
                    let (cohort, rows) = (&cohort, &rows[thread * 100..]);
                    scope.spawn(move || cohort.places(&columns(&rows[..1_000]), complete).expect("places"))
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
        });
        let known = cohort.into_units();
        assert_eq!(known.units.len(), 500);
        for (thread, places) in places.iter().enumerate() {
            for (row, place) in places.iter().enumerate() {
                assert_eq!(known.unit_id(*place), Some(names[thread * 100 + row].as_str()));
            }
        }
    }
}
