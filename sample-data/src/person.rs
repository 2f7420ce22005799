//! One invented person: who they are, what they have, and who looks after them.

use crate::calendar::Day;
use crate::codes::CONDITIONS;
use crate::directory::Directory;
use crate::error::SampleError;
use crate::extracts::Extracts;
use crate::layout::Table;
use crate::random::{Random, Stream};
use crate::setting::Setting;
use crate::value::Value;

/// Age bands at the start of the period, in years, with their weights: a panel of older people.
const AGES: [((i64, i64), f64); 5] =
    [((22, 44), 6.0), ((45, 64), 30.0), ((65, 74), 32.0), ((75, 84), 22.0), ((85, 96), 10.0)];
const RACES: [(&str, f64); 5] = [("white", 66.0), ("black", 17.0), ("asian", 7.0), ("other", 6.0), ("", 4.0)];
const LANGUAGES: [(&str, f64); 5] = [("en", 82.0), ("es", 11.0), ("zh", 3.0), ("vi", 2.0), ("", 2.0)];

/// How far a clinic's people live in more deprived places than the others', in fifths.
const DEPRIVED_CLINICS: [i64; Directory::CLINICS] = [0, 1, -1, 0, -1, 2, 0, 1, 0, -1, 1, 0];

/// One invented person.
#[derive(Debug)]
pub(crate) struct Person {
    pub number: u64,
    pub birth: Day,
    sex: &'static str,
    race: &'static str,
    ethnicity: &'static str,
    language: &'static str,
    postal: i64,
    pub clinic: usize,
    pub physician: u32,
    pub coordinator: Option<u32>,
    /// Latent risk: standard normal, moved up by age and conditions.
    pub risk: f64,
    /// Which of [`CONDITIONS`] the person has.
    pub conditions: [bool; CONDITIONS.len()],
    /// Fifth of deprivation of where the person lives: 1 the least deprived, 5 the most.
    pub deprivation: i64,
    /// Day of death, once it is known.
    pub death: Option<Day>,
}

impl Person {
    /// The person of this number.
    pub(crate) fn new(number: u64, setting: &Setting) -> Self {
        let mut random = Random::new(setting.seed, number, Stream::Person);
        let (youngest, oldest) = random.weighted(&AGES);
        let age = random.between(youngest, oldest);
        let birth = setting.first - age * 365 - age / 4 - random.between(1, 364);
        let band = usize::from(age >= 65) + usize::from(age >= 80);
        let conditions = CONDITIONS.map(|(_, prevalence)| random.chance(prevalence[band]));
        let serious = conditions.iter().take(5).filter(|has| **has).count();
        let risk = 0.85 * random.normal() + 0.3 * serious as f64 + (age - 70) as f64 * 0.008 - 0.36;
        let language = random.weighted(&LANGUAGES);
        let clinic = random.pick(&std::array::from_fn::<_, { Directory::CLINICS }, _>(|clinic| clinic));
        let with_coordinator = risk > 0.6 || random.chance(0.1);
        Self {
            number,
            birth,
            sex: random.weighted(&[("female", 55.0), ("male", 44.4), ("other", 0.3), ("unknown", 0.3)]),
            race: random.weighted(&RACES),
            ethnicity: if language == "es" || random.chance(0.05) { "hispanic" } else { "not_hispanic" },
            language,
            // Codes that no postal service has given out, with the leading zeros of those that it has.
            postal: 100 + i64::try_from(clinic).unwrap_or(0) * 30 + random.between(0, 24),
            clinic,
            physician: setting.directory.physician(clinic, &mut random),
            coordinator: with_coordinator.then(|| setting.directory.coordinator(clinic)),
            risk,
            conditions,
            deprivation: (random.between(1, 5) + DEPRIVED_CLINICS[clinic]).clamp(1, 5),
            death: None,
        }
    }

    /// Completed years of age on a day, to within a day.
    pub(crate) fn age(&self, day: Day) -> i64 {
        (day - self.birth) * 100 / 36_525
    }

    /// Whether the person prefers a known language other than English.
    pub(crate) fn other_language(&self) -> bool {
        !matches!(self.language, "en" | "")
    }

    /// Whether the person lives on this day.
    pub(crate) fn lives(&self, day: Day) -> bool {
        self.death.is_none_or(|death| day <= death)
    }

    /// A chronic condition of the person's as a code, by chance, if there is one.
    pub(crate) fn condition(&self, random: &mut Random) -> Option<&'static str> {
        let has: Vec<&str> = self.condition_codes().collect();
        (!has.is_empty()).then(|| random.pick(&has))
    }

    /// The codes of the person's chronic conditions.
    pub(crate) fn condition_codes(&self) -> impl Iterator<Item = &'static str> {
        CONDITIONS.iter().zip(self.conditions).filter_map(|((code, _), has)| has.then_some(*code))
    }

    /// Writes the person's row.
    pub(crate) fn write(&self, extracts: &mut Extracts) -> Result<(), SampleError> {
        let text = |text: &'static str| if text.is_empty() { Value::Empty } else { Value::Text(text) };
        extracts.row(
            Table::Patient,
            &[
                Value::Patient(self.number),
                Value::Day(self.birth),
                Value::Text(self.sex),
                text(self.race),
                Value::Text(self.ethnicity),
                text(self.language),
                Value::Whole(self.deprivation),
                Value::Postal(self.postal),
                Value::maybe(self.death, Value::Day),
                Value::Practitioner(self.physician),
                Value::maybe(self.coordinator, Value::Practitioner),
            ],
        )
    }
}
