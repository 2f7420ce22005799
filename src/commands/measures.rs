//! `carecoord measures list | show | test`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use carecoord_measures::deck::{self, Comparison};
use carecoord_measures::definition::{self, Measure};
use serde_json::json;

use crate::arguments::{MeasuresCommand, MeasuresOptions, TextFormat};
use crate::config::Config;
use crate::failure::{DATA, Failure};
use crate::output;

/// Lists, shows or tests measures.
pub fn run(options: &MeasuresOptions) -> Result<ExitCode, Failure> {
    match &options.command {
        MeasuresCommand::List { project, format } => {
            list(&Config::read(&project.project)?.measures(&project.project)?, *format)?;
            Ok(ExitCode::SUCCESS)
        }
        MeasuresCommand::Show { id, project } => {
            let measures = Config::read(&project.project)?.measures(&project.project)?;
            show(one(&measures, id)?)?;
            Ok(ExitCode::SUCCESS)
        }
        MeasuresCommand::Test { id, deck, project } => {
            let measures = Config::read(&project.project)?.measures(&project.project)?;
            test(&measures, id.as_deref(), deck.as_deref(), &project.project)
        }
    }
}

fn one<'a>(measures: &'a [Measure], id: &str) -> Result<&'a Measure, Failure> {
    let found = measures.iter().find(|measure| measure.id == id || measure.code == id);
    found.ok_or_else(|| carecoord_measures::MeasureError::UnknownMeasure { id: id.to_owned() }.into())
}

fn list(measures: &[Measure], format: TextFormat) -> Result<(), Failure> {
    match format {
        TextFormat::Table => {
            let rows: Vec<Vec<String>> = measures
                .iter()
                .map(|measure| {
                    vec![
                        measure.id.clone(),
                        measure.code.clone(),
                        measure.title.clone(),
                        measure.better.word().to_owned(),
                    ]
                })
                .collect();
            output::table(&["id", "code", "title", "better"], &rows)
        }
        TextFormat::Json => {
            let all: Vec<serde_json::Value> = measures
                .iter()
                .map(|measure| {
                    json!({
                        "id": measure.id,
                        "code": measure.code,
                        "title": measure.title,
                        "family": measure.family,
                        "kind": measure.kind.word(),
                        "unit_name": measure.unit_name,
                        "better": measure.better.word(),
                        "value_unit": measure.value_unit,
                        "window_days": measure.window_days,
                        "runout_days": measure.feed.runout_days(),
                        "needs": measure.needs,
                        "version": measure.version,
                        "definition_hash": measure.definition_hash(),
                    })
                })
                .collect();
            output::line(&serde_json::Value::Array(all).to_string())
        }
    }
}

fn show(measure: &Measure) -> Result<(), Failure> {
    output::line(&format!(
        "{} ({})\n{}\n\nOne unit: {}. Better: {}. Window {} days, run-out {} days. Value in {}.\nSteward: {}; version {}; definition {}.\nAtlas: {}.\n\n{}\n\n{}\n\nSources:\n{}\n\nNeeds: {}\n",
        measure.id,
        measure.code,
        measure.title,
        measure.unit_name,
        measure.better.word(),
        measure.window_days,
        measure.feed.runout_days(),
        measure.value_unit,
        measure.steward,
        measure.version,
        measure.definition_hash(),
        measure.atlas.join(", "),
        measure.why,
        measure.rule,
        measure.sources.iter().map(|source| format!("  {source}")).collect::<Vec<_>>().join("\n"),
        measure.needs.join(", "),
    ))?;
    if !measure.needs_any.is_empty() {
        output::line(&format!("Needs one of: {}\n", measure.needs_any.join(", ")))?;
    }
    for needed in &measure.needs_rows {
        output::line(&format!("Needs rows: {} ({} where {})\n", needed.what, needed.table, needed.condition))?;
    }
    for caveat in &measure.caveats {
        let when = caveat.unless_rows.as_ref();
        let when =
            when.map_or(String::new(), |rows| format!(" (unless {} has rows where {})", rows.table, rows.condition));
        output::line(&format!("Caveat: {}{when}\n", caveat.text))?;
    }
    output::line(&measure.sql)
}

fn test(measures: &[Measure], id: Option<&str>, deck: Option<&Path>, project: &Path) -> Result<ExitCode, Failure> {
    let wanted: Vec<Measure> = match id {
        Some(id) => vec![one(measures, id)?.clone()],
        None => measures.to_vec(),
    };
    let config = Config::read(project)?;
    let instruments = config.instruments(project)?;
    let place = tempfile::tempdir().map_err(|error| Failure::Machine(format!("no temporary folder: {error}")))?;
    definition::unpack_decks(place.path())
        .map_err(|error| Failure::Machine(format!("cannot unpack the decks: {error}")))?;
    let mut own = deck::decks_in(place.path());
    for folder in &config.measures {
        own.extend(deck::decks_in(&project.join(folder)));
    }
    // A deck, and the tables that it is run on where they are not its own.
    let runs: Vec<(PathBuf, Option<PathBuf>)> = match deck {
        None => own.into_iter().map(|folder| (folder, None)).collect(),
        Some(elsewhere) => {
            let whole = deck::decks_in(elsewhere).into_iter().map(|folder| (folder, None));
            let tables = own.into_iter().flat_map(|folder| {
                let same = deck::same_tables(&folder, elsewhere).into_iter();
                same.filter(|tables| !tables.join("deck.toml").is_file())
                    .map(move |tables| (folder.clone(), Some(tables)))
            });
            whole.chain(tables).collect()
        }
    };
    if runs.is_empty() {
        return Err(Failure::Usage(
            "below that folder there is neither a deck.toml nor a folder of CSV files with the names and columns of a built-in deck"
                .to_owned(),
        ));
    }
    let (mut passed, mut failed) = (0, 0);
    for (folder, tables) in runs {
        let speaks_of = |id: &str| {
            std::fs::read_to_string(folder.join("deck.toml"))
                .map_or(true, |text| text.contains(&format!("\"{id}\"")) || text.contains(&format!("'{id}'")))
        };
        if id.is_some_and(|id| !speaks_of(id)) {
            continue;
        }
        let name = folder.strip_prefix(place.path()).unwrap_or(&folder).display().to_string();
        let shown = tables.as_ref().map_or(name.clone(), |tables| format!("{name} on {}", tables.display()));
        let comparisons = match deck::run(&folder, tables.as_deref(), &wanted, &instruments) {
            Ok(comparisons) => comparisons,
            // A broken deck is no reason not to run the others.
            Err(error) => {
                failed += 1;
                output::line(&format!("FAIL {shown}: {error}"))?;
                continue;
            }
        };
        let comparisons: Vec<Comparison> =
            comparisons.into_iter().filter(|one| id.is_none_or(|id| one.measure == id)).collect();
        if comparisons.is_empty() {
            continue;
        }
        let wrong: Vec<&Comparison> = comparisons.iter().filter(|comparison| !comparison.passed).collect();
        passed += comparisons.len() - wrong.len();
        failed += wrong.len();
        output::line(&format!(
            "{} {shown}: {} of {} agree",
            if wrong.is_empty() { "ok  " } else { "FAIL" },
            comparisons.len() - wrong.len(),
            comparisons.len()
        ))?;
        for comparison in wrong {
            output::line(&format!(
                "     {} {} {}: expected {}, found {}{}",
                comparison.measure,
                comparison.what,
                comparison.column,
                comparison.expected,
                comparison.found,
                if comparison.explanation.is_empty() {
                    String::new()
                } else {
                    format!(" - {}", comparison.explanation)
                }
            ))?;
        }
    }
    output::line(&format!("{passed} passed, {failed} failed"))?;
    if passed + failed == 0 {
        output::message("no deck expects anything of that measure; docs/own-measure.md says how to write one");
        return Ok(ExitCode::from(DATA));
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(DATA) })
}
