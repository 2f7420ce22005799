//! Units that are kept: what each measure says of the units of its cohort (results table `measure_unit`), and the units themselves
//! (`cohort_unit`). Kept by code while they come, put in order, and named when they are written.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{Date32Type, Int64Type, Schema, SchemaRef};
use carecoord_lake::contract::{self, Contract};
use carecoord_lake::files;
use carecoord_lake::parquet_file::{Writer, lean_properties};

use crate::calendar::first_of_month;
use crate::cohort::{CohortUnit, CohortUnits};
use crate::completion::{FIRST_SUBGROUP, OwnTexts, SPLITS, dictionary};
use crate::definition::{Measure, SUBGROUPS, StoreUnits};
use crate::dictionary::NONE;
use crate::error::{MeasureError, Result};
use crate::outcomes::{Codes, Maturity, Numbers, Outcomes};
use crate::people::{Dictionaries, People};
use crate::span::{Span, days};

/// Rows that are named and written together.
const ROWS_AT_ONCE: usize = 65_536;

/// Texts, one after the other.
#[derive(Debug, Default)]
struct Texts {
    text: String,
    /// Where each ends. Rows after the last have no text.
    ends: Vec<usize>,
}

impl Texts {
    fn push(&mut self, row: usize, text: &str) {
        // Rows without a text end where the one before them does.
        self.ends.resize(row, self.text.len());
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    fn at(&self, row: usize) -> &str {
        let start = row.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(row).map_or("", |end| &self.text[start..*end])
    }
}

/// Flags of a row that is kept.
const COUNTS: u8 = 1;
const COUNTS_KNOWN: u8 = 2;
const MEETS: u8 = 4;
const MEETS_KNOWN: u8 = 8;
const HAS_EVIDENCE: u8 = 16;

/// What a measure says of units, a row after the other, as one thread met them.
#[derive(Debug, Default)]
struct Rows {
    place: Vec<u32>,
    flags: Vec<u8>,
    exclusion: Codes,
    exception: Codes,
    component: Codes,
    subgroups: [Codes; SUBGROUPS.len()],
    /// Without an element where it follows from the flags.
    numerator: Vec<Option<f64>>,
    denominator: Vec<Option<f64>>,
    /// Without an element where it follows from the index date.
    mature_on: Vec<Option<i32>>,
    evidence: Texts,
}

impl Rows {
    fn push(&mut self, outcomes: &Outcomes, row: usize) {
        let at = self.place.len();
        self.place.push(outcomes.place[row]);
        let flag = |flag: Option<bool>, set: u8, known: u8| match flag {
            Some(true) => set | known,
            Some(false) => known,
            None => 0,
        };
        let mut flags =
            flag(outcomes.counts(row), COUNTS, COUNTS_KNOWN) | flag(outcomes.meets(row), MEETS, MEETS_KNOWN);
        self.exclusion.push(at, outcomes.exclusion.at(row));
        self.exception.push(at, outcomes.exception.at(row));
        self.component.push(at, outcomes.component.at(row));
        for (codes, of_row) in self.subgroups.iter_mut().zip(&outcomes.subgroups) {
            codes.push(at, of_row.at(row));
        }
        if let Numbers::Said(..) = outcomes.numerator {
            self.numerator.push(outcomes.numerator.number(row, None));
        }
        if let Numbers::Said(..) = outcomes.denominator {
            self.denominator.push(outcomes.denominator.number(row, None));
        }
        if let Some(mature_on) = &outcomes.mature_on {
            self.mature_on.push(day(mature_on, row));
        }
        if let Some(text) = text(&outcomes.evidence, row) {
            flags |= HAS_EVIDENCE;
            self.evidence.push(at, text);
        }
        self.flags.push(flags);
    }

    fn flag(&self, row: usize, set: u8, known: u8) -> Option<bool> {
        let flags = self.flags[row];
        (flags & known != 0).then_some(flags & set != 0)
    }

    fn counts(&self, row: usize) -> Option<bool> {
        self.flag(row, COUNTS, COUNTS_KNOWN)
    }

    fn meets(&self, row: usize) -> Option<bool> {
        self.flag(row, MEETS, MEETS_KNOWN)
    }

    fn numerator(&self, row: usize) -> Option<f64> {
        self.numerator.get(row).copied().unwrap_or_else(|| Numbers::Flags.number(row, self.meets(row)))
    }

    fn denominator(&self, row: usize) -> Option<f64> {
        let counts = || self.counts(row).filter(|counts| *counts);
        self.denominator.get(row).copied().unwrap_or_else(|| Numbers::Flags.number(row, counts()))
    }

    fn evidence(&self, row: usize) -> Option<&str> {
        (self.flags[row] & HAS_EVIDENCE != 0).then(|| self.evidence.at(row))
    }
}

fn day(days: &Date32Array, row: usize) -> Option<i32> {
    use arrow::array::Array;
    days.is_valid(row).then(|| days.value(row))
}

fn text(texts: &StringViewArray, row: usize) -> Option<&str> {
    use arrow::array::Array;
    texts.is_valid(row).then(|| texts.value(row))
}

fn failed(error: arrow::error::ArrowError) -> MeasureError {
    MeasureError::engine("the units", error)
}

/// What is needed to name the codes of units.
#[derive(Debug, Clone, Copy)]
pub struct Naming<'a> {
    /// The units of the cohort.
    pub cohort: &'a CohortUnits,
    /// Texts of all measures by code.
    pub names: &'a Dictionaries,
    /// Texts of the pass by code.
    pub own: &'a OwnTexts,
}

impl Naming<'_> {
    /// A column of the units at these places; nothing for one that says something of a measure.
    fn unit_column(&self, name: &str, places: &[u32]) -> Option<ArrayRef> {
        let units = || places.iter().map(|place| &self.cohort.units[*place as usize]);
        let codes = |code: &dyn Fn(&CohortUnit) -> u32| units().map(code).collect::<Vec<u32>>();
        Some(match name {
            "unit_id" => Arc::new(places.iter().map(|place| self.cohort.unit_id(*place)).collect::<StringViewArray>()),
            "patient_id" => {
                Arc::new(places.iter().map(|place| self.cohort.patient_id(*place)).collect::<StringViewArray>())
            }
            "index_date" => Arc::new(units().map(|unit| unit.index_date).collect::<Date32Array>()),
            "period" => Arc::new(units().map(|unit| unit.index_date.map(first_of_month)).collect::<Date32Array>()),
            "payer_id" => self.names.payer.column(&codes(&|unit| unit.payer)),
            _ => {
                let split = split(name).filter(|split| *split < FIRST_SUBGROUP)?;
                dictionary(split, self.names, self.own).column(&codes(&|unit| unit.splits[split]))
            }
        })
    }
}

/// The place of a column in [`SPLITS`].
fn split(column: &str) -> Option<usize> {
    SPLITS.iter().position(|split| *split == column.strip_suffix("_id").unwrap_or(column))
}

/// A row that is kept: by which thread, and which of its rows.
type Kept = (u32, u32);

/// What a measure says of the units of a group of buckets, as far as it is kept.
#[derive(Debug, Default)]
pub struct MeasureUnits(Vec<Rows>);

impl MeasureUnits {
    /// Keeps the outcomes that are of one of the measures of a pass, or those of them with an event.
    pub fn keep(&mut self, outcomes: &Outcomes, measure: u32, which: StoreUnits) {
        if outcomes.only.is_some_and(|only| only != measure) {
            return;
        }
        if self.0.is_empty() {
            self.0.push(Rows::default());
        }
        let Some(rows) = self.0.last_mut() else { return };
        for row in 0..outcomes.len() {
            let wanted = which == StoreUnits::All || outcomes.meets(row) == Some(true);
            if wanted && outcomes.measure[row] == measure {
                rows.push(outcomes, row);
            }
        }
    }

    /// Adds what another thread has kept.
    pub fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Marks the units of the cohort that are kept.
    pub fn mark(&self, wanted: &mut [bool]) {
        for place in self.0.iter().flat_map(|rows| &rows.place) {
            wanted[*place as usize] = true;
        }
    }

    fn all(&self) -> impl Iterator<Item = Kept> + '_ {
        (0..).zip(&self.0).flat_map(|(thread, rows)| (0..).zip(&rows.place).map(move |(row, _)| (thread, row)))
    }

    fn place(&self, (thread, row): Kept) -> u32 {
        self.0[thread as usize].place[row as usize]
    }

    /// All rows in the order of their units, and of their components where several are about one unit.
    fn in_order(&self, row_of: &[u32], own: &OwnTexts) -> Vec<Kept> {
        let mut order: Vec<(u32, Kept)> = self.all().map(|kept| (row_of[self.place(kept) as usize], kept)).collect();
        let components = own.components.texts();
        let component = |(thread, row): Kept| match self.0[thread as usize].component.at(row as usize) {
            NONE => "",
            code => components[code as usize].as_ref(),
        };
        order.sort_unstable_by(|(one, kept), (other, of)| {
            one.cmp(other).then_with(|| component(*kept).cmp(component(*of))).then_with(|| kept.cmp(of))
        });
        order.into_iter().map(|(_, kept)| kept).collect()
    }

    /// A column of what the measure says.
    fn column(
        &self,
        name: &str,
        rows: &[Kept],
        measure: &Measure,
        maturity: Maturity,
        naming: &Naming<'_>,
    ) -> Option<ArrayRef> {
        let each = || rows.iter().map(|(thread, row)| (&self.0[*thread as usize], *row as usize));
        let codes = |of: &dyn Fn(&Rows) -> &Codes| each().map(|(rows, row)| of(rows).at(row)).collect::<Vec<u32>>();
        let mature_on = |(rows, row): (&Rows, usize)| {
            let index_date = naming.cohort.units[rows.place[row] as usize].index_date;
            rows.mature_on.get(row).copied().unwrap_or_else(|| maturity.after(index_date))
        };
        Some(match name {
            "measure_id" => Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(&measure.id, rows.len()))),
            "in_denominator" => Arc::new(each().map(|(rows, row)| rows.counts(row)).collect::<BooleanArray>()),
            "exclusion_reason" => naming.own.reasons.column(&codes(&|rows| &rows.exclusion)),
            "in_numerator" => Arc::new(each().map(|(rows, row)| rows.meets(row)).collect::<BooleanArray>()),
            "exception_reason" => naming.own.reasons.column(&codes(&|rows| &rows.exception)),
            "numerator" => Arc::new(each().map(|(rows, row)| rows.numerator(row)).collect::<Float64Array>()),
            "denominator" => Arc::new(each().map(|(rows, row)| rows.denominator(row)).collect::<Float64Array>()),
            "component" => naming.own.components.column(&codes(&|rows| &rows.component)),
            "mature" => Arc::new(each().map(|row| Some(maturity.reached(mature_on(row)))).collect::<BooleanArray>()),
            "mature_on" => Arc::new(each().map(mature_on).collect::<arrow::array::PrimitiveArray<Date32Type>>()),
            "evidence" => Arc::new(each().map(|(rows, row)| rows.evidence(row)).collect::<StringViewArray>()),
            _ => {
                let subgroup = split(name).and_then(|split| split.checked_sub(FIRST_SUBGROUP))?;
                naming.own.subgroups[subgroup].column(&codes(&|rows| &rows.subgroups[subgroup]))
            }
        })
    }

    /// The rows as batches of the results table `unit`, in no order.
    ///
    /// # Errors
    /// When a column is missing, which the contract rules out.
    pub fn batches(&self, measure: &Measure, span: &Span, naming: &Naming<'_>) -> Result<Vec<RecordBatch>> {
        let contract = contract::result("unit")?;
        let maturity = Maturity::new(measure, span);
        let all: Vec<Kept> = self.all().collect();
        let batch = |rows: &[Kept]| {
            let places: Vec<u32> = rows.iter().map(|kept| self.place(*kept)).collect();
            batch(contract, |name| {
                let of_unit = naming.unit_column(name, &places);
                of_unit.or_else(|| self.column(name, rows, measure, maturity, naming))
            })
        };
        all.chunks(ROWS_AT_ONCE).map(batch).collect()
    }

    /// The rows that a model of risk is made of, with [`RISK_COLUMNS`]: those that count and are mature, of months from `first` to `last`,
    /// in no order.
    ///
    /// # Errors
    /// When a column is missing, which the contract rules out.
    pub fn for_risk(
        &self,
        measure: &Measure,
        span: &Span,
        naming: &Naming<'_>,
        (first, last): (jiff::civil::Date, jiff::civil::Date),
    ) -> Result<Vec<RecordBatch>> {
        let maturity = Maturity::new(measure, span);
        let months = days(first)..=days(last);
        let wanted = |kept: &Kept| {
            let (rows, row) = (&self.0[kept.0 as usize], kept.1 as usize);
            let index_date = naming.cohort.units[rows.place[row] as usize].index_date;
            let mature_on = rows.mature_on.get(row).copied().unwrap_or_else(|| maturity.after(index_date));
            rows.counts(row) == Some(true)
                && maturity.reached(mature_on)
                && index_date.is_some_and(|day| months.contains(&first_of_month(day)))
        };
        let all: Vec<Kept> = self.all().filter(wanted).collect();
        let schema = risk_schema()?;
        let batch = |rows: &[Kept]| {
            let places: Vec<u32> = rows.iter().map(|kept| self.place(*kept)).collect();
            let column = |name| {
                let of_unit = naming.unit_column(name, &places);
                of_unit.or_else(|| self.column(name, rows, measure, maturity, naming))
            };
            let found: Option<Vec<ArrayRef>> = RISK_COLUMNS.into_iter().map(column).collect();
            let found =
                found.ok_or_else(|| MeasureError::engine("the units", "a column of the contract is not known"))?;
            RecordBatch::try_new(Arc::clone(&schema), found).map_err(failed)
        };
        all.chunks(ROWS_AT_ONCE).map(batch).collect()
    }

    /// Writes the rows as one file of the results table `measure_unit`, and says how many they are. `row_of` is the number of each
    /// unit's row in the table of its cohort.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(
        &self,
        path: &Path,
        measure: &Measure,
        span: &Span,
        (first_row, row_of): (i64, &[u32]),
        naming: &Naming<'_>,
    ) -> Result<u64> {
        let contract = contract::result("measure_unit")?;
        let maturity = Maturity::new(measure, span);
        let order = self.in_order(row_of, naming.own);
        write(
            path,
            contract,
            order.chunks(ROWS_AT_ONCE).map(|rows| {
                batch(contract, |name| match name {
                    "unit_row" => {
                        let row = |kept: &Kept| Some(first_row + i64::from(row_of[self.place(*kept) as usize]));
                        Some(Arc::new(rows.iter().map(row).collect::<Int64Array>()))
                    }
                    _ => self.column(name, rows, measure, maturity, naming),
                })
            }),
        )?;
        Ok(order.len() as u64)
    }
}

/// Writes the units of a cohort that are `wanted` as one file of the results table `cohort_unit`, in order of patient, index date and
/// identifier. Returns the row of each unit among them, and how many they are.
///
/// # Errors
/// When the disk refuses.
pub fn write_cohort(
    path: &Path,
    cohort: &str,
    first_row: i64,
    people: &People,
    wanted: &[bool],
    naming: &Naming<'_>,
) -> Result<(Vec<u32>, u64)> {
    let contract = contract::result("cohort_unit")?;
    let order = naming.cohort.in_order(people, wanted);
    let mut row_of = vec![NONE; wanted.len()];
    for (row, place) in (0..).zip(&order) {
        row_of[*place as usize] = row;
    }
    write(
        path,
        contract,
        order.chunks(ROWS_AT_ONCE).map(|places| {
            batch(contract, |name| match name {
                "cohort" => {
                    Some(Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(cohort, places.len()))))
                }
                "unit_row" => {
                    let row = |place: &u32| Some(first_row + i64::from(row_of[*place as usize]));
                    Some(Arc::new(places.iter().map(row).collect::<arrow::array::PrimitiveArray<Int64Type>>()))
                }
                _ => naming.unit_column(name, places),
            })
        }),
    )?;
    Ok((row_of, order.len() as u64))
}

/// What a model of risk needs to know of a unit.
const RISK_COLUMNS: [&str; 4] = ["unit_id", "patient_id", "organization_id", "in_numerator"];

/// The columns of [`MeasureUnits::for_risk`].
///
/// # Errors
/// When a column is missing, which the contract rules out.
pub fn risk_schema() -> Result<SchemaRef> {
    let schema = contract::result("unit")?.schema();
    let fields = RISK_COLUMNS.into_iter().map(|name| schema.field_with_name(name).cloned());
    Ok(Arc::new(Schema::new(fields.collect::<std::result::Result<Vec<_>, _>>().map_err(failed)?)))
}

fn batch(contract: &Contract, column: impl Fn(&str) -> Option<ArrayRef>) -> Result<RecordBatch> {
    let found: Option<Vec<ArrayRef>> = contract.columns.iter().map(|wanted| column(&wanted.name)).collect();
    let found = found.ok_or_else(|| MeasureError::engine("the units", "a column of the contract is not known"))?;
    RecordBatch::try_new(contract.schema(), found).map_err(failed)
}

fn write(path: &Path, contract: &Contract, batches: impl Iterator<Item = Result<RecordBatch>>) -> Result<()> {
    if let Some(folder) = path.parent() {
        files::create_folder(folder)?;
    }
    let properties = lean_properties(&["measure_id", "cohort", "unit_row"], &["unit_row"]);
    let mut out = Writer::create_with(path, contract.schema(), properties)?;
    for batch in batches {
        out.write(&batch?)?;
    }
    Ok(out.finish()?)
}
