//! Hides until several sums together give no small count away: [`crate::linear`] finds what follows from all that is published of a
//! measure, and one more cell beside each such count is hidden, until none is left.

use std::collections::{BTreeSet, HashMap};

use crate::definition::Kind;
use crate::linear::{self, Equation};
use crate::rates::{Key, Rate, State};
use crate::span::date_of;
use crate::suppression::{Group, SIDES, is_hidden};

/// What the run before published of a measure: numerator and denominator of final cells, by [`place`].
pub type Before = HashMap<String, (f64, f64)>;

/// A cell of a measure by its place in the tables: kind and first day of its period, level and its id, split and group.
#[must_use]
pub fn place(parts: &[String]) -> String {
    parts.join("\u{1f}")
}

fn place_of(key: &Key) -> String {
    let period = date_of(key.period).to_string();
    let [kind, level, split] = [key.period_kind, key.level, key.stratum_kind].map(str::to_owned);
    place(&[kind, period, level, key.level_id.clone(), split, key.stratum.clone()])
}

/// Hides cells, and counts beside them, until no small count follows from what is shown now and what was shown before. Says whether
/// it hid any.
pub fn protect(rates: &mut [Rate], kind: Kind, threshold: u64, groups: &[Group], before: &Before) -> bool {
    let mut hid = false;
    let groups_of = groups_of(rates.len(), groups);
    // A final cell that was published before, with the same counts, is known although it is hidden now.
    let known: Vec<bool> = rates
        .iter()
        .map(|rate| {
            let counts = (rate.sums.numerator.value(), rate.sums.denominator.value());
            before.get(&place_of(&rate.key)) == Some(&counts)
        })
        .collect();
    loop {
        let mut more = BTreeSet::new();
        for count in counts(kind) {
            let counts: Vec<u64> = rates.iter().map(count).collect();
            let hidden: Vec<bool> = rates.iter().zip(&known).map(|(rate, known)| is_hidden(rate) && !known).collect();
            // Hiding what is known already protects nothing.
            let may_hide =
                |place: usize| !known[place] && matches!(rates[place].state, State::Shown | State::NotReached);
            more.extend(to_hide(&counts, &hidden, threshold, groups, &groups_of, may_hide, |place| {
                rates[place].sums.denominator.value()
            }));
        }
        if more.is_empty() {
            break;
        }
        hid = true;
        for place in more {
            rates[place].state = State::WouldReveal;
        }
    }
    for side in 0..SIDES {
        for rate in rates.iter_mut().filter(|rate| is_hidden(rate)) {
            rate.hidden_beside[side] = true;
        }
        let counts: Vec<u64> = rates.iter().map(|rate| rate.beside()[side]).collect();
        loop {
            let hidden: Vec<bool> = rates.iter().map(|rate| rate.hidden_beside[side]).collect();
            let size = |place: usize| counts[place] as f64;
            let more = to_hide(&counts, &hidden, threshold, groups, &groups_of, |place| !hidden[place], size);
            if more.is_empty() {
                break;
            }
            hid = true;
            for place in more {
                rates[place].hidden_beside[side] = true;
            }
        }
    }
    hid
}

/// The counts of people and events that a value of this kind shows.
fn counts(kind: Kind) -> Vec<fn(&Rate) -> u64> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Counts of units and events.
    fn numerator(rate: &Rate) -> u64 {
        rate.sums.numerator.value().round() as u64
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Counts of units and events.
    fn difference(rate: &Rate) -> u64 {
        (rate.sums.denominator.value() - rate.sums.numerator.value()).round() as u64
    }
    fn units(rate: &Rate) -> u64 {
        rate.sums.n
    }
    match kind {
        // The denominator is their sum: where both can be moved, so can it.
        Kind::Proportion | Kind::Time => vec![numerator, difference],
        Kind::Rate => vec![numerator],
        Kind::Mean | Kind::Composite => vec![units],
    }
}

/// The groups that each cell is in, as total or part.
fn groups_of(cells: usize, groups: &[Group]) -> Vec<Vec<usize>> {
    let mut found = vec![Vec::new(); cells];
    for (number, (total, parts)) in groups.iter().enumerate() {
        for place in parts.iter().chain([total]) {
            found[*place].push(number);
        }
    }
    found
}

/// For each hidden small count that follows from the others, the cell whose hiding costs least.
fn to_hide(
    counts: &[u64],
    hidden: &[bool],
    threshold: u64,
    groups: &[Group],
    groups_of: &[Vec<usize>],
    may_hide: impl Fn(usize) -> bool,
    size: impl Fn(usize) -> f64,
) -> BTreeSet<usize> {
    let unknown: Vec<usize> = (0..counts.len()).filter(|place| hidden[*place] && counts[*place] > 0).collect();
    let mut number = vec![None; counts.len()];
    for (position, place) in unknown.iter().enumerate() {
        number[*place] = Some(position);
    }
    let equations: Vec<Equation> = groups
        .iter()
        .map(|(total, parts)| {
            let parts = parts.iter().filter_map(|part| Some((number[*part]?, true)));
            parts.chain(number[*total].map(|total| (total, false))).collect()
        })
        .filter(|equation: &Equation| !equation.is_empty())
        .collect();
    let determined = linear::determined(unknown.len(), &equations);
    let given_away = unknown
        .iter()
        .zip(determined)
        .filter(|(place, determined)| *determined && (1..threshold).contains(&counts[**place]));
    let near = Near { counts, groups, groups_of, hidden };
    given_away.filter_map(|(place, _)| near.cheapest(*place, &may_hide, &size)).collect()
}

/// Cells by the sums that connect them.
struct Near<'a> {
    counts: &'a [u64],
    groups: &'a [Group],
    groups_of: &'a [Vec<usize>],
    hidden: &'a [bool],
}

impl Near<'_> {
    /// The cell to hide for one that is given away: of those that share a sum with it, or else with hidden cells that do, the
    /// smallest; parts before totals; ties fall to the first in order, so that runs are alike.
    fn cheapest(&self, place: usize, may_hide: &impl Fn(usize) -> bool, size: &impl Fn(usize) -> f64) -> Option<usize> {
        let smallest = |from: &BTreeSet<usize>| {
            from.iter().copied().min_by(|one, other| size(*one).total_cmp(&size(*other)).then(one.cmp(other)))
        };
        let mut reached = BTreeSet::from([place]);
        let mut latest = vec![place];
        while !latest.is_empty() {
            let (mut parts, mut totals, mut beyond) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
            for group in latest.iter().flat_map(|place| &self.groups_of[*place]) {
                let (total, of_group) = &self.groups[*group];
                parts.extend(of_group.iter().copied().filter(|part| self.counts[*part] > 0 && may_hide(*part)));
                totals.extend(Some(*total).filter(|total| may_hide(*total)));
                let hidden = of_group.iter().chain([total]).copied().filter(|place| self.hidden[*place]);
                beyond.extend(hidden.filter(|place| reached.insert(*place)));
            }
            if let Some(found) = smallest(&parts).or_else(|| smallest(&totals)) {
                return Some(found);
            }
            latest = beyond;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rates::{ALL, Exact, Sums, Tree};
    use crate::suppression::{Disclosure, suppress};

    fn rate(period: i32, level: &'static str, id: &str, numerator: f64, denominator: f64) -> Rate {
        let key = Key {
            period_kind: if period == 0 { "year" } else { "quarter" },
            level,
            stratum_kind: ALL,
            level_id: id.to_owned(),
            stratum: ALL.to_owned(),
            period: [19_723, 19_723, 19_814, 19_905, 19_997][usize::try_from(period).expect("a quarter")],
        };
        let n = 1000;
        let sums =
            Sums { numerator: Exact::new(numerator), denominator: Exact::new(denominator), n, ..Sums::default() };
        Rate {
            key,
            sums,
            value: Some(0.0),
            interval: None,
            waits: None,
            people: 1000,
            is_final: true,
            state: State::Shown,
            hidden_beside: [false; 3],
        }
    }

    /// A table of clinics by quarter with all sums.
    fn table(cells: &[[f64; 4]]) -> Vec<Rate> {
        let clinics = ["a", "b", "c", "d"];
        let mut rates = Vec::new();
        let sum = |from: &mut dyn Iterator<Item = f64>| from.sum::<f64>();
        for (clinic, row) in clinics.iter().zip(cells) {
            rates.push(rate(0, "organization", clinic, sum(&mut row.iter().copied()), 4000.0));
            for (quarter, count) in (1..).zip(row) {
                rates.push(rate(quarter, "organization", clinic, *count, 1000.0));
            }
        }
        let whole = 1000.0 * cells.len() as f64;
        rates.push(rate(0, ALL, ALL, sum(&mut cells.iter().flatten().copied()), 4.0 * whole));
        for quarter in 0..4 {
            let of_quarter = sum(&mut cells.iter().map(|row| row[quarter]));
            rates.push(rate(i32::try_from(quarter + 1).expect("small"), ALL, ALL, of_quarter, whole));
        }
        rates
    }

    fn shown(rates: &[Rate]) -> usize {
        rates.iter().filter(|rate| rate.state == State::Shown).count()
    }

    #[test]
    fn what_a_cross_of_sums_gives_away_is_hidden_by_linear_alone() {
        // Rows and columns of hidden cells that no single sum gives away, but all of them together do: three pairs.
        let cells = [[5.0, 6.0, 300.0, 400.0], [7.0, 200.0, 8.0, 500.0], [600.0, 4.0, 9.0, 700.0]];
        let (mut by_sums, mut by_all) = (table(&cells), table(&cells));
        let tree = Tree::default();
        suppress(&mut by_sums, Kind::Proportion, 11, Disclosure::Sums, &Before::new(), &tree);
        suppress(&mut by_all, Kind::Proportion, 11, Disclosure::Linear, &Before::new(), &tree);
        assert!(shown(&by_all) <= shown(&by_sums));
        // What is hidden is not determined: the same reader, on the finished tables.
        let groups = crate::suppression::groups(&by_all, &tree);
        let mut again = by_all.clone();
        assert!(!protect(&mut again, Kind::Proportion, 11, &groups, &Before::new()));
        assert_eq!(again, by_all);
    }

    #[test]
    fn a_cell_of_the_run_before_hides_nothing_any_more() {
        let cells = [[5.0, 60.0, 300.0, 400.0], [70.0, 200.0, 80.0, 500.0]];
        let tree = Tree::default();
        let run = |before: &Before| {
            let mut rates = table(&cells);
            suppress(&mut rates, Kind::Proportion, 11, Disclosure::Linear, before, &tree);
            rates
        };
        let without = run(&Before::new());
        // The cells that were hidden for the sake of the small one had been published by the run before.
        let published: Before = without
            .iter()
            .filter(|rate| rate.state == State::WouldReveal)
            .map(|rate| (place_of(&rate.key), (rate.sums.numerator.value(), rate.sums.denominator.value())))
            .collect();
        assert!(!published.is_empty());
        let with = run(&published);
        assert!(shown(&with) < shown(&without), "others protect it now");
    }
}
