//! What a chart says, in words: which rule marks the latest final month and since when, what earlier months said, and
//! whether the process will meet its target.
//!
//! No rule is applied here: `chart` and `signal` say what fired.

use jiff::civil::Date;

use crate::format::{self, ValueFormat};
use crate::model::{Chart, Measure, Signal};

/// What a reader must know first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// A rule marks the latest final month, or the series as a whole.
    Signal,
    /// A rule marked earlier months alone.
    Earlier,
    /// No rule fired.
    Quiet,
    /// Too few months.
    NotAssessed,
}

/// What a signal means for the measure's purpose, in the order in which a reader should hear of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// The latest month is part of a signal in the wrong direction.
    Worsening,
    /// The latest month is part of a signal in the good direction.
    Improvement,
    /// A signal without a direction, of the past, or of a measure for which neither direction is better.
    Undirected,
}

impl Change {
    /// As results name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Worsening => "concern",
            Self::Improvement => "improvement",
            Self::Undirected => "change",
        }
    }
}

/// Variation and assurance as NHS England's Making Data Count names them; one icon stands for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// Special cause for the better; whether values are high.
    Improvement(bool),
    /// Special cause for the worse; whether values are high.
    Concern(bool),
    /// Special cause of a measure for which neither direction is better; whether values are high.
    Change(bool),
    /// Common cause.
    CommonCause,
    /// The limits lie on the good side of the target.
    Pass,
    /// The limits lie on the wrong side of the target.
    Fail,
    /// The target lies between the limits.
    HitOrMiss,
}

/// A chart in words.
#[derive(Debug, Clone)]
pub struct Reading {
    /// What a reader must know first.
    pub verdict: Verdict,
    /// The verdict in a word or two.
    pub badge: String,
    /// What happened, with months and numbers; one or two sentences.
    pub short: String,
    /// What else there is to know.
    pub detail: String,
    /// What it means.
    pub change: Change,
    /// The icon of variation; `None` where it was not assessed.
    pub variation: Option<Icon>,
    /// The icon of assurance; `None` without a target.
    pub assurance: Option<Icon>,
    /// The chart's row of the results.
    pub chart: Option<Chart>,
}

impl Reading {
    /// Reads a measure's row of `chart` and its rows of `signal`, by month.
    pub fn of(
        measure: &Measure,
        format: &ValueFormat,
        chart: Option<&Chart>,
        months: &[&Signal],
        values: Values,
    ) -> Self {
        let mut reading = Self {
            verdict: Verdict::NotAssessed,
            badge: "Not assessed".to_owned(),
            short: "Too few final months with a value to tell a change from chance.".to_owned(),
            detail: String::new(),
            change: Change::Undirected,
            variation: None,
            assurance: None,
            chart: chart.cloned(),
        };
        let Some(chart) = chart else { return reading };
        let words = Words { measure, format, chart, months, values };
        reading.assurance = match chart.assurance.as_str() {
            "pass" => Some(Icon::Pass),
            "fail" => Some(Icon::Fail),
            "hit_or_miss" => Some(Icon::HitOrMiss),
            _ => None,
        };
        if chart.variation == "not_assessed" {
            match chart.unassessed.as_str() {
                "hidden_months" => {
                    reading.short = format!(
                        "{} suppressed: what the others say would be about them alone.",
                        plural(chart.hidden, "final month is", "final months are")
                    );
                }
                "data_missing" => {
                    "Data missing".clone_into(&mut reading.badge);
                    "Check the data: rows that this measure rests on did not come in the latest final month."
                        .clone_into(&mut reading.short);
                }
                "not_comparable" => {
                    "Earlier months are not as whole as later ones, so they cannot be compared."
                        .clone_into(&mut reading.short);
                }
                _ => {
                    let useful = chart.useful.unwrap_or(0);
                    reading.detail = format!(
                        "{} final so far, {useful} of them off the centre line.",
                        plural(chart.months, "month is", "months are")
                    );
                }
            }
            return reading;
        }
        let clustering = chart.signals.split('+').any(|rule| rule == "few_crossings");
        let high = words.latest().is_some_and(|(_, above)| above);
        reading.variation = Some(match chart.variation.as_str() {
            "improvement" => Icon::Improvement(high),
            "concern" => Icon::Concern(high),
            "high" | "low" => Icon::Change(high),
            _ => Icon::CommonCause,
        });
        if let Some((sentence, _)) = words.latest() {
            let (badge, change) = named(&chart.variation);
            let new = if chart.since == words.last_final() { "New: " } else { "" };
            (reading.verdict, reading.badge, reading.change) = (Verdict::Signal, badge.to_owned(), change);
            reading.short = format!("{new}{sentence}");
            if clustering {
                reading.detail = words.clustering();
            }
        } else if clustering {
            (reading.verdict, reading.badge, reading.short) =
                (Verdict::Signal, "Clustering".to_owned(), words.clustering());
            // The series is no common cause, and its last month alone says nothing.
            reading.variation = None;
            reading.detail = words.earlier().unwrap_or_default();
        } else if let Some(sentence) = words.earlier() {
            (reading.verdict, reading.badge) = (Verdict::Earlier, "Earlier signal".to_owned());
            reading.short = format!("{sentence} Ordinary variation since.");
        } else {
            (reading.verdict, reading.badge) = (Verdict::Quiet, "No signal".to_owned());
            "Ordinary month-to-month variation.".clone_into(&mut reading.short);
            reading.detail = words.counts();
        }
        if let Some(phases) = words.phases() {
            if reading.verdict != Verdict::Signal && !chart.step_meaning.is_empty() {
                // What changed with the event is the news; since then nothing has.
                let (badge, change) = named(&chart.step_meaning);
                let high = chart.step.is_some_and(|step| step > 0.0);
                reading.variation = Some(match change {
                    Change::Improvement => Icon::Improvement(high),
                    Change::Worsening => Icon::Concern(high),
                    Change::Undirected => Icon::Change(high),
                });
                (reading.verdict, reading.badge, reading.change) = (Verdict::Signal, badge.to_owned(), change);
                let since = format!("No signal since. {}", reading.detail);
                since.trim_end().clone_into(&mut reading.detail);
                reading.short = phases;
            } else {
                reading.short = format!("{} {phases}", reading.short);
            }
        }
        reading
    }

    /// Where no unit has a numerator: before a chart says that nothing changes, someone must look whether anything is seen.
    pub fn of_nothing_found() -> Self {
        Self {
            badge: "Check the data".to_owned(),
            short: "Not one unit has what is counted, which is more often a gap in the extracts or in the code sets than a \
                    fact."
                .to_owned(),
            ..Self::of_years_alone()
        }
    }

    /// Where a release has no months, so that there is nothing to read.
    pub fn of_years_alone() -> Self {
        Self {
            verdict: Verdict::NotAssessed,
            badge: "Not in this release".to_owned(),
            short: "It has whole years alone, so there is no chart of months and no signal was looked for.".to_owned(),
            detail: String::new(),
            change: Change::Undirected,
            variation: None,
            assurance: None,
            chart: None,
        }
    }

    /// Badge, reason and detail in one text.
    pub fn sentence(&self) -> String {
        format!("{}. {} {}", self.badge, self.short, self.detail).trim_end().to_owned()
    }

    /// What the target has to do with it, in a sentence; empty without one.
    pub fn target_sentence(&self, format: &ValueFormat) -> String {
        let Some(target) = self.chart.as_ref().and_then(|chart| chart.target) else { return String::new() };
        let target = format.value(target);
        match self.assurance {
            Some(Icon::Pass) => format!("Target {target}: met, and as the process runs it will be met."),
            Some(Icon::Fail) => format!("Target {target}: as the process runs it will not be met without a change."),
            Some(Icon::HitOrMiss) => {
                format!("Target {target}: it lies within the limits, so months meet or miss it by chance.")
            }
            _ => format!("Target {target}."),
        }
    }
}

/// The value of a month, for sentences that name it.
pub type Values<'a> = &'a dyn Fn(Date) -> Option<f64>;

struct Words<'a> {
    measure: &'a Measure,
    format: &'a ValueFormat,
    chart: &'a Chart,
    months: &'a [&'a Signal],
    values: Values<'a>,
}

impl Words<'_> {
    /// What marks the latest final month, and whether its value is high; nothing for common cause.
    fn latest(&self) -> Option<(String, bool)> {
        if matches!(self.chart.variation.as_str(), "common_cause" | "not_assessed") {
            return None;
        }
        let last = self.months.iter().rposition(|month| month.stands_out())?;
        let since = self.chart.since.unwrap_or(self.months[last].period);
        let high = self.is_high(last);
        let direction = match self.chart.variation.as_str() {
            "improvement" | "concern" => format!(" {} is better.", capital(&self.measure.better)),
            _ => String::new(),
        };
        Some((format!("{}{direction}", self.stretch(since, last)), high))
    }

    /// Decimals that tell a value from the limit that it lies beyond: "87.24 above 87.19", not "87.2 above 87.2".
    fn telling_decimals(&self, value: Option<f64>, month: &Signal) -> usize {
        let usual = self.format.decimals;
        let limit = [month.lower, month.upper].into_iter().flatten();
        let told = |decimals: &usize| {
            let written = |value: f64| self.format.rounded(value, *decimals);
            value.is_none_or(|value| limit.clone().all(|limit| written(limit) != written(value)))
        };
        (usual..usual + 3).find(told).unwrap_or(usual)
    }

    /// The latest earlier stretch of months that stood out, where the latest month does not.
    fn earlier(&self) -> Option<String> {
        let last = self.months.iter().rposition(|month| month.stands_out())?;
        let meaning = &self.months[last].meaning;
        // A month on the line neither adds to a run nor breaks it.
        let first = (0..=last)
            .rev()
            .take_while(|place| self.months[*place].meaning == *meaning || self.is_on_line(*place))
            .filter(|place| self.months[*place].stands_out())
            .last()?;
        Some(self.stretch(self.months[first].period, last))
    }

    /// A stretch of marked months by the rule that marks its last one.
    fn stretch(&self, since: Date, last: usize) -> String {
        let month = self.months[last];
        let of_stretch: Vec<&&Signal> =
            self.months[..=last].iter().filter(|month| month.period >= since && month.stands_out()).collect();
        let side = if self.is_high(last) { "above" } else { "below" };
        let span = match of_stretch.first() {
            Some(first) if first.period < month.period => {
                format!("{} to {}", format::month(first.period), format::month(month.period))
            }
            _ => format::month(month.period),
        };
        let number = i64::try_from(of_stretch.len()).unwrap_or(i64::MAX);
        let line = if self.chart.chart == "run" { "median" } else { "mean" };
        if month.has("beyond_limits") && of_stretch.iter().all(|month| month.has("beyond_limits")) {
            let value = (self.values)(month.period);
            let decimals = self.telling_decimals(value, month);
            let written = |value: f64| self.format.rounded(value, decimals);
            let limits = month.lower.zip(month.upper);
            let limits = limits.map(|(lower, upper)| format!("{} to {}", written(lower), written(upper)));
            let numbers = match (value.map(written), limits) {
                (Some(value), Some(limits)) if number == 1 => format!(" ({value}; limits {limits})"),
                (_, Some(limits)) => format!(" (limits now {limits})"),
                _ => String::new(),
            };
            return format!("{span} {side} the control limits{numbers}.");
        }
        let limit = self.chart.longest_run_limit.filter(|_| month.has("long_run"));
        let limit = limit.map(|limit| format!("; chance rarely makes more than {limit}")).unwrap_or_default();
        if month.has("long_run") || month.has("shift") {
            return format!("{number} months in a row {side} the {line}, {span}{limit}.");
        }
        if month.has("trend") {
            let way = if matches!(month.meaning.as_str(), "high") || self.rises(last) { "rising" } else { "falling" };
            return format!("{number} months {way} one after the other, {span}.");
        }
        if month.has("two_of_three") {
            return format!(
                "Two of three months close to the control limit {side} the {line}, up to {}.",
                format::month(month.period)
            );
        }
        format!("{span} {side} the {line}, part of a signal.")
    }

    /// The latest month that is marked; where the chart says that its end is a signal, that is the latest one judged.
    fn last_final(&self) -> Option<Date> {
        self.months.iter().rev().find(|month| month.stands_out()).map(|month| month.period)
    }

    /// Where limits were worked out anew: the last centre line beside the one before, and how far they are apart.
    fn phases(&self) -> Option<String> {
        let last = self.months.last()?;
        let first = self.months.iter().find(|month| month.phase == last.phase)?;
        let before = self.months.iter().rev().find(|month| month.phase < last.phase)?;
        let (before, now) = before.centre.zip(last.centre)?;
        let line = if self.chart.chart == "run" { "median" } else { "mean" };
        let chart = self.chart;
        let apart = chart.step.zip(chart.step_lower.zip(chart.step_upper)).map(|(step, (lower, upper))| {
            // Per cent less another per cent are points.
            let points = if self.format.suffix == "%" { " points" } else { "" };
            let sign = if step > 0.0 { "+" } else { "" };
            let number = format::number(step, self.format.decimals);
            format!(", a step of {sign}{number}{points} (95% interval {})", self.format.short_interval(lower, upper))
        });
        Some(format!(
            "Since {} the {line} is {}, before it was {}{}.",
            format::month(first.period),
            self.format.value(now),
            self.format.value(before),
            apart.unwrap_or_default()
        ))
    }

    fn is_on_line(&self, place: usize) -> bool {
        let month = self.months[place];
        (self.values)(month.period).zip(month.centre).is_some_and(|(value, centre)| value.total_cmp(&centre).is_eq())
    }

    fn is_high(&self, place: usize) -> bool {
        let month = self.months[place];
        (self.values)(month.period).zip(month.centre).is_some_and(|(value, centre)| value > centre)
    }

    fn rises(&self, place: usize) -> bool {
        let value = |place: usize| self.months.get(place).and_then(|month| (self.values)(month.period));
        place > 0 && value(place) > value(place - 1)
    }

    fn clustering(&self) -> String {
        let line = if self.chart.chart == "run" { "median" } else { "mean" };
        match self.chart.crossings.zip(self.chart.crossings_limit) {
            Some((crossings, limit)) => format!(
                "Values cluster in time: {} of the {line}, where chance usually makes at least {limit}.",
                plural(crossings, "crossing", "crossings"),
            ),
            None => format!("Values cluster in time: unusually few crossings of the {line}."),
        }
    }

    fn counts(&self) -> String {
        // Of fewer than ten nothing is judged by these.
        if self.chart.useful.is_none_or(|useful| useful < 10) {
            return String::new();
        }
        let line = if self.chart.chart == "run" { "Median" } else { "Mean" };
        let run = self.chart.longest_run.zip(self.chart.longest_run_limit);
        let run = run.map(|(run, limit)| format!("Longest run: {} (limit {limit}).", plural(run, "month", "months")));
        let crossings = self.chart.crossings.zip(self.chart.crossings_limit);
        let crossings = crossings.map(|(crossings, limit)| {
            format!("{line} crossed {} (at least {limit} expected).", plural(crossings, "time", "times"))
        });
        run.into_iter().chain(crossings).collect::<Vec<_>>().join(" ")
    }
}

/// A meaning's badge and what it says of the measure's purpose.
fn named(meaning: &str) -> (&'static str, Change) {
    match meaning {
        "improvement" => ("Improvement", Change::Improvement),
        "concern" => ("Concern", Change::Worsening),
        _ => ("Change", Change::Undirected),
    }
}

fn capital(better: &str) -> &'static str {
    if better == "lower" { "Lower" } else { "Higher" }
}

fn plural(number: i64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {many}", format::count(number)) }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::date;

    use super::*;
    use crate::model::test_rows::{chart, measure, signal};

    /// Months from January 2025 on with these values and the rule that marks each.
    fn read(better: &str, variation: &str, marked: &[(f64, &str, &str)]) -> Reading {
        let period = |index: usize| date(2025, 1, 1) + i64::try_from(index).expect("a month").months();
        let months: Vec<Signal> =
            marked.iter().enumerate().map(|(index, (_, rule, meaning))| signal(period(index), rule, meaning)).collect();
        let values =
            |month: Date| Some(marked[usize::try_from(format::months_between(date(2025, 1, 1), month)).ok()?].0);
        let all: Vec<&str> = marked.iter().map(|(_, rule, _)| *rule).filter(|rule| !rule.is_empty()).collect();
        let since = marked.iter().rposition(|(_, _, meaning)| meaning.is_empty()).map(|last| period(last + 1));
        let chart = Chart { signals: all.join("+"), since, ..chart(variation) };
        let measure = measure(better);
        Reading::of(&measure, &ValueFormat::of(&measure), Some(&chart), &months.iter().collect::<Vec<_>>(), &values)
    }

    #[test]
    fn a_run_names_its_months_and_what_they_mean() {
        let run = [(12.0, "", ""), (8.0, "long_run", "improvement"), (9.0, "long_run", "improvement")];
        let reading = read("lower", "improvement", &run);
        assert_eq!(
            reading.short,
            "2 months in a row below the mean, Feb 2025 to Mar 2025; chance rarely makes more than 7. Lower is better."
        );
        assert_eq!((reading.verdict, reading.change), (Verdict::Signal, Change::Improvement));
        assert_eq!(reading.variation, Some(Icon::Improvement(false)));
    }

    #[test]
    fn a_month_beyond_the_limits_is_named_with_its_numbers() {
        let reading = read("lower", "concern", &[(10.0, "", ""), (16.2, "beyond_limits", "concern")]);
        assert_eq!(
            reading.short,
            "New: Feb 2025 above the control limits (16.2%; limits 5.0% to 15.0%). Lower is better."
        );
        assert_eq!((reading.badge.as_str(), reading.variation), ("Concern", Some(Icon::Concern(true))));
    }

    #[test]
    fn a_value_and_the_limit_that_it_lies_beyond_are_told_apart() {
        let reading = read("lower", "concern", &[(10.0, "", ""), (15.02, "beyond_limits", "concern")]);
        assert!(reading.short.contains("(15.02%; limits 5.00% to 15.00%)"), "{}", reading.short);
    }

    #[test]
    fn a_signal_of_the_past_is_neither_improvement_nor_concern() {
        let reading = read("lower", "common_cause", &[(16.0, "beyond_limits", "concern"), (10.0, "", "")]);
        assert_eq!((reading.verdict, reading.change), (Verdict::Earlier, Change::Undirected));
        assert_eq!(
            reading.short,
            "Jan 2025 above the control limits (16.0%; limits 5.0% to 15.0%). Ordinary variation since."
        );
    }

    #[test]
    fn a_step_between_phases_is_the_news_where_nothing_changed_since() {
        let month = |index: i64, phase: i64, centre: f64| Signal {
            phase,
            centre: Some(centre),
            ..signal(date(2025, 1, 1) + index.months(), "", "")
        };
        let months = [month(0, 0, 16.8), month(1, 0, 16.8), month(2, 1, 13.3)];
        let told = |meaning: &str| {
            let chart = Chart {
                step: Some(-3.5),
                step_lower: Some(-5.9),
                step_upper: Some(-1.1),
                step_meaning: meaning.to_owned(),
                ..chart("common_cause")
            };
            let measure = measure("lower");
            Reading::of(&measure, &ValueFormat::of(&measure), Some(&chart), &months.iter().collect::<Vec<_>>(), &|_| {
                None
            })
        };
        let words =
            "Since Mar 2025 the mean is 13.3%, before it was 16.8%, a step of −3.5 points (95% interval −5.9 to −1.1).";
        let step = told("improvement");
        assert_eq!((step.verdict, step.badge.as_str()), (Verdict::Signal, "Improvement"));
        assert_eq!((step.short.as_str(), step.variation), (words, Some(Icon::Improvement(false))));
        assert!(step.detail.starts_with("No signal since."), "{}", step.detail);
        let none = told("");
        assert_eq!((none.verdict, none.variation), (Verdict::Quiet, Some(Icon::CommonCause)));
        assert!(none.short.ends_with(words), "{}", none.short);
    }

    #[test]
    fn what_is_not_assessed_says_why() {
        let said = |unassessed: &str| {
            let chart = Chart { unassessed: unassessed.to_owned(), hidden: 13, ..chart("not_assessed") };
            let measure = measure("lower");
            Reading::of(&measure, &ValueFormat::of(&measure), Some(&chart), &[], &|_| None).short
        };
        assert!(said("hidden_months").starts_with("13 final months are suppressed"));
        assert!(said("not_comparable").contains("cannot be compared"));
        assert!(said("data_missing").starts_with("Check the data"));
        assert!(said("few_months").starts_with("Too few final months"));
    }

    #[test]
    fn clustering_marks_no_month() {
        let reading = read("none", "common_cause", &[(9.0, "few_crossings", ""), (11.0, "few_crossings", "")]);
        assert_eq!(reading.badge, "Clustering");
        assert_eq!(reading.variation, None);
    }

    #[test]
    fn no_signal_and_no_assessment_are_different_things() {
        assert_eq!(read("lower", "common_cause", &[(9.0, "", "")]).verdict, Verdict::Quiet);
        assert_eq!(read("lower", "not_assessed", &[(9.0, "", "")]).verdict, Verdict::NotAssessed);
        let measure = measure("lower");
        let none = Reading::of(&measure, &ValueFormat::of(&measure), None, &[], &|_| None);
        assert_eq!((none.verdict, none.variation), (Verdict::NotAssessed, None));
    }
}
