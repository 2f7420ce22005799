//! Who is not in a measure's value, why, and how many: the denominator flow.

use std::collections::{BTreeMap, BTreeSet};

use crate::definition::Measure;
use crate::rates::{Counts, Rate};
use crate::rows::Cell;
use crate::span::{date_of, days, period_start};
use crate::tally::ReasonKind;

/// Rows of the results table `exclusion` for a measure from the counts of its units, with small counts suppressed. `rates` are those
/// of the measure as they are shown: a total that is hidden there must not be the sum of reasons that are shown here.
#[must_use]
pub fn exclusions(counted: &Counts<'_>, measure: &Measure, suppress_below: u64, rates: &[Rate]) -> Vec<Vec<Cell>> {
    let months = counted.span.months();
    let texts = counted.own.reasons.texts();
    let mut counts: BTreeMap<(i32, String, String), u64> = BTreeMap::new();
    for ((month, kind, reason), units) in counted.tally.reasons() {
        let year = period_start("year", months[month as usize]);
        if year < counted.span.first_month {
            continue;
        }
        let reason = texts.get(reason as usize).map(ToString::to_string);
        let (kind, unnamed) = match kind {
            ReasonKind::Excluded => (KINDS[0], "not_stated"),
            ReasonKind::Exception => (KINDS[1], ""),
            ReasonKind::Immature => (KINDS[2], "follow_up_not_over"),
        };
        let key = (days(year), kind.to_owned(), reason.unwrap_or_else(|| unnamed.to_owned()));
        *counts.entry(key).or_default() += units;
    }
    let hidden = hidden(&counts, suppress_below, &hidden_totals(rates));
    counts
        .iter()
        .map(|(key @ (year, kind, reason), units)| {
            let shown = !hidden.contains(key);
            vec![
                measure.id.clone().into(),
                Cell::Date(days(period_start("year", date_of(*year)))),
                kind.clone().into(),
                reason.clone().into(),
                shown.then_some(*units).into(),
                if shown { "shown" } else { "suppressed" }.into(),
            ]
        })
        .collect()
}

type Counted = (i32, String, String);

/// Kinds of reasons, in the order of the counts beside a value.
const KINDS: [&str; 3] = ["excluded", "exception", "immature"];

/// Years and kinds whose sum over everyone is hidden beside the year's value.
fn hidden_totals(rates: &[Rate]) -> BTreeSet<(i32, &'static str)> {
    let years = rates.iter().filter(|rate| rate.is_overall() && rate.key.period_kind == "year");
    years
        .flat_map(|rate| {
            let sides = KINDS.into_iter().zip(rate.hidden_beside).filter(|(_, hidden)| *hidden);
            sides.map(|(kind, _)| (rate.key.period, kind))
        })
        .collect()
}

/// Counts below the threshold, and where one stands alone in its year and kind the next smallest: their sum is published. Where it
/// is not, one reason at least is hidden too.
fn hidden(counts: &BTreeMap<Counted, u64>, suppress_below: u64, totals: &BTreeSet<(i32, &str)>) -> Vec<Counted> {
    let mut hidden: Vec<Counted> = Vec::new();
    let mut families: BTreeMap<(i32, &str), Vec<(&Counted, u64)>> = BTreeMap::new();
    for (key, units) in counts {
        families.entry((key.0, &key.1)).or_default().push((key, *units));
    }
    for (family_of, mut family) in families {
        family.sort_by_key(|(key, units)| (*units, (*key).clone()));
        let small = family.iter().filter(|(_, units)| *units < suppress_below).count();
        let least = usize::from(totals.contains(&family_of));
        let take = if small == 1 { 2 } else { small.max(least) };
        hidden.extend(family.iter().take(take).map(|(key, _)| (*key).clone()));
    }
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_count_does_not_stand_alone() {
        let counts = |list: &[(&str, u64)]| -> BTreeMap<Counted, u64> {
            list.iter().map(|(reason, units)| ((0, "excluded".to_owned(), (*reason).to_owned()), *units)).collect()
        };
        let names = |list: &[(&str, u64)]| -> Vec<String> {
            hidden(&counts(list), 11, &BTreeSet::new()).into_iter().map(|(_, _, reason)| reason).collect()
        };
        assert_eq!(names(&[("died", 4), ("moved", 40), ("transferred", 90)]), ["died", "moved"]);
        assert_eq!(names(&[("died", 4), ("moved", 7), ("transferred", 90)]), ["died", "moved"]);
        assert_eq!(names(&[("died", 11), ("moved", 40)]), Vec::<String>::new());
        assert_eq!(names(&[("died", 10)]), ["died"]);
    }

    #[test]
    fn reasons_do_not_add_up_to_a_total_that_is_hidden() {
        let of = |kind: &str, reason: &str| (0, kind.to_owned(), reason.to_owned());
        let counts = BTreeMap::from([
            (of("excluded", "died"), 40),
            (of("excluded", "moved"), 90),
            (of("immature", "follow_up_not_over"), 60),
        ]);
        let totals = BTreeSet::from([(0, "excluded"), (0, "immature")]);
        assert_eq!(
            hidden(&counts, 11, &totals),
            [of("excluded", "died"), of("immature", "follow_up_not_over")],
            "a single reason is the total itself"
        );
    }
}
