//! Texts that FHIR allows and that no viewer takes for anything else.

/// A text as a FHIR `string`; nothing where nothing is left to read. Line ends and tabs stay; other blanks become a
/// plain one; control characters go, and so do those that change the direction of the text around them.
pub fn string(text: &str) -> Option<String> {
    let clean: String = text
        .chars()
        .filter_map(|letter| match letter {
            '\n' | '\r' | '\t' => Some(letter),
            blank if blank.is_whitespace() => Some(' '),
            gone if gone.is_control() || turns(gone) || matches!(gone, '\u{feff}' | '\u{fffe}' | '\u{ffff}') => None,
            kept => Some(kept),
        })
        .collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

/// A text as FHIR `markdown`: what a renderer would take for a tag or a link is escaped.
pub fn markdown(text: &str) -> Option<String> {
    let clean = string(text)?;
    let mut escaped = String::with_capacity(clean.len());
    for letter in clean.chars() {
        let opens = matches!(letter, '\\' | '<') || (matches!(letter, '(' | ':') && escaped.ends_with(']'));
        if opens {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    Some(escaped)
}

/// Unicode's characters of bidirectional control.
fn turns(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_lose_what_is_not_to_be_read() {
        assert_eq!(string("  a\u{0}b\u{202e}c\u{a0}d\u{2028}e\nf \u{feff}").as_deref(), Some("abc d e\nf"));
        assert_eq!(string(" \u{200f}\u{7}\t"), None);
        assert_eq!(string("=cmd()|'🩺 <b>").as_deref(), Some("=cmd()|'🩺 <b>"));
    }

    #[test]
    fn markdown_has_neither_tags_nor_links() {
        assert_eq!(markdown("<script>").as_deref(), Some("\\<script>"));
        assert_eq!(markdown("[a](javascript:b) [c]: d [V]").as_deref(), Some("[a]\\(javascript:b) [c]\\: d [V]"));
        assert_eq!(markdown("\\<").as_deref(), Some("\\\\\\<"));
    }
}
