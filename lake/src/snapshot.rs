//! Snapshots: a run writes beside what is in force and publishes by one atomic rename.
//!
//! ```text
//! lake/
//!   CURRENT                    the id of the snapshot in force
//!   lock                       held while a run writes
//!   draft/                     what a run is writing; swept away by the next one if the run dies
//!   snapshots/0001-1f2e3d4c/   a published snapshot, never changed again
//! ```
//! A snapshot's id is its number and the beginning of a hash of its manifest, so equal inputs give equal ids.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::error::{LakeError, Result};
use crate::files;

const CURRENT: &str = "CURRENT";
const DRAFT: &str = "draft";
const LOCK: &str = "lock";
const SNAPSHOTS: &str = "snapshots";

/// A folder of snapshots: the lake's or the results'.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    what: &'static str,
    command: &'static str,
}

/// A published snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Id, for example `0001-1f2e3d4c`.
    pub id: String,
    /// Folder.
    pub path: PathBuf,
}

/// A snapshot being written. Dropping it without publishing removes it.
#[derive(Debug)]
pub struct Draft {
    store: Store,
    path: PathBuf,
    published: bool,
    _lock: File,
}

impl Store {
    /// The lake of a project folder.
    #[must_use]
    pub fn lake(project: &Path) -> Self {
        Self { root: project.join("lake"), what: "lake", command: "ingest" }
    }

    /// The results of a project folder.
    #[must_use]
    pub fn results(project: &Path) -> Self {
        Self { root: project.join("results"), what: "results", command: "compute" }
    }

    /// The snapshot in force, if one was published.
    ///
    /// # Errors
    /// When the pointer cannot be read or names a snapshot that is gone.
    pub fn current_if_any(&self) -> Result<Option<Snapshot>> {
        let pointer = self.root.join(CURRENT);
        match fs::read_to_string(&pointer) {
            Ok(id) => self.snapshot(id.trim()).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LakeError::io("cannot read", &pointer, error)),
        }
    }

    /// The snapshot in force.
    ///
    /// # Errors
    /// When nothing was published yet, or the pointer cannot be read.
    pub fn current(&self) -> Result<Snapshot> {
        self.current_if_any()?.ok_or_else(|| LakeError::Empty {
            what: self.what,
            path: self.root.clone(),
            command: self.command,
        })
    }

    /// The snapshot of this id, in force or older.
    ///
    /// # Errors
    /// When there is none.
    pub fn snapshot(&self, id: &str) -> Result<Snapshot> {
        let path = self.root.join(SNAPSHOTS).join(id);
        // An id is a plain folder name; anything else would reach outside the store.
        let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if plain && path.is_dir() {
            Ok(Snapshot { id: id.to_owned(), path })
        } else {
            Err(LakeError::NoSnapshot { id: id.to_owned(), path: self.root.clone() })
        }
    }

    /// All published snapshots, oldest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self) -> Result<Vec<Snapshot>> {
        let folder = self.root.join(SNAPSHOTS);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(LakeError::io("cannot read the folder", &folder, error)),
        };
        let mut snapshots = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| LakeError::io("cannot read the folder", &folder, error))?;
            snapshots.push(Snapshot { id: entry.file_name().to_string_lossy().into_owned(), path: entry.path() });
        }
        snapshots.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(snapshots)
    }

    /// Removes all snapshots but the newest `keep`; the one in force always stays. Returns what was removed.
    ///
    /// # Errors
    /// When another run is writing, or the system refuses.
    pub fn prune(&self, keep: usize) -> Result<Vec<Snapshot>> {
        let _lock = self.lock()?;
        let current = self.current_if_any()?;
        let mut snapshots = self.list()?;
        let old = snapshots.len().saturating_sub(keep.max(1));
        snapshots.truncate(old);
        snapshots.retain(|snapshot| Some(snapshot) != current.as_ref());
        for snapshot in &snapshots {
            files::remove_folder(&snapshot.path)?;
        }
        Ok(snapshots)
    }

    /// Begins a new snapshot: takes the lock and sweeps away what a dead run left.
    ///
    /// # Errors
    /// When another run is writing, or the system refuses.
    pub fn begin(&self) -> Result<Draft> {
        let lock = self.lock()?;
        let path = self.root.join(DRAFT);
        files::remove_folder(&path)?;
        files::create_folder(&path)?;
        Ok(Draft { store: self.clone(), path, published: false, _lock: lock })
    }

    fn lock(&self) -> Result<File> {
        files::create_folder(&self.root.join(SNAPSHOTS))?;
        let path = self.root.join(LOCK);
        let file = files::create_file(&path)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| LakeError::Locked { path: self.root.clone() })?;
        Ok(file)
    }

    fn next_number(&self) -> Result<u64> {
        let newest =
            self.list()?.iter().filter_map(|snapshot| snapshot.id.split('-').next()?.parse::<u64>().ok()).max();
        Ok(newest.unwrap_or(0) + 1)
    }
}

impl Draft {
    /// The folder to write into.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Links a file of an older snapshot into this one; both then share the bytes.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn link(&self, older: &Snapshot, relative: &Path) -> Result<()> {
        let from = older.path.join(relative);
        let to = self.path.join(relative);
        if let Some(parent) = to.parent() {
            files::create_folder(parent)?;
        }
        match fs::hard_link(&from, &to) {
            Ok(()) => Ok(()),
            // A file system without links: a copy means the same, only larger.
            Err(_) => fs::copy(&from, &to).map(|_| ()).map_err(|error| LakeError::io("cannot copy", &from, error)),
        }
    }

    /// Publishes: syncs every folder, renames the draft into place, then points `CURRENT` at it in one step.
    /// `identity` is what the snapshot's hash is made from, usually its manifest.
    ///
    /// # Errors
    /// When the system refuses; the old snapshot then stays in force.
    pub fn publish(mut self, identity: &[u8]) -> Result<Snapshot> {
        sync_tree(&self.path)?;
        let hash = blake3::hash(identity).to_hex();
        let id = format!("{:04}-{}", self.store.next_number()?, &hash[..8]);
        let path = self.store.root.join(SNAPSHOTS).join(&id);
        fs::rename(&self.path, &path).map_err(|error| LakeError::io("cannot publish", &path, error))?;
        self.published = true;
        files::sync_folder(&self.store.root.join(SNAPSHOTS))?;
        files::replace(&self.store.root.join(CURRENT), format!("{id}\n").as_bytes())?;
        Ok(Snapshot { id, path })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.published {
            // Nothing better can be done here; the next run sweeps what is left.
            let _ = files::remove_folder(&self.path);
        }
    }
}

fn sync_tree(folder: &Path) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(|error| LakeError::io("cannot read the folder", folder, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| LakeError::io("cannot read the folder", folder, error))?;
        if entry.path().is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    files::sync_folder(folder)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn publishing_replaces_what_is_in_force_and_keeps_the_old_one() {
        let project = tempfile::tempdir().unwrap();
        let store = Store::lake(project.path());
        assert!(matches!(store.current(), Err(LakeError::Empty { .. })));
        let draft = store.begin().unwrap();
        files::write_synced(&draft.path().join("a"), b"one").unwrap();
        let first = draft.publish(b"one").unwrap();
        let draft = store.begin().unwrap();
        draft.link(&first, Path::new("a")).unwrap();
        assert!(matches!(store.begin(), Err(LakeError::Locked { .. })));
        let second = draft.publish(b"two").unwrap();
        assert_eq!(store.current().unwrap(), second);
        assert_eq!(fs::read(first.path.join("a")).unwrap(), b"one");
        assert_eq!(store.prune(1).unwrap(), vec![first]);
        assert_eq!(fs::read(second.path.join("a")).unwrap(), b"one");
    }

    #[test]
    fn a_dropped_draft_leaves_nothing() {
        let project = tempfile::tempdir().unwrap();
        let store = Store::lake(project.path());
        let path = store.begin().unwrap().path().to_owned();
        assert!(!path.exists());
        assert!(store.current_if_any().unwrap().is_none());
        assert!(matches!(store.snapshot("../x"), Err(LakeError::NoSnapshot { .. })));
    }
}
