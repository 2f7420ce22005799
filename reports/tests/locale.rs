//! A report in another way of writing numbers and dates: the one that the guide shows.

mod synthetic;

use std::fs;

use carecoord_reports::{Locale, ReportError, ReportOptions, render};

/// The example in the guide.
fn example() -> String {
    let guide = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide.md")).expect("the guide");
    let (_, rest) = guide.split_once("```toml\n# de.toml\n").expect("an example");
    rest.split_once("```").expect("its end").0.to_owned()
}

#[test]
fn numbers_and_dates_follow_the_file_and_data_do_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let results = folder.path().join("results");
    fs::create_dir(&results).expect("a folder");
    synthetic::write(&results);
    let file = folder.path().join("de.toml");
    fs::write(&file, example()).expect("written");
    let german = ReportOptions { locale: Locale::read(&file).expect("a locale"), ..ReportOptions::default() };
    let made = render(&results, &folder.path().join("german"), &german).expect("a report");
    let usual = render(&results, &folder.path().join("usual"), &ReportOptions::default()).expect("a report");
    let [german, usual] = [made.html, usual.html].map(|page| fs::read_to_string(page).expect("a page"));
    for (here, there) in
        [("Oktober 2026", "October 2026"), ("48.213", "48,213"), ("5. November 2026", "5 November 2026")]
    {
        assert!(german.contains(here) && !german.contains(there), "{here}");
        assert!(usual.contains(there) && !usual.contains(here), "{there}");
    }
    assert!(german.contains("data-decimal=\",\"") && !usual.contains("data-decimal"));
    assert!(german.contains("Okt 2026") && german.contains(">Mär<"));
    let with = |page: &str, decimal: u8| {
        // The page's own words name these limits.
        let page = page.replace("99.8%", "");
        let before_percent = |at: usize| page.as_bytes().get(at.wrapping_sub(2)) == Some(&decimal);
        page.match_indices('%').filter(|(at, _)| before_percent(*at)).count()
    };
    assert_eq!(with(&german, b'.'), 0, "no per cent with a point");
    assert_eq!(with(&german, b','), with(&usual, b'.'));
    let data = |name: &str| fs::read(folder.path().join(name).join("data/values.csv")).expect("a table");
    assert_eq!(data("german"), data("usual"));
}

#[test]
fn a_file_that_lacks_something_is_named_with_what_it_lacks() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bad.toml");
    fs::write(&file, example().replace("decimal = \",\"", "decimal = \".\"")).expect("written");
    let error = Locale::read(&file).expect_err("refused");
    assert!(matches!(error, ReportError::Locale { .. }) && error.to_string().contains("bad.toml"), "{error}");
    assert!(Locale::read(&folder.path().join("none.toml")).is_err());
}
