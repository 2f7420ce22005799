//! What a value row says outside the page: the same numbers or none at all, and the same words.

use crate::model::{Measure, Rate, State};
use crate::view::MeasureRows;
use crate::words;

/// What stands for an organization or a group that the data do not name.
pub const UNKNOWN: &str = "unknown";
/// The states of a cell, the same in every file.
pub const CELLS: [&str; 4] = ["value", "zero", "suppressed", "not_computed"];

/// The numbers of a value that may be shown.
#[derive(Debug, Clone, Copy)]
pub struct Numbers {
    /// The value, in the measure's unit.
    pub value: f64,
    /// Its 95 % interval, where one is given.
    pub interval: Option<(f64, f64)>,
    /// Sum of the numerator.
    pub numerator: Option<f64>,
    /// Sum of the denominator.
    pub denominator: Option<f64>,
    /// Units that count.
    pub n_units: Option<i64>,
}

impl Numbers {
    /// All the numbers of a row, or nothing: where the value may not be shown, no count beside it may.
    pub fn of(rate: &Rate) -> Option<Self> {
        rate.shown().map(|value| Self {
            value,
            interval: rate.interval(),
            numerator: rate.numerator,
            denominator: rate.denominator,
            n_units: rate.n_units,
        })
    }
}

/// What stands in a cell in place of a number that is not there.
pub fn absent(rate: &Rate) -> &'static str {
    match rate.state {
        State::Suppressed => "suppressed",
        State::Undefined if rate.is_not_reached() => "not reached",
        State::Undefined if rate.is_missing() => "data missing",
        State::Undefined if !rate.is_final => "not counted yet",
        State::Undefined | State::Shown => "no denominator",
    }
}

/// The state as the results contract names it.
pub fn state_code(rate: &Rate) -> &'static str {
    match (rate.state, rate.value) {
        (State::Shown, Some(_)) => "shown",
        (State::Suppressed, _) => "suppressed",
        (State::Shown | State::Undefined, _) => "undefined",
    }
}

/// The state of the cell: one of [`CELLS`]. Zero is a value that was counted, not one that is missing.
pub fn cell(rate: &Rate) -> &'static str {
    let [value, zero, suppressed, not_computed] = CELLS;
    match (rate.state, rate.value) {
        (State::Shown, Some(0.0)) => zero,
        (State::Shown, Some(_)) => value,
        (State::Suppressed, _) => suppressed,
        (State::Shown | State::Undefined, _) => not_computed,
    }
}

/// Why a value is not shown; of a shown one, whether it is final.
pub fn state_words(rate: &Rate, suppress_below: i64) -> String {
    match (Numbers::of(rate), rate.state) {
        (None, State::Shown) => absent(rate).to_owned(),
        _ => words::state(rate, suppress_below),
    }
}

/// Whether a value may still change, as the results contract names it.
pub fn maturity(rate: &Rate) -> &'static str {
    if rate.is_final { "final" } else { "provisional" }
}

/// Who or what a row is about, by name.
pub fn level_name(rate: &Rate) -> String {
    match (rate.level.as_str(), rate.level_name.as_str()) {
        ("all", _) => "All".to_owned(),
        (_, "") => words::group(&rate.level_id),
        (_, name) => name.to_owned(),
    }
}

/// What a row is split by, in words; a measure's own splits carry the measure's own words.
pub fn split_name(measure: &Measure, stratum_kind: &str) -> String {
    let own = ["subgroup", "subgroup_2", "subgroup_3"]
        .iter()
        .position(|kind| *kind == stratum_kind)
        .and_then(|place| measure.subgroup.lines().nth(place));
    own.map_or_else(|| words::stratum_kind(stratum_kind), words::capitalised)
}

/// A group, in words.
pub fn group_name(stratum: &str) -> String {
    if stratum == "all" { "All".to_owned() } else { words::group(stratum) }
}

/// A measure's values in one order whatever the order of the results: months, quarters, years; everyone first, then
/// organizations; not split first; by period last, so that a series stands together.
pub fn in_order<'a>(rows: &MeasureRows<'a>) -> Vec<&'a Rate> {
    let mut rates = rows.rates.clone();
    rates.sort_by(|one, other| key(one).cmp(&key(other)));
    rates
}

type Key<'a> = (usize, bool, &'a str, bool, &'a str, &'a str, &'a str, jiff::civil::Date);

fn key(rate: &Rate) -> Key<'_> {
    let kind = ["month", "quarter", "year"].iter().position(|kind| *kind == rate.period_kind);
    (
        kind.unwrap_or(3),
        rate.level != "all",
        &rate.level,
        rate.stratum_kind != "all",
        &rate.stratum_kind,
        &rate.level_id,
        &rate.stratum,
        rate.period,
    )
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::model::test_rows;

    #[test]
    fn a_row_that_is_not_shown_gives_no_number_away() {
        let mut rate = test_rows::month(date(2026, 9, 1), Some(12.0));
        assert!(Numbers::of(&rate).is_some());
        for (state, reason, word, code) in [
            (State::Suppressed, "small_cell", "suppressed", "suppressed"),
            (State::Undefined, "no_denominator", "no denominator", "undefined"),
            (State::Undefined, "not_reached", "not reached", "undefined"),
            (State::Undefined, "data_missing", "data missing", "undefined"),
        ] {
            rate.state = state;
            rate.state_reason = reason.into();
            assert!(Numbers::of(&rate).is_none());
            assert_eq!((absent(&rate), state_code(&rate)), (word, code));
        }
    }

    #[test]
    fn a_measures_own_split_has_its_own_name() {
        let mut measure = test_rows::measure("lower");
        measure.subgroup = "condition\nready at discharge".to_owned();
        assert_eq!(split_name(&measure, "subgroup_2"), "Ready at discharge");
        assert_eq!(split_name(&measure, "subgroup_3"), "Subgroup 3");
        assert_eq!(split_name(&measure, "age_band"), "Age band");
    }
}
