//! The text of a cell: trimmed of blanks and invisible characters, and nothing at all where it says "no value".

/// Characters that take no room on a screen. They come in with pasted cells and byte-order marks, and make one
/// identifier two.
pub fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\0' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}'
    )
}

/// A cell without blanks and invisible characters at its ends.
#[must_use]
pub fn trim(text: &str) -> &str {
    let bytes = text.as_bytes();
    // Nothing to trim at either end of almost every cell.
    if let (Some(first), Some(last)) = (bytes.first(), bytes.last())
        && first.is_ascii_graphic()
        && last.is_ascii_graphic()
    {
        return text;
    }
    text.trim_matches(|letter: char| letter.is_whitespace() || is_invisible(letter))
}

/// A cell without any invisible character, if it has one within.
#[must_use]
pub fn without_invisible(text: &str) -> Option<String> {
    if text.bytes().all(|byte| byte.is_ascii() && byte != 0) || !text.contains(is_invisible) {
        return None;
    }
    Some(text.chars().filter(|letter| !is_invisible(*letter)).collect())
}

/// Letters of a cell that a message may show: enough to find it, too few for a record of a patient that came into one cell.
const SHOWN: usize = 60;

/// A cell as messages show it: no more than its first 60 letters, and an ellipsis where it is longer.
#[must_use]
pub fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Words for "no value" that no extract means otherwise, in lower case.
const NO_VALUE: [&str; 22] = [
    "null",
    "nan",
    "nat",
    "<na>",
    "na",
    "n/a",
    "n.a.",
    "#n/a",
    "#n/d",
    "#null!",
    "#value!",
    "none",
    "nil",
    "(null)",
    "(none)",
    "\\n",
    "?",
    ".",
    "-",
    "--",
    "<null>",
    "undefined",
];

/// Whether a trimmed cell says "no value", in any case: by one of the words that the mapping states, or else by a usual
/// one.
#[must_use]
pub fn is_no_value(text: &str, stated: Option<&[String]>) -> bool {
    if text.is_empty() {
        return true;
    }
    match stated {
        Some(words) => words.iter().any(|word| word.eq_ignore_ascii_case(text)),
        None => {
            // Almost every cell is told apart by its first letter.
            matches!(text.as_bytes()[0], b'n' | b'N' | b'<' | b'#' | b'(' | b'\\' | b'?' | b'.' | b'-' | b'u' | b'U')
                && text.len() <= 9
                && NO_VALUE.iter().any(|word| word.eq_ignore_ascii_case(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_ends_are_trimmed_and_visible_text_is_not() {
        for text in [" P1 ", "\u{200b}P1", "\u{feff}P1\u{a0}", "P1\0", "\tP1\r"] {
            assert_eq!(trim(text), "P1");
        }
        assert_eq!(without_invisible("P\u{200d}1").as_deref(), Some("P1"));
        assert_eq!(without_invisible("Zo\u{eb}"), None);
    }

    #[test]
    fn messages_show_the_beginning_of_a_long_cell() {
        assert_eq!(shown("short"), "short");
        let long = shown(&"é".repeat(100));
        assert_eq!(long.chars().count(), 61);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn the_usual_words_for_no_value_are_known_in_any_case() {
        for word in NO_VALUE {
            assert!(is_no_value(word, None) && is_no_value(&word.to_uppercase(), None), "{word}");
        }
        for text in ["", "nan", "NaN", "NaT", "null", "NULL", "<NA>", "none", "None", "N/A", ".", "-", "#N/A", "\\N"] {
            assert!(is_no_value(text, None), "{text}");
        }
        for text in ["0", "no", "unknown", "Nana", "-1", "NAN1"] {
            assert!(!is_no_value(text, None), "{text}");
        }
        assert!(is_no_value("Missing", Some(&["missing".to_owned()])) && !is_no_value("NA", Some(&[])));
    }
}
