//! What the engine adds to the rows of a measure's SQL, the same for every measure: period, maturity, who answers for the unit,
//! the payer, and the groups that rates are split by. Texts become codes.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, RecordBatch, StringViewArray,
    UInt32Array,
};
use arrow::datatypes::{DataType, Decimal128Type, Field, Float64Type, Int64Type, Schema, SchemaRef};
use datafusion::common::HashMap;

use crate::calendar::{age_at, first_of_month};
use crate::definition::{Feed, Kind, Measure};
use crate::dictionary::{Dictionary, NONE};
use crate::error::{MeasureError, Result};
use crate::people::{Dictionaries, OF_PERSON, People, as_groups, column, dates, texts};
use crate::span::{Span, days};
use crate::sums::DIGITS;

/// What units are counted by, each unit once: three levels, age and what else persons are split by, and three subgroups.
pub const SPLITS: [&str; 12] = [
    "organization",
    "practitioner",
    "coordinator",
    "age_band",
    "sex",
    "race",
    "ethnicity",
    "language",
    "deprivation",
    "subgroup",
    "subgroup_2",
    "subgroup_3",
];
/// The place of the organization in [`SPLITS`].
pub const ORGANIZATION: usize = 0;
/// The first of [`SPLITS`] that is a stratum and no level.
pub const FIRST_STRATUM: usize = 3;
const FIRST_OF_PERSON: usize = 4;
/// The first of [`SPLITS`] that is a subgroup of the measure itself.
pub const FIRST_SUBGROUP: usize = 9;

/// Columns that `units.sql` may have.
pub const KNOWN: [&str; 31] = [
    "unit_id",
    "patient_id",
    "index_date",
    "in_denominator",
    "exclusion_reason",
    "in_numerator",
    "exception_reason",
    "numerator",
    "denominator",
    "component",
    "subgroup",
    "subgroup_2",
    "subgroup_3",
    "event_date",
    "competing_date",
    "censored_date",
    "event_days",
    "competing_days",
    "censored_days",
    "evidence",
    "organization_id",
    "practitioner_id",
    "coordinator_id",
    "payer_id",
    "mature_on",
    "birth_date",
    "sex",
    "race",
    "ethnicity",
    "language",
    "deprivation",
];

/// The column that says which variant a unit is of, where the SQL is that of several.
const VARIANT: &str = "variant";

/// Texts of the measures of one pass by code.
#[derive(Debug)]
pub struct OwnTexts {
    /// Its subgroups.
    pub subgroups: [Dictionary; 3],
    /// Reasons of exclusion and exception.
    pub reasons: Dictionary,
    /// Components: items, or how waits ended.
    pub components: Dictionary,
}

impl Default for OwnTexts {
    fn default() -> Self {
        let reasons = Dictionary::default();
        let _ = reasons.code("outside_period");
        Self { subgroups: Default::default(), reasons, components: Dictionary::default() }
    }
}

/// The code of the reason `outside_period`: such units are of no period, and nobody left them out.
pub const OUTSIDE_PERIOD: u32 = 1;

/// The dictionary of one of [`SPLITS`].
#[must_use]
pub fn dictionary<'a>(split: usize, names: &'a Dictionaries, own: &'a OwnTexts) -> &'a Dictionary {
    match split {
        0 => &names.organization,
        1 => &names.practitioner,
        2 => &names.coordinator,
        3 => &names.age_band,
        FIRST_OF_PERSON..FIRST_SUBGROUP => &names.of_person[split - FIRST_OF_PERSON],
        _ => &own.subgroups[split - FIRST_SUBGROUP],
    }
}

/// Units of the measures of one pass, complete, by column. Codes are those of [`dictionary`]; [`NONE`] stands for null.
#[derive(Debug)]
pub struct Units {
    /// Which of the measures of the pass a unit is of.
    pub measure: UInt32Array,
    /// Identifiers.
    pub unit_id: StringViewArray,
    /// Patients.
    pub patient_id: StringViewArray,
    /// Places of the patients among [`People`].
    pub person: UInt32Array,
    /// Index dates.
    pub index_date: Date32Array,
    /// Places of the months among those of the span; [`NONE`] outside it.
    pub month: UInt32Array,
    /// Whether it counts, maturity aside.
    pub in_denominator: BooleanArray,
    /// Reasons for leaving the denominator, by code.
    pub exclusion: UInt32Array,
    /// Whether it meets the numerator.
    pub in_numerator: BooleanArray,
    /// Reasons for leaving after all, by code.
    pub exception: UInt32Array,
    /// What it adds to the numerator, as a number and exactly.
    pub numerator: Float64Array,
    /// The same, exactly.
    pub exact_numerator: Decimal128Array,
    /// What it adds to the denominator.
    pub denominator: Float64Array,
    /// The same, exactly.
    pub exact_denominator: Decimal128Array,
    /// Components by code.
    pub component: UInt32Array,
    /// Whether it has been followed up.
    pub mature: BooleanArray,
    /// The day on which it has been.
    pub mature_on: Date32Array,
    /// Evidence.
    pub evidence: StringViewArray,
    /// Payers by code.
    pub payer: UInt32Array,
    /// Codes of [`SPLITS`].
    pub splits: Vec<UInt32Array>,
}

/// Completes the units of the measures of one pass.
pub struct Completion<'a> {
    measures: &'a [Measure],
    feed: Feed,
    kind: Kind,
    span: &'a Span,
    /// First days of the months.
    months: Vec<i32>,
    people: &'a People,
    names: &'a Dictionaries,
    own: &'a OwnTexts,
}

impl<'a> Completion<'a> {
    /// For units of measures of one definition that are of these people.
    #[must_use]
    pub fn new(
        measures: &'a [Measure],
        span: &'a Span,
        people: &'a People,
        names: &'a Dictionaries,
        own: &'a OwnTexts,
    ) -> Self {
        let months = span.months().into_iter().map(days).collect();
        let (feed, kind) = measures.first().map_or((Feed::Ehr, Kind::Proportion), |first| (first.feed, first.kind));
        Self { measures, feed, kind, span, months, people, names, own }
    }

    /// Why columns of a measure's SQL are no units; nothing where they are. Where the SQL is that of several variants, a column says
    /// which one a unit is of.
    #[must_use]
    pub fn refusal(measure: &Measure, columns: &Schema) -> Option<String> {
        let has = |name: &str| columns.column_with_name(name).is_some();
        let outcome = match measure.kind {
            Kind::Time if has("event_days") => "event_days",
            Kind::Time => "event_date",
            _ => "in_numerator",
        };
        for wanted in ["unit_id", "patient_id", "index_date", "in_denominator", "exclusion_reason", outcome] {
            if !has(wanted) {
                return Some(format!("the query has no column {wanted}"));
            }
        }
        let names = columns.fields().iter().map(|field| field.name().as_str());
        let variants = measure.shares_a_pass();
        if variants && !has(VARIANT) {
            return Some(format!("the query reads the table variant and has no column {VARIANT}"));
        }
        let known = |name: &&str| KNOWN.contains(name) || (variants && *name == VARIANT);
        let unknown: Vec<&str> = names.filter(|name| !known(name)).collect();
        (!unknown.is_empty()).then(|| {
            format!(
                "the query has columns that no unit has: {}; a unit may have {}",
                unknown.join(", "),
                KNOWN.join(", ")
            )
        })
    }

    /// The units that rows of the measure's SQL are.
    ///
    /// # Errors
    /// When a column does not have the type that it must have.
    pub fn complete(&self, rows: &RecordBatch) -> Result<Units> {
        let has = |name: &str| rows.column_by_name(name).is_some();
        let count = rows.num_rows();
        let measure = self.measures_of(rows)?;
        let patient_id = texts(rows, "patient_id")?;
        let person = self.people.places(&patient_id);
        let index_date = dates(rows, "index_date")?;
        let day = |row: usize| index_date.is_valid(row).then(|| index_date.value(row));
        let month: Vec<u32> = (0..count).map(|row| day(row).map_or(NONE, |day| self.month(day))).collect();
        let in_denominator = column(rows, "in_denominator", &DataType::Boolean)?.as_boolean().clone();
        let (in_numerator, component) = if self.kind == Kind::Time {
            self.waits(rows, &measure, &in_denominator, &index_date)?
        } else {
            let in_numerator = column(rows, "in_numerator", &DataType::Boolean)?.as_boolean().clone();
            (in_numerator, self.own.components.codes(&texts(rows, "component")?))
        };
        let (numerator, exact_numerator) = match rows.column_by_name("numerator") {
            Some(numbers) => (as_number(numbers)?, exact(numbers)?),
            None => ones(in_numerator.iter())?,
        };
        let (denominator, exact_denominator) = match rows.column_by_name("denominator") {
            Some(numbers) => (as_number(numbers)?, exact(numbers)?),
            None => ones(in_denominator.iter().map(|counts| counts.filter(|counts| *counts)))?,
        };
        let mature_on = if has("mature_on") {
            dates(rows, "mature_on")?
        } else {
            let windows = self.measures.iter().map(|measure| i32::try_from(measure.window_days).unwrap_or(i32::MAX));
            let windows: Vec<i32> = windows.collect();
            let on = |(day, measure): (Option<i32>, &u32)| Some(day?.saturating_add(windows[*measure as usize]));
            index_date.iter().zip(&measure).map(on).collect()
        };
        let through = days(self.span.data_through(self.feed));
        let mature = mature_on.iter().map(|day| Some(day.is_some_and(|day| day <= through))).collect();
        let practitioner = self.practitioner(rows, &person, &index_date)?;
        let mut splits = Vec::with_capacity(SPLITS.len());
        splits.push(if has("organization_id") {
            self.names.organization.codes(&texts(rows, "organization_id")?)
        } else {
            practitioner.iter().map(|practitioner| self.people.site(*practitioner)).collect()
        });
        splits.push(practitioner);
        splits.push(if has("coordinator_id") {
            self.names.coordinator.codes(&texts(rows, "coordinator_id")?)
        } else {
            (0..count).map(|row| self.people.coordinator(person[row], day(row))).collect()
        });
        splits.push(self.age_bands(rows, &person, &index_date)?);
        for (which, name) in OF_PERSON.into_iter().enumerate() {
            splits.push(if has(name) {
                self.names.of_person[which].codes(&texts(rows, name)?)
            } else {
                person.iter().map(|person| self.people.of_person(which, *person)).collect()
            });
        }
        for (name, dictionary) in crate::definition::SUBGROUPS.iter().zip(&self.own.subgroups) {
            splits.push(dictionary.codes(&as_groups(&texts(rows, name)?)));
        }
        let payer = if has("payer_id") {
            self.names.payer.codes(&as_groups(&texts(rows, "payer_id")?))
        } else {
            person.iter().zip(&month).map(|(person, month)| self.people.payer(*person, *month)).collect()
        };
        let reasons = |name: &str| Ok::<_, MeasureError>(self.own.reasons.codes(&texts(rows, name)?));
        Ok(Units {
            measure: measure.into(),
            unit_id: texts(rows, "unit_id")?,
            person: person.into(),
            month: month.into(),
            exclusion: reasons("exclusion_reason")?.into(),
            exception: reasons("exception_reason")?.into(),
            exact_numerator,
            numerator,
            exact_denominator,
            denominator,
            component: component.into(),
            evidence: texts(rows, "evidence")?,
            payer: payer.into(),
            splits: splits.into_iter().map(UInt32Array::from).collect(),
            patient_id,
            index_date,
            in_denominator,
            in_numerator,
            mature,
            mature_on,
        })
    }

    /// Which of the measures each row is a unit of.
    fn measures_of(&self, rows: &RecordBatch) -> Result<Vec<u32>> {
        if self.measures.len() == 1 && rows.column_by_name(VARIANT).is_none() {
            return Ok(vec![0; rows.num_rows()]);
        }
        let ids: HashMap<&str, u32> = self.measures.iter().map(|measure| measure.id.as_str()).zip(0..).collect();
        let variants = texts(rows, VARIANT)?;
        let found: Option<Vec<u32>> = variants.iter().map(|id| ids.get(id?).copied()).collect();
        found.ok_or_else(|| MeasureError::engine("the units", "a unit is of no variant of its measure"))
    }

    fn month(&self, day: i32) -> u32 {
        let first = first_of_month(day);
        self.months.binary_search(&first).ok().and_then(|place| u32::try_from(place).ok()).unwrap_or(NONE)
    }

    /// Who answers for a unit that does not say so itself is the practitioner of its person on the index date. Units that name their
    /// organization and coordinator (member-months) say it all: where they name no practitioner, nobody answers.
    fn practitioner(&self, rows: &RecordBatch, person: &[u32], index_date: &Date32Array) -> Result<Vec<u32>> {
        let has = |name: &str| rows.column_by_name(name).is_some();
        let own = self.names.practitioner.codes(&texts(rows, "practitioner_id")?);
        if has("organization_id") && has("coordinator_id") {
            return Ok(own);
        }
        let of_person = |row: usize| {
            let day = index_date.is_valid(row).then(|| index_date.value(row));
            self.people.primary(person[row], day)
        };
        Ok(own.into_iter().enumerate().map(|(row, own)| if own == NONE { of_person(row) } else { own }).collect())
    }

    fn age_bands(&self, rows: &RecordBatch, person: &[u32], index_date: &Date32Array) -> Result<Vec<u32>> {
        let own = rows.column_by_name("birth_date").map(|_| dates(rows, "birth_date")).transpose()?;
        let bands = ["0-17", "18-44", "45-64", "65-74", "75-84", "85+"].map(|band| self.names.age_band.code(band));
        let band = |row: usize| {
            let birth = match &own {
                Some(own) => own.is_valid(row).then(|| own.value(row)),
                None => self.people.birth(person[row]),
            };
            let Some(birth) = birth else { return NONE };
            // An age that is not known is not below any other.
            let age = index_date.is_valid(row).then(|| age_at(birth, index_date.value(row)));
            let place = age.map_or(5, |age| [18, 45, 65, 75, 85].iter().filter(|from| age >= **from).count());
            bands[place]
        };
        Ok((0..rows.num_rows()).map(band).collect())
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
        let through = (!has("censored_days")).then(|| i64::from(days(self.span.data_through(self.feed))));
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

fn odd(error: arrow::error::ArrowError) -> MeasureError {
    MeasureError::engine("the columns of units", error)
}

/// One for each that is true and zero for each that is not, as numbers and exactly.
fn ones(flags: impl Iterator<Item = Option<bool>> + Clone) -> Result<(Float64Array, Decimal128Array)> {
    let one = 10_i128.pow(u32::from(DIGITS.unsigned_abs()));
    let numbers = flags.clone().map(|flag| flag.map(|flag| if flag { 1.0 } else { 0.0 })).collect();
    let exact: Decimal128Array = flags.map(|flag| flag.map(|flag| if flag { one } else { 0 })).collect();
    Ok((numbers, exact.with_precision_and_scale(19, DIGITS).map_err(odd)?))
}

/// What units add, as whole numbers of a unit in the last digit kept.
fn exact(numbers: &ArrayRef) -> Result<Decimal128Array> {
    let options = arrow::compute::CastOptions { safe: false, ..Default::default() };
    let kind = DataType::Decimal128(19, DIGITS);
    let found = arrow::compute::cast_with_options(numbers, &kind, &options).map_err(odd)?;
    Ok(found.as_primitive::<Decimal128Type>().clone())
}

fn as_number(numbers: &ArrayRef) -> Result<Float64Array> {
    Ok(arrow::compute::cast(numbers, &DataType::Float64).map_err(odd)?.as_primitive::<Float64Type>().clone())
}

/// Columns of [`Units::batch`] beside the codes of [`SPLITS`].
const PLAIN: [(&str, DataType); 15] = [
    ("unit_id", DataType::Utf8View),
    ("patient_id", DataType::Utf8View),
    ("person", DataType::UInt32),
    ("index_date", DataType::Date32),
    ("in_denominator", DataType::Boolean),
    ("exclusion", DataType::UInt32),
    ("in_numerator", DataType::Boolean),
    ("exception", DataType::UInt32),
    ("numerator", DataType::Float64),
    ("denominator", DataType::Float64),
    ("component", DataType::UInt32),
    ("mature", DataType::Boolean),
    ("mature_on", DataType::Date32),
    ("evidence", DataType::Utf8View),
    ("payer", DataType::UInt32),
];

impl Units {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.unit_id.len()
    }

    /// The columns of [`Units::batch`].
    #[must_use]
    pub fn schema() -> SchemaRef {
        let plain = PLAIN.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true));
        let splits = SPLITS.into_iter().map(|name| Field::new(name, DataType::UInt32, true));
        Arc::new(Schema::new(plain.chain(splits).collect::<Vec<_>>()))
    }

    /// What is kept of them, as one batch.
    ///
    /// # Errors
    /// When the columns differ in length, which completion rules out.
    pub fn batch(&self) -> Result<RecordBatch> {
        let mut arrays: Vec<ArrayRef> = vec![
            Arc::new(self.unit_id.clone()),
            Arc::new(self.patient_id.clone()),
            Arc::new(self.person.clone()),
            Arc::new(self.index_date.clone()),
            Arc::new(self.in_denominator.clone()),
            Arc::new(self.exclusion.clone()),
            Arc::new(self.in_numerator.clone()),
            Arc::new(self.exception.clone()),
            Arc::new(self.numerator.clone()),
            Arc::new(self.denominator.clone()),
            Arc::new(self.component.clone()),
            Arc::new(self.mature.clone()),
            Arc::new(self.mature_on.clone()),
            Arc::new(self.evidence.clone()),
            Arc::new(self.payer.clone()),
        ];
        arrays.extend(self.splits.iter().map(|codes| Arc::new(codes.clone()) as ArrayRef));
        RecordBatch::try_new(Self::schema(), arrays).map_err(odd)
    }
}
