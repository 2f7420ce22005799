//! Every deck of the catalogue passes, for each unit and in total, and every measure has one.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use carecoord_measures::{deck, definition, instrument};

#[test]
fn every_deck_passes_and_every_measure_has_one() {
    let measures = definition::catalog().unwrap();
    let instruments = instrument::instruments(&[]).unwrap();
    let decks =
        ["catalog", "prepared/cases", "worklists/cases"].iter().flat_map(|folder| deck::decks_in(Path::new(folder)));
    let waiting: Mutex<Vec<PathBuf>> = Mutex::new(decks.collect());
    let compared = Mutex::new(Vec::new());
    // Decks are small and independent of each other: one for each core at a time.
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            scope.spawn(|| {
                loop {
                    let Some(folder) = waiting.lock().unwrap().pop() else { break };
                    let found = deck::run(&folder, None, &measures, &instruments).unwrap();
                    compared.lock().unwrap().extend(found);
                }
            });
        }
    });
    let compared = compared.into_inner().unwrap();
    let failures: Vec<String> = compared.iter().filter(|one| !one.passed).map(|one| format!("{one:?}")).collect();
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    assert!(compared.len() > 10_000, "only {} comparisons", compared.len());
    let tried = compared
        .into_iter()
        .map(|one| one.measure)
        .filter(|measure| !measure.starts_with("prepared.") && !measure.starts_with("worklist."));
    let tried: BTreeSet<String> = tried.collect();
    let all: BTreeSet<String> = measures.into_iter().map(|measure| measure.id).collect();
    assert_eq!(tried, all);
}

#[test]
fn the_example_of_the_documentation_passes_its_deck() {
    let example = Path::new("../docs/examples/own-measure/measures");
    let measures = definition::catalog_with(&[example.to_owned()]).unwrap();
    let comparisons: Vec<_> =
        deck::decks_in(example).iter().flat_map(|folder| deck::run(folder, None, &measures, &[]).unwrap()).collect();
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

#[test]
fn the_example_of_an_own_instrument_passes_its_deck() {
    let example = Path::new("../docs/examples/own-instrument");
    let measures = definition::catalog_with(&[example.join("measures")]).unwrap();
    let instruments = instrument::instruments(&[example.join("instruments")]).unwrap();
    let run = |folder: &PathBuf| deck::run(folder, None, &measures, &instruments).unwrap();
    let comparisons: Vec<_> = deck::decks_in(example).iter().flat_map(run).collect();
    let failures: Vec<_> = comparisons.iter().filter(|found| !found.passed).collect();
    assert!(comparisons.len() > 20 && failures.is_empty(), "{failures:?}");
    // The measure's SQL is that of the shipped composites, as the page says.
    let own = std::fs::read_to_string(example.join("measures/teamwork/units.sql")).unwrap();
    assert_eq!(own, std::fs::read_to_string("catalog/patient_reported/composite/units.sql").unwrap());
}
