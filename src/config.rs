//! `carecoord.toml`: what a project says once, so that flags need not be repeated.

use std::fs;
use std::path::{Path, PathBuf};

use carecoord_measures::definition::{self, Measure};
use carecoord_measures::instrument::{self, Instrument};
use carecoord_pipeline::checks::CheckSettings;
use serde::Deserialize;

use crate::failure::Failure;

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
    /// Buckets of a new lake; chosen by the size of the extracts unless stated.
    pub buckets: Option<u32>,
    /// Folders with measures of one's own.
    pub measures: Vec<PathBuf>,
    /// Folders with survey instruments of one's own.
    pub instruments: Vec<PathBuf>,
    /// Title of the report.
    pub report_title: String,
    /// Settings of the checks.
    pub checks: CheckSettings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            source: None,
            extracts: None,
            months: 24,
            suppress_below: 11,
            buckets: None,
            measures: Vec::new(),
            instruments: Vec::new(),
            report_title: "Care coordination report".to_owned(),
            checks: CheckSettings::default(),
        }
    }
}

/// What `carecoord init` writes.
pub const TEMPLATE: &str = include_str!("carecoord.toml");

impl Config {
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
        Ok(config)
    }

    /// The catalogue with the project's own measures.
    pub fn measures(&self, project: &Path) -> Result<Vec<Measure>, Failure> {
        let folders: Vec<PathBuf> = self.measures.iter().map(|folder| project.join(folder)).collect();
        Ok(definition::catalog_with(&folders)?)
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
        assert_eq!(config.report_title, default.report_title);
    }
}
