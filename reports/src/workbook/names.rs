//! Names of sheets: Excel takes 31 characters, not all of them, and each name once.

use std::collections::BTreeSet;

/// Length that Excel allows, in UTF-16 units.
const LONGEST: usize = 31;

/// The names that a workbook has given.
#[derive(Debug)]
pub struct Names {
    /// In lower case, as Excel compares them.
    given: BTreeSet<String>,
}

impl Names {
    /// With these names taken from the start.
    pub fn with<'a>(taken: impl IntoIterator<Item = &'a str>) -> Self {
        Self { given: taken.into_iter().map(str::to_lowercase).collect() }
    }

    /// The name nearest to the wanted one that Excel accepts and no other sheet has: "Costs", then "Costs (2)".
    pub fn give(&mut self, wanted: &str) -> String {
        let base = accepted(wanted);
        let mut name = cut(&base, LONGEST).to_owned();
        let mut number = 2_usize;
        while !self.given.insert(name.to_lowercase()) {
            let ending = format!(" ({number})");
            name = format!("{}{ending}", cut(&base, LONGEST - ending.len()));
            number += 1;
        }
        name
    }
}

/// Without what Excel refuses: certain signs, an apostrophe at either end, an empty name, and the one it keeps for itself.
/// Marks that turn the direction of writing are left out, because they could make one name look like another.
fn accepted(wanted: &str) -> String {
    let plain: String = wanted
        .chars()
        .filter(|letter| !matches!(letter, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'))
        .map(|letter| match letter {
            '[' | ']' | ':' | '*' | '?' | '/' | '\\' | '\u{FFFE}' | '\u{FFFF}' => ' ',
            control if control.is_control() => ' ',
            plain => plain,
        })
        .collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match bare(&plain) {
        "" => "Other".to_owned(),
        name if name.eq_ignore_ascii_case("history") => "History of care".to_owned(),
        name => name.to_owned(),
    }
}

fn bare(name: &str) -> &str {
    name.trim_matches(|letter: char| letter == '\'' || letter.is_whitespace())
}

/// The longest beginning of so many UTF-16 units that does not end in what Excel refuses at an end.
fn cut(name: &str, most: usize) -> &str {
    let mut units = 0;
    let end = name.char_indices().find_map(|(at, letter)| {
        units += letter.len_utf16();
        (units > most).then_some(at)
    });
    bare(&name[..end.unwrap_or(name.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_such_as_excel_accepts() {
        let mut names = Names::with(["Summary"]);
        assert_eq!(names.give("Readmissions"), "Readmissions");
        assert_eq!(names.give("readmissions"), "readmissions (2)");
        assert_eq!(names.give("summary"), "summary (2)");
        assert_eq!(names.give("a[b]:c*d?e/f\\g"), "a b c d e f g");
        assert_eq!(names.give("'quoted'"), "quoted");
        assert_eq!(names.give("HISTORY"), "History of care");
        assert_eq!(names.give(" \u{202E}\t"), "Other");
        for wanted in ["x".repeat(300), "😀".repeat(40), "it's 'a long name' with marks's at 31''s".to_owned()] {
            for _ in 0..12 {
                let name = names.give(&wanted);
                assert!(name.encode_utf16().count() <= LONGEST, "{name}");
                rust_xlsxwriter::utility::check_sheet_name(&name).expect("a name that Excel accepts");
            }
        }
    }
}
