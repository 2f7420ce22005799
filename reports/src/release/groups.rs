//! Words of patients that no value is shown for.
//!
//! Race, ethnicity and language are written as the extracts have them. A word that nobody else has may be a name, or a remark, and
//! says something even where its counts are hidden. A release shows such words only where some value of the group is shown.

use std::collections::{BTreeMap, BTreeSet};

use arcstr::ArcStr;

use crate::model::{Rate, State};

/// Splits whose groups are words of the extracts.
const AS_WRITTEN: [&str; 3] = ["race", "ethnicity", "language"];

/// Numbers the groups of which no value is shown, in the order of their words.
pub fn replace(rates: &mut [Rate]) {
    let mut all: BTreeMap<ArcStr, BTreeSet<ArcStr>> = BTreeMap::new();
    let mut shown: BTreeSet<(ArcStr, ArcStr)> = BTreeSet::new();
    for rate in rates.iter().filter(|rate| AS_WRITTEN.contains(&rate.stratum_kind.as_str())) {
        all.entry(rate.stratum_kind.clone()).or_default().insert(rate.stratum.clone());
        if rate.state == State::Shown {
            shown.insert((rate.stratum_kind.clone(), rate.stratum.clone()));
        }
    }
    let mut names: BTreeMap<(ArcStr, ArcStr), ArcStr> = BTreeMap::new();
    for (kind, groups) in all {
        let hidden = groups.into_iter().filter(|group| !shown.contains(&(kind.clone(), group.clone())));
        for (number, group) in (1..).zip(hidden) {
            names.insert((kind.clone(), group), format!("small group {number}").into());
        }
    }
    for rate in rates {
        if let Some(name) = names.get(&(rate.stratum_kind.clone(), rate.stratum.clone())) {
            rate.stratum.clone_from(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::test_rows;

    #[test]
    fn a_word_that_no_value_is_shown_for_gets_a_number() {
        let group = |word: &str, state| {
            let mut rate = test_rows::month(jiff::civil::date(2026, 1, 1), Some(1.0));
            (rate.stratum_kind, rate.stratum, rate.state) = ("language".into(), word.into(), state);
            rate
        };
        let mut rates = vec![
            group("en", State::Shown),
            group("en", State::Suppressed),
            group("Jane Doe", State::Suppressed),
            group("zu", State::Suppressed),
        ];
        replace(&mut rates);
        let words: Vec<&str> = rates.iter().map(|rate| rate.stratum.as_str()).collect();
        assert_eq!(words, ["en", "en", "small group 1", "small group 2"]);
    }
}
