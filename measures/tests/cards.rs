//! `docs/measures` is what the catalogue says today.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use carecoord_measures::definition::Measure;
use carecoord_measures::{card, deck, definition};

#[test]
fn every_measure_has_a_current_card() {
    let measures = definition::catalog().unwrap();
    let mut cards: BTreeMap<String, Vec<&Measure>> = BTreeMap::new();
    for measure in &measures {
        cards.entry(measure.folder.clone()).or_default().push(measure);
    }
    let mut pages = vec![(PathBuf::from("../docs/measures.md"), card::index(&cards))];
    for (folder, variants) in &cards {
        let decks = deck::decks_in(&Path::new("catalog").join(folder)).into_iter().map(|deck| {
            let text = std::fs::read_to_string(deck.join("deck.toml")).unwrap();
            let line = text.lines().next().unwrap().trim_start_matches("# ").to_owned();
            (deck.file_name().unwrap().to_string_lossy().into_owned(), line)
        });
        let page = card::card(variants, &decks.collect::<Vec<_>>());
        pages.push((Path::new("../docs/measures").join(format!("{folder}.md")), page));
    }
    for (path, wanted) in pages {
        if std::env::var_os("CARECOORD_BLESS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &wanted).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == wanted,
            "{} is out of date: CARECOORD_BLESS=1 cargo test --workspace --test cards",
            path.display()
        );
    }
}
