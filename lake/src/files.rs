//! Files made for the owner alone (0600, folders 0700), synced before anything points at them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::error::{LakeError, Result};

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

/// Opens a new file for writing, readable by the owner alone; an old one of the same name is emptied.
///
/// # Errors
/// When the system refuses.
pub fn create_file(path: &Path) -> Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| LakeError::io("cannot write", path, error))
}

/// Writes a whole file and syncs it.
///
/// # Errors
/// When the system refuses, for example because the disk is full.
pub fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = create_file(path)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| LakeError::io("cannot write", path, error))
}

/// Syncs a folder, so that the names in it survive a crash.
///
/// # Errors
/// When the system refuses.
pub fn sync_folder(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| LakeError::io("cannot sync the folder", path, error))
}

/// Replaces a file in one step: readers see the old bytes or the new ones, never a part.
///
/// # Errors
/// When the system refuses; the old file is then untouched.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    write_synced(&fresh, bytes)?;
    fs::rename(&fresh, path).map_err(|error| LakeError::io("cannot replace", path, error))?;
    match path.parent() {
        // A bare file name lies in the current folder.
        Some(folder) if folder.as_os_str().is_empty() => sync_folder(Path::new(".")),
        Some(folder) => sync_folder(folder),
        None => Ok(()),
    }
}

/// Removes a folder with everything in it; a missing one is fine.
///
/// # Errors
/// When the system refuses.
pub fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LakeError::io("cannot remove the folder", path, error))
        }
        _ => Ok(()),
    }
}
