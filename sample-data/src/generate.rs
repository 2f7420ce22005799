//! The whole run: reference tables, then patient after patient, then the note about the extract.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use carecoord_lake::files;

use crate::coverage::Coverage;
use crate::dirt::Dirt;
use crate::error::SampleError;
use crate::extracts::Extracts;
use crate::layout::LAYOUTS;
use crate::life::Life;
use crate::options::Options;
use crate::setting::Setting;
use crate::{care_plans, encounters, medication, program, referrals, reported, social, stays, surveys, visits};

/// The note that says when the extract was taken.
const NOTE: &str = "extract.toml";
/// How the note begins; a folder with such a note may be written anew.
const NOTE_START: &str = "# Invented data of the carecoord sample generator: nobody in these files exists.";

/// What a run wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Each file's name and its number of rows, header not counted.
    pub files: Vec<(String, u64)>,
    /// Dirty rows by kind of dirt. A duplicate counts once, and so do a superseded version and a second stay, each of
    /// which is a row of its own beside the clean one.
    pub dirty: BTreeMap<&'static str, u64>,
}

/// Writes the extracts into `folder`, one file for each table, and `extract.toml` with the date of the extract.
///
/// The folder is made if it is not there, for the owner alone. Memory does not grow with the number of patients. A
/// file has its name only once it is whole.
///
/// # Errors
/// When an option makes no sense, when the folder holds something other than an earlier sample, or when the system
/// refuses, for example because the disk is full.
pub fn generate(folder: &Path, options: &Options) -> Result<Summary, SampleError> {
    let setting = Setting::new(options)?;
    let dirt = Dirt::new(options.dirty, options.seed)?;
    prepare(folder)?;
    let mut extracts = Extracts::create(folder, options.gzip, dirt)?;
    setting.directory.write(&mut extracts)?;
    program::write(&setting, &mut extracts)?;
    for number in 1..=options.patients {
        extracts.dirt.turn_to(number);
        live(number, &setting, &mut extracts)?;
    }
    let dirty = std::mem::take(&mut extracts.dirt.counts);
    let files = extracts.finish()?;
    let note = format!(
        "{NOTE_START}\n\
         # The day on which the extract was taken, and the zone of its local dates.\n\
         extract_date = \"{}\"\n\
         time_zone = \"UTC\"\n",
        options.extract_date()?
    );
    files::replace(&folder.join(NOTE), note.as_bytes())?;
    Ok(Summary { files, dirty })
}

/// Plays one person's life and writes it.
fn live(number: u64, setting: &Setting, extracts: &mut Extracts) -> Result<(), SampleError> {
    let mut life = Life::new(number, setting, extracts);
    stays::play(&mut life)?;
    visits::play(&mut life);
    referrals::play(&mut life)?;
    let coverage = Coverage::new(&life.person, setting);
    life.person.write(life.extracts)?;
    coverage.write(&life.person, life.extracts)?;
    encounters::write(&coverage, &mut life)?;
    medication::play(&coverage, &mut life)?;
    care_plans::play(&mut life)?;
    social::play(&mut life)?;
    surveys::play(&mut life)?;
    program::assign(&mut life)?;
    reported::write(&mut life)
}

/// Makes the folder, or clears an earlier sample out of it; anything else in it stays untouched and is refused.
fn prepare(folder: &Path) -> Result<(), SampleError> {
    files::create_folder(folder)?;
    let listing = |error| SampleError::io("cannot list", folder, error);
    let sample = fs::read_to_string(folder.join(NOTE)).is_ok_and(|note| note.starts_with(NOTE_START));
    let ours = |name: &str| {
        let name = name.strip_suffix(".part").unwrap_or(name);
        LAYOUTS
            .iter()
            .any(|layout| name.strip_prefix(layout.name).is_some_and(|ending| matches!(ending, ".csv" | ".csv.gz")))
    };
    let mut earlier = Vec::new();
    for entry in fs::read_dir(folder).map_err(listing)? {
        let path = entry.map_err(listing)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if (ours(&name) && (sample || name.strip_suffix(".part").is_some())) || (sample && name == NOTE) {
            earlier.push(path);
        } else {
            return Err(SampleError::FolderInUse { path: folder.to_owned() });
        }
    }
    for path in &earlier {
        fs::remove_file(path).map_err(|error| SampleError::io("cannot remove", path, error))?;
    }
    Ok(())
}
