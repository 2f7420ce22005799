//! Disclosure control: small counts are not shown, nor is what would give one away.
//!
//! A count from 1 to one below the threshold (11 unless set: CMS's cell-size policy [K]) is suppressed, whether it is a
//! numerator, a denominator, or their difference; so are a mean of which only so few units are not 0, and a value of
//! member-months that may be those of so few people. Then, wherever exactly one of a total and its parts is hidden, the
//! smallest other part is suppressed too, because the hidden one could be computed from the rest; totals are everyone
//! for each split, and periods for the shorter ones in them. This is repeated until nothing changes. The counts beside a value
//! (excluded, exceptions, immature) are protected in the same way, each by itself. With `disclosure = "linear"` all sums of a measure
//! are looked at together ([`crate::several_sums`]). What different measures of the same patients give away together is not
//! ruled out.

use std::collections::HashMap;

use serde::Deserialize;

use crate::definition::Kind;
use crate::rates::{ALL, Key, PAYER, PROGRAM, Rate, State, Tree, UNKNOWN};
use crate::several_sums::{self, Before};
use crate::span::{date_of, days, period_start};

/// What is ruled out beside small counts themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disclosure {
    /// What one sum gives back: for reports that stay inside.
    #[default]
    Sums,
    /// What all sums of a measure's tables, of this run and the one before, give back together: what a release needs.
    Linear,
}

impl Disclosure {
    /// As settings write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sums => "sums",
            Self::Linear => "linear",
        }
    }
}

/// A total with its parts, as indices.
pub type Group = (usize, Vec<usize>);

/// Suppresses rates in place. A threshold below 2 suppresses nothing.
pub fn suppress(rates: &mut [Rate], kind: Kind, threshold: u64, disclosure: Disclosure, before: &Before, tree: &Tree) {
    if threshold < 2 {
        return;
    }
    for rate in rates.iter_mut().filter(|rate| matches!(rate.state, State::Shown | State::NotReached)) {
        if has_small_count(rate, kind, threshold as f64) {
            rate.state = State::SmallCell;
        }
    }
    let others = complements(rates, kind, threshold as f64);
    for place in others {
        rates[place].state = State::WouldReveal;
    }
    let groups = groups(rates, tree);
    loop {
        let mut changed = true;
        while changed {
            changed = false;
            for (total, parts) in &groups {
                changed |= protect(rates, *total, parts);
            }
        }
        for side in 0..SIDES {
            protect_beside(rates, side, threshold, &groups);
        }
        // What it hides may stand alone in a sum.
        if disclosure == Disclosure::Sums || !several_sums::protect(rates, kind, threshold, &groups, before) {
            break;
        }
    }
}

/// Counts beside a value: excluded, exceptions, immature.
pub const SIDES: usize = 3;

/// Hides small counts beside the values, and what would give one back by one sum: wherever a total is shown, those of its parts
/// that are hidden are several, and together no small count either.
fn protect_beside(rates: &mut [Rate], side: usize, threshold: u64, groups: &[Group]) {
    let small = |count: u64| (1..threshold).contains(&count);
    let everyone: HashMap<Key, u64> =
        rates.iter().filter(|rate| rate.key.level == ALL).map(|rate| (rate.key.clone(), rate.beside()[side])).collect();
    for rate in rates.iter_mut() {
        let count = rate.beside()[side];
        // Those outside a program or payer are no part that another row shows.
        let outside = overlaps(rate.key.level)
            && everyone
                .get(&Key { level: ALL, level_id: ALL.to_owned(), ..rate.key.clone() })
                .is_some_and(|all| small(all.saturating_sub(count)));
        rate.hidden_beside[side] |= !rate.counts_are_shown() || small(count) || outside;
    }
    let mut changed = true;
    while changed {
        changed = false;
        for (total, parts) in groups {
            changed |= protect_sum(rates, side, threshold, *total, parts);
        }
    }
}

/// Hides one more count of a total and its parts where what is hidden could be computed, and says whether there was one to hide.
fn protect_sum(rates: &mut [Rate], side: usize, threshold: u64, total: usize, parts: &[usize]) -> bool {
    // Of a month whose data did not come, nothing is in the total.
    let counts = |part: &usize| rates[*part].state != State::Missing;
    let (hidden, mut shown): (Vec<usize>, Vec<usize>) =
        parts.iter().copied().filter(counts).partition(|part| rates[*part].hidden_beside[side]);
    let sum: u64 = hidden.iter().map(|part| rates[*part].beside()[side]).sum();
    let total_is_hidden = rates[total].hidden_beside[side];
    let open = if total_is_hidden { hidden.is_empty() } else { hidden.len() == 1 || (1..threshold).contains(&sum) };
    if !open {
        return false;
    }
    // The smallest that is not 0 loses least, and 0 protects nothing; ties fall to the first in order, so that runs are alike.
    shown.sort_by_key(|part| (rates[*part].beside()[side] == 0, rates[*part].beside()[side], *part));
    let next = if total_is_hidden { shown.first().copied() } else { shown.first().copied().or(Some(total)) };
    match next {
        Some(next) => {
            rates[next].hidden_beside[side] = true;
            true
        }
        None => false,
    }
}

fn has_small_count(rate: &Rate, kind: Kind, threshold: f64) -> bool {
    let small = |count: f64| count > 0.0 && count < threshold;
    let (numerator, denominator) = (rate.sums.numerator.value(), rate.sums.denominator.value());
    match kind {
        // Of waits the difference are those who have not had the event.
        Kind::Proportion | Kind::Time => small(numerator) || small(denominator) || small(denominator - numerator),
        Kind::Rate => small(numerator) || small(denominator) || small(rate.people as f64),
        // A mean and the number of its units give their sum, which is that of the few that are not 0.
        Kind::Mean => small(rate.people as f64) || small(rate.sums.not_zero as f64),
        Kind::Composite => small(rate.people as f64) || small(numerator),
    }
}

/// Whether one person may count at several parts of a level.
fn overlaps(level: &str) -> bool {
    level == PROGRAM || level == PAYER
}

/// Rates of programs and payers whose difference from everyone is a small count: they overlap, so the people outside one are
/// no part that another row shows.
fn complements(rates: &[Rate], kind: Kind, threshold: f64) -> Vec<usize> {
    let index: HashMap<&Key, &Rate> = rates.iter().map(|rate| (&rate.key, rate)).collect();
    let small = |count: f64| count > 0.0 && count < threshold;
    let reveals = |rate: &Rate| {
        let all = Key { level: ALL, level_id: ALL.to_owned(), ..rate.key.clone() };
        index.get(&all).is_some_and(|all| {
            let numerator = all.sums.numerator.value() - rate.sums.numerator.value();
            let denominator = all.sums.denominator.value() - rate.sums.denominator.value();
            let units = all.people.saturating_sub(rate.people) as f64;
            match kind {
                Kind::Proportion | Kind::Time => {
                    small(numerator) || small(denominator) || small(denominator - numerator)
                }
                Kind::Rate => small(numerator) || small(units),
                Kind::Mean | Kind::Composite => small(units),
            }
        })
    };
    let apart = |rate: &Rate| overlaps(rate.key.level) && matches!(rate.state, State::Shown | State::NotReached);
    (0..rates.len()).filter(|place| apart(&rates[*place]) && reveals(&rates[*place])).collect()
}

/// Every total with its parts, as indices.
pub fn groups(rates: &[Rate], tree: &Tree) -> Vec<Group> {
    let index: HashMap<&Key, usize> = rates.iter().enumerate().map(|(place, rate)| (&rate.key, place)).collect();
    let mut parts: HashMap<(usize, &str, &str), Vec<usize>> = HashMap::new();
    for (place, rate) in rates.iter().enumerate() {
        let key = &rate.key;
        // Programs overlap: they are no parts of everyone that add up. Payers may overlap, and in most lakes do not: where nobody
        // has two, they add up, so they are protected as parts too.
        if !rate.is_overall() && key.level != PROGRAM {
            let total =
                Key { level: ALL, level_id: ALL.to_owned(), stratum_kind: ALL, stratum: ALL.to_owned(), ..key.clone() };
            if let Some(total) = index.get(&total) {
                parts.entry((*total, key.level, key.stratum_kind)).or_default().push(place);
            }
        }
        // A hospital is the sum of its clinics, a system that of its hospitals.
        for (level, above) in [("organization", "hospital"), ("organization", "system"), ("hospital", "system")] {
            if key.level == level {
                let id = tree.above(&key.level_id, above).unwrap_or(UNKNOWN);
                let total = Key { level: above, level_id: id.to_owned(), ..key.clone() };
                if let Some(total) = index.get(&total) {
                    parts.entry((*total, level, above)).or_default().push(place);
                }
            }
        }
        let wider = match key.period_kind {
            "month" => "quarter",
            "quarter" => "year",
            _ => continue,
        };
        let total = Key { period_kind: wider, period: days(period_start(wider, date_of(key.period))), ..key.clone() };
        if let Some(total) = index.get(&total) {
            parts.entry((*total, "time", "time")).or_default().push(place);
        }
    }
    let mut groups: Vec<Group> = parts.into_iter().map(|((total, _, _), parts)| (total, parts)).collect();
    groups.sort();
    groups
}

/// Whether a value is suppressed.
pub fn is_hidden(rate: &Rate) -> bool {
    matches!(rate.state, State::SmallCell | State::WouldReveal)
}

fn protect(rates: &mut [Rate], total: usize, parts: &[usize]) -> bool {
    let hidden = parts.iter().chain([&total]).filter(|place| is_hidden(&rates[**place])).count();
    if hidden != 1 {
        return false;
    }
    let mut shown: Vec<usize> =
        parts.iter().copied().filter(|part| matches!(rates[*part].state, State::Shown | State::NotReached)).collect();
    // The smallest loses least; ties fall to the first in order, so that runs are alike.
    shown.sort_by_key(|part| (rates[*part].sums.denominator, *part));
    match shown.first().copied().or(matches!(rates[total].state, State::Shown | State::NotReached).then_some(total)) {
        Some(next) => {
            rates[next].state = State::WouldReveal;
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rates::{Exact, Sums};

    fn rate(level: &'static str, id: &str, numerator: f64, denominator: f64) -> Rate {
        let key = Key {
            period_kind: "year",
            level,
            stratum_kind: ALL,
            level_id: id.to_owned(),
            stratum: ALL.to_owned(),
            period: 0,
        };
        let sums =
            Sums { numerator: Exact::new(numerator), denominator: Exact::new(denominator), n: 100, ..Sums::default() };
        Rate {
            key,
            sums,
            value: Some(0.0),
            interval: None,
            waits: None,
            people: 100,
            is_final: true,
            state: State::Shown,
            hidden_beside: [false; 3],
        }
    }

    #[test]
    fn the_only_small_part_takes_the_smallest_other_part_with_it() {
        let mut rates = vec![
            rate(ALL, ALL, 100.0, 1000.0),
            rate("payer", "a", 5.0, 300.0),
            rate("payer", "b", 40.0, 300.0),
            rate("payer", "c", 55.0, 400.0),
        ];
        suppress(&mut rates, Kind::Proportion, 11, Disclosure::Sums, &Before::new(), &Tree::default());
        let states: Vec<State> = rates.iter().map(|rate| rate.state).collect();
        assert_eq!(states, [State::Shown, State::SmallCell, State::WouldReveal, State::Shown]);
    }

    #[test]
    fn a_hospital_does_not_give_its_small_clinic_away() {
        let clinic = |id: &str, parent: &str| (id.to_owned(), Some("clinic".to_owned()), Some(parent.to_owned()));
        let tree = Tree::new([
            ("h".to_owned(), Some("hospital".to_owned()), None),
            ("k".to_owned(), Some("hospital".to_owned()), None),
            clinic("a", "h"),
            clinic("b", "h"),
            clinic("c", "k"),
            clinic("d", "k"),
        ]);
        let mut rates = vec![
            rate(ALL, ALL, 225.0, 2000.0),
            rate("hospital", "h", 45.0, 600.0),
            rate("hospital", "k", 180.0, 1400.0),
            rate("organization", "a", 5.0, 300.0),
            rate("organization", "b", 40.0, 300.0),
            rate("organization", "c", 5.0, 700.0),
            rate("organization", "d", 175.0, 700.0),
        ];
        suppress(&mut rates, Kind::Proportion, 11, Disclosure::Sums, &Before::new(), &tree);
        let states: Vec<State> = rates.iter().map(|rate| rate.state).collect();
        // Two small clinics hide each other in the total of all, but not in those of their hospitals.
        assert_eq!(states[1..3], [State::Shown, State::Shown]);
        assert_eq!(states[3..], [State::SmallCell, State::WouldReveal, State::SmallCell, State::WouldReveal]);
    }

    #[test]
    fn people_outside_a_program_are_not_given_away() {
        let mut rates = vec![
            rate(ALL, ALL, 100.0, 1000.0),
            rate("program", "p", 95.0, 900.0),
            rate("program", "q", 50.0, 500.0),
            rate("program", "r", 30.0, 500.0),
        ];
        suppress(&mut rates, Kind::Proportion, 11, Disclosure::Sums, &Before::new(), &Tree::default());
        assert_eq!(rates[1].state, State::WouldReveal, "five events lie outside it");
        assert_eq!([rates[0].state, rates[2].state, rates[3].state], [State::Shown; 3]);
    }

    #[test]
    fn counts_beside_a_value_are_not_given_back_by_a_sum() {
        let with = |level: &'static str, id: &str, excluded: u64| {
            let mut rate = rate(level, id, 100.0, 1000.0);
            rate.sums.excluded = excluded;
            rate
        };
        let hidden = |parts: &[u64]| -> Vec<bool> {
            let mut rates = vec![with(ALL, ALL, parts.iter().sum())];
            rates.extend(parts.iter().enumerate().map(|(place, count)| with("payer", &place.to_string(), *count)));
            suppress(&mut rates, Kind::Proportion, 11, Disclosure::Sums, &Before::new(), &Tree::default());
            rates.iter().map(|rate| rate.hidden_beside[0]).collect()
        };
        // The 4 would be the total without the others.
        assert_eq!(hidden(&[4, 30, 50]), [false, true, true, false]);
        // 0 beside it would not protect it.
        assert_eq!(hidden(&[4, 0, 50]), [false, true, false, true]);
        // Two that are small are together a small count.
        assert_eq!(hidden(&[4, 5, 50]), [false, true, true, true]);
        assert_eq!(hidden(&[12, 0, 50]), [false; 4]);
        assert_eq!(hidden(&[5, 0]), [true; 3], "those outside the second are the five");
    }

    #[test]
    fn zero_is_shown_and_ten_is_not_and_eleven_is() {
        for (numerator, state) in [
            (0.0, State::Shown),
            (1.0, State::SmallCell),
            (10.0, State::SmallCell),
            (11.0, State::Shown),
            (290.0, State::SmallCell),
            (289.0, State::Shown),
        ] {
            let mut rates = vec![rate(ALL, ALL, numerator, 300.0)];
            suppress(&mut rates, Kind::Proportion, 11, Disclosure::Sums, &Before::new(), &Tree::default());
            assert_eq!(rates[0].state, state, "{numerator}");
        }
    }

    #[test]
    fn no_total_ever_has_exactly_one_hidden_part() {
        // A simple generator of numbers, so that the property is tried on many tables.
        let mut seed = 7_u64;
        let mut next = |limit: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % limit
        };
        for _ in 0..300 {
            let parts: Vec<(f64, f64)> = (0..=next(6))
                .map(|_| {
                    let denominator = next(60);
                    (next(denominator + 1) as f64, denominator as f64)
                })
                .collect();
            let total = parts.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
            let mut rates = vec![rate(ALL, ALL, total.0, total.1)];
            for (number, part) in parts.iter().enumerate() {
                rates.push(rate("payer", &number.to_string(), part.0, part.1));
            }
            suppress(&mut rates, Kind::Proportion, 11, Disclosure::Sums, &Before::new(), &Tree::default());
            let hidden = rates[1..].iter().filter(|rate| is_hidden(rate)).count();
            let unknown = hidden + usize::from(is_hidden(&rates[0]));
            let others = rates.iter().filter(|rate| rate.state == State::Shown).count();
            assert!(unknown != 1 || others == 0, "{parts:?}");
        }
    }
}
