//! Every deck of the catalogue passes, for each unit and in total, and every measure has one.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

use carecoord_measures::{deck, definition};

#[test]
fn every_deck_passes_and_every_measure_has_one() {
    let measures = definition::catalog().unwrap();
    let folder = Path::new("catalog");
    let mut tried = BTreeSet::new();
    let mut failures = Vec::new();
    let mut passed = 0;
    for deck in deck::decks_in(folder) {
        for found in deck::run(&deck, None, &measures).unwrap() {
            tried.insert(found.measure.clone());
            if found.passed {
                passed += 1;
            } else {
                failures.push(format!("{found:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    assert!(passed > 500, "only {passed} comparisons");
    let all: BTreeSet<String> = measures.into_iter().map(|measure| measure.id).collect();
    assert_eq!(tried, all);
}
