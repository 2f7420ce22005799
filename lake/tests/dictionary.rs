//! `docs/data-dictionary.md` is what the contracts say today.
#![allow(clippy::unwrap_used)]

#[test]
fn the_data_dictionary_is_current() {
    let path = std::path::Path::new("../docs/data-dictionary.md");
    let wanted = carecoord_lake::dictionary::markdown().unwrap();
    if std::env::var_os("CARECOORD_BLESS").is_some() {
        std::fs::write(path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == wanted, "docs/data-dictionary.md is out of date: CARECOORD_BLESS=1 cargo test -p carecoord-lake");
}
