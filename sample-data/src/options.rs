//! What a caller can ask of the generator.

use jiff::ToSpan;
use jiff::civil::{Date, date};

use crate::behaviour::Behaviour;
use crate::error::SampleError;

/// What a caller can ask of the generator. The same options give the same bytes.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many patients; at least 1. The bundled extracts have 4,500.
    pub patients: u64,
    /// Any number; another one gives another population with the same behaviour.
    pub seed: u64,
    /// First day of the first month; the day of the month must be 1.
    pub first_month: Date,
    /// How many whole months, 1 to 240.
    pub months: u32,
    /// First day of the coordination program; a day after the last month means that it never starts.
    pub program_start: Date,
    /// Share of rows made dirty, 0 to 0.5. Clean rows are the same whatever the share is.
    pub dirty: f64,
    /// Whether to write `<table>.csv.gz` instead of `<table>.csv`.
    pub gzip: bool,
    /// The rates behind the data.
    pub behaviour: Behaviour,
}

impl Default for Options {
    /// The options of the bundled extracts: two years of 4,500 patients, the program from the second year on.
    fn default() -> Self {
        Self {
            patients: 4_500,
            seed: 5,
            first_month: date(2024, 11, 1),
            months: 24,
            program_start: date(2025, 11, 1),
            dirty: 0.002,
            gzip: true,
            behaviour: Behaviour::default(),
        }
    }
}

impl Options {
    /// The day on which the extract is taken: day 20 of the month after the last one. Rows run up to it, so that
    /// follow-up of the last months is partly there and partly not.
    ///
    /// # Errors
    /// When an option makes no sense.
    pub fn extract_date(&self) -> Result<Date, SampleError> {
        self.check()?;
        self.first_month
            .checked_add(i64::from(self.months).months())
            .and_then(|next| next.checked_add(19.days()))
            .map_err(|_| Self::refuse("months", &self.months, "the extract date must lie before the year 9999"))
    }

    fn refuse(option: &'static str, value: &dyn std::fmt::Display, rule: &'static str) -> SampleError {
        SampleError::Option { option, value: value.to_string(), rule }
    }

    fn check(&self) -> Result<(), SampleError> {
        if self.patients == 0 {
            return Err(Self::refuse("patients", &self.patients, "it must be at least 1"));
        }
        if self.first_month.day() != 1 || self.first_month.year() < 1950 {
            return Err(Self::refuse(
                "first_month",
                &self.first_month,
                "it must be the first day of a month after 1949",
            ));
        }
        if !(1..=240).contains(&self.months) {
            return Err(Self::refuse("months", &self.months, "it must lie between 1 and 240"));
        }
        if !(0.0..=0.5).contains(&self.dirty) {
            return Err(Self::refuse("dirty", &self.dirty, "it must lie between 0 and 0.5"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extract_is_taken_on_day_20_after_the_last_month() {
        assert_eq!(Options::default().extract_date().expect("valid"), date(2026, 11, 20));
    }

    #[test]
    fn senseless_options_are_named() {
        let wrong = Options { dirty: 0.9, ..Options::default() };
        assert!(wrong.extract_date().expect_err("refused").to_string().starts_with("dirty is 0.9"));
    }
}
