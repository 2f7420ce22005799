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
            !before.is_empty() && before.get(&place_of(&rate.key)) == Some(&counts)
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
            let cost = |place: usize| Cost {
                is_everyone: rates[place].is_overall(),
                size: rates[place].sums.denominator.value(),
            };
            more.extend(to_hide(&counts, &hidden, threshold, groups, &groups_of, may_hide, cost));
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
            let cost = |place: usize| Cost { is_everyone: rates[place].is_overall(), size: counts[place] as f64 };
            let more = to_hide(&counts, &hidden, threshold, groups, &groups_of, |place| !hidden[place], cost);
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

/// For the hidden small counts that follow from the others, the cells whose hiding costs least.
fn to_hide(
    counts: &[u64],
    hidden: &[bool],
    threshold: u64,
    groups: &[Group],
    groups_of: &[Vec<usize>],
    may_hide: impl Fn(usize) -> bool,
    cost: impl Fn(usize) -> Cost,
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
    let follows = |place: &usize| number[*place].is_some_and(|position: usize| determined[position]);
    let unknown_of = |(total, parts): &Group| -> Vec<usize> {
        parts.iter().chain([total]).copied().filter(|place| number[*place].is_some()).collect()
    };
    let unknown_of: Vec<Vec<usize>> = groups.iter().map(unknown_of).collect();
    let near = Near {
        counts,
        groups,
        groups_of,
        hidden,
        unknown_in: unknown_of.iter().map(Vec::len).collect(),
        closed: unknown_of.iter().map(|of| !of.is_empty() && of.iter().all(follows)).collect(),
    };
    let given_away = unknown.iter().filter(|place| follows(place) && (1..threshold).contains(&counts[**place]));
    given_away.flat_map(|place| near.cheapest(*place, &may_hide, &cost)).collect()
}

/// What is lost with a cell: everyone's values carry the charts, so they go last; else the smallest goes first.
#[derive(Clone, Copy)]
struct Cost {
    is_everyone: bool,
    size: f64,
}

/// Cells by the sums that connect them.
struct Near<'a> {
    counts: &'a [u64],
    groups: &'a [Group],
    groups_of: &'a [Vec<usize>],
    hidden: &'a [bool],
    /// Unknown counts in each sum.
    unknown_in: Vec<usize>,
    /// Sums with unknown counts of which each follows from all that is shown.
    closed: Vec<bool>,
}

impl Near<'_> {
    /// The cells to hide for one that is given away. Sums whose unknown counts all follow are what it follows from: a cell of each such
    /// sum that it is in is hidden, or else the nearest beyond. Where it follows from others together, the nearest cell of all.
    fn cheapest(
        &self,
        place: usize,
        may_hide: &impl Fn(usize) -> bool,
        cost: &impl Fn(usize) -> Cost,
    ) -> BTreeSet<usize> {
        let of_closed: BTreeSet<usize> = self.groups_of[place]
            .iter()
            .filter(|group| self.closed[**group])
            .filter_map(|group| self.smallest(&[*group], may_hide, cost))
            .collect();
        if !of_closed.is_empty() {
            return of_closed;
        }
        let nearest = |closed_alone| self.nearest(place, closed_alone, may_hide, cost);
        nearest(true).or_else(|| nearest(false)).into_iter().collect()
    }

    /// The cell to hide that is reached through the fewest sums.
    fn nearest(
        &self,
        place: usize,
        closed_alone: bool,
        may_hide: &impl Fn(usize) -> bool,
        cost: &impl Fn(usize) -> Cost,
    ) -> Option<usize> {
        let mut reached = BTreeSet::from([place]);
        let mut latest = vec![place];
        while !latest.is_empty() {
            let groups = latest.iter().flat_map(|place| &self.groups_of[*place]).copied();
            let near: Vec<usize> = groups.filter(|group| !closed_alone || self.closed[*group]).collect();
            if let Some(found) = self.smallest(&near, may_hide, cost) {
                return Some(found);
            }
            let hidden = near.iter().flat_map(|group| {
                let (total, parts) = &self.groups[*group];
                parts.iter().chain([total]).copied().filter(|place| self.hidden[*place])
            });
            latest = hidden.filter(|place| reached.insert(*place)).collect();
        }
        None
    }

    /// Of the cells of some sums, the one to hide: one whose other sums hold unknown counts, since else it would follow from them at
    /// once and protect nothing; a part before a total; the smallest; ties fall to the first in order, so that runs are alike.
    fn smallest(
        &self,
        groups: &[usize],
        may_hide: &impl Fn(usize) -> bool,
        cost: &impl Fn(usize) -> Cost,
    ) -> Option<usize> {
        let follows = |place: usize| self.groups_of[place].iter().filter(|group| self.unknown_in[**group] == 0).count();
        let parts = groups.iter().flat_map(|group| &self.groups[*group].1).copied();
        let totals = groups.iter().map(|group| self.groups[*group].0);
        let rank = |one: &usize, other: &usize| {
            let (cost_of_one, cost_of_other) = (cost(*one), cost(*other));
            let everyone = cost_of_one.is_everyone.cmp(&cost_of_other.is_everyone);
            let size = cost_of_one.size.total_cmp(&cost_of_other.size);
            follows(*one).cmp(&follows(*other)).then(everyone).then(size).then(one.cmp(other))
        };
        parts
            .filter(|part| self.counts[*part] > 0 && may_hide(*part))
            .min_by(rank)
            .or_else(|| totals.filter(|total| may_hide(*total)).min_by(rank))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::civil::date;

    use super::*;
    use crate::rates::{ALL, Exact, Sums, Tree};
    use crate::span::{days, period_start};
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

    /// Random small counts of so many practitioners in 24 months, with their quarters and years, and everyone's.
    fn practitioners(number: usize) -> Vec<Rate> {
        let mut state = 1_u64;
        let mut next = |limit: u32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            u32::try_from((state >> 33) % u64::from(limit)).expect("below the limit")
        };
        let mut cells: BTreeMap<(&'static str, i32, String), (f64, f64)> = BTreeMap::new();
        for practitioner in 1..=number {
            for month in 0_i8..24 {
                let day = date(2024 + i16::from(month / 12), 1 + month % 12, 1);
                let units = next(30);
                let events = next(units + 1);
                for id in [practitioner.to_string(), ALL.to_owned()] {
                    for kind in ["month", "quarter", "year"] {
                        let cell = cells.entry((kind, days(period_start(kind, day)), id.clone())).or_default();
                        *cell = (cell.0 + f64::from(events), cell.1 + f64::from(units));
                    }
                }
            }
        }
        let rates = cells.into_iter().map(|((kind, period, id), (events, units))| {
            let mut one = rate(0, if id == ALL { ALL } else { "practitioner" }, &id, events, units);
            (one.key.period_kind, one.key.period) = (kind, period);
            one
        });
        rates.collect()
    }

    #[test]
    fn few_cells_more_are_hidden_than_one_sum_at_a_time_hides() {
        let all = practitioners(200);
        let run = |disclosure| {
            let mut rates = all.clone();
            suppress(&mut rates, Kind::Proportion, 11, disclosure, &Before::new(), &Tree::default());
            shown(&rates)
        };
        let (by_sums, by_all) = (run(Disclosure::Sums), run(Disclosure::Linear));
        assert!(by_all < by_sums && by_all * 100 > by_sums * 94, "{by_all} of {by_sums} cells stay");
    }
}
