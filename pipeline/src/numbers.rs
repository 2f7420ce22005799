//! Numbers as extracts write them: which sign stands before the decimals, and the same number in plain form.
//!
//! `12,450.00` says by itself that the comma groups thousands; `1.240,50` says the opposite; `1,240` says neither. So the
//! cells of a column are counted first ([`Tally`]), the sign is decided once for the column ([`Tally::decide`]), and a
//! cell that nothing decides is not read at all, because a thousandfold amount is worse than a missing one.

/// What separates the decimals of a column's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// A dot; commas, blanks and apostrophes group thousands.
    Dot,
    /// A comma; dots, blanks and apostrophes group thousands.
    Comma,
    /// Nothing in the column tells: cells that tell by themselves are read, the others are not.
    Untold,
}

/// How a cell writes its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Neither dot nor comma, or an exponent: no question arises.
    Plain,
    /// The dot separates decimals.
    Dot,
    /// The comma separates decimals.
    Comma,
    /// One dot with three digits behind it: decimals or thousands.
    DotOrThousands,
    /// One comma with three digits behind it: thousands or decimals.
    CommaOrThousands,
    /// No number.
    None,
}

/// A number taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Parts {
    negative: bool,
    /// Digits, dots and commas; or a plain number with an exponent.
    body: String,
}

/// Strips what stands around a number: currency, brackets and trailing signs for negative ones, blanks and apostrophes
/// between groups of digits.
fn parts(text: &str) -> Option<Parts> {
    let mut text = text.trim();
    let mut negative = false;
    if let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        text = inner.trim();
        negative = true;
    }
    let signs = |text: &mut &str, negative: &mut bool| {
        for minus in ['-', '\u{2212}'] {
            if let Some(rest) = text.strip_prefix(minus).or_else(|| text.strip_suffix(minus)) {
                *text = rest.trim();
                *negative = true;
                return;
            }
        }
        if let Some(rest) = text.strip_prefix('+') {
            *text = rest.trim();
        }
    };
    signs(&mut text, &mut negative);
    for currency in ["$", "€", "£", "¥", "USD", "EUR", "GBP", "CHF", "CAD", "AUD"] {
        if let Some(rest) = text.strip_prefix(currency).or_else(|| text.strip_suffix(currency)) {
            text = rest.trim();
            signs(&mut text, &mut negative);
            break;
        }
    }
    let mut body = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '\u{2019}' => {
                // Blanks and apostrophes stand between digits, in groups of three.
                let grouped = body.ends_with(|last: char| last.is_ascii_digit())
                    && letters.clone().take(3).filter(char::is_ascii_digit).count() == 3
                    && !letters.clone().nth(3).is_some_and(|fourth| fourth.is_ascii_digit());
                if !grouped {
                    return None;
                }
            }
            _ => body.push(letter),
        }
    }
    let begins = body.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '.' | ','));
    (begins && body.bytes().any(|byte| byte.is_ascii_digit())).then_some(Parts { negative, body })
}

fn form_of(body: &str) -> Form {
    if !body.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',')) {
        let plain =
            body.parse::<f64>().is_ok() && body.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
        return if plain { Form::Plain } else { Form::None };
    }
    let dots = body.bytes().filter(|byte| *byte == b'.').count();
    let commas = body.bytes().filter(|byte| *byte == b',').count();
    let groups = |text: &str, sign: char| {
        let mut groups = text.split(sign);
        let first = groups.next().unwrap_or_default();
        (1..=3).contains(&first.len())
            && groups.all(|group| group.len() == 3)
            && !text.contains(['.', ','].map(|other| if other == sign { 'x' } else { other }))
    };
    let one = |sign: char| {
        let (before, after) = body.split_once(sign).unwrap_or_default();
        after.len() == 3 && (1..=3).contains(&before.len()) && before.trim_start_matches('0') == before
    };
    match (dots, commas) {
        (0, 0) => Form::Plain,
        (1, 0) if one('.') => Form::DotOrThousands,
        (1, 0) => Form::Dot,
        (0, 1) if one(',') => Form::CommaOrThousands,
        (0, 1) => Form::Comma,
        (_, 0) if groups(body, '.') => Form::Comma,
        (0, _) if groups(body, ',') => Form::Dot,
        (1, _) if body.rfind(',') < body.rfind('.') => {
            let (whole, _) = body.rsplit_once('.').unwrap_or_default();
            if groups(whole, ',') { Form::Dot } else { Form::None }
        }
        (_, 1) if body.rfind('.') < body.rfind(',') => {
            let (whole, _) = body.rsplit_once(',').unwrap_or_default();
            if groups(whole, '.') { Form::Comma } else { Form::None }
        }
        _ => Form::None,
    }
}

/// How a cell writes its number.
#[must_use]
pub fn form(text: &str) -> Form {
    if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        return Form::Plain;
    }
    parts(text).map_or(Form::None, |parts| form_of(&parts.body))
}

/// What became of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Number {
    /// The number with a dot before its decimals and nothing between its digits.
    Plain(String),
    /// Its one sign may stand before decimals or thousands.
    Ambiguous,
    /// No number.
    None,
}

/// The number that a cell says, in plain form.
#[must_use]
pub fn plain(text: &str, sign: Sign) -> Number {
    let Some(parts) = parts(text) else { return Number::None };
    let form = form_of(&parts.body);
    let comma = match (form, sign) {
        (Form::None, _) | (Form::Dot, Sign::Comma) | (Form::Comma, Sign::Dot) => return Number::None,
        (Form::DotOrThousands | Form::CommaOrThousands, Sign::Untold) => return Number::Ambiguous,
        (Form::Comma, _) | (Form::DotOrThousands | Form::CommaOrThousands, Sign::Comma) => true,
        _ => false,
    };
    let mut body = if comma { parts.body.replace('.', "").replace(',', ".") } else { parts.body.replace(',', "") };
    if body.starts_with('.') {
        body.insert(0, '0');
    }
    if body.ends_with('.') {
        body.pop();
    }
    Number::Plain(if parts.negative { format!("-{body}") } else { body })
}

/// A whole number that a float or a decimal writes: `4.0` is 4. Anything else stays as it is.
#[must_use]
pub fn whole(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, zeros))
            if !zeros.is_empty()
                && zeros.bytes().all(|byte| byte == b'0')
                && !whole.trim_start_matches('-').is_empty()
                && whole.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            whole
        }
        _ => text,
    }
}

/// Counts of the forms in a column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Cells whose dot separates decimals.
    pub dot: u64,
    /// Cells whose comma separates decimals.
    pub comma: u64,
    /// Cells that do not tell.
    pub untold: u64,
    /// Of these, cells with a dot.
    pub untold_dots: u64,
}

impl Tally {
    /// Counts a cell.
    pub fn add(&mut self, text: &str) {
        match form(text) {
            Form::Dot => self.dot += 1,
            Form::Comma => self.comma += 1,
            Form::DotOrThousands => {
                self.untold += 1;
                self.untold_dots += 1;
            }
            Form::CommaOrThousands => self.untold += 1,
            Form::Plain | Form::None => {}
        }
    }

    /// The sign of a column. `money` is stricter: an amount has two decimals, so that `1.240` alone tells nothing, while
    /// a laboratory value of three decimals is what it says.
    #[must_use]
    pub fn decide(&self, money: bool) -> Sign {
        match (self.dot, self.comma) {
            (1.., 0) => Sign::Dot,
            (0, 1..) => Sign::Comma,
            (0, 0) if !money && self.untold == self.untold_dots => Sign::Dot,
            (0, 0) if self.untold == 0 => Sign::Dot,
            _ => Sign::Untold,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, sign: Sign) -> String {
        match plain(text, sign) {
            Number::Plain(text) => text,
            Number::Ambiguous => "ambiguous".to_owned(),
            Number::None => "none".to_owned(),
        }
    }

    #[test]
    fn numbers_are_read_whatever_stands_around_them() {
        for (text, wanted) in [
            ("12,450.00", "12450.00"),
            ("1,240,500", "1240500"),
            ("$20.00", "20.00"),
            ("$ 1,020.5", "1020.5"),
            ("(20.00)", "-20.00"),
            ("($20.00)", "-20.00"),
            ("20-", "-20"),
            ("-$20.00", "-20.00"),
            ("+20", "20"),
            ("1.5E3", "1.5E3"),
            ("10.999", "10.999"),
            ("0.005", "0.005"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1 240.50", "1240.50"),
            ("1'240.50", "1240.50"),
            ("USD 12.00", "12.00"),
            ("twelve", "none"),
            ("1,24", "none"),
            ("1.2.3", "none"),
            ("12,45,000", "none"),
            ("", "none"),
            ("$", "none"),
            ("1 2", "none"),
            ("12.5%", "none"),
            ("--5", "none"),
        ] {
            assert_eq!(read(text, Sign::Dot), wanted, "{text}");
        }
        for (text, wanted) in [
            ("1.240,50", "1240.50"),
            ("1.240", "1240"),
            ("980,00", "980.00"),
            ("12,5", "12.5"),
            ("1 240,5", "1240.5"),
            ("12.50", "none"),
        ] {
            assert_eq!(read(text, Sign::Comma), wanted, "{text}");
        }
        for (text, wanted) in
            [("1,240", "ambiguous"), ("1.240", "ambiguous"), ("12.50", "12.50"), ("12,50", "12.50"), ("0.005", "0.005")]
        {
            assert_eq!(read(text, Sign::Untold), wanted, "{text}");
        }
    }

    #[test]
    fn one_cell_that_tells_decides_for_its_column() {
        let decide = |cells: &[&str], money| {
            let mut tally = Tally::default();
            for cell in cells {
                tally.add(cell);
            }
            tally.decide(money)
        };
        assert_eq!(decide(&["1,240", "940.00"], true), Sign::Dot);
        assert_eq!(decide(&["1.240", "940,00"], true), Sign::Comma);
        assert_eq!(decide(&["1.240", "940"], true), Sign::Untold);
        assert_eq!(decide(&["1,240", "940"], true), Sign::Untold);
        assert_eq!(decide(&["7.125", "8.250"], false), Sign::Dot);
        assert_eq!(decide(&["10.999", "0.005", "1.5E3"], true), Sign::Dot);
        assert_eq!(decide(&["12,5", "12.5", "1,240"], true), Sign::Untold);
        assert_eq!(decide(&["12", "940"], true), Sign::Dot);
    }

    #[test]
    fn only_a_whole_number_loses_its_decimals() {
        assert_eq!(
            ["4.0", "4.00", "-4.0", "4.5", "4.", ".0", "4", "A.0", "1.0.0"].map(whole),
            ["4", "4", "-4", "4.5", "4.", ".0", "4", "A.0", "1.0.0"]
        );
    }
}
