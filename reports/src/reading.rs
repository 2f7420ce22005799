//! A run chart's signal in words: what the rules say, since when, and in which direction.
//!
//! The rules are not applied here: `signal` says which fired, with the run lengths and limits (Anhøj & Olesen 2014).
//! The stretch that made a shift is looked up among the months drawn, and named only where the longest one is as long as
//! the results state. It is called an improvement or a worsening only while it lasts: an old stretch on the wrong side of
//! the median says that things got better since.

use jiff::civil::Date;

use crate::format;
use crate::model::{Measure, Rate, Signal};

/// Which rule fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A rule fired.
    Signal,
    /// No rule fired.
    Quiet,
    /// The results hold no limits: too few months.
    NotAssessed,
}

/// Side of the centre line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Values above it.
    Above,
    /// Values below it.
    Below,
}

/// The stretch of months that made a shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// First month.
    pub from: Date,
    /// Last month.
    pub to: Date,
    /// Side of the centre line.
    pub side: Side,
    /// Months in it that are not on the centre line.
    pub months: i64,
    /// Whether it lasts to the latest month that counts.
    pub lasts: bool,
}

/// What a shift means for the measure's purpose, in the order in which a reader should hear of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// A shift in the wrong direction that lasts.
    Worsening,
    /// A signal without a direction, of the past, or of a measure for which neither direction is better.
    Undirected,
    /// A shift in the good direction that lasts.
    Improvement,
}

/// A run chart's signal in words.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Which rule fired.
    pub verdict: Verdict,
    /// A word or two for a badge.
    pub badge: String,
    /// The reason in short, as a sentence.
    pub short: String,
    /// What else the rules say, with their counts; may be empty.
    pub detail: String,
    /// The centre line.
    pub centre: Option<f64>,
    /// The stretch that made a shift, where it can be named.
    pub stretch: Option<Stretch>,
    /// What it means.
    pub change: Change,
}

impl Reading {
    /// Reads a measure's rows of `signal` (by month) beside its monthly values at level all (by month).
    pub fn of(measure: &Measure, signals: &[&Signal], months: &[&Rate]) -> Self {
        let centre = signals.iter().rev().find_map(|row| row.centre);
        let reading = |verdict, badge: &str, short: String, detail: String| Self {
            verdict,
            badge: badge.to_owned(),
            short,
            detail,
            centre,
            stretch: None,
            change: Change::Undirected,
        };
        // The rules look at the whole chart; the last row that carries them speaks for it.
        let Some(row) = signals.iter().rev().find(|row| row.longest_run_limit.is_some() || !row.signal.is_empty())
        else {
            let known = signals.iter().rev().find_map(|row| row.useful);
            let known = known.map(|useful| {
                format!("{} useful: final, with a value off the median.", plural(useful, "month is", "months are"))
            });
            let short = "Too few final months with a value to tell a change from chance.".to_owned();
            return reading(Verdict::NotAssessed, "Not assessed", short, known.unwrap_or_default());
        };
        if row.signal.is_empty() {
            let short = "Ordinary month-to-month variation.".to_owned();
            return reading(Verdict::Quiet, "No signal", short, counts(row));
        }
        let shift = row.signal.contains("shift");
        let clustering = row.signal.contains("clustering");
        let stretch = if shift { signal_stretch(centre, row, months) } else { None };
        let change = stretch.map_or(Change::Undirected, |stretch| stretch.change(measure));
        let shift_words = || shift_words(measure, row, stretch, change);
        let (badge, short, detail) = match (shift, clustering) {
            (true, true) => ("Signal: shift, clustering", shift_words(), clustering_words(row)),
            (true, false) => ("Signal: shift", shift_words(), String::new()),
            (false, true) => ("Signal: clustering", clustering_words(row), String::new()),
            (false, false) => ("Signal", format!("{}.", row.signal), String::new()),
        };
        Self { stretch, change, ..reading(Verdict::Signal, badge, short, detail) }
    }

    /// Badge, reason and detail in one text.
    pub fn sentence(&self) -> String {
        format!("{}. {} {}", self.badge, self.short, self.detail).trim_end().to_owned()
    }
}

fn plural(number: i64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {many}", format::count(number)) }
}

fn counts(row: &Signal) -> String {
    let run = row
        .longest_run
        .zip(row.longest_run_limit)
        .map(|(run, limit)| format!("Longest run: {run} months (limit {limit})."));
    let crossings = row
        .crossings
        .zip(row.crossings_limit)
        .map(|(crossings, limit)| format!("Median crossed: {crossings} times (at least {limit} expected)."));
    run.into_iter().chain(crossings).collect::<Vec<_>>().join(" ")
}

impl Stretch {
    fn change(self, measure: &Measure) -> Change {
        match (self.lasts, measure.better.as_str(), self.side) {
            (true, "lower", Side::Below) | (true, "higher", Side::Above) => Change::Improvement,
            (true, "lower", Side::Above) | (true, "higher", Side::Below) => Change::Worsening,
            _ => Change::Undirected,
        }
    }
}

fn shift_words(measure: &Measure, row: &Signal, stretch: Option<Stretch>, change: Change) -> String {
    let limit = row.longest_run_limit.map(|limit| format!("; chance rarely makes more than {limit}"));
    let limit = limit.unwrap_or_default();
    let Some(Stretch { from, to, side, months, lasts }) = stretch else {
        let run = row.longest_run.map(|run| format!("{} in a row", plural(run, "month", "months")));
        return format!("{} on one side of the median{limit}.", run.as_deref().unwrap_or("A long run"));
    };
    let place = match side {
        Side::Above => "above",
        Side::Below => "below",
    };
    let change = match change {
        Change::Improvement => format!(" Improvement: {} is better.", measure.better),
        Change::Worsening => format!(" Worsening: {} is better.", measure.better),
        Change::Undirected if lasts => String::new(),
        Change::Undirected => " It has ended.".to_owned(),
    };
    let months = plural(months, "month", "months");
    let (from, to) = (format::month(from), format::month(to));
    format!("{months} in a row {place} the median, {from} to {to}{limit}.{change}")
}

fn clustering_words(row: &Signal) -> String {
    match row.crossings.zip(row.crossings_limit) {
        Some((crossings, limit)) => format!(
            "Values cluster in time: {} of the median, where chance usually makes at least {limit}.",
            plural(crossings, "crossing", "crossings"),
        ),
        None => "Values cluster in time: unusually few crossings of the median.".to_owned(),
    }
}

/// The latest stretch of final months on one side of the centre that is longer than the limit; nothing where the longest
/// stretch is not as long as the results state, because no name is better than a wrong one. Months on the centre line, and
/// months without a value, neither count nor break a run.
fn signal_stretch(centre: Option<f64>, row: &Signal, months: &[&Rate]) -> Option<Stretch> {
    let centre = centre?;
    let mut stretches: Vec<Stretch> = Vec::new();
    for rate in months.iter().filter(|rate| rate.is_final) {
        let Some(value) = rate.shown() else { continue };
        let side = match value.total_cmp(&centre) {
            std::cmp::Ordering::Equal => continue,
            std::cmp::Ordering::Greater => Side::Above,
            std::cmp::Ordering::Less => Side::Below,
        };
        match stretches.last_mut().filter(|stretch| stretch.side == side) {
            Some(stretch) => {
                stretch.to = rate.period;
                stretch.months += 1;
            }
            None => stretches.push(Stretch { from: rate.period, to: rate.period, side, months: 1, lasts: false }),
        }
    }
    if stretches.iter().map(|stretch| stretch.months).max() != row.longest_run {
        return None;
    }
    if let Some(stretch) = stretches.last_mut() {
        stretch.lasts = true;
    }
    let limit = row.longest_run_limit.or(row.longest_run.map(|run| run - 1))?;
    stretches.into_iter().rev().find(|stretch| stretch.months > limit)
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::date;

    use super::*;
    use crate::model::test_rows::{measure, month};

    fn signal(longest_run: i64, word: &str) -> Signal {
        Signal {
            measure_id: "m".to_owned(),
            period: date(2026, 9, 1),
            centre: Some(10.0),
            useful: Some(20),
            longest_run: Some(longest_run),
            longest_run_limit: Some(7),
            crossings: Some(9),
            crossings_limit: Some(6),
            signal: word.to_owned(),
        }
    }

    /// Months from January 2025 on with these values.
    fn months(values: &[f64]) -> Vec<Rate> {
        let period = |index: usize| date(2025, 1, 1) + i64::try_from(index).expect("a month").months();
        values.iter().enumerate().map(|(index, value)| month(period(index), Some(*value))).collect()
    }

    fn read(better: &str, signal: &Signal, months: &[Rate]) -> Reading {
        Reading::of(&measure(better), &[signal], &months.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_shift_names_its_months_and_its_direction() {
        // The fourth of them lies on the median: it neither counts nor breaks the run.
        let months = months(&[12.0, 9.0, 8.0, 10.0, 9.0, 7.0, 8.0, 9.0, 8.0, 9.0]);
        let lower = read("lower", &signal(8, "shift"), &months);
        assert_eq!(
            lower.short,
            "8 months in a row below the median, Feb 2025 to Oct 2025; chance rarely makes more than 7. \
             Improvement: lower is better."
        );
        assert_eq!(read("higher", &signal(8, "shift"), &months).change, Change::Worsening);
        assert_eq!(read("none", &signal(8, "shift"), &months).change, Change::Undirected);
    }

    #[test]
    fn a_shift_of_the_past_is_neither_improvement_nor_worsening() {
        let months = months(&[12.0, 13.0, 12.0, 11.0, 12.0, 12.0, 13.0, 12.0, 9.0, 11.0, 8.0]);
        let reading = read("lower", &signal(8, "shift"), &months);
        assert_eq!(reading.change, Change::Undirected);
        assert!(reading.short.contains("Jan 2025 to Aug 2025") && reading.short.ends_with("It has ended."));
    }

    #[test]
    fn of_two_long_stretches_the_latest_is_named() {
        let months = months(&[[12.0; 10], [8.0; 10]].concat()[..18]);
        let reading = read("lower", &signal(10, "shift"), &months);
        assert!(reading.short.starts_with("8 months in a row below the median"), "{}", reading.short);
        assert_eq!(reading.change, Change::Improvement);
    }

    #[test]
    fn a_stretch_that_disagrees_with_the_results_is_not_named() {
        let months = months(&[9.0, 8.0, 9.0]);
        let reading = read("lower", &signal(8, "shift"), &months);
        assert_eq!(reading.stretch, None);
        assert_eq!(reading.short, "8 months in a row on one side of the median; chance rarely makes more than 7.");
        assert_eq!(read("lower", &signal(2, "shift"), &months).stretch, None, "longer than stated");
    }

    #[test]
    fn no_signal_and_no_assessment_are_different_things() {
        let quiet = read("lower", &signal(4, ""), &[]);
        assert_eq!(quiet.verdict, Verdict::Quiet);
        assert!(quiet.detail.contains("4 months (limit 7)") && quiet.detail.contains("9 times (at least 6 expected)"));
        assert_eq!(Reading::of(&measure("lower"), &[], &[]).verdict, Verdict::NotAssessed);
    }
}
