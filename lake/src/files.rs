//! Files made for the owner alone (0600, folders 0700), synced before anything points at them.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::OFlags;
use tempfile::NamedTempFile;

use crate::error::{LakeError, Result};

/// How the names of files begin that are written beside their final place.
pub const FRESH: &str = ".carecoord-";

/// Makes a folder and its parents, readable by the owner alone.
///
/// # Errors
/// When the system refuses.
pub fn create_folder(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| LakeError::io("cannot make the folder", path, error))
}

/// Opens a new file for writing, readable by the owner alone; an old one of the same name is emptied, but no link is followed.
///
/// # Errors
/// When the system refuses, or a link lies there.
pub fn create_file(path: &Path) -> Result<File> {
    let file = open_plain(path, OpenOptions::new().write(true).create(true))?;
    file.set_len(0).map_err(|error| LakeError::io("cannot write", path, error))?;
    Ok(file)
}

/// Opens a plain file as `options` say: a link is not followed, and a pipe or device is refused and not waited for.
///
/// # Errors
/// When the system refuses, or the path names something else.
pub fn open_plain(path: &Path, options: &mut OpenOptions) -> Result<File> {
    // The bits of the flags fit the type that the standard library takes.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let not_a_file = |what| LakeError::NotAFile { path: path.to_owned(), what };
    let file = match options.mode(0o600).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) => {
            return Err(match what_lies_at(path) {
                Some(what) => not_a_file(what),
                None => LakeError::io("cannot open", path, error),
            });
        }
    };
    let found = file.metadata().map_err(|error| LakeError::io("cannot open", path, error))?;
    if found.is_file() { Ok(file) } else { Err(not_a_file(what_lies_at(path).unwrap_or("no plain file"))) }
}

/// What lies at a path, where it is neither nothing nor a plain file.
fn what_lies_at(path: &Path) -> Option<&'static str> {
    let kind = fs::symlink_metadata(path).ok()?.file_type();
    match kind {
        kind if kind.is_file() => None,
        kind if kind.is_symlink() => Some("a link"),
        kind if kind.is_dir() => Some("a folder"),
        _ => Some("a pipe, socket or device"),
    }
}

/// Reads a plain file of no more than `most` bytes.
///
/// # Errors
/// When it is missing, larger, or no plain file.
pub fn read_plain(path: &Path, most: u64) -> Result<Vec<u8>> {
    let unreadable = |error| LakeError::io("cannot read", path, error);
    let file = open_plain(path, OpenOptions::new().read(true))?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > most {
        return Err(unreadable(io::Error::other(format!("it is larger than {most} bytes"))));
    }
    Ok(bytes)
}

/// The BLAKE3 hash of a file's bytes, hexadecimal.
///
/// # Errors
/// When it cannot be read.
pub fn hash_of(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    File::open(path)
        .and_then(|file| hasher.update_reader(file).map(|_| ()))
        .map_err(|error| LakeError::io("cannot read", path, error))?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Writes a whole file and syncs it.
///
/// # Errors
/// When the system refuses, for example because the disk is full.
pub fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = create_file(path)?;
    file.write_all(bytes).map_err(|error| LakeError::io("cannot write", path, error))?;
    sync_file(&file, path)
}

/// Syncs a file's bytes.
///
/// # Errors
/// When the system refuses.
pub fn sync_file(file: &File, path: &Path) -> Result<()> {
    die_where_a_test_says_so();
    file.sync_all().map_err(|error| LakeError::io("cannot write", path, error))
}

/// Syncs a folder, so that the names in it survive a crash.
///
/// # Errors
/// When the system refuses.
pub fn sync_folder(path: &Path) -> Result<()> {
    die_where_a_test_says_so();
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| LakeError::io("cannot sync the folder", path, error))
}

/// Renames a file or folder.
///
/// # Errors
/// When the system refuses.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    die_where_a_test_says_so();
    fs::rename(from, to)
}

/// Ends the process without any cleaning at the nth sync or rename, where a test sets `CARECOORD_TEST_DIE_AT` to n: so a test
/// can see that a kill at any of them leaves the old state or the new one. Not part of a release build.
pub fn die_where_a_test_says_so() {
    #[cfg(debug_assertions)]
    {
        use std::sync::OnceLock;
        use std::sync::atomic::{AtomicU64, Ordering};
        static AT: OnceLock<Option<u64>> = OnceLock::new();
        static DONE: AtomicU64 = AtomicU64::new(0);
        let at = AT.get_or_init(|| std::env::var("CARECOORD_TEST_DIE_AT").ok()?.parse().ok());
        if at.is_some_and(|at| DONE.fetch_add(1, Ordering::SeqCst) + 1 == at) {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
    }
}

/// A file that is written beside its final place, under a name that nobody can foresee, and put there whole. Dropping it before
/// removes it.
#[derive(Debug)]
pub struct Fresh {
    file: NamedTempFile,
    path: PathBuf,
    _temporary: Temporary,
}

impl Fresh {
    /// Makes the file.
    ///
    /// # Errors
    /// When something other than a plain file lies in the final place, or the system refuses.
    pub fn create(path: &Path) -> Result<Self> {
        if let Some(what) = what_lies_at(path) {
            return Err(LakeError::NotAFile { path: path.to_owned(), what });
        }
        let file = tempfile::Builder::new()
            .prefix(FRESH)
            .tempfile_in(folder_of(path))
            .map_err(|error| LakeError::io("cannot write", path, error))?;
        let temporary = Temporary::new(file.path());
        Ok(Self { file, path: path.to_owned(), _temporary: temporary })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| LakeError::io("cannot write", &self.path, error))
    }

    /// Puts the file in its place: readers see the old bytes or the new ones, never a part.
    ///
    /// # Errors
    /// When the system refuses; what was there before is then untouched.
    pub fn publish(self) -> Result<()> {
        sync_file(self.file.as_file(), &self.path)?;
        die_where_a_test_says_so();
        self.file.persist(&self.path).map_err(|error| LakeError::io("cannot replace", &self.path, error.error))?;
        sync_folder(folder_of(&self.path))
    }
}

/// The folder in which a path lies; a bare name lies in the current one.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Replaces a file in one step: readers see the old bytes or the new ones, never a part.
///
/// # Errors
/// When something other than a plain file lies there, or the system refuses; the old file is then untouched.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut fresh = Fresh::create(path)?;
    fresh.write(bytes)?;
    fresh.publish()
}

/// Removes what writers that died left in a folder.
///
/// # Errors
/// When the folder cannot be read.
pub fn sweep_fresh(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(|error| LakeError::io("cannot read the folder", folder, error))? {
        let entry = entry.map_err(|error| LakeError::io("cannot read the folder", folder, error))?;
        if entry.file_name().to_string_lossy().starts_with(FRESH) {
            // Nothing reads it; it goes next time.
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// Removes a folder with everything in it; a missing one is fine.
///
/// # Errors
/// When the system refuses.
pub fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(LakeError::io("cannot remove the folder", path, error))
        }
        _ => Ok(()),
    }
}

/// Files and folders that go when the process is interrupted.
static TEMPORARY: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Keeps a path on the list of what goes when the process is interrupted, as long as it lives.
#[derive(Debug)]
pub struct Temporary(PathBuf);

impl Temporary {
    /// Puts a path on the list.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

/// Removes all that is temporary, before the process ends early.
pub fn remove_temporary() {
    let paths = TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for path in paths {
        // Other threads may still write into a folder while it goes.
        for _ in 0..3 {
            let gone = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            if gone.is_ok() || !path.exists() {
                break;
            }
        }
    }
}
