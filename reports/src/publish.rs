//! A finished report takes the place of the old one in one step; a failed one leaves no trace.
//!
//! A report's folder holds a list of its files with their hashes. Only a folder whose files are exactly those of its list is
//! replaced, and the old files are removed one by one by that list: nothing that someone else put there is ever deleted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use carecoord_lake::files::Temporary;
use carecoord_lake::{LakeError, files};
use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};
use serde::{Deserialize, Serialize};

use crate::error::{ReportError, Result};

/// Name of the page.
pub const PAGE: &str = "index.html";
/// Name of the sheet for the board.
pub const BOARD: &str = "board.html";
/// Name of the page of definitions, whole.
pub const DEFINITIONS: &str = "definitions.html";
/// Name of the folder of charts.
pub const CHARTS: &str = "charts";
/// Name of the folder of FHIR bundles.
pub const FHIR: &str = "fhir";
/// Name of the workbook.
pub const WORKBOOK: &str = "report.xlsx";
/// Name of the folder of tables for programs.
pub const DATA: &str = "data";
/// Names of the files in it.
pub const DATA_FILES: [&str; 6] =
    ["values.csv", "values.parquet", "measures.csv", "left_out.csv", "waits.csv", "feeds.csv"];
/// What a release is and promises, beside them; not in an internal report.
pub const RELEASE_NOTE: &str = "release.txt";
/// The counts behind every figure of a public release.
pub const CONTEXT: &str = "context.csv";
/// The list of a report's files.
const LIST: &str = ".carecoord-report.json";
const FORMAT: u32 = 1;
/// Bytes beyond which a list is not read.
const LARGEST_LIST: u64 = 1 << 26;
/// How the names of folders begin in which reports are built.
const BUILDING: &str = ".carecoord-report-";

/// The files of a report: path within its folder → BLAKE3 hash.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    format: u32,
    files: BTreeMap<String, String>,
}

/// A folder beside the output in which a report is built; removed when dropped.
#[derive(Debug)]
pub struct Staging {
    folder: PathBuf,
    out: PathBuf,
    published: bool,
    /// The folder around the output, locked: one report is written into it at a time.
    _lock: File,
    _temporary: Temporary,
}

impl Staging {
    /// Makes an empty folder beside `out`.
    ///
    /// # Errors
    /// When `out` names no folder of its own, holds what no report wrote, or is a link; when another report is being written
    /// beside it; when the system refuses.
    pub fn begin(out: &Path) -> Result<Self> {
        let name = out.file_name().ok_or_else(|| ReportError::OutputName { path: out.to_owned() })?;
        // Without a slash at its end: behind one, a link would be followed.
        let out = files::folder_of(out).join(name);
        let around = files::folder_of(&out);
        files::create_folder(around)?;
        let lock = File::open(around).map_err(|error| LakeError::io("cannot read the folder", around, error))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| ReportError::Locked { path: around.to_owned() })?;
        sweep(around)?;
        written_list(&out)?;
        let folder = fresh(around)?;
        let staging = Self { _temporary: Temporary::new(&folder), folder, out, published: false, _lock: lock };
        for within in [CHARTS, FHIR, DATA] {
            files::create_folder(&staging.folder.join(within))?;
        }
        Ok(staging)
    }

    /// The folder in which the report is built.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes one file of the report, synced.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, name: &Path, bytes: &[u8]) -> Result<()> {
        Ok(files::write_synced(&self.folder.join(name), bytes)?)
    }

    /// Puts the built report in the output's place.
    ///
    /// # Errors
    /// When the system refuses, or someone put a file into the old report meanwhile; the old report is then in place.
    pub fn publish(mut self) -> Result<()> {
        let list = List { format: FORMAT, files: files_below(&self.folder)? };
        let text = serde_json::to_vec_pretty(&list).map_err(|error| ReportError::Page { reason: error.to_string() })?;
        self.write(Path::new(LIST), &text)?;
        for folder in folders_below(&self.folder)? {
            files::sync_folder(&folder)?;
        }
        let failed = |error: io::Error| LakeError::io("cannot replace the report", &self.out, error);
        match written_list(&self.out)? {
            Some(old) => {
                exchange(&self.folder, &self.out).map_err(failed)?;
                // The old report is now where the new one was built.
                self.published = true;
                remove_listed(&self.folder, &old);
            }
            None => {
                files::rename(&self.folder, &self.out).map_err(failed)?;
                self.published = true;
            }
        }
        Ok(files::sync_folder(files::folder_of(&self.out))?)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Nothing more can be done about a folder that will not go; the next report sweeps it.
        if !self.published {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A new folder, for the owner alone, where nothing lay before.
fn fresh(around: &Path) -> Result<PathBuf> {
    for number in 0..1_000 {
        let folder = around.join(format!("{BUILDING}{number}"));
        match fs::DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(LakeError::io("cannot make the folder", &folder, error).into()),
        }
    }
    let full = io::Error::other("too many folders of reports that were never finished; remove them");
    Err(LakeError::io("cannot make a folder in", around, full).into())
}

/// Removes what reports that died left behind.
fn sweep(around: &Path) -> Result<()> {
    for entry in fs::read_dir(around).map_err(|error| LakeError::io("cannot read the folder", around, error))? {
        let entry = entry.map_err(|error| LakeError::io("cannot read the folder", around, error))?;
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_folder || !entry.file_name().to_string_lossy().starts_with(BUILDING) {
            continue;
        }
        if entry.path().join(LIST).exists() {
            remove_report(&entry.path());
        } else {
            // Of another user it cannot be removed, and need not be.
            let _ = files::remove_folder(&entry.path());
        }
    }
    Ok(())
}

/// Removes a report by its own list.
fn remove_report(folder: &Path) {
    if let Ok(bytes) = files::read_plain(&folder.join(LIST), LARGEST_LIST)
        && let Ok(list) = serde_json::from_slice::<List>(&bytes)
    {
        remove_listed(folder, &list);
    }
}

/// Removes the files of a list, then the folders that are empty. Whatever else lies there stays.
fn remove_listed(folder: &Path, list: &List) {
    for path in list.files.keys().filter(|path| is_within(path)) {
        let _ = fs::remove_file(folder.join(path));
    }
    for within in folders_below(folder).unwrap_or_default() {
        let _ = fs::remove_dir(within);
    }
    // The list stays as long as something else does: without it the folder would be taken for one that was never finished.
    if files_below(folder).is_ok_and(|files| files.is_empty()) {
        let _ = fs::remove_file(folder.join(LIST));
        let _ = fs::remove_dir(folder);
    }
}

/// Whether a path of a list stays within the report's folder.
fn is_within(path: &str) -> bool {
    Path::new(path).components().all(|part| matches!(part, std::path::Component::Normal(_)))
}

/// The list of the report in a folder; nothing where there is no folder, or an empty one.
///
/// # Errors
/// When the folder is a link, holds no list, or holds anything but the files of its list as they were written: a mistyped path
/// must not cost a user's files.
fn written_list(out: &Path) -> Result<Option<List>> {
    let foreign = |found: String| ReportError::NotAReport { path: out.to_owned(), found };
    match fs::symlink_metadata(out) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LakeError::io("cannot read the folder", out, error).into()),
        Ok(found) if found.is_symlink() => return Err(foreign("it is a link".to_owned())),
        Ok(found) if !found.is_dir() => return Err(foreign("it is a file".to_owned())),
        Ok(_) => {}
    }
    let found = files_below(out)?;
    if found.is_empty() && folders_below(out)?.len() == 1 {
        return Ok(None);
    }
    let missing = || match found.keys().next() {
        Some(path) => foreign(format!("it holds {path}, and no list of files that a report wrote")),
        None => foreign("it holds folders, and no list of files that a report wrote".to_owned()),
    };
    let bytes = match files::read_plain(&out.join(LIST), LARGEST_LIST) {
        Ok(bytes) => bytes,
        Err(LakeError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Err(missing()),
        Err(error) => return Err(error.into()),
    };
    let list: List =
        serde_json::from_slice(&bytes).map_err(|error| foreign(format!("its {LIST} cannot be read: {error}")))?;
    let other = found.iter().find(|(path, hash)| list.files.get(*path) != Some(*hash));
    match other {
        Some((path, _)) if list.files.contains_key(path) => {
            Err(foreign(format!("{path} was changed since the report was written")))
        }
        Some((path, _)) => Err(foreign(format!("it holds {path}, which no report wrote"))),
        None => Ok(Some(list)),
    }
}

/// A folder and all folders within it, the deepest first.
fn folders_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = vec![folder.to_owned()];
    let mut next = 0;
    while let Some(here) = found.get(next).cloned() {
        for (path, kind) in entries(&here)? {
            if kind.is_dir() {
                found.push(path);
            }
        }
        next += 1;
    }
    found.reverse();
    Ok(found)
}

/// All files below a folder but its list, with their hashes; what is no plain file counts too, so that it is found.
fn files_below(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for here in folders_below(folder)? {
        for (path, kind) in entries(&here)? {
            let within = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
            if kind.is_dir() || within == LIST {
                continue;
            }
            let hash = if kind.is_file() { files::hash_of(&path)? } else { "no plain file".to_owned() };
            found.insert(within, hash);
        }
    }
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<(PathBuf, fs::FileType)>> {
    let unreadable = |error| LakeError::io("cannot read the folder", folder, error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        found.push((entry.path(), entry.file_type().map_err(unreadable)?));
    }
    Ok(found)
}

/// Exchanges two folders: in one step where the file system can, else by three renames that are undone on failure.
fn exchange(fresh: &Path, old: &Path) -> io::Result<()> {
    files::die_where_a_test_says_so();
    if renameat_with(CWD, fresh, CWD, old, RenameFlags::EXCHANGE).is_ok() {
        return Ok(());
    }
    let aside = fresh.with_extension("old");
    files::rename(old, &aside)?;
    if let Err(error) = files::rename(fresh, old) {
        files::rename(&aside, old)?;
        return Err(error);
    }
    files::rename(&aside, fresh)
}

/// A measure's identifier as the stem of a file name and of an anchor. Identifiers may come from a user's own
/// catalogue, so whatever is not plain becomes `~` and its code: no path separator and no leading dot survives.
pub fn stem(measure_id: &str) -> String {
    let mut stem = String::with_capacity(measure_id.len());
    for (index, byte) in measure_id.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => stem.push(char::from(byte)),
            b'.' if index > 0 => stem.push('.'),
            _ => {
                // Writing to a text cannot fail.
                let _ = write!(stem, "~{byte:02x}");
            }
        }
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(out: &Path, text: &str) -> Result<()> {
        let staging = Staging::begin(out)?;
        staging.write(Path::new(PAGE), text.as_bytes())?;
        staging.write(Path::new("data/values.csv"), b"1")?;
        staging.publish()
    }

    fn refused(out: &Path) -> String {
        report(out, "new").expect_err("refused").to_string()
    }

    #[test]
    fn a_report_replaces_a_report_and_nothing_else() {
        let around = tempfile::tempdir().expect("a folder");
        let out = around.path().join("out");
        report(&out, "one").expect("a report");
        report(&out, "two").expect("in its place");
        assert_eq!(fs::read_to_string(out.join(PAGE)).expect("the page"), "two");
        let names: Vec<_> =
            fs::read_dir(around.path()).expect("a folder").map(|one| one.expect("one").file_name()).collect();
        assert_eq!(names, ["out"], "nothing is left beside it");

        // A file of the user's own, in any folder of the report.
        fs::write(out.join("data/mine.csv"), "mine").expect("a file");
        assert!(refused(&out).contains("data/mine.csv"));
        assert_eq!(fs::read_to_string(out.join("data/mine.csv")).expect("still there"), "mine");
        fs::remove_file(out.join("data/mine.csv")).expect("gone");
        // One that was worked on.
        fs::write(out.join(PAGE), "with notes").expect("a file");
        assert!(refused(&out).contains("index.html was changed"));
        assert_eq!(fs::read_to_string(out.join(PAGE)).expect("still there"), "with notes");
        // A folder that only looks like a report.
        let looks = around.path().join("looks");
        fs::create_dir_all(looks.join("charts")).expect("a folder");
        fs::write(looks.join("charts/holiday.png"), "png").expect("a file");
        assert!(refused(&looks).contains("charts/holiday.png"));
        fs::remove_file(looks.join("charts/holiday.png")).expect("gone");
        assert!(refused(&looks).contains("it holds folders"));
        // A list that someone wrote reaches nothing outside.
        fs::write(looks.join(LIST), r#"{"format":1,"files":{"../out/index.html":"x"}}"#).expect("a list");
        report(&looks, "new").expect("empty but for its list");
        assert!(out.join(PAGE).exists());
    }

    #[test]
    fn a_link_is_not_replaced_and_what_it_points_to_is_not_touched() {
        let around = tempfile::tempdir().expect("a folder");
        let (real, link) = (around.path().join("real"), around.path().join("link"));
        report(&real, "one").expect("a report");
        std::os::unix::fs::symlink(&real, &link).expect("a link");
        assert!(refused(&link).contains("link"));
        assert!(refused(&around.path().join("link/")).contains("link"));
        assert_eq!(fs::read_to_string(real.join(PAGE)).expect("the page"), "one");
    }

    #[test]
    fn two_reports_beside_each_other_wait_for_one_another() {
        let around = tempfile::tempdir().expect("a folder");
        let first = Staging::begin(&around.path().join("one")).expect("the first");
        let second = Staging::begin(&around.path().join("one")).expect_err("the second").to_string();
        assert!(second.contains("another report"), "{second}");
        drop(first);
        report(&around.path().join("one"), "text").expect("a report");
    }

    #[test]
    fn what_a_dead_report_left_is_swept() {
        let around = tempfile::tempdir().expect("a folder");
        let left = around.path().join(format!("{BUILDING}7"));
        fs::create_dir_all(left.join(CHARTS)).expect("a folder");
        fs::write(left.join(PAGE), "half").expect("a file");
        report(&around.path().join("out"), "one").expect("a report");
        assert!(!left.exists());
    }

    #[test]
    fn an_identifier_cannot_leave_the_folder_of_charts() {
        assert_eq!(stem("readmission.unplanned_30"), "readmission.unplanned_30");
        assert_eq!(stem("../../etc"), "~2e.~2f..~2fetc");
        assert_eq!(stem("é"), "~c3~a9");
    }
}
