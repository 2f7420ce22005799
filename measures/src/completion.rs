//! What the engine adds to the units of a cohort, the same for every measure: the month, who answers for the unit, the payer, and the
//! groups that rates are split by. Texts become codes.

use arrow::array::Array;
use arrow::datatypes::Schema;

use crate::calendar::{age_at, first_of_month};
use crate::cohort::{CohortUnit, UnitColumns};
use crate::definition::{Kind, Measure};
use crate::dictionary::{Dictionary, NONE};
use crate::people::{Dictionaries, OF_PERSON, People, as_groups};
use crate::rule;
use crate::span::{Span, days};

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
pub const VARIANT: &str = "variant";

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

/// Why columns of a measure's SQL are no units; nothing where they are. Where the SQL is that of several variants, a column says
/// which one a unit is of.
#[must_use]
pub fn refusal(measure: &Measure, columns: &Schema) -> Option<String> {
    let columns = rule::columns(columns);
    let has = |name: &str| columns.iter().any(|column| column == name);
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
    let names = columns.iter().map(String::as_str);
    let variants = measure.shares_a_pass();
    if variants && !has(VARIANT) {
        return Some(format!("the query reads the table variant and has no column {VARIANT}"));
    }
    let known = |name: &&str| KNOWN.contains(name) || (variants && *name == VARIANT);
    let unknown: Vec<&str> = names.filter(|name| !known(name)).collect();
    (!unknown.is_empty()).then(|| {
        format!("the query has columns that no unit has: {}; a unit may have {}", unknown.join(", "), KNOWN.join(", "))
    })
}

/// Completes units of cohorts that are of these people.
#[derive(Debug)]
pub struct Completion<'a> {
    /// First days of the months.
    months: Vec<i32>,
    people: &'a People,
    names: &'a Dictionaries,
    age_bands: [u32; 6],
}

impl<'a> Completion<'a> {
    /// For these people.
    #[must_use]
    pub fn new(span: &Span, people: &'a People, names: &'a Dictionaries) -> Self {
        let months = span.months().into_iter().map(days).collect();
        let age_bands = ["0-17", "18-44", "45-64", "65-74", "75-84", "85+"].map(|band| names.age_band.code(band));
        Self { months, people, names, age_bands }
    }

    /// The units that rows are about.
    #[must_use]
    pub fn complete(&self, columns: &UnitColumns) -> Vec<CohortUnit> {
        let count = columns.len();
        let person = self.people.places(&columns.patient_id);
        let practitioner = self.practitioners(columns, &person);
        let codes = |name: &str, dictionary: &Dictionary| columns.text(name).map(|texts| dictionary.codes(texts));
        let organization = codes("organization_id", &self.names.organization);
        let coordinator = codes("coordinator_id", &self.names.coordinator);
        let payer = columns.text("payer_id").map(|texts| self.names.payer.codes(&as_groups(texts)));
        let mut of_person = [const { None }; OF_PERSON.len()];
        for ((found, name), dictionary) in of_person.iter_mut().zip(OF_PERSON).zip(&self.names.of_person) {
            *found = codes(name, dictionary);
        }
        let unit = |row: usize| {
            let (day, person) = (columns.day(row), person[row]);
            let month = day.map_or(NONE, |day| self.month(day));
            let or =
                |said: &Option<Vec<u32>>, found: &dyn Fn() -> u32| said.as_ref().map_or_else(found, |said| said[row]);
            let mut splits = [NONE; FIRST_SUBGROUP];
            splits[ORGANIZATION] = or(&organization, &|| self.people.site(practitioner[row]));
            splits[1] = practitioner[row];
            splits[2] = or(&coordinator, &|| self.people.coordinator(person, day));
            splits[FIRST_STRATUM] = self.age_band(columns, row, person);
            for (which, said) in of_person.iter().enumerate() {
                splits[FIRST_OF_PERSON + which] = or(said, &|| self.people.of_person(which, person));
            }
            let payer = or(&payer, &|| self.people.payer(person, month));
            CohortUnit { person, index_date: day, month, payer, splits }
        };
        (0..count).map(unit).collect()
    }

    fn month(&self, day: i32) -> u32 {
        let first = first_of_month(day);
        self.months.binary_search(&first).ok().and_then(|place| u32::try_from(place).ok()).unwrap_or(NONE)
    }

    /// Who answers for a unit that does not say so itself is the practitioner of its person on the index date. Units that name their
    /// organization and coordinator (member-months) say it all: where they name no practitioner, nobody answers.
    fn practitioners(&self, columns: &UnitColumns, person: &[u32]) -> Vec<u32> {
        let own = match columns.text("practitioner_id") {
            Some(texts) => self.names.practitioner.codes(texts),
            None => vec![NONE; columns.len()],
        };
        if columns.text("organization_id").is_some() && columns.text("coordinator_id").is_some() {
            return own;
        }
        let of_person = |row: usize| self.people.primary(person[row], columns.day(row));
        own.into_iter().enumerate().map(|(row, own)| if own == NONE { of_person(row) } else { own }).collect()
    }

    fn age_band(&self, columns: &UnitColumns, row: usize, person: u32) -> u32 {
        let birth = match &columns.birth_date {
            Some(own) => own.is_valid(row).then(|| own.value(row)),
            None => self.people.birth(person),
        };
        let Some(birth) = birth else { return NONE };
        // An age that is not known is not below any other.
        let age = columns.day(row).map(|day| age_at(birth, day));
        let place = age.map_or(5, |age| [18, 45, 65, 75, 85].iter().filter(|from| age >= **from).count());
        self.age_bands[place]
    }
}
