//! A folder for rows that do not fit into memory: the owner's alone, below the project, gone with the command that made it.
//!
//! A command that is killed cannot clean up. Each folder holds a lock for as long as its command lives, and every command
//! begins by removing the folders whose lock nobody holds.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, flock};

use crate::error::{LakeError, Result};
use crate::files::{self, Temporary};

const FOLDER: &str = ".scratch";
const LOCK: &str = "lock";

/// A folder that goes when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    _lock: File,
    _temporary: Temporary,
}

impl Scratch {
    /// Makes a folder below a project, or below the user's own part of the system's temporary folder where there is no project
    /// folder, or none that can be written to.
    ///
    /// # Errors
    /// When neither can be made.
    pub fn create(project: &Path) -> Result<Self> {
        let folder = project.join(FOLDER);
        // Twice: a command that ends just now may remove the folder that was made for both.
        if project.is_dir()
            && let Ok(scratch) = Self::create_in(&folder).or_else(|_| Self::create_in(&folder))
        {
            return Ok(scratch);
        }
        let user = rustix::process::getuid().as_raw();
        Self::create_in(&std::env::temp_dir().join(format!("carecoord-{user}")))
    }

    fn create_in(folder: &Path) -> Result<Self> {
        files::create_folder(folder)?;
        check_owner(folder)?;
        sweep(folder)?;
        let path = tempfile::Builder::new()
            .prefix("")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(folder)
            .map_err(|error| LakeError::io("cannot make a folder in", folder, error))?
            .keep();
        let temporary = Temporary::new(&path);
        let lock = path.join(LOCK);
        let lock = files::open_plain(&lock, OpenOptions::new().write(true).create_new(true))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|error| LakeError::io("cannot lock", &path, error.into()))?;
        Ok(Self { path, _lock: lock, _temporary: temporary })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What does not go now goes at the next start; so does the parent, which others may use.
        let _ = fs::remove_dir_all(&self.path);
        let _ = fs::remove_dir(files::folder_of(&self.path));
    }
}

/// Nobody else may have put the folder there to read what is written into it.
fn check_owner(folder: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let found = fs::symlink_metadata(folder).map_err(|error| LakeError::io("cannot read the folder", folder, error))?;
    let of_others = Mode::from_raw_mode(found.mode()) & (Mode::RWXG | Mode::RWXO);
    if found.is_dir() && found.uid() == rustix::process::getuid().as_raw() && of_others.is_empty() {
        Ok(())
    } else {
        Err(LakeError::NotAFile { path: folder.to_owned(), what: "not a folder of this user alone" })
    }
}

/// Removes the folders of commands that have died.
fn sweep(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(|error| LakeError::io("cannot read the folder", folder, error))? {
        let entry = entry.map_err(|error| LakeError::io("cannot read the folder", folder, error))?;
        let path = entry.path();
        // A command that has just made its folder and not yet its lock is alive.
        let Ok(lock) = File::open(path.join(LOCK)) else {
            if is_old(&path) {
                let _ = fs::remove_dir_all(&path);
            }
            continue;
        };
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = fs::remove_dir_all(&path);
        }
    }
    Ok(())
}

/// Whether a folder was made more than a minute ago.
fn is_old(path: &Path) -> bool {
    let age = fs::metadata(path).and_then(|found| found.modified()).map(|time| time.elapsed());
    matches!(age, Ok(Ok(age)) if age.as_secs() > 60)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_command_left_goes_and_what_a_live_one_uses_stays() {
        let project = tempfile::tempdir().unwrap();
        let alive = Scratch::create(project.path()).unwrap();
        fs::write(alive.path().join("rows"), b"P1").unwrap();
        let dead = project.path().join(FOLDER).join("dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("rows"), b"P1").unwrap();
        fs::write(dead.join(LOCK), b"").unwrap();
        let other = Scratch::create(project.path()).unwrap();
        assert!(!dead.exists() && alive.path().join("rows").exists());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(other.path()), mode(&project.path().join(FOLDER))), (0o700, 0o700));
        drop((alive, other));
        assert!(!project.path().join(FOLDER).exists(), "nothing stays");
    }

    #[test]
    fn a_folder_that_others_can_read_is_not_used() {
        let project = tempfile::tempdir().unwrap();
        let folder = project.path().join("open");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(Scratch::create_in(&folder).is_err());
    }
}
