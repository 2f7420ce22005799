//! Monthly values at level all as control charts: the chart that fits the measure, its limits, and which months are signals.

use std::collections::BTreeMap;

use carecoord_statistics::spc::chart::{Chart, Kind as ChartKind, Options, Plotted, Point, chart};
use carecoord_statistics::spc::choose::{self, choose};
use carecoord_statistics::spc::exact::{Count, THREE_SIGMA};
use carecoord_statistics::spc::mdc::{Assurance, assurance};
use carecoord_statistics::spc::rules::{Fired, Rule, RuleSet, signals};
use carecoord_statistics::spc::run::{RunChart, median};
use carecoord_statistics::spc::{Direction, Meaning, Side};
use jiff::civil::Date;
use serde::Deserialize;

use crate::definition::{Better, Kind, Measure};
use crate::rates::{ALL, Rate, State, whole};
use crate::rows::Cell;
use crate::span::{date_of, days};

/// Final months that a phase needs on either side of a break before limits are worked out anew [P].
const PHASE_MONTHS: usize = 8;

/// Distinct values that an I chart needs, and the share of neighbours alike above which it has none: limits from differences
/// that are mostly 0 would mark ordinary months [P].
const DISTINCT: usize = 6;
const ALIKE: f64 = 1.0 / 3.0;
/// The share of final months that may be hidden: what the others say together would be about them alone [P].
const HIDDEN: f64 = 0.1;
/// Standard errors by which two phases differ before it counts as a change, as three standard deviations do for a month [P].
const STEP: f64 = 3.0;
/// Expected events, or units without one, below which a month is judged by its own distribution [K].
const FEW_EXPECTED: f64 = 10.0;
/// Units below which the mean or median of a month is not judged by limits [P].
const FEW_UNITS: u64 = 10;
/// For the 95 % interval of a step.
const NORMAL_95: f64 = 1.959_963_984_540_054;

/// What charts are made with: what a project says in `carecoord.toml`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// Which months count as signals.
    pub rules: Rules,
    /// Targets by measure, in the unit shown.
    pub targets: BTreeMap<String, f64>,
    /// An organization's own targets, by its id and measure.
    pub site_targets: BTreeMap<String, BTreeMap<String, f64>>,
    /// What happened when.
    pub annotations: Vec<Annotation>,
}

/// A named set of rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rules {
    /// A month beyond its limits, an unusually long run, unusually few crossings (Anhøj), with limits that follow the number
    /// of months: few false alarms.
    #[default]
    Anhoej,
    /// NHS England's Making Data Count: beyond limits, two of three close to a limit, shift and trend of seven.
    Mdc,
}

/// What happened on a day, as a chart names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Annotation {
    /// The day.
    #[serde(deserialize_with = "day")]
    pub date: Date,
    /// What happened.
    pub text: String,
    /// Ids of measures, or how they begin; all measures where empty.
    #[serde(default)]
    pub measures: Vec<String>,
    /// Whether centre line and limits are worked out anew from the first whole month on.
    #[serde(default)]
    pub new_phase: bool,
}

impl Annotation {
    fn is_about(&self, measure: &str) -> bool {
        self.measures.is_empty() || self.measures.iter().any(|id| measure.starts_with(id.as_str()))
    }
}

/// A day written as TOML's own date or in quotes.
fn day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Native(toml::value::Datetime),
        Quoted(String),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Native(native) => native.to_string(),
        Written::Quoted(text) => text,
    };
    text.parse().map_err(|error| serde::de::Error::custom(format!("{text}: {error}; a day is written 2025-10-01")))
}

/// Rows of the results tables `chart`, `signal` and `annotation` for one measure.
#[derive(Debug, Default)]
pub struct SignalRows {
    /// At most one row: the chart as a whole.
    pub charts: Vec<Vec<Cell>>,
    /// One row for each month.
    pub months: Vec<Vec<Cell>>,
    /// One row for each annotation of the measure.
    pub annotations: Vec<Vec<Cell>>,
}

/// The chart of a measure's months at level all. Final months with a value that may be shown set limits and are judged;
/// others are drawn.
#[must_use]
pub fn rows(measure: &Measure, rates: &[Rate], settings: &Settings) -> SignalRows {
    let months: Vec<&Rate> = rates.iter().filter(|rate| rate.is_overall() && rate.key.period_kind == "month").collect();
    if months.is_empty() {
        return SignalRows::default();
    }
    let annotations: Vec<&Annotation> = settings.annotations.iter().filter(|one| one.is_about(&measure.id)).collect();
    let drawn = Drawn::of(measure, &months, &annotations, settings.rules);
    SignalRows {
        charts: vec![drawn.chart_row(measure, &months, settings)],
        months: months.iter().enumerate().map(|(place, rate)| drawn.month_row(measure, place, rate)).collect(),
        annotations: annotations
            .iter()
            .map(|one| {
                vec![
                    measure.id.clone().into(),
                    Cell::Date(days(one.date)),
                    one.text.clone().into(),
                    one.new_phase.into(),
                ]
            })
            .collect(),
    }
}

/// Whether a month sets limits and is judged.
fn counts(rate: &Rate) -> bool {
    rate.is_final && matches!(rate.state, State::Shown | State::NotReached)
}

/// Whether a final month's value is hidden.
fn is_hidden(rate: &Rate) -> bool {
    rate.is_final && matches!(rate.state, State::SmallCell | State::WouldReveal)
}

/// A chart that was made, with what its rules say of each month.
struct Drawn {
    /// `None` without any final month.
    chart: Option<Chart>,
    /// Whether limits are drawn; a run chart has none.
    limits: bool,
    why: &'static str,
    fired: Vec<Vec<Fired>>,
    direction: Direction,
    /// Bounds of what is possible: limits are cut there.
    possible: (f64, f64),
    /// Why no month is judged, where none is.
    unjudged: Option<&'static str>,
    /// Whether the data of the latest final month did not come.
    silent: bool,
}

/// The last two phases beside each other.
struct Step {
    /// First month of the last phase, as a place.
    first: usize,
    difference: f64,
    error: f64,
}

impl Drawn {
    fn of(measure: &Measure, months: &[&Rate], annotations: &[&Annotation], rules: Rules) -> Self {
        let (kind, why) = chart_kind(measure, months);
        let direction = match measure.better {
            Better::Higher => Direction::Increase,
            Better::Lower => Direction::Decrease,
            Better::None => Direction::Neutral,
        };
        let excluded: Vec<usize> = (0..months.len()).filter(|place| !counts(months[*place])).collect();
        let control = kind.and_then(|kind| {
            let ratio = kind.needs_denominator();
            let options = Options {
                phases: phases(months, annotations),
                excluded: excluded.clone(),
                multiplier: if ratio { measure.multiplier } else { 1.0 },
                negative_lower: false,
                // Screening would take the very step out that the newest month makes, and call it a signal.
                screened: kind != ChartKind::I,
                // One month far from all others must not move the line that the others are judged by.
                alone_apart: true,
                ..Options::plain()
            };
            // A measure whose numbers do not fit the chart gets a run chart.
            chart(kind, &points(months, ratio), &options).ok()
        });
        let limits = control.is_some();
        let run = || {
            // A month in which fewer than half had the event lies above all others, however long they will wait.
            let highest = months.iter().filter_map(|rate| rate.value).fold(0.0, f64::max);
            let value = |rate: &&Rate| match rate.state {
                State::NotReached if rate.is_final => Some(2.0 * highest + 1.0),
                State::Shown => rate.value,
                _ => None,
            };
            let judged: Vec<Option<f64>> = months.iter().map(|rate| value(rate).filter(|_| counts(rate))).collect();
            let centre = median(&judged).ok().filter(|centre| *centre <= highest)?;
            let options = Options { excluded, centre: Some(centre), ..Options::plain() };
            let points: Vec<Point> =
                months.iter().map(|rate| value(rate).map_or(Point::MISSING, Point::value)).collect();
            chart(ChartKind::I, &points, &options).ok()
        };
        let chart = control.or_else(run);
        let finals = months.iter().filter(|rate| rate.is_final).count();
        let hidden = months.iter().filter(|rate| is_hidden(rate)).count();
        let unjudged = if !measure.months_comparable {
            Some("not_comparable")
        } else if hidden as f64 > HIDDEN * finals as f64 {
            Some("hidden_months")
        } else {
            None
        };
        let judged = chart.as_ref().filter(|_| unjudged.is_none());
        let mut fired = judged.map(|chart| fired(chart, limits, rules, direction)).unwrap_or_default();
        if let Some(chart) = judged {
            for (place, fired) in fired.iter_mut().enumerate() {
                if explained_by_few_units(measure, months[place], chart, place) {
                    fired.retain(|fired| !matches!(fired.rule, Rule::BeyondLimits | Rule::TwoOfThree));
                }
            }
        }
        let whole = matches!(measure.kind, Kind::Proportion | Kind::Composite) && measure.value_unit.starts_with('%');
        let never_negative = months.iter().filter_map(|rate| rate.value).all(|value| value >= 0.0);
        let possible = (
            if never_negative { 0.0 } else { f64::NEG_INFINITY },
            if whole { measure.multiplier } else { f64::INFINITY },
        );
        let silent = months.iter().rfind(|rate| rate.is_final).is_some_and(|rate| rate.state == State::Missing);
        Self { chart, limits, why, fired, direction, possible, unjudged, silent }
    }

    fn limits_at(&self, point: &Plotted) -> Option<(f64, f64)> {
        let limits = point.limits.filter(|_| self.limits)?;
        Some((limits.lower.max(self.possible.0), limits.upper.min(self.possible.1)))
    }

    /// The last month that is judged.
    fn last(&self) -> Option<(usize, &Plotted)> {
        let points = self.chart.as_ref()?.points.iter().enumerate();
        points.rev().find(|(_, point)| point.included && point.value.is_some())
    }

    fn side_at(&self, place: usize) -> Option<Side> {
        self.fired.get(place)?.iter().find_map(|fired| fired.side)
    }

    /// The first month of the stretch of signals on one side that the last month ends.
    fn since(&self, last: usize) -> Option<usize> {
        let side = self.side_at(last)?;
        let chart = self.chart.as_ref()?;
        // A month on the line neither adds to a run nor breaks it.
        let on_line = |point: &Plotted| point.value.is_some_and(|value| value.total_cmp(&point.centre).is_eq());
        let judged = |place: &usize| {
            let point = &chart.points[*place];
            point.included && point.value.is_some() && (self.side_at(*place).is_some() || !on_line(point))
        };
        (0..=last).rev().filter(judged).take_while(|place| self.side_at(*place) == Some(side)).last()
    }

    /// How far the last phase's centre line lies from that of the phase before, where both have limits. The standard error of
    /// a centre line follows from its months' standard deviations, a third of their distance to the upper limit. None where a
    /// month is hidden: those that are hidden are the low ones, and the line of the others says too much.
    fn step(&self, months: &[&Rate]) -> Option<Step> {
        let whole = self.unjudged.is_none() && !months.iter().any(|rate| is_hidden(rate));
        let chart = self.chart.as_ref().filter(|_| self.limits && whole)?;
        let last = chart.phases.len().checked_sub(1)?;
        let centre = |phase: usize| -> Option<(f64, f64)> {
            let months: Vec<&Plotted> = chart
                .points
                .iter()
                .filter(|point| point.phase == phase && point.included && !point.alone && point.value.is_some())
                .collect();
            let variances: Option<Vec<f64>> = months
                .iter()
                .map(|point| point.limits.map(|limits| ((limits.upper - point.centre) / 3.0).powi(2)))
                .collect();
            let n = months.len() as f64;
            Some((months.first()?.centre, variances?.iter().sum::<f64>() / (n * n)))
        };
        let ((before, of_before), (now, of_now)) = (centre(last.checked_sub(1)?)?, centre(last)?);
        let error = (of_before + of_now).sqrt();
        (error > 0.0).then(|| Step { first: chart.phases[last].first, difference: now - before, error })
    }

    /// Why a signal cannot be told from chance, where it cannot.
    fn unassessed(&self) -> Option<&'static str> {
        let phase = self.chart.as_ref().and_then(|chart| chart.phases.last());
        let enough =
            self.limits || phase.and_then(|phase| phase.runs.as_ref().ok()).is_some_and(|runs| !runs.is_short());
        self.unjudged.or(self.silent.then_some("data_missing")).or((!enough).then_some("few_months"))
    }

    fn chart_row(&self, measure: &Measure, months: &[&Rate], settings: &Settings) -> Vec<Cell> {
        let chart = self.chart.as_ref();
        let runs = chart.and_then(|chart| chart.phases.last()).and_then(|phase| phase.runs.as_ref().ok());
        let last = self.last();
        let limits = last.and_then(|(_, point)| self.limits_at(point));
        let target = settings.targets.get(&measure.id).copied();
        let side = last.and_then(|(place, _)| self.side_at(place));
        let variation = match (self.unassessed(), side) {
            (Some(_), _) => "not_assessed",
            (None, None) => "common_cause",
            (None, Some(side)) => meaning(Meaning::of(side, self.direction)),
        };
        let since = last.and_then(|(place, _)| self.since(place)).map(|place| Cell::Date(months[place].key.period));
        let verdict = limits
            .zip(target)
            .and_then(|((lower, upper), target)| assurance(lower, upper, target, self.direction))
            .map(|verdict| match verdict {
                Assurance::Pass => "pass",
                Assurance::Fail => "fail",
                Assurance::HitOrMiss => "hit_or_miss",
            });
        let mut all: Vec<&str> = Vec::new();
        let of_last = chart.and_then(|chart| chart.phases.last()).map_or(0, |phase| phase.first);
        for rule in self.fired.iter().skip(of_last).flatten().map(|fired| word(fired.rule)) {
            if !all.contains(&rule) {
                all.push(rule);
            }
        }
        let kind = chart.filter(|_| self.limits).map_or("run", |chart| chart.kind.name());
        let step = self.step(months);
        let rules = match (settings.rules, self.limits) {
            (Rules::Mdc, true) => "mdc",
            (Rules::Anhoej, true) => "anhoej_shewhart",
            (_, false) => "anhoej",
        };
        vec![
            measure.id.clone().into(),
            ALL.into(),
            ALL.into(),
            kind.into(),
            self.why.into(),
            rules.into(),
            (months.iter().filter(|rate| counts(rate)).count() as u64).into(),
            last.map(|(_, point)| point.centre).into(),
            limits.map(|limits| limits.0).into(),
            limits.map(|limits| limits.1).into(),
            target.into(),
            variation.into(),
            since.unwrap_or(Cell::Null),
            verdict.into(),
            (!all.is_empty()).then(|| all.join("+")).into(),
            runs.map(|runs| runs.useful as u64).into(),
            runs.map(|runs| runs.longest_run as u64).into(),
            runs.map(|runs| runs.longest_run_limit as u64).into(),
            runs.map(|runs| runs.crossings as u64).into(),
            runs.map(|runs| runs.crossings_limit as u64).into(),
            step.as_ref().map_or(Cell::Null, |step| Cell::Date(months[step.first].key.period)),
            step.as_ref().map(|step| step.difference).into(),
            step.as_ref().map(|step| step.difference - NORMAL_95 * step.error).into(),
            step.as_ref().map(|step| step.difference + NORMAL_95 * step.error).into(),
            step.filter(|step| step.difference.abs() > STEP * step.error)
                .map(|step| {
                    let side = if step.difference > 0.0 { Side::High } else { Side::Low };
                    meaning(Meaning::of(side, self.direction))
                })
                .into(),
            self.unassessed().into(),
            (months.iter().filter(|rate| is_hidden(rate)).count() as u64).into(),
        ]
    }

    fn month_row(&self, measure: &Measure, place: usize, rate: &Rate) -> Vec<Cell> {
        let point = self.chart.as_ref().map(|chart| &chart.points[place]);
        let limits = point.and_then(|point| self.limits_at(point));
        let fired = self.fired.get(place).map(Vec::as_slice).unwrap_or_default();
        let rules: Vec<&str> = fired.iter().map(|fired| word(fired.rule)).collect();
        let side = self.side_at(place).map(|side| meaning(Meaning::of(side, self.direction)));
        vec![
            measure.id.clone().into(),
            ALL.into(),
            ALL.into(),
            Cell::Date(rate.key.period),
            rate.value.filter(|_| rate.state == State::Shown).into(),
            point.map(|point| point.phase as u64).into(),
            point.map(|point| point.centre).into(),
            limits.map(|limits| limits.0).into(),
            limits.map(|limits| limits.1).into(),
            (!rules.is_empty()).then(|| rules.join("+")).into(),
            side.into(),
        ]
    }
}

/// Whether a month lies near or beyond its limits for no other reason than that it has few units. Where fewer than ten events, or
/// fewer than ten units without one, are expected, its own distribution decides, at the probability of three standard deviations;
/// a mean or median of so few units is not judged by its limits.
fn explained_by_few_units(measure: &Measure, rate: &Rate, chart: &Chart, place: usize) -> bool {
    let point = &chart.points[place];
    let Some(value) = point.value else { return false };
    let (numerator, denominator) = (rate.sums.numerator.value(), rate.sums.denominator.value());
    let centre = point.centre / measure.multiplier;
    let counted = match chart.kind {
        ChartKind::P | ChartKind::PPrime => Count::Binomial { trials: whole(denominator), share: centre },
        ChartKind::U | ChartKind::UPrime => Count::Poisson { mean: centre * denominator },
        _ => return rate.people < FEW_UNITS,
    };
    if counted.least_expected() >= FEW_EXPECTED {
        return false;
    }
    let side = if value > point.centre { Side::High } else { Side::Low };
    counted.tail(whole(numerator), side) > THREE_SIGMA
}

/// What the rules say of each month that is judged.
fn fired(chart: &Chart, limits: bool, rules: Rules, direction: Direction) -> Vec<Vec<Fired>> {
    let judge =
        |set: RuleSet| signals(chart, set, direction).into_iter().map(|signal| signal.rules).collect::<Vec<_>>();
    let mut fired = match (rules, limits) {
        (Rules::Mdc, true) => judge(RuleSet::MakingDataCount),
        _ => judge(RuleSet::Anhoej),
    };
    for (place, point) in chart.points.iter().enumerate() {
        if !point.included {
            fired[place].clear();
            continue;
        }
        // Runs of fewer than ten useful months tell nothing.
        let short = chart.phases[point.phase].runs.as_ref().map_or(true, RunChart::is_short);
        if short && !(limits && rules == Rules::Mdc) {
            fired[place].clear();
        }
        if limits && rules == Rules::Anhoej && point.beyond_limits() {
            let side = if point.value > Some(point.centre) { Side::High } else { Side::Low };
            fired[place].insert(0, Fired { rule: Rule::BeyondLimits, side: Some(side) });
        }
    }
    fired
}

/// The chart that fits the measure's final months, and why; `None` for a run chart.
fn chart_kind(measure: &Measure, months: &[&Rate]) -> (Option<ChartKind>, &'static str) {
    let final_months = || months.iter().filter(|rate| counts(rate));
    // Sums are far below 2^53.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, not negative, below 2^53")]
    let whole = |number: f64| (number >= 0.0 && number.fract() == 0.0).then_some(number as u64);
    let pairs: Vec<(f64, f64)> =
        final_months().map(|rate| (rate.sums.numerator.value(), rate.sums.denominator.value())).collect();
    // Limits from moving ranges that are mostly 0 would call every event a signal.
    if pairs.iter().filter(|(over, _)| *over == 0.0).count() * 2 > pairs.len() {
        return (None, "Most months are 0: a run chart, because limits would call every event a signal.");
    }
    if final_months().any(|rate| rate.state == State::NotReached) {
        return (None, "In some months fewer than half have had it: a run chart, in which these lie above all others.");
    }
    let ratio = choose::Measure::Ratio(&pairs);
    let proportions: Option<Vec<(u64, u64)>> = pairs
        .iter()
        .map(|(over, under)| whole(*over).zip(whole(*under)).filter(|(over, under)| over <= under))
        .collect();
    let rates: Option<Vec<(u64, f64)>> = pairs.iter().map(|(over, under)| Some((whole(*over)?, *under))).collect();
    let choice = match measure.kind {
        Kind::Proportion => choose(proportions.as_deref().map_or(ratio, choose::Measure::Proportion)),
        Kind::Rate => choose(rates.as_deref().map_or(ratio, choose::Measure::Rate)),
        Kind::Mean => choose(ratio),
        Kind::Time if mostly_alike(&final_months().filter_map(|rate| rate.value).collect::<Vec<_>>()) => {
            return (None, "Values mostly repeat: a run chart, because limits would call ordinary months signals.");
        }
        Kind::Composite | Kind::Time => choose(choose::Measure::Value(pairs.len())),
    };
    choice.map_or((None, "There is no final month yet."), |choice| (choice.chart, choice.why))
}

/// Whether values repeat so often, as medians of whole days do, that differences between neighbours say little.
fn mostly_alike(values: &[f64]) -> bool {
    let mut distinct = values.to_vec();
    distinct.sort_by(f64::total_cmp);
    distinct.dedup();
    let alike = values.windows(2).filter(|pair| pair[0].total_cmp(&pair[1]).is_eq()).count();
    distinct.len() < DISTINCT || alike as f64 > ALIKE * values.len() as f64
}

fn points(months: &[&Rate], ratio: bool) -> Vec<Point> {
    let point = |rate: &&Rate| match (rate.state, rate.value) {
        (State::Shown, Some(_)) if ratio => Point::ratio(rate.sums.numerator.value(), rate.sums.denominator.value()),
        (State::Shown, Some(value)) => Point::value(value),
        _ => Point::MISSING,
    };
    months.iter().map(point).collect()
}

/// First months of later phases: the first whole month from each day on that asks for one, with enough final months
/// before it and after it.
fn phases(months: &[&Rate], annotations: &[&Annotation]) -> Vec<usize> {
    let counted = |from: usize, to: usize| months[from..to].iter().filter(|rate| counts(rate)).count();
    let mut wanted: Vec<usize> = annotations
        .iter()
        .filter(|one| one.new_phase)
        .filter_map(|one| months.iter().position(|rate| date_of(rate.key.period) >= one.date))
        .collect();
    wanted.sort_unstable();
    let mut starts = Vec::new();
    let mut before = 0;
    for start in wanted {
        if counted(before, start) >= PHASE_MONTHS && counted(start, months.len()) >= PHASE_MONTHS {
            starts.push(start);
            before = start;
        }
    }
    starts
}

fn word(rule: Rule) -> &'static str {
    match rule {
        Rule::BeyondLimits => "beyond_limits",
        Rule::Shift(_) => "shift",
        Rule::Trend(_) => "trend",
        Rule::TwoOfThree => "two_of_three",
        Rule::LongRun => "long_run",
        Rule::FewCrossings => "few_crossings",
        _ => "other",
    }
}

fn meaning(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::Improvement => "improvement",
        Meaning::Concern => "concern",
        Meaning::Change(Side::High) => "high",
        Meaning::Change(Side::Low) => "low",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::date;

    use super::*;
    use crate::rates::{Exact, Key, Sums};

    /// Months from January 2025 on, each of 200 units with so many events; `false` is provisional.
    fn months(events: &[(u32, bool)]) -> Vec<Rate> {
        let month = |(index, (events, is_final)): (usize, &(u32, bool))| {
            let period = date(2025, 1, 1) + i64::try_from(index).unwrap().months();
            let key = Key {
                period_kind: "month",
                level: ALL,
                stratum_kind: ALL,
                level_id: ALL.to_owned(),
                stratum: ALL.to_owned(),
                period: days(period),
            };
            let sums = Sums {
                numerator: Exact::new((*events).into()),
                denominator: Exact::new(200.0),
                n: 200,
                ..Sums::default()
            };
            let value = Some(f64::from(*events) / 2.0);
            let is_final = *is_final;
            Rate {
                key,
                sums,
                value,
                interval: None,
                waits: None,
                people: 200,
                is_final,
                state: State::Shown,
                hidden_beside: [false; 3],
            }
        };
        events.iter().enumerate().map(month).collect()
    }

    fn finals(events: &[u32]) -> Vec<Rate> {
        months(&events.iter().map(|events| (*events, true)).collect::<Vec<_>>())
    }

    fn drawn(id: &str, rates: &[Rate], settings: &Settings) -> SignalRows {
        let measure = crate::definition::catalog().unwrap().into_iter().find(|one| one.id == id).unwrap();
        rows(&measure, rates, settings)
    }

    fn cell<'a>(table: &str, row: &'a [Cell], column: &str) -> &'a Cell {
        let contract = carecoord_lake::contract::result(table).unwrap();
        &row[contract.columns.iter().position(|one| one.name == column).unwrap()]
    }

    fn number(cell: &Cell) -> f64 {
        match cell {
            Cell::Number(number) => *number,
            other => panic!("{other:?} is no number"),
        }
    }

    const READMISSION: &str = "readmission.unplanned_30";
    const STEADY: [u32; 14] = [30, 34, 28, 31, 33, 29, 32, 30, 27, 33, 31, 29, 32, 30];

    #[test]
    fn a_proportion_gets_a_p_chart_with_the_limits_of_the_textbook() {
        let found = drawn(READMISSION, &finals(&STEADY), &Settings::default());
        let chart = |column| cell("chart", &found.charts[0], column);
        assert_eq!((chart("chart"), chart("variation")), (&Cell::from("p"), &Cell::from("common_cause")));
        // p = 429 of 2,800; limits p -+ 3 sqrt(p (1 - p) / 200), in per cent (Montgomery 2013, eq. 7.8).
        let p: f64 = 429.0 / 2800.0;
        let half = 3.0 * (p * (1.0 - p) / 200.0).sqrt();
        assert!((number(chart("centre")) - 100.0 * p).abs() < 1e-9);
        assert!((number(chart("lower")) - 100.0 * (p - half)).abs() < 1e-9);
        assert!((number(chart("upper")) - 100.0 * (p + half)).abs() < 1e-9);
        assert_eq!(chart("months"), &Cell::from(14_u64));
    }

    #[test]
    fn a_month_beyond_the_limits_is_a_concern_where_lower_is_better() {
        let found = drawn(READMISSION, &finals(&[&STEADY[..], &[60]].concat()), &Settings::default());
        let month = |column| cell("signal", &found.months[14], column);
        assert_eq!((month("signal"), month("meaning")), (&Cell::from("beyond_limits"), &Cell::from("concern")));
        let chart = |column| cell("chart", &found.charts[0], column);
        assert_eq!(chart("variation"), &Cell::from("concern"));
        assert_eq!(chart("since"), &Cell::Date(days(date(2026, 3, 1))));
    }

    #[test]
    fn provisional_and_suppressed_months_neither_set_limits_nor_count_as_signals() {
        let mut events: Vec<(u32, bool)> = STEADY.iter().map(|events| (*events, true)).collect();
        events.push((120, false));
        let mut rates = months(&events);
        rates[3].state = State::SmallCell;
        let found = drawn(READMISSION, &rates, &Settings::default());
        let without = drawn(
            READMISSION,
            &{
                let mut rates = finals(&STEADY);
                rates[3].state = State::SmallCell;
                rates
            },
            &Settings::default(),
        );
        let centre = |rows: &SignalRows| number(cell("chart", &rows.charts[0], "centre"));
        assert!((centre(&found) - centre(&without)).abs() < 1e-12);
        assert_eq!(cell("signal", &found.months[14], "signal"), &Cell::Null);
        assert_eq!(cell("signal", &found.months[3], "value"), &Cell::Null, "suppressed");
        assert_eq!(cell("chart", &found.charts[0], "months"), &Cell::from(13_u64));
    }

    #[test]
    fn a_long_run_is_dated_and_the_rules_can_be_chosen() {
        // Eight months low at the end: longer than Anhoej's limit for 20 useful months, 7.
        let events = [34, 31, 35, 33, 28, 36, 34, 32, 35, 33, 29, 34, 26, 25, 27, 26, 24, 27, 25, 26];
        let found = drawn(READMISSION, &finals(&events), &Settings::default());
        let chart = |column| cell("chart", &found.charts[0], column);
        assert_eq!((chart("variation"), chart("rules")), (&Cell::from("improvement"), &Cell::from("anhoej_shewhart")));
        assert_eq!(chart("since"), &Cell::Date(days(date(2026, 1, 1))));
    }

    #[test]
    fn a_target_is_judged_by_the_limits() {
        let assured = |target: f64| {
            let settings = Settings { targets: [(READMISSION.to_owned(), target)].into(), ..Settings::default() };
            cell("chart", &drawn(READMISSION, &finals(&STEADY), &settings).charts[0], "assurance").clone()
        };
        assert_eq!(assured(30.0), Cell::from("pass"));
        assert_eq!(assured(2.0), Cell::from("fail"));
        assert_eq!(assured(15.0), Cell::from("hit_or_miss"));
    }

    #[test]
    fn a_new_phase_begins_with_the_first_whole_month_once_enough_follow() {
        let annotation = |day: Date| Annotation {
            date: day,
            text: "Begins".to_owned(),
            measures: vec!["readmission.".to_owned()],
            new_phase: true,
        };
        let events: Vec<u32> = [[40; 10], [20; 10]].concat();
        let phases = |day: Date, events: &[u32]| -> Vec<Cell> {
            let settings = Settings { annotations: vec![annotation(day)], ..Settings::default() };
            let found = drawn(READMISSION, &finals(events), &settings);
            assert_eq!(found.annotations.len(), 1);
            found.months.iter().map(|month| cell("signal", month, "phase").clone()).collect()
        };
        let of = |first: u64| (0..20_u64).map(|month| Cell::from(u64::from(month >= first))).collect::<Vec<_>>();
        assert_eq!(phases(date(2025, 11, 1), &events), of(10));
        assert_eq!(phases(date(2025, 10, 2), &events), of(10), "the month after a day within a month");
        assert!(
            phases(date(2025, 11, 1), &events[..17]).iter().all(|phase| *phase == Cell::from(0_u64)),
            "seven months are too few"
        );
        let other = Settings { annotations: vec![annotation(date(2025, 11, 1))], ..Settings::default() };
        assert!(drawn("referral.loop_closed_60", &finals(&events), &other).annotations.is_empty());
    }

    #[test]
    fn a_step_between_phases_is_told_with_its_interval() {
        let annotation =
            Annotation { date: date(2025, 11, 1), text: "Begins".to_owned(), measures: Vec::new(), new_phase: true };
        let settings = Settings { annotations: vec![annotation], ..Settings::default() };
        let of = |events: &[u32]| drawn(READMISSION, &finals(events), &settings).charts.remove(0);
        let chart = of(&[[40, 38, 42, 39, 41, 40, 38, 42, 39, 41], [20, 22, 18, 21, 19, 20, 22, 18, 21, 19]].concat());
        let column = |name| cell("chart", &chart, name);
        assert_eq!(column("step_since"), &Cell::Date(days(date(2025, 11, 1))));
        // 400 of 2,000 and 200 of 2,000: the standard error of the difference is that of two proportions.
        let error = 100.0 * (0.2 * 0.8 / 2000.0 + 0.1 * 0.9 / 2000.0_f64).sqrt();
        assert!((number(column("step")) + 10.0).abs() < 1e-9);
        assert!((number(column("step_lower")) + 10.0 + NORMAL_95 * error).abs() < 1e-9);
        assert!((number(column("step_upper")) + 10.0 - NORMAL_95 * error).abs() < 1e-9);
        assert_eq!(column("step_meaning"), &Cell::from("improvement"));
        // The first phase ran long on neither side: nothing fired in the last.
        assert_eq!((column("variation"), column("signals")), (&Cell::from("common_cause"), &Cell::Null));
        let same = of(&[[40, 38, 42, 39, 41, 40, 38, 42, 39, 41], [39, 41, 38, 40, 42, 39, 40, 38, 41, 42]].concat());
        assert_eq!(cell("chart", &same, "step_meaning"), &Cell::Null);
        let one = cell("chart", &drawn(READMISSION, &finals(&STEADY), &settings).charts[0], "step").clone();
        assert_eq!(one, Cell::Null, "a single phase");
    }

    #[test]
    fn months_that_are_mostly_hidden_or_cannot_be_compared_are_not_judged() {
        let mut rates = finals(&[&STEADY[..], &[60]].concat());
        for rate in &mut rates[..2] {
            rate.state = State::SmallCell;
        }
        let chart = drawn(READMISSION, &rates, &Settings::default()).charts.remove(0);
        let column = |name| cell("chart", &chart, name);
        assert_eq!((column("variation"), column("unassessed")), (&"not_assessed".into(), &"hidden_months".into()));
        assert_eq!((column("hidden"), column("signals")), (&Cell::from(2_u64), &Cell::Null));
        rates[1].state = State::Shown;
        let chart = drawn(READMISSION, &rates, &Settings::default()).charts.remove(0);
        assert_eq!(cell("chart", &chart, "variation"), &Cell::from("concern"), "one of fifteen");
        let chart = drawn("care_plan.reviewed_180", &finals(&[&STEADY[..], &[60]].concat()), &Settings::default());
        assert_eq!(cell("chart", &chart.charts[0], "unassessed"), &Cell::from("not_comparable"));
        assert!(chart.months.iter().all(|month| *cell("signal", month, "signal") == Cell::Null));
    }

    #[test]
    fn medians_that_repeat_have_no_limits_and_months_that_are_not_reached_lie_above() {
        const WAIT: &str = "referral.days_to_report";
        let medians = |values: &[Option<f64>]| -> Vec<Rate> {
            let mut rates = finals(&vec![100; values.len()]);
            for (rate, value) in rates.iter_mut().zip(values) {
                rate.value = *value;
                rate.state = if value.is_some() { State::Shown } else { State::NotReached };
            }
            rates
        };
        let whole: Vec<Option<f64>> = (0..18).map(|month| Some(f64::from(3 + month % 2))).collect();
        let chart = drawn(WAIT, &medians(&whole), &Settings::default()).charts.remove(0);
        assert_eq!(cell("chart", &chart, "chart"), &Cell::from("run"));
        let varied: Vec<Option<f64>> = (0..18).map(|month| Some(30.0 + f64::from(month * 7 % 11))).collect();
        let chart = drawn(WAIT, &medians(&varied), &Settings::default()).charts.remove(0);
        assert_eq!(cell("chart", &chart, "chart"), &Cell::from("i"));
        // Seven months above all others, then eleven below: a long run, which those that are seen do not show.
        let mut late = vec![None; 7];
        late.extend(varied[..11].iter().copied());
        let found = drawn(WAIT, &medians(&late), &Settings::default());
        let chart = |column| cell("chart", &found.charts[0], column);
        assert_eq!((chart("chart"), chart("months")), (&Cell::from("run"), &Cell::from(18_u64)));
        assert!(number(chart("centre")) <= 40.0);
        assert_eq!(cell("signal", &found.months[0], "value"), &Cell::Null);
        assert_eq!(chart("longest_run"), &Cell::from(7_u64));
        let never = drawn(WAIT, &medians(&[None; 18]), &Settings::default());
        assert_eq!(cell("chart", &never.charts[0], "variation"), &Cell::from("not_assessed"));
    }

    #[test]
    fn few_months_or_mostly_none_make_a_run_chart() {
        let few = drawn(READMISSION, &finals(&STEADY[..6]), &Settings::default());
        assert_eq!(cell("chart", &few.charts[0], "chart"), &Cell::from("run"));
        assert_eq!(cell("chart", &few.charts[0], "variation"), &Cell::from("not_assessed"));
        let none = drawn(READMISSION, &finals(&[0, 0, 0, 4, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0]), &Settings::default());
        assert_eq!(cell("chart", &none.charts[0], "chart"), &Cell::from("run"));
        assert_eq!(cell("signal", &none.months[3], "upper"), &Cell::Null);
        assert!(drawn(READMISSION, &[], &Settings::default()).charts.is_empty());
    }

    #[test]
    fn a_day_may_be_written_both_ways_and_nothing_else() {
        let parse =
            |date: &str| toml::from_str::<Annotation>(&format!("date = {date}\ntext = \"x\"")).map(|one| one.date);
        assert_eq!(parse("2025-10-01").unwrap(), date(2025, 10, 1));
        assert_eq!(parse("\"2025-10-01\"").unwrap(), date(2025, 10, 1));
        assert!(parse("\"October 1\"").unwrap_err().to_string().contains("a day is written 2025-10-01"));
    }
}
