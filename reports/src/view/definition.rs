//! Measures' definitions: in short on the report's page, whole on a page of their own.

use std::collections::HashMap;

use arcstr::ArcStr;
use serde::Serialize;

use super::{facts, measure, refusal, sorted};
use crate::model::{Measure, Results, Run};
use crate::publish::{DEFINITIONS, PAGE, stem};
use crate::words;

/// The lines of which one stands between a definition's file and its SQL.
const SQL: [&str; 2] = ["-- units.sql", "-- rule.sql"];
/// The lines before the files that may follow the SQL, in their order; of a cohort, how they begin.
const MORE: [&str; 4] = ["-- cohorts/", "-- codes.csv", "-- risk.sql", "-- case_mix.sql"];

/// One definition, as the report's page has it.
#[derive(Debug, Serialize)]
pub struct Definition {
    title: String,
    id: String,
    refused: bool,
    rule: String,
    why: String,
    facts: Vec<(&'static str, String)>,
    hash: String,
    /// Link to the whole one.
    link: String,
}

impl Definition {
    /// The definition of a measure.
    pub fn new(measure: &Measure) -> Self {
        let or_none = |text: &str| if text.is_empty() { "not stated".to_owned() } else { text.to_owned() };
        let facts = [
            ("Code", measure.code.clone()),
            ("Steward", or_none(&measure.steward)),
            ("Version", or_none(&measure.version)),
            ("Kind", format!("{}, counting each {}", measure.kind, measure.unit_name)),
            ("Follow-up window", format!("{} days", crate::format::count(measure.window_days))),
            ("Run-out of the data", format!("{} days", crate::format::count(measure.runout_days))),
            ("Atlas cells (AHRQ)", measure.atlas.clone()),
        ];
        Self {
            title: measure.title.clone(),
            id: measure.measure_id.clone(),
            refused: !measure.computed,
            rule: measure.rule.clone(),
            why: measure.why.clone(),
            facts: facts.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
            hash: measure.definition_hash.clone(),
            link: link(measure),
        }
    }
}

/// Where a measure's definition is, within its page. Shorter than the section's, since the report names it often.
fn anchor(measure: &Measure) -> String {
    format!("d-{}", stem(&measure.measure_id))
}

/// Link from the report's page to a measure's whole definition.
pub fn link(measure: &Measure) -> String {
    format!("{DEFINITIONS}#{}", anchor(measure))
}

/// Whether the definitions' files are printed: a release without names leaves them out.
pub fn has_files(run: &Run) -> bool {
    !run.release.is_yearly()
}

/// The page of definitions.
#[derive(Debug, Serialize)]
pub struct Definitions {
    title: String,
    month: String,
    /// Months, people and date of the data, in a line.
    basis: String,
    /// Whether the definitions' files are printed.
    files: bool,
    groups: [Group; 2],
}

/// Measures that were computed, or refused.
#[derive(Debug, Serialize)]
struct Group {
    id: &'static str,
    name: &'static str,
    none: &'static str,
    measures: Vec<Whole>,
}

/// One definition, whole.
#[derive(Debug, Serialize)]
struct Whole {
    anchor: String,
    short: Definition,
    refusal: String,
    caveat: String,
    /// Each with the mark that says how far it was checked, kept as it stands.
    sources: Vec<String>,
    /// Link to the measure on the report's page.
    section: String,
    /// The id as a command takes it.
    argument: String,
    files: Vec<File>,
    /// The measure that has the same files, where they are printed.
    same: Option<Same>,
}

/// A part of a definition's text.
#[derive(Debug, Serialize)]
struct File {
    name: String,
    text: String,
}

/// A measure on the same page.
#[derive(Debug, Clone, Serialize)]
struct Same {
    anchor: String,
    title: String,
}

impl Definitions {
    /// All measures of a run in the report's order.
    pub fn new(title: &str, results: &Results) -> Self {
        let run = &results.run;
        let mut printed = HashMap::new();
        let mut group = |computed: bool, id, name, none| Group {
            id,
            name,
            none,
            measures: sorted(results, computed).into_iter().map(|measure| Whole::new(measure, &mut printed)).collect(),
        };
        Self {
            title: title.to_owned(),
            month: run.month_words(run.report_month),
            basis: facts::basis(run),
            files: has_files(run),
            groups: [
                group(true, "computed", "Computed", "No measure was computed."),
                group(false, "refused", "Refused", "No measure was refused."),
            ],
        }
    }
}

impl Whole {
    /// A measure's definition; `printed` holds the first measure of each text, which alone prints it: the variants of a
    /// measure share their files.
    fn new(measure: &Measure, printed: &mut HashMap<ArcStr, Same>) -> Self {
        let own = Same { anchor: anchor(measure), title: measure.title.clone() };
        let same = printed.get(&measure.definition).cloned();
        if same.is_none() && !measure.definition.is_empty() {
            printed.insert(measure.definition.clone(), own.clone());
        }
        Self {
            anchor: own.anchor,
            short: Definition::new(measure),
            refusal: if measure.computed { String::new() } else { refusal(measure) },
            caveat: measure.caveat.clone(),
            sources: measure
                .sources
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect(),
            section: format!(
                "{PAGE}#{}",
                if measure.computed { measure::anchor(measure) } else { "limits".to_owned() }
            ),
            argument: argument(&measure.measure_id),
            files: if same.is_some() { Vec::new() } else { files(&measure.definition) },
            same,
        }
    }
}

/// A definition's file and its SQL, with what follows the SQL. All in one where it is not beyond doubt which line parts them.
fn files(definition: &str) -> Vec<File> {
    let file = |name: &str, text: &str| File { name: name.to_owned(), text: text.trim_end().to_owned() };
    if definition.trim().is_empty() {
        return Vec::new();
    }
    let mut parting = definition.lines().filter(|line| SQL.contains(line));
    let (Some(line), None) = (parting.next(), parting.next()) else {
        return vec![file("measure.toml and its SQL", definition)];
    };
    match definition.split_once(&format!("\n{line}\n")) {
        Some((toml, sql)) => {
            // A name of a file, and not a comment that begins alike.
            let is_name = |line: &str| !line[3..].contains(' ');
            let named = |more: &&'static str| sql.lines().find(|line| line.starts_with(more) && is_name(line));
            let more: Vec<&str> = MORE.iter().filter_map(named).map(|line| &line[3..]).collect();
            let name = &line[3..];
            let name = if more.is_empty() {
                name.to_owned()
            } else {
                format!("{name}, then {}, each after a line with its name", words::list(&more))
            };
            vec![file("measure.toml", toml), file(&name, sql)]
        }
        None => vec![file("measure.toml and its SQL", definition)],
    }
}

/// An identifier as a shell takes it for one word.
fn argument(measure_id: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    if !measure_id.is_empty() && measure_id.chars().all(plain) {
        measure_id.to_owned()
    } else {
        format!("'{}'", measure_id.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(definition: &str) -> Vec<(String, String)> {
        files(definition).into_iter().map(|file| (file.name, file.text)).collect()
    }

    #[test]
    fn a_definition_is_parted_at_its_sql_where_that_is_beyond_doubt() {
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        assert_eq!(
            parts("family = \"a\"\n\n-- units.sql\n-- one row\n\nselect 1\n"),
            [pair("measure.toml", "family = \"a\""), pair("units.sql", "-- one row\n\nselect 1")]
        );
        let more = parts("a = 1\n-- units.sql\nselect 1\n-- codes.csv\nset_id\n-- risk.sql\nselect 2");
        assert_eq!(more[1].0, "units.sql, then codes.csv and risk.sql, each after a line with its name");
        assert_eq!(more[1].1, "select 1\n-- codes.csv\nset_id\n-- risk.sql\nselect 2");
        for doubtful in ["a = 1\n-- units.sql\n-- units.sql\nselect 1", "a = 1", "-- units.sql"] {
            assert_eq!(parts(doubtful), [pair("measure.toml and its SQL", doubtful)]);
        }
        assert!(parts("").is_empty());
    }

    #[test]
    fn an_identifier_is_one_word_for_a_shell() {
        assert_eq!(argument("readmission.unplanned_30"), "readmission.unplanned_30");
        assert_eq!(argument("a b; rm -rf 'c'"), "'a b; rm -rf '\\''c'\\'''");
        assert_eq!(argument(""), "''");
    }
}
