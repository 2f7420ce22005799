//! `carecoord.toml`: what a project says once, so that flags need not be repeated.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use carecoord_measures::definition::{self, Measure};
use carecoord_measures::instrument::{self, Instrument};
use carecoord_measures::signals::{Annotation, Rules, Settings};
use carecoord_measures::suppression::Disclosure;
use carecoord_pipeline::checks::CheckSettings;
use carecoord_pipeline::source::Unpacking;
use carecoord_pipeline::words::Words;
use serde::Deserialize;

use crate::failure::Failure;

/// The currency that definitions are written in; no amount is converted.
const DOLLARS: &str = "USD";

/// The settings of a project.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Mapping.
    pub source: Option<String>,
    /// Folder with the extracts, within the project unless absolute.
    pub extracts: Option<PathBuf>,
    /// Months to measure.
    pub months: i64,
    /// Counts from 1 to one less are suppressed.
    pub suppress_below: u64,
    /// What is ruled out beside small counts.
    pub disclosure: Disclosure,
    /// Buckets of a new lake; chosen by the size of the extracts unless stated.
    pub buckets: Option<u32>,
    /// Folders with measures of one's own.
    pub measures: Vec<PathBuf>,
    /// Folders with survey instruments of one's own.
    pub instruments: Vec<PathBuf>,
    /// Words for codes that replace the shipped ones: a file, within the project unless absolute.
    pub words: Option<PathBuf>,
    /// How reports write numbers and dates: a file, within the project unless absolute.
    pub locale: Option<PathBuf>,
    /// Title of the report.
    pub report_title: String,
    /// Currency of all amounts of money: its ISO 4217 code.
    pub currency: String,
    /// Targets by measure, in the unit shown.
    pub targets: BTreeMap<String, f64>,
    /// An organization's own targets, by its id and measure.
    pub site_targets: BTreeMap<String, BTreeMap<String, f64>>,
    /// How charts are judged.
    pub charts: Charts,
    /// What happened when, for the charts.
    pub annotation: Vec<Annotation>,
    /// Settings of the checks.
    pub checks: CheckSettings,
    /// How much packed files may hold.
    pub limits: Unpacking,
}

/// How charts are judged.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Charts {
    /// Which months count as signals.
    pub rules: Rules,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            source: None,
            extracts: None,
            months: 24,
            suppress_below: 11,
            disclosure: Disclosure::default(),
            buckets: None,
            measures: Vec::new(),
            instruments: Vec::new(),
            words: None,
            locale: None,
            report_title: "Care coordination report".to_owned(),
            currency: DOLLARS.to_owned(),
            targets: BTreeMap::new(),
            site_targets: BTreeMap::new(),
            charts: Charts::default(),
            annotation: Vec::new(),
            checks: CheckSettings::default(),
            limits: Unpacking::default(),
        }
    }
}

/// What `carecoord init` writes.
pub const TEMPLATE: &str = include_str!("carecoord.toml");

impl Config {
    /// Words for the lake's codes.
    pub fn words(&self, project: &Path) -> Result<Words, Failure> {
        Ok(self.words.as_ref().map(|path| Words::read(&project.join(path))).transpose()?.unwrap_or_default())
    }

    /// Reads the project's settings; the defaults where it has no carecoord.toml.
    pub fn read(project: &Path) -> Result<Self, Failure> {
        let path = project.join("carecoord.toml");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Failure::Machine(format!("cannot read {}: {error}", path.display()))),
        };
        let config: Self =
            toml::from_str(&text).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
        if let Some(buckets) = config.buckets.filter(|buckets| !(1..=256).contains(buckets)) {
            return Err(Failure::Usage(format!("{}: buckets = {buckets}; 1 to 256 are possible", path.display())));
        }
        config.limits.check().map_err(|reason| Failure::Usage(format!("{}, [limits]: {reason}", path.display())))?;
        let is_code = config.currency.len() == 3 && config.currency.bytes().all(|byte| byte.is_ascii_uppercase());
        if !is_code {
            let currency = &config.currency;
            return Err(Failure::Usage(format!(
                "{}: currency = \"{currency}\"; give the three capital letters of ISO 4217, such as USD or EUR",
                path.display()
            )));
        }
        Ok(config)
    }

    /// The catalogue with the project's own measures.
    pub fn measures(&self, project: &Path) -> Result<Vec<Measure>, Failure> {
        let folders: Vec<PathBuf> = self.measures.iter().map(|folder| project.join(folder)).collect();
        let mut measures = definition::catalog_with(&folders)?;
        for measure in &mut measures {
            if let Some(rest) = measure.value_unit.strip_prefix(DOLLARS) {
                measure.value_unit = format!("{}{rest}", self.currency);
            }
        }
        Ok(measures)
    }

    /// What charts are made with.
    pub fn chart_settings(&self, measures: &[Measure]) -> Result<Settings, Failure> {
        let is_measure = |id: &String| measures.iter().any(|measure| measure.id == *id);
        let own =
            self.site_targets.iter().flat_map(|(site, targets)| targets.iter().map(move |one| (site.as_str(), one)));
        let all = self.targets.iter().map(|one| ("", one)).chain(own);
        if let Some((site, (id, target))) =
            all.into_iter().find(|(_, (id, target))| !is_measure(id) || !target.is_finite())
        {
            let table = if site.is_empty() { "targets".to_owned() } else { format!("site_targets.\"{site}\"") };
            return Err(Failure::Usage(format!(
                "carecoord.toml, [{table}]: \"{id}\" = {target}: give the id of a measure (`carecoord measures list`) and a number"
            )));
        }
        let is_named = |id: &String| measures.iter().any(|measure| measure.id.starts_with(id.as_str()));
        if let Some(id) = self.annotation.iter().flat_map(|one| &one.measures).find(|id| !is_named(id)) {
            return Err(Failure::Usage(format!(
                "carecoord.toml, [[annotation]]: no measure's id begins with \"{id}\"; `carecoord measures list` shows them"
            )));
        }
        Ok(Settings {
            rules: self.charts.rules,
            targets: self.targets.clone(),
            site_targets: self.site_targets.clone(),
            annotations: self.annotation.clone(),
        })
    }

    /// The survey instruments with the project's own.
    pub fn instruments(&self, project: &Path) -> Result<Vec<Instrument>, Failure> {
        let folders: Vec<PathBuf> = self.instruments.iter().map(|folder| project.join(folder)).collect();
        Ok(instrument::instruments(&folders)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_says_the_defaults() {
        let config: Config = toml::from_str(TEMPLATE).expect("the template parses");
        let default = Config::default();
        assert_eq!(
            (config.months, config.suppress_below, config.buckets),
            (default.months, default.suppress_below, default.buckets)
        );
        assert_eq!((config.report_title, config.currency), (default.report_title, default.currency));
    }

    #[test]
    fn amounts_are_in_the_currency_of_the_project() {
        let unit = |currency: &str| {
            let config: Config = toml::from_str(&format!("currency = \"{currency}\"")).expect("a setting");
            let measures = config.measures(Path::new(".")).expect("the catalogue");
            measures.into_iter().find(|one| one.id == "cost.paid_pmpm").expect("a measure").value_unit
        };
        assert_eq!(
            (unit("USD").as_str(), unit("EUR").as_str()),
            ("USD per member per month", "EUR per member per month")
        );
    }
}
