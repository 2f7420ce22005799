//! What every patient's life plays out in: the period, the rates, the health system.

use crate::behaviour::Behaviour;
use crate::calendar::{Day, civil, day_of};
use crate::directory::Directory;
use crate::error::SampleError;
use crate::options::Options;
use crate::random::Random;

/// How admissions of each month, from January, stand to the mean of the year: a cosine with its peak in January, so
/// that the rate of a month is `1 + season · SEASON[month]`.
const SEASON: [f64; 12] = [1.0, 0.87, 0.5, 0.0, -0.5, -0.87, -1.0, -0.87, -0.5, 0.0, 0.5, 0.87];

/// The period, the rates and the health system.
pub(crate) struct Setting {
    pub seed: u64,
    pub patients: u64,
    pub rates: Behaviour,
    pub directory: Directory,
    /// First day of the first month.
    pub first: Day,
    /// The day on which the extract is taken: the last day on which anything is known.
    pub extract: Day,
    /// First day of the program.
    pub program: Day,
    /// First days of the months, the unfinished one of the extract last.
    pub months: Vec<Day>,
}

impl Setting {
    pub(crate) fn new(options: &Options) -> Result<Self, SampleError> {
        let extract = day_of(options.extract_date()?);
        let first = day_of(options.first_month);
        let months = (first..=extract).filter(|day| civil(*day).2 == 1).collect();
        Ok(Self {
            seed: options.seed,
            patients: options.patients,
            rates: options.behaviour.clone(),
            directory: Directory::new(options.seed, options.patients),
            first,
            extract,
            program: day_of(options.program_start),
            months,
        })
    }

    /// Which of a pair `[usual, program]` holds for a clinic's patients on a day.
    pub(crate) fn arm(&self, clinic: usize, day: Day) -> usize {
        usize::from(Directory::has_program(clinic) && day >= self.program)
    }

    /// How admissions on a day stand to the mean of the year.
    pub(crate) fn season(&self, day: Day) -> f64 {
        let month = usize::try_from(civil(day).1 - 1).unwrap_or(0);
        1.0 + self.rates.season * SEASON[month]
    }

    /// Days on which something that happens `per_year` times a year falls, in order: at most one in a month.
    pub(crate) fn dates(&self, random: &mut Random, per_year: impl Fn(Day) -> f64) -> Vec<Day> {
        self.months.iter().filter_map(|month| self.date_in(*month, per_year(*month), random)).collect()
    }

    /// The day of this month on which something that happens `per_year` times a year falls, if it falls in it.
    pub(crate) fn date_in(&self, month: Day, per_year: f64, random: &mut Random) -> Option<Day> {
        let day = month + random.between(0, Self::length(month) - 1);
        (random.chance(per_year / 12.0) && day <= self.extract).then_some(day)
    }

    /// The number of days in the month that starts on this day.
    fn length(month: Day) -> i64 {
        (28..=31).find(|days| civil(month + days).2 == 1).unwrap_or(31)
    }

    /// Whether what happened on this day has reached the extract: all of it, except in the last three days.
    pub(crate) fn loaded(&self, day: Day, random: &mut Random) -> bool {
        day <= self.extract - 3 || (day <= self.extract && random.chance(self.rates.last_days_loaded))
    }
}
