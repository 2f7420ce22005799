//! Conditions on the rows of a file: which count, and which take back another.

use serde::Deserialize;

use crate::dates::Reader;
use crate::one_or_many::one_or_many;
use crate::text;

/// A condition on a row. Letter case and outer blanks never matter; an empty cell equals nothing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Column of the file.
    pub column: String,
    /// Values, one of which it must have.
    #[serde(default, deserialize_with = "one_or_many", alias = "in")]
    pub equals: Vec<String>,
    /// Values, none of which it may have.
    #[serde(default, deserialize_with = "one_or_many")]
    pub not: Vec<String>,
    /// Whether it must be empty, or must not be.
    pub empty: Option<bool>,
    /// It must hold a date before this one.
    pub before: Option<String>,
    /// It must hold a date on or before this one.
    pub until: Option<String>,
    /// It must hold a date on or after this one.
    pub from: Option<String>,
    /// It must hold a date after this one.
    pub after: Option<String>,
}

/// Reads one condition or a list of them.
///
/// # Errors
/// When one of them states no test, or a date that is none.
pub fn conditions<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Condition>, D::Error> {
    let conditions: Vec<Condition> = one_or_many(from)?;
    for condition in &conditions {
        condition.check().map_err(serde::de::Error::custom)?;
    }
    Ok(conditions)
}

impl Condition {
    fn check(&self) -> Result<(), String> {
        let column = &self.column;
        for date in self.dates().into_iter().flatten() {
            date.parse::<jiff::civil::Date>()
                .map_err(|_| format!("the condition on {column} names {date:?}; write dates like 2026-10-31"))?;
        }
        let tests = !self.equals.is_empty() || !self.not.is_empty() || self.empty.is_some() || self.has_dates();
        if tests {
            Ok(())
        } else {
            Err(format!(
                "the condition on {column} tests nothing; state equals, not, empty, before, until, from or after"
            ))
        }
    }

    fn dates(&self) -> [Option<&String>; 4] {
        [self.before.as_ref(), self.until.as_ref(), self.from.as_ref(), self.after.as_ref()]
    }

    /// Whether the condition compares dates.
    #[must_use]
    pub fn has_dates(&self) -> bool {
        self.dates().iter().any(Option::is_some)
    }

    /// The condition, ready for cells.
    #[must_use]
    pub fn test(&self, null_values: Option<&[String]>, reader: &Reader) -> Test {
        let lower = |texts: &[String]| texts.iter().map(|value| text::trim(value).to_lowercase()).collect();
        let day = |date: &Option<String>| date.as_ref().and_then(|date| reader.date(date));
        Test {
            equals: lower(&self.equals),
            not: lower(&self.not),
            empty: self.empty,
            // A range of days: the last before `before`, and so on.
            first: day(&self.from).max(day(&self.after).map(|day| day + 1)),
            last: [day(&self.before).map(|day| day - 1), day(&self.until)].into_iter().flatten().min(),
            dated: self.has_dates(),
            null_values: null_values.map(<[String]>::to_vec),
            reader: reader.clone(),
        }
    }
}

/// A condition, ready for cells.
#[derive(Debug, Clone)]
pub struct Test {
    equals: Vec<String>,
    not: Vec<String>,
    empty: Option<bool>,
    first: Option<i32>,
    last: Option<i32>,
    dated: bool,
    null_values: Option<Vec<String>>,
    reader: Reader,
}

impl Test {
    /// Whether a cell passes.
    #[must_use]
    pub fn passes(&self, cell: Option<&str>) -> bool {
        let text = text::trim(cell.unwrap_or_default());
        let lower = text.to_lowercase();
        let nothing = text::is_no_value(text, self.null_values.as_deref());
        // A stated value counts even where it is a usual word for "no value".
        let equals = self.equals.is_empty() || (!text.is_empty() && self.equals.contains(&lower));
        let not = !self.not.contains(&lower);
        let empty = self.empty.is_none_or(|wanted| wanted == nothing);
        let dated = !self.dated
            || self.reader.date(text).is_some_and(|day| {
                self.first.is_none_or(|first| day >= first) && self.last.is_none_or(|last| day <= last)
            });
        equals && not && empty && dated
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::mapping::DateOrder;

    #[derive(Deserialize)]
    struct Holder {
        #[serde(default, deserialize_with = "conditions")]
        only_where: Vec<Condition>,
    }

    fn passing(condition: &str) -> Vec<&'static str> {
        let reader =
            Reader { order: DateOrder::Mdy, dots: DateOrder::Dmy, midnight_is_date: false, latest: 20_665, zone: None };
        let read: Holder = toml::from_str(&format!("only_where = {condition}")).unwrap();
        let tests: Vec<Test> = read.only_where.iter().map(|condition| condition.test(None, &reader)).collect();
        ["Final", " final ", "FINAL*", "cancelled", "", "NULL", "3/2/2026", "2026-04-01"]
            .into_iter()
            .filter(|cell| tests.iter().all(|test| test.passes(Some(cell))))
            .collect()
    }

    #[test]
    fn every_form_keeps_what_it_says() {
        assert_eq!(passing("{ column = 'S', equals = 'final' }"), ["Final", " final "]);
        assert_eq!(passing("{ column = 'S', in = ['FINAL', 'Cancelled'] }"), ["Final", " final ", "cancelled"]);
        assert_eq!(
            passing("{ column = 'S', not = ['Final', 'final*', '3/2/2026', '2026-04-01'] }"),
            ["cancelled", "", "NULL"]
        );
        assert_eq!(passing("{ column = 'S', empty = true }"), ["", "NULL"]);
        assert_eq!(passing("[{ column = 'S', empty = false }, { column = 'S', not = 'final' }]").len(), 4);
        assert_eq!(passing("{ column = 'S', before = '2026-04-01' }"), ["3/2/2026"]);
        assert_eq!(passing("{ column = 'S', from = '2026-03-02', until = '2026-04-01' }"), ["3/2/2026", "2026-04-01"]);
        assert_eq!(passing("{ column = 'S', after = '2026-03-02' }"), ["2026-04-01"]);
    }

    #[test]
    fn a_condition_that_tests_nothing_or_names_no_date_is_refused() {
        for text in ["{ column = 'S' }", "{ column = 'S', before = '1 May' }", "{ column = 'S', like = 'x' }"] {
            assert!(toml::from_str::<Holder>(&format!("only_where = {text}")).is_err(), "{text}");
        }
    }
}
