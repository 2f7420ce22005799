//! Words for codes: what extracts write, and which of the lake's codes it means.
//!
//! The shipped list is `words.toml` beside this crate's sources; a project may replace it column by column.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::LazyLock;

use carecoord_lake::contract::{self, Column, Contract};

use crate::error::{PipelineError, Result};
use crate::mapping::Rule;
use crate::numbers;
use crate::text;

type Lists = BTreeMap<String, BTreeMap<String, Vec<String>>>;

static SHIPPED: LazyLock<Lists> = LazyLock::new(|| toml::from_str(include_str!("../words.toml")).unwrap_or_default());

/// Words for the codes of each column.
#[derive(Debug, Clone, Default)]
pub struct Words {
    own: Lists,
}

impl Words {
    /// Reads a list that replaces the shipped one for the columns that it names.
    ///
    /// # Errors
    /// When the file is broken, or names a column or code that the lake does not have.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| PipelineError::read(path, error))?;
        Self::parse(&text).map_err(|reason| PipelineError::File { file: path.display().to_string(), reason })
    }

    fn parse(text: &str) -> std::result::Result<Self, String> {
        let own: Lists = toml::from_str(text).map_err(|error| error.to_string())?;
        for (place, codes) in &own {
            let column = place.split_once('.').and_then(|(table, column)| contract::table(table).ok()?.column(column));
            let Some(column) = column.filter(|column| !column.allowed.is_empty()) else {
                return Err(format!("{place} is not a column with codes; name it like encounter.class"));
            };
            if let Some(code) = codes.keys().find(|code| !column.allowed.contains(code)) {
                return Err(format!("{place} has no code {code}; it has {}", column.allowed.join(", ")));
            }
        }
        Ok(Self { own })
    }

    /// Says in short which list holds: equal texts read equal files into equal rows.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("{:?}", self.own)
    }

    fn of(&self, place: &str) -> Option<&BTreeMap<String, Vec<String>>> {
        self.own.get(place).or_else(|| SHIPPED.get(place))
    }
}

/// A text as words are compared: lower case, with one blank for everything that is neither letter nor digit.
#[must_use]
pub fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        if letter.is_alphanumeric() {
            folded.push(letter);
        } else if letter != '\'' && letter != '\u{2019}' && !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    while folded.ends_with(' ') {
        folded.pop();
    }
    folded
}

/// What the cells of a column say, in the lake's codes.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    /// From the mapping: lower-case text → value.
    map: HashMap<String, String>,
    otherwise: Option<String>,
    /// Folded words → code; empty for a column without codes.
    codes: HashMap<String, String>,
    /// Whether a whole number may come as `4.0`.
    number_as_code: bool,
    prefix: Option<String>,
    null_values: Option<Vec<String>>,
}

impl Vocabulary {
    /// The vocabulary of a column under a mapping's rule.
    #[must_use]
    pub fn new(
        table: &Contract,
        column: &Column,
        rule: Option<&Rule>,
        words: &Words,
        null_values: Option<&[String]>,
    ) -> Self {
        let mut codes: HashMap<String, String> = HashMap::new();
        if !column.allowed.is_empty() {
            for (code, written) in words.of(&format!("{}.{}", table.name, column.name)).into_iter().flatten() {
                codes.extend(written.iter().map(|word| (folded(word), code.clone())));
            }
            // The lake's own words come last, so that no list can take one of them away.
            codes.extend(column.allowed.iter().map(|code| (folded(code), code.clone())));
        }
        let map =
            rule.map(|rule| rule.map.iter().map(|(from, to)| (text::trim(from).to_lowercase(), to.clone())).collect());
        Self {
            map: map.unwrap_or_default(),
            otherwise: rule.and_then(|rule| rule.otherwise.clone()),
            codes,
            number_as_code: column.number_as_code || !column.allowed.is_empty(),
            prefix: rule.and_then(|rule| rule.prefix.clone()),
            null_values: null_values.map(<[String]>::to_vec),
        }
    }

    /// Whether cells need no look but at "no value".
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.map.is_empty()
            && self.otherwise.is_none()
            && self.codes.is_empty()
            && !self.number_as_code
            && self.prefix.is_none()
    }

    /// Whether a trimmed cell holds a value, where the vocabulary is plain.
    #[must_use]
    pub fn is_value(&self, cell: &str) -> bool {
        !text::is_no_value(cell, self.null_values.as_deref())
    }

    /// The value of a trimmed cell; none for no value. A text that is no known code stays as it is.
    #[must_use]
    pub fn value(&self, cell: &str) -> Option<String> {
        let stated = if self.map.is_empty() { None } else { self.map.get(&cell.to_lowercase()) };
        let value = match stated {
            Some(value) => value.clone(),
            None if text::is_no_value(cell, self.null_values.as_deref()) => {
                let empty = if cell.is_empty() { None } else { self.map.get("") };
                empty.or(self.otherwise.as_ref())?.clone()
            }
            None => match &self.otherwise {
                Some(otherwise) => otherwise.clone(),
                None if self.number_as_code => numbers::whole(cell).to_owned(),
                None => cell.to_owned(),
            },
        };
        if value.is_empty() {
            return None;
        }
        let value = self.code(&value).cloned().unwrap_or(value);
        Some(match &self.prefix {
            Some(prefix) => format!("{prefix}{value}"),
            None => value,
        })
    }

    /// The code that a text means; none where it means none, or the column has no codes.
    #[must_use]
    pub fn code(&self, text: &str) -> Option<&String> {
        if self.codes.is_empty() { None } else { self.codes.get(&folded(text)) }
    }
}

/// Brings the values that a rule yields to the codes of its column.
///
/// # Errors
/// With a sentence that names the value and the nearest code, when a value is none of the column's codes.
pub fn fold_targets(table: &str, column: &Column, rule: &mut Rule) -> std::result::Result<(), String> {
    if column.allowed.is_empty() || column.allowed_severity == Some(contract::Severity::Warn) {
        return Ok(());
    }
    for (setting, target) in rule
        .map
        .values_mut()
        .map(|target| ("map", target))
        .chain(rule.otherwise.as_mut().map(|target| ("otherwise", target)))
        .chain(rule.constant.as_mut().map(|target| ("constant", target)))
    {
        // The empty text stands for no value.
        if target.is_empty() || column.allowed.contains(target) {
            continue;
        }
        let same = column.allowed.iter().find(|code| folded(code) == folded(target));
        let Some(code) = same else {
            let nearest = column
                .allowed
                .iter()
                .min_by_key(|code| distance(&folded(code), &folded(target)))
                .map_or_else(String::new, |code| format!("; did you mean {code:?}?"));
            return Err(format!(
                "{table}.{}: {setting} yields {target:?}, which is none of {}{nearest}",
                column.name,
                column.allowed.join(", ")
            ));
        };
        target.clone_from(code);
    }
    Ok(())
}

/// Letters to change, add or take away (Levenshtein's distance).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut corner = row[0];
        row[0] = line + 1;
        for (place, against) in other.iter().enumerate() {
            let changed = corner + usize::from(letter != *against);
            corner = row[place + 1];
            row[place + 1] = changed.min(corner + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn vocabulary(table: &str, column: &str, rule: &str) -> Vocabulary {
        let table = contract::table(table).unwrap();
        let rule: Rule = toml::from_str(rule).unwrap();
        Vocabulary::new(table, table.column(column).unwrap(), Some(&rule), &Words::default(), None)
    }

    #[test]
    fn the_shipped_list_names_codes_that_exist_and_no_word_twice() {
        let text = include_str!("../words.toml");
        let lists = Words::parse(text).unwrap().own;
        for (place, codes) in lists {
            let mut seen: HashMap<String, String> = HashMap::new();
            for (code, words) in codes {
                for word in words {
                    let before = seen.insert(folded(&word), code.clone());
                    assert!(
                        before.is_none() || before.as_ref() == Some(&code),
                        "{place}: {word} is {before:?} and {code}"
                    );
                }
            }
        }
    }

    #[test]
    fn words_of_extracts_are_codes_of_the_lake() {
        let dispositions = vocabulary("encounter", "discharge_disposition", "");
        for (text, code) in [
            ("Expired", "20"),
            ("Home or Self Care", "01"),
            ("Against Medical Advice", "07"),
            ("Left AMA", "07"),
            ("1", "01"),
            ("20.0", "20"),
            ("01", "01"),
            ("Skilled Nursing Facility (SNF)", "03"),
            ("Deceased", "20"),
            ("86", "86"),
            ("Home/Self Care", "01"),
            ("Elsewhere", "Elsewhere"),
        ] {
            assert_eq!(dispositions.value(text).as_deref(), Some(code), "{text}");
        }
        let classes = vocabulary("encounter", "class", "map = { IP = 'inpatient' }");
        for (text, code) in [
            ("ip", "inpatient"),
            ("Inpatient", "inpatient"),
            ("Skilled Nursing", "skilled_nursing"),
            ("EMER", "emergency"),
        ] {
            assert_eq!(classes.value(text).as_deref(), Some(code), "{text}");
        }
    }

    #[test]
    fn a_map_takes_empty_cells_and_otherwise_takes_the_rest() {
        let status =
            vocabulary("encounter", "status", "map = { '' = 'planned', NA = 'cancelled' }\notherwise = 'finished'");
        assert_eq!(
            ["", "x", "nan", "na"].map(|cell| status.value(cell).unwrap()),
            ["planned", "finished", "planned", "cancelled"]
        );
        let status = vocabulary("encounter", "status", "otherwise = 'finished'");
        assert_eq!(status.value("").as_deref(), Some("finished"));
        let status = vocabulary("encounter", "status", "map = { x = '' }");
        assert_eq!((status.value("x"), status.value("")), (None, None));
        let id = vocabulary("encounter", "encounter_id", "prefix = 'N-'");
        assert_eq!((id.value("7").as_deref(), id.value("")), (Some("N-7"), None));
    }

    #[test]
    fn a_target_that_is_no_code_is_refused_with_the_nearest() {
        let class = contract::table("encounter").unwrap().column("class").unwrap();
        let mut rule: Rule = toml::from_str("map = { ip = 'Inpatient', sn = 'Skilled Nursing' }").unwrap();
        fold_targets("encounter", class, &mut rule).unwrap();
        assert_eq!(rule.map["ip"], "inpatient");
        assert_eq!(rule.map["sn"], "skilled_nursing");
        let mut rule: Rule = toml::from_str("map = { ip = 'inpatiant' }").unwrap();
        let error = fold_targets("encounter", class, &mut rule).unwrap_err();
        assert!(error.contains("did you mean \"inpatient\""), "{error}");
    }
}
