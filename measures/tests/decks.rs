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

#[test]
fn the_example_of_the_documentation_passes_its_deck() {
    let example = Path::new("../docs/examples/own-measure/measures");
    let measures = definition::catalog_with(&[example.to_owned()]).unwrap();
    let comparisons: Vec<_> =
        deck::decks_in(example).iter().flat_map(|folder| deck::run(folder, None, &measures).unwrap()).collect();
    let failures: Vec<_> = comparisons.iter().filter(|found| !found.passed).collect();
    assert!(comparisons.len() > 20 && failures.is_empty(), "{failures:?}");
    // Its page names the files as they are.
    let page = std::fs::read_to_string("../docs/own-measure.md").unwrap();
    assert!(
        ["measure.toml", "units.sql", "codes.csv", "cases"]
            .iter()
            .all(|name| { page.contains(name) && example.join("weekend_discharge").join(name).exists() })
    );
}
