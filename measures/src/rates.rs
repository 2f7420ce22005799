//! From units to rates: sums over levels and strata, rolled up to quarters and years, then one division and an interval.
//!
//! Everything between the counts of months and the last division is addition of whole numbers, so a quarter is exactly the sum of its
//! months.

use std::collections::{BTreeMap, HashMap};

use carecoord_statistics::intervals;

use crate::completion::{FIRST_STRATUM, ORGANIZATION, OwnTexts, SPLITS};
use crate::definition::{Kind, Measure};
use crate::error::{MeasureError, Result};
use crate::gaps::Gaps;
use crate::people::Dictionaries;
use crate::rows::Cell;
use crate::span::{Span, date_of, days, period_end, period_start};
pub use crate::sums::{Exact, Sums};
use crate::tally::{By, Components, Tally};
use crate::waits::{self, Waits};

/// The level of programs, whose members may overlap.
pub const PROGRAM: &str = "program";
/// The level of payers. A person with two coverages counts at both, and once among everyone.
pub const PAYER: &str = "payer";
const CONFIDENCE: f64 = 0.95;
/// What stands for a level or stratum that the data do not name.
pub const UNKNOWN: &str = "unknown";
/// What stands for everyone.
pub const ALL: &str = "all";

/// Which rate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// month, quarter or year.
    pub period_kind: &'static str,
    /// Level.
    pub level: &'static str,
    /// Stratum kind.
    pub stratum_kind: &'static str,
    /// Identifier at the level.
    pub level_id: String,
    /// Group.
    pub stratum: String,
    /// First day of the period, days since 1970-01-01.
    pub period: i32,
}

/// Whether and why a value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is.
    Shown,
    /// A count from 1 to one below the threshold.
    SmallCell,
    /// With it, a suppressed one could be computed back.
    WouldReveal,
    /// There is no denominator.
    Undefined,
    /// Fewer than half of the units have had the event: there is no median.
    NotReached,
    /// Rows that it rests on did not come.
    Missing,
}

/// One rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    /// Which.
    pub key: Key,
    /// Sums.
    pub sums: Sums,
    /// Value, times the multiplier.
    pub value: Option<f64>,
    /// Limits of the 95 % interval and the method's name; a median of waits may have only one limit.
    pub interval: Option<(Option<f64>, Option<f64>, &'static str)>,
    /// How long units waited, for measures of time.
    pub waits: Option<Waits>,
    /// The least number of people that counting units can be of: for composites, whose units are answers, the most answers
    /// to one item; for member-months, those over the months of the period; else the units.
    pub people: u64,
    /// Whether every unit of the whole period has been followed up.
    pub is_final: bool,
    /// Whether it is shown.
    pub state: State,
    /// Which of the counts beside it are not shown though it is: excluded, exceptions, immature.
    pub hidden_beside: [bool; 3],
}

impl Rate {
    /// The counts beside the value: units excluded, exceptions, units not followed up yet.
    #[must_use]
    pub fn beside(&self) -> [u64; 3] {
        [self.sums.excluded, self.sums.exceptions, self.sums.immature]
    }

    /// Whether it is about everyone.
    #[must_use]
    pub fn is_overall(&self) -> bool {
        self.key.level == ALL && self.key.stratum_kind == ALL
    }

    /// Whether counts may be seen.
    #[must_use]
    pub fn counts_are_shown(&self) -> bool {
        matches!(self.state, State::Shown | State::Undefined | State::NotReached)
    }

    /// As a row of the results table `wait`, for measures of time; none for a month whose data did not come.
    #[must_use]
    pub fn wait_row(&self, measure: &Measure, threshold: u64) -> Option<Vec<Cell>> {
        let waits = self.waits.as_ref().filter(|_| self.state != State::Missing)?;
        let key = &self.key;
        let seen = self.counts_are_shown();
        let small = |count: u64| (1..threshold).contains(&count);
        // The two ends without the event add up to what is known, and parts to totals: they are told apart for everyone in a
        // year alone.
        let whole = self.is_overall() && key.period_kind == "year";
        let apart = seen && whole && !small(waits.competing) && !small(waits.censored);
        let end = |count: u64| if apart { Cell::from(count) } else { Cell::Null };
        let days = |days: Option<f64>| Cell::from(days.filter(|_| seen));
        Some(vec![
            measure.id.clone().into(),
            key.period_kind.into(),
            Cell::Date(key.period),
            key.level.into(),
            key.level_id.clone().into(),
            key.stratum_kind.into(),
            key.stratum.clone().into(),
            if seen { waits.n.into() } else { Cell::Null },
            if seen { waits.events.into() } else { Cell::Null },
            end(waits.competing),
            end(waits.censored),
            days(waits.median),
            days(waits.lower),
            days(waits.upper),
            days(waits.p90),
            days(waits.completed_median),
            days(waits.completed_p90),
            days(waits.share.map(|share| share * 100.0)),
            if seen { "shown" } else { "suppressed" }.into(),
        ])
    }

    /// As rows of the results table `wait_curve`, for measures of time: everyone's years. A tenth of the units must not be a
    /// small count, so that no step of the curve is one.
    #[must_use]
    pub fn wait_curve_rows(&self, measure: &Measure, threshold: u64) -> Vec<Vec<Cell>> {
        let whole = self.is_overall() && self.key.period_kind == "year";
        let Some(waits) = self.waits.as_ref().filter(|_| whole) else { return Vec::new() };
        let seen = self.counts_are_shown() && waits.n >= 10 * threshold;
        let row = |(tenth, days): (i64, &Option<f64>)| {
            let days = days.filter(|_| seen);
            vec![
                measure.id.clone().into(),
                Cell::Date(self.key.period),
                if self.is_final { "final" } else { "provisional" }.into(),
                (10 * tenth).into(),
                days.into(),
                match (seen, days) {
                    (false, _) => "suppressed",
                    (true, None) => "not_reached",
                    (true, Some(_)) => "shown",
                }
                .into(),
            ]
        };
        (1..).zip(&waits.tenths).map(row).collect()
    }

    /// As a row of the results table `rate`.
    #[must_use]
    pub fn row(&self, measure: &Measure, names: &HashMap<(&'static str, String), String>) -> Vec<Cell> {
        let key = &self.key;
        let shown = self.counts_are_shown();
        let count = |count: u64| if shown { Cell::from(count) } else { Cell::Null };
        let [excluded, exceptions, immature] = self.beside();
        let [no_excluded, no_exceptions, no_immature] = self.hidden_beside;
        let side = |count: u64, hidden: bool| if shown && !hidden { Cell::from(count) } else { Cell::Null };
        let number = |number: f64| if shown { Cell::Number(number) } else { Cell::Null };
        let limits = self.interval.filter(|_| matches!(self.state, State::Shown | State::NotReached));
        let (state, reason) = match self.state {
            State::Shown => ("shown", Cell::Null),
            State::SmallCell => ("suppressed", "small_cell".into()),
            State::WouldReveal => ("suppressed", "would_reveal".into()),
            State::Undefined => ("undefined", "no_denominator".into()),
            State::NotReached => ("undefined", "not_reached".into()),
            State::Missing => ("undefined", "data_missing".into()),
        };
        vec![
            measure.id.clone().into(),
            key.period_kind.into(),
            Cell::Date(key.period),
            key.level.into(),
            key.level_id.clone().into(),
            names.get(&(key.level, key.level_id.clone())).cloned().into(),
            key.stratum_kind.into(),
            key.stratum.clone().into(),
            number(self.sums.numerator.value()),
            number(self.sums.denominator.value()),
            count(self.sums.n),
            side(excluded, no_excluded),
            side(exceptions, no_exceptions),
            side(immature, no_immature),
            self.value.filter(|_| self.state == State::Shown).into(),
            limits.and_then(|(lower, _, _)| lower).into(),
            limits.and_then(|(_, upper, _)| upper).into(),
            limits.map(|(_, _, method)| method).into(),
            if self.is_final { "final" } else { "provisional" }.into(),
            state.into(),
            reason,
        ]
    }
}

type Months = BTreeMap<Key, Components>;

/// The tree of organizations: what each is, and which one it is part of.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    parent: HashMap<String, String>,
    kind: HashMap<String, String>,
}

/// Levels above the organization that a unit names, by the kind of organization in the tree.
const ABOVE: [&str; 2] = ["hospital", "system"];

impl Tree {
    /// From organizations: id, kind, and the id of the one that it is part of.
    #[must_use]
    pub fn new(organizations: impl IntoIterator<Item = (String, Option<String>, Option<String>)>) -> Self {
        let mut tree = Self::default();
        for (id, kind, parent) in organizations {
            if let Some(parent) = parent {
                tree.parent.insert(id.clone(), parent);
            }
            if let Some(kind) = kind {
                tree.kind.insert(id, kind.to_lowercase());
            }
        }
        tree
    }

    /// Whether any organization is of this kind.
    fn knows(&self, kind: &str) -> bool {
        self.kind.values().any(|other| other == kind)
    }

    /// The organization itself or the nearest one above it that is of this kind.
    #[must_use]
    pub fn above(&self, organization: &str, kind: &str) -> Option<&str> {
        let mut at = organization;
        // A loop of parts is no tree; it ends after as many steps as there are organizations.
        for _ in 0..=self.parent.len() {
            if let Some((id, _)) = self.kind.get_key_value(at).filter(|(_, own)| *own == kind) {
                return Some(id);
            }
            at = self.parent.get(at)?;
        }
        None
    }
}

/// All rates of a measure from the counts of its units, before suppression, in order of key.
///
/// # Errors
/// When a count makes no sense.
pub fn rates(counted: &Counts<'_>, measure: &Measure, tree: &Tree, gaps: &Gaps) -> Result<Vec<Rate>> {
    let span = counted.span;
    let mut months = Months::new();
    for month in span.months() {
        // A month without units is a row too: undefined, not missing.
        let overall = overall_key(days(month));
        months.entry(overall).or_default();
    }
    add_groups(&mut months, counted, tree);
    let mut periods: Months = BTreeMap::new();
    for (key, components) in months {
        let missing = gaps.get(&key.period).is_some_and(|gap| gap.concerns(&key));
        for kind in ["month", "quarter", "year"] {
            if measure.periods.iter().any(|wanted| wanted == kind) {
                let start = period_start(kind, date_of(key.period));
                // A quarter or year of which the first months are not measured would pass for a whole one.
                if start < span.first_month {
                    continue;
                }
                let period = days(start);
                let wider = periods.entry(Key { period_kind: kind, period, ..key.clone() }).or_default();
                // Months whose data are missing would make a quarter look better or worse than it was.
                let left_out = missing && kind != "month";
                for (component, sums) in components.iter().filter(|_| !left_out) {
                    wider.entry(component.clone()).or_default().add(sums);
                }
            }
        }
    }
    let mut found: Vec<Rate> =
        periods.into_iter().map(|(key, components)| rate(measure, span, key, &components)).collect::<Result<_>>()?;
    let concerned = |key: &Key| {
        gaps.iter()
            .any(|(month, gap)| days(period_start(key.period_kind, date_of(*month))) == key.period && gap.concerns(key))
    };
    for rate in &mut found {
        // A quarter or year without any month left is as silent as its months.
        let silent = rate.key.period_kind == "month" || rate.state == State::Undefined;
        if silent && concerned(&rate.key) {
            rate.state = State::Missing;
            rate.value = None;
            rate.interval = None;
        }
    }
    Ok(found)
}

fn overall_key(period: i32) -> Key {
    Key {
        period_kind: "month",
        level: ALL,
        stratum_kind: ALL,
        level_id: ALL.to_owned(),
        stratum: ALL.to_owned(),
        period,
    }
}

/// Counts of a measure's units, and what their codes stand for.
pub struct Counts<'a> {
    /// What is measured.
    pub span: &'a Span,
    /// The counts.
    pub tally: &'a Tally,
    /// Texts of all measures by code.
    pub names: &'a Dictionaries,
    /// Texts of this measure by code.
    pub own: &'a OwnTexts,
}

/// Adds what was counted of each group to the sums of months. Every unit has one organization, known or not: those together are
/// everyone, and the levels above the organization are sums of it.
fn add_groups(months: &mut Months, counted: &Counts<'_>, tree: &Tree) {
    let first_days: Vec<i32> = counted.span.months().into_iter().map(days).collect();
    let mut add = |key: Key, components: &Components| {
        let of_key = months.entry(key).or_default();
        for (component, sums) in components {
            of_key.entry(component.clone()).or_default().add(sums);
        }
    };
    for (by, group, month, components) in counted.tally.groups(counted.names, counted.own) {
        let overall = overall_key(first_days[month]);
        let level = |level: &'static str, id: &str| Key { level, level_id: id.to_owned(), ..overall.clone() };
        let key = match by {
            By::Payer => level(PAYER, &group),
            By::Program => level(PROGRAM, &group),
            By::Split(split) if split < FIRST_STRATUM => level(SPLITS[split], &group),
            By::Split(split) => Key { stratum_kind: SPLITS[split], stratum: group.to_string(), ..overall.clone() },
        };
        if by == By::Split(ORGANIZATION) {
            add(overall.clone(), &components);
            for kind in ABOVE.into_iter().filter(|kind| tree.knows(kind)) {
                add(level(kind, tree.above(&group, kind).unwrap_or(UNKNOWN)), &components);
            }
        }
        add(key, &components);
    }
}

/// Months in a period.
fn months_in(kind: &str) -> u64 {
    match kind {
        "year" => 12,
        "quarter" => 3,
        _ => 1,
    }
}

fn rate(measure: &Measure, span: &Span, key: Key, components: &BTreeMap<String, Sums>) -> Result<Rate> {
    let mut sums = Sums::default();
    for component in components.values() {
        sums.add(component);
    }
    let end = period_end(key.period_kind, date_of(key.period));
    let is_final =
        end <= span.last_day() && sums.immature == 0 && span.is_final(end, measure.window_days, measure.feed);
    let people = match measure.kind {
        Kind::Composite => components.values().map(|sums| sums.n).max().unwrap_or(0),
        _ if measure.counts_member_months() => sums.n.div_ceil(months_in(key.period_kind)),
        _ => sums.n,
    };
    if sums.denominator <= Exact::default() {
        return Ok(Rate {
            key,
            sums,
            value: None,
            interval: None,
            waits: None,
            people,
            is_final,
            state: State::Undefined,
            hidden_beside: [false; 3],
        });
    }
    if measure.kind == Kind::Time {
        let broken = |reason: String| MeasureError::Definition {
            measure: measure.id.clone(),
            file: format!("{}/{}", measure.folder, measure.sql_file),
            reason,
        };
        let waits = waits::waits(components).map_err(broken)?;
        let value = waits.as_ref().and_then(|waits| waits.median);
        let interval = waits
            .as_ref()
            .filter(|waits| waits.lower.is_some() || waits.upper.is_some())
            .map(|waits| (waits.lower, waits.upper, waits::METHOD));
        let state = if value.is_some() { State::Shown } else { State::NotReached };
        // Watched without end, a month is not over while anyone waits.
        let is_final = is_final && (measure.window_days > 0 || waits.as_ref().is_none_or(|waits| waits.censored == 0));
        let hidden_beside = [false; 3];
        return Ok(Rate { key, sums, value, interval, waits, people, is_final, state, hidden_beside });
    }
    let value = match measure.kind {
        Kind::Composite => composite(components),
        _ => Some(sums.numerator.value() / sums.denominator.value()),
    };
    let scaled = |limit: f64| limit * measure.multiplier;
    let interval = match measure.kind {
        Kind::Composite => composite_limits(measure, components)
            .map(|(lower, upper)| (Some(scaled(lower)), Some(scaled(upper)), COMPOSITE_BOUND)),
        _ => interval(measure, &sums)?
            .map(|found| (Some(scaled(found.lower)), Some(scaled(found.upper)), found.method.name())),
    };
    Ok(Rate {
        key,
        sums,
        value: value.map(scaled),
        interval,
        waits: None,
        people,
        is_final,
        state: State::Shown,
        hidden_beside: [false; 3],
    })
}

/// The unweighted mean of components' means; a component without answers drops out of the divisor.
#[must_use]
pub fn composite(components: &BTreeMap<String, Sums>) -> Option<f64> {
    let means: Vec<f64> = components
        .values()
        .filter(|sums| sums.denominator > Exact::default())
        .map(|sums| sums.numerator.value() / sums.denominator.value())
        .collect();
    (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64)
}

/// Name of a composite's limits: normal, with the widest standard error that its items allow.
pub const COMPOSITE_BOUND: &str = "composite_bound";
/// Of the normal distribution, for 95 %.
const NORMAL_95: f64 = 1.959_963_984_540_054;

/// Limits of a composite. The people who answer one item answer the others too, so items move together, and how much is not
/// in their sums. The standard error of a mean of items is at most the mean of their standard errors, which it is where they
/// move together entirely: these limits hold 95 % or more. None where an item has a single answer, or nothing varies.
fn composite_limits(measure: &Measure, components: &BTreeMap<String, Sums>) -> Option<(f64, f64)> {
    let answered: Vec<&Sums> = components.values().filter(|sums| sums.denominator > Exact::default()).collect();
    let errors: Option<Vec<f64>> = answered
        .iter()
        .map(|sums| {
            let n = sums.n as f64;
            let mean = sums.numerator.value() / n;
            let variance = (sums.squares.value() - n * mean * mean).max(0.0) / (n - 1.0);
            let plain = (sums.denominator.value() - n).abs() < 1e-9;
            (plain && sums.n > 1).then(|| (variance / n).sqrt())
        })
        .collect();
    let error = errors?.iter().sum::<f64>() / answered.len() as f64;
    let value = composite(components)?;
    let half = NORMAL_95 * error;
    // A share is from 0 to 1.
    let (least, most) =
        if measure.value_unit.starts_with('%') { (0.0, 1.0) } else { (f64::NEG_INFINITY, f64::INFINITY) };
    (half > 0.0).then(|| ((value - half).max(least), (value + half).min(most)))
}

fn interval(measure: &Measure, sums: &Sums) -> Result<Option<intervals::Interval>> {
    let odd = |error: carecoord_statistics::StatisticsError| MeasureError::Definition {
        measure: measure.id.clone(),
        file: format!("{}/{}", measure.folder, measure.sql_file),
        reason: format!("its sums cannot have an interval: {error}"),
    };
    match measure.kind {
        Kind::Proportion => {
            let (numerator, denominator) = (whole(sums.numerator.value()), whole(sums.denominator.value()));
            intervals::wilson(numerator, denominator, CONFIDENCE).map(Some).map_err(odd)
        }
        Kind::Rate => {
            let events = whole(sums.numerator.value());
            intervals::poisson_exact_rate(events, sums.denominator.value(), CONFIDENCE).map(Some).map_err(odd)
        }
        Kind::Mean => {
            let n = sums.n as f64;
            let mean = sums.numerator.value() / n;
            let variance = (sums.squares.value() - n * mean * mean) / (n - 1.0);
            // One unit, or all units alike: there is a mean and no interval, which is not an error.
            Ok((sums.n > 1).then(|| intervals::mean_t_from_moments(sums.n, mean, variance, CONFIDENCE).ok()).flatten())
        }
        Kind::Composite | Kind::Time => Ok(None),
    }
}

/// A sum of whole numbers as a count.
pub(crate) fn whole(sum: f64) -> u64 {
    // Sums of counts are whole and far below 2^53; a negative one is a broken definition and becomes 0.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let count = sum.max(0.0).round() as u64;
    count
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_a_composite_are_as_wide_as_those_of_an_item_where_items_move_together() {
        let mut measures = crate::definition::catalog().unwrap().into_iter();
        let composite = measures.find(|one| one.kind == Kind::Composite && one.value_unit.starts_with('%')).unwrap();
        let item = |yes: f64, n: u64| Sums {
            numerator: Exact::new(yes),
            denominator: Exact::new(n as f64),
            squares: Exact::new(yes),
            n,
            ..Sums::default()
        };
        let of = |items: &[Sums]| {
            let components = items.iter().enumerate().map(|(place, sums)| (place.to_string(), *sums)).collect();
            composite_limits(&composite, &components)
        };
        let error = |yes: f64, n: f64| (n * (yes / n) * (1.0 - yes / n) / (n - 1.0) / n).sqrt();
        let near = |found: Option<(f64, f64)>, value: f64, error: f64| {
            let (lower, upper) = found.unwrap();
            assert!((lower - (value - NORMAL_95 * error)).abs() < 1e-12, "{lower}");
            assert!((upper - (value + NORMAL_95 * error)).abs() < 1e-12, "{upper}");
        };
        near(of(&[item(60.0, 100)]), 0.6, error(60.0, 100.0));
        // The same people with the same answers say no more the second time.
        near(of(&[item(60.0, 100), item(60.0, 100)]), 0.6, error(60.0, 100.0));
        near(of(&[item(60.0, 100), item(30.0, 40)]), 0.675, f64::midpoint(error(60.0, 100.0), error(30.0, 40.0)));
        assert!(of(&[item(95.0, 96)]).unwrap().1 <= 1.0, "no share is above 1");
        assert_eq!(of(&[item(60.0, 100), item(1.0, 1)]), None, "one answer has no spread");
        assert_eq!(of(&[item(10.0, 10)]), None, "nothing varies");
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn an_organization_is_itself_or_a_part_of_the_nearest_above() {
        let organization = |id: &str, kind: &str, parent: Option<&str>| {
            (id.to_owned(), (!kind.is_empty()).then(|| kind.to_owned()), parent.map(str::to_owned))
        };
        let tree = Tree::new([
            organization("s", "System", None),
            organization("h", "hospital", Some("s")),
            organization("ward", "", Some("h")),
            organization("c", "clinic", Some("ward")),
            organization("alone", "clinic", Some("nowhere")),
            organization("x", "clinic", Some("y")),
            organization("y", "clinic", Some("x")),
        ]);
        assert_eq!(tree.above("c", "hospital"), Some("h"));
        assert_eq!(tree.above("c", "system"), Some("s"));
        assert_eq!(tree.above("h", "hospital"), Some("h"));
        assert_eq!(tree.above("alone", "hospital"), None);
        assert_eq!(tree.above("x", "hospital"), None, "a loop ends");
        assert_eq!(tree.above("unknown", "system"), None);
    }
}
