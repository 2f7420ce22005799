//! Tables of values: by month, by organization, by group of patients.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Serialize;

use super::measure::MeasureRows;
use crate::chart::round_ends;
use crate::format;
use crate::model::{Rate, Run, State, Target};
use crate::release::Release;
use crate::values::{self, UNKNOWN};
use crate::words;

/// Length of the axis that a table's intervals are drawn on: per cent of a cell.
const AXIS_UNITS: f64 = 100.0;

/// What stands for everyone beside the identifiers of organizations.
const EVERYONE: &str = "all";

/// One row of values.
#[derive(Debug, Serialize)]
pub struct ValueRow {
    name: String,
    value: String,
    interval: String,
    /// Numerator of denominator; the number of units alone where a numerator says nothing.
    counts: String,
    state: String,
    /// The target of its year, and whether it is met; empty without one.
    target: String,
    /// final or provisional: what its period is, where a value is shown.
    usual: &'static str,
    /// Whether the row is about everyone.
    overall: bool,
    /// Where value and interval lie on the table's axis.
    plot: Option<Whisker>,
}

/// A value and its interval on an axis of [`AXIS_UNITS`].
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Whisker {
    value: f64,
    lower: f64,
    upper: f64,
}

/// A table of organizations, or of another level, for one period.
#[derive(Debug, Serialize)]
pub struct PeriodTable {
    /// What its rows are, in the singular.
    level: &'static str,
    period: String,
    /// How many of the organizations are in it, in words; empty where all are.
    part: String,
    rows: Vec<ValueRow>,
    axis: Option<Axis>,
    /// Whether any of them has a target.
    targets: bool,
}

/// Groups of patients, all splits in one table.
#[derive(Debug, Serialize)]
pub struct Strata {
    period: String,
    /// The row of everyone.
    overall: Vec<ValueRow>,
    groups: Vec<StratumGroup>,
    axis: Option<Axis>,
}

/// The groups of one split.
#[derive(Debug, Serialize)]
struct StratumGroup {
    kind: String,
    rows: Vec<ValueRow>,
}

/// Ends of the axis that a table's intervals are drawn on.
#[derive(Debug, Serialize)]
pub struct Axis {
    low: String,
    high: String,
    /// Where the value of everyone lies.
    reference: Option<f64>,
}

impl ValueRow {
    /// A row; whatever may not be shown is a state in words, never a number.
    pub fn new(name: &str, rate: &Rate, rows: &MeasureRows, run: &Run) -> Self {
        let amount = |number: Option<f64>| number.filter(|_| rate.state == State::Shown).map(format::amount);
        let dash = || "—".to_owned();
        Self {
            name: name.to_owned(),
            value: rate.shown().map_or_else(dash, |value| rows.format.value(value)),
            interval: rate.interval().map_or_else(dash, |(lower, upper)| rows.format.short_interval(lower, upper)),
            counts: match (rows.measure.kind.as_str(), amount(rate.numerator), amount(rate.denominator)) {
                ("proportion", Some(over), Some(under)) => format!("{over} of {under}"),
                ("rate", Some(over), Some(under)) => format!("{}{over} over {under}", rows.format.prefix),
                (_, _, Some(under)) => under,
                _ => dash(),
            },
            state: state(rate, run),
            target: target(rate, rows),
            usual: if rate.is_final { "final" } else { "provisional" },
            overall: rate.level == "all" && rate.stratum_kind == "all",
            plot: None,
        }
    }
}

/// The target of an organization's or everyone's year, and whether it is met.
fn target(rate: &Rate, rows: &MeasureRows) -> String {
    if rate.period_kind != "year"
        || rate.stratum_kind != "all"
        || !matches!(rate.level.as_str(), "all" | "organization")
    {
        return String::new();
    }
    let of_row = |one: &&&Target| one.period == rate.period && one.level_id == *rate.level_id;
    rows.targets.iter().find(of_row).map_or_else(String::new, |one| {
        let verdict = match one.verdict.as_str() {
            "met" => ": met",
            "missed" => ": not met",
            "unclear" => ": within the interval",
            _ => "",
        };
        format!("{}{}{verdict}", rows.format.value(one.target), if one.own { " (own)" } else { "" })
    })
}

/// The state in words. In a release, zero is a state of its own.
fn state(rate: &Rate, run: &Run) -> String {
    match words::state(rate, run.suppress_below) {
        state if run.release == Release::Internal || values::cell(rate) != "zero" => state,
        state => format!("zero, {state}"),
    }
}

/// Heading of the column of counts.
pub fn counts_head(rows: &MeasureRows) -> String {
    let units = words::capitalised(&words::plural(&rows.measure.unit_name));
    match rows.measure.kind.as_str() {
        "rate" => format!("Over {}", words::plural(&rows.measure.unit_name)),
        _ => units,
    }
}

/// Heading of the value's column.
pub fn value_head(rows: &MeasureRows) -> String {
    let unit = &rows.format.unit;
    if unit.is_empty() { "Value".to_owned() } else { format!("Value ({unit})") }
}

/// Rows of organizations that a page holds before it opens slowly, and those that each measure has at least.
const ROWS_OF_PAGE: usize = 20_000;
const ROWS_OF_MEASURE: usize = 20;

/// Organizations that each of so many measures may show.
pub fn most_organizations(measures: usize) -> usize {
    (ROWS_OF_PAGE / measures.max(1)).max(ROWS_OF_MEASURE)
}

/// The year of the report month by organization, or the last one that there is, then by the other levels. All comes first,
/// then names in alphabetical order: no league table. Where there are more than `most`, those outside the funnel and the
/// largest.
pub fn organizations(rows: &MeasureRows, run: &Run, most: usize) -> Vec<PeriodTable> {
    let kind = "year";
    let levels = [
        ("organization", "organization"),
        ("hospital", "hospital"),
        ("system", "health system"),
        ("payer", "payer"),
        ("program", "program"),
    ];
    levels
        .into_iter()
        .filter_map(|(level, words)| {
            let of_kind = || rows.rates.iter().filter(|rate| rate.period_kind == kind && rate.stratum_kind == "all");
            let period = latest(of_kind().filter(|rate| rate.level == level), run)?;
            let mut rates: Vec<(String, &Rate)> = of_kind()
                .filter(|rate| rate.period == period && (rate.level == "all" || rate.level == level))
                .map(|rate| (organization_name(rate), *rate))
                .collect();
            // A level of which nobody's part is known says nothing that everyone's value does not.
            if level != "organization"
                && rates.iter().all(|(_, rate)| rate.level == "all" || rate.level_id == "unknown")
            {
                return None;
            }
            let all = rates.iter().filter(|(_, rate)| rate.level == level).count();
            let part = if all > most {
                let outside = |rate: &Rate| {
                    rows.funnel.iter().any(|(_, site)| site.level_id == *rate.level_id && site.position != "within")
                };
                let size = |rate: &Rate| rate.shown().and(rate.denominator).unwrap_or(0.0);
                rates.sort_by(|(_, one), (_, other)| {
                    let rank = |rate: &Rate| (rate.level == level, !outside(rate));
                    rank(one).cmp(&rank(other)).then_with(|| size(other).total_cmp(&size(one)))
                });
                rates.truncate(rates.len() - all + most);
                format!(
                    "{most} of {} {words}s: those outside the limits, then the largest. All are in data/values.csv.",
                    format::count(i64::try_from(all).unwrap_or(i64::MAX))
                )
            } else {
                String::new()
            };
            rates.sort_by_cached_key(|(name, rate)| {
                (rate.level != "all", rate.level_id == "unknown", words::sort_key(name), rate.level_id.clone())
            });
            let (rows, axis) = with_axis(&rates, rows, run);
            let targets = level == "organization" && rows.iter().any(|row| !row.target.is_empty());
            Some(PeriodTable { level: words, period: format::period(kind, period), part, rows, axis, targets })
        })
        .collect()
}

/// The year alone: a table of quarters as long would only say the same with less certainty.
fn year_of_organizations(rows: &MeasureRows, run: &Run) -> Option<Date> {
    let years = rows.rates.iter().filter(|rate| rate.period_kind == "year" && rate.stratum_kind == "all");
    latest(years.filter(|rate| rate.level == "organization"), run)
}

/// Everyone and organizations in a year.
fn in_year<'a>(rows: &MeasureRows<'a>, year: Date) -> impl Iterator<Item = &'a Rate> {
    let of_year = move |rate: &&Rate| {
        let level = matches!(rate.level.as_str(), "all" | "organization");
        level && rate.period_kind == "year" && rate.period == year && rate.stratum_kind == "all"
    };
    rows.rates.iter().copied().filter(of_year)
}

/// Names of organizations in the tables of all measures, in alphabetical order. A name that more than one of them bears, or
/// everyone's, is left out: it would not say whose values it asks for.
pub fn organization_names(measures: &[MeasureRows], run: &Run) -> Vec<String> {
    let mut names: BTreeMap<(bool, String, String), BTreeSet<&str>> = BTreeMap::new();
    for rows in measures {
        let Some(year) = year_of_organizations(rows, run) else { continue };
        for rate in in_year(rows, year) {
            let name = organization_name(rate);
            let key = (rate.level_id == UNKNOWN, words::sort_key(&name), name);
            names.entry(key).or_default().insert(if rate.level == "all" { EVERYONE } else { &rate.level_id });
        }
    }
    let one = names.into_iter().filter(|(_, ids)| ids.len() == 1 && !ids.contains(EVERYONE));
    one.map(|((_, _, name), _)| name).collect()
}

fn organization_name(rate: &Rate) -> String {
    if rate.level == "all" { "All".to_owned() } else { name_of(&rate.level_name, &rate.level_id) }
}

/// A name, or the identifier where none is known.
pub fn name_of(name: &str, id: &str) -> String {
    if name.is_empty() { words::group(id) } else { name.to_owned() }
}

/// The year's values by what the measure itself splits by, then by age band, sex, race, ethnicity and language, all on one
/// axis; nothing where there are none.
pub fn strata(rows: &MeasureRows, run: &Run) -> Option<Strata> {
    let of_year = || rows.rates.iter().filter(|rate| rate.period_kind == "year" && rate.level == "all");
    let period = latest(of_year().filter(|rate| rate.stratum_kind != "all"), run)?;
    let own: Vec<&str> = rows.measure.subgroup.lines().collect();
    let heading = |kind: &str| {
        let place = ["subgroup", "subgroup_2", "subgroup_3"].iter().position(|one| *one == kind);
        let name = place.and_then(|place| own.get(place));
        name.map_or_else(|| words::stratum_kind(kind), |name| words::capitalised(name))
    };
    let mut rates: Vec<(String, &Rate)> = Vec::new();
    let mut kinds: Vec<(String, usize)> = Vec::new();
    let all = of_year().find(|rate| rate.period == period && rate.stratum_kind == "all");
    rates.extend(all.map(|rate| ("All".to_owned(), *rate)));
    for kind in
        ["subgroup", "subgroup_2", "subgroup_3", "age_band", "sex", "race", "ethnicity", "language", "deprivation"]
    {
        let mut groups: Vec<(String, &Rate)> = of_year()
            .filter(|rate| rate.stratum_kind == kind && rate.period == period)
            .map(|rate| (words::stratum(&rate.stratum), *rate))
            .collect();
        groups.sort_by_cached_key(|(_, rate)| {
            (rate.stratum == "unknown", first_number(&rate.stratum), rate.stratum.clone())
        });
        if !groups.is_empty() {
            kinds.push((heading(kind), groups.len()));
            rates.extend(groups);
        }
    }
    let (drawn, axis) = with_axis(&rates, rows, run);
    let mut drawn = drawn.into_iter();
    let overall = drawn.by_ref().take(usize::from(all.is_some())).collect();
    let groups = kinds
        .into_iter()
        .map(|(kind, number)| StratumGroup { kind, rows: drawn.by_ref().take(number).collect() })
        .collect();
    Some(Strata { period: format::period("year", period), overall, groups, axis })
}

/// The first number in a group's name, so that 5-17 stands before 18-44 and moderate (5 to 9) before high (10 or more).
fn first_number(stratum: &str) -> Option<u32> {
    let rest = stratum.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The latest period that has begun by the report month; the first later one only if there is no other.
fn latest<'a>(rates: impl Iterator<Item = &'a &'a Rate>, run: &Run) -> Option<Date> {
    let periods: BTreeSet<Date> = rates.map(|rate| rate.period).collect();
    periods.range(..=run.report_month).next_back().or_else(|| periods.first()).copied()
}

/// Rows with their intervals on one axis; no axis where fewer than two rows can be drawn.
fn with_axis(rates: &[(String, &Rate)], rows: &MeasureRows, run: &Run) -> (Vec<ValueRow>, Option<Axis>) {
    let drawn: Vec<(f64, f64, f64)> = rates
        .iter()
        .filter_map(|(_, rate)| rate.shown().zip(rate.interval()).map(|(value, (lower, upper))| (value, lower, upper)))
        .collect();
    let low = drawn.iter().map(|(_, lower, _)| *lower).fold(f64::INFINITY, f64::min);
    let high = drawn.iter().map(|(_, _, upper)| *upper).fold(f64::NEG_INFINITY, f64::max);
    let usable = drawn.len() > 1 && high > low;
    // An axis that begins at zero where zero is near does not blow up small differences.
    let low = if low > 0.0 && low < 0.5 * high { 0.0 } else { low };
    let (low, high, decimals) = if usable { round_ends(low, high) } else { (low, high, 0) };
    // Whole per cent of a cell: finer than a screen's pixels.
    let share = |value: f64| ((value - low) / (high - low) * AXIS_UNITS).round();
    let table =
        rates
            .iter()
            .map(|(name, rate)| {
                let mut row = ValueRow::new(name, rate, rows, run);
                row.plot = rate.shown().zip(rate.interval()).filter(|_| usable).map(|(value, (lower, upper))| {
                    Whisker { value: share(value), lower: share(lower), upper: share(upper) }
                });
                row
            })
            .collect();
    let axis = usable.then(|| Axis {
        low: rows.format.rounded(low, decimals),
        high: rows.format.rounded(high, decimals),
        reference: rates.iter().find(|(_, rate)| rate.is_overall()).and_then(|(_, rate)| rate.shown()).map(share),
    });
    (table, axis)
}
