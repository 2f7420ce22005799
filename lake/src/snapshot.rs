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

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FlockOperation, flock};

use crate::error::{LakeError, Result};
use crate::files::{self, Temporary};
use crate::inventory::Inventory;

const CURRENT: &str = "CURRENT";
const DRAFT: &str = "draft";
const LOCK: &str = "lock";
const SNAPSHOTS: &str = "snapshots";
/// Bytes beyond which the pointer names no snapshot.
const LONGEST_ID: u64 = 1_000;

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
    /// Files taken over from an older snapshot.
    linked: Mutex<BTreeSet<String>>,
    _lock: File,
    _temporary: Temporary,
}

impl Snapshot {
    /// Whether the id was made from these bytes.
    #[must_use]
    pub fn is_of(&self, identity: &[u8]) -> bool {
        self.id.split_once('-').is_some_and(|(_, hash)| hash == hash_in_id(identity))
    }
}

/// Whether a name can be a snapshot's id: a plain name of a folder. Anything else would reach outside the store.
fn is_id(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    name.bytes().all(plain) && name.split_once('-').is_some_and(|(number, _)| number.parse::<u64>().is_ok())
}

/// The beginning of the hash of what a snapshot was made from.
fn hash_in_id(identity: &[u8]) -> String {
    blake3::hash(identity).to_hex()[..8].to_owned()
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
        match files::read_plain(&pointer, LONGEST_ID) {
            Ok(id) => self.snapshot(String::from_utf8_lossy(&id).trim()).map(Some),
            Err(LakeError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
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
        if is_id(id) && path.is_dir() {
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
            // Other files and folders were put there by someone else.
            if let Some(id) = entry.file_name().to_str().filter(|id| is_id(id))
                && entry.path().is_dir()
            {
                snapshots.push(Snapshot { id: id.to_owned(), path: entry.path() });
            }
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
        files::sweep_fresh(&self.root)?;
        let path = self.root.join(DRAFT);
        files::remove_folder(&path)?;
        files::create_folder(&path)?;
        let temporary = Temporary::new(&path);
        Ok(Draft {
            store: self.clone(),
            path,
            published: false,
            linked: Mutex::default(),
            _lock: lock,
            _temporary: temporary,
        })
    }

    fn lock(&self) -> Result<File> {
        files::create_folder(&self.root.join(SNAPSHOTS))?;
        let path = self.root.join(LOCK);
        let file = files::open_plain(&path, OpenOptions::new().write(true).create(true))?;
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
        let path = relative.to_string_lossy().into_owned();
        self.linked.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
        match fs::hard_link(&from, &to) {
            Ok(()) => Ok(()),
            // A file system without links: a copy means the same, only larger.
            Err(_) => fs::copy(&from, &to).map(|_| ()).map_err(|error| LakeError::io("cannot copy", &from, error)),
        }
    }

    /// Removes a file, which may be linked from an older snapshot: that one keeps it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn remove(&self, relative: &Path) -> Result<()> {
        self.linked.lock().unwrap_or_else(PoisonError::into_inner).remove(&*relative.to_string_lossy());
        let path = self.path.join(relative);
        fs::remove_file(&path).map_err(|error| LakeError::io("cannot remove", &path, error))
    }

    /// Of the files of the snapshot before, those that were taken over.
    #[must_use]
    pub fn kept(&self, older: &Inventory) -> Inventory {
        let linked = self.linked.lock().unwrap_or_else(PoisonError::into_inner);
        older
            .iter()
            .filter(|(path, _)| linked.contains(*path))
            .map(|(path, entry)| (path.clone(), entry.clone()))
            .collect()
    }

    /// Publishes: syncs every folder, renames the draft into place, then points `CURRENT` at it in one step.
    /// `identity` is what the snapshot's hash is made from, usually its manifest.
    ///
    /// # Errors
    /// When the system refuses; the old snapshot then stays in force.
    pub fn publish(mut self, identity: &[u8]) -> Result<Snapshot> {
        sync_tree(&self.path)?;
        let id = format!("{:04}-{}", self.store.next_number()?, hash_in_id(identity));
        let path = self.store.root.join(SNAPSHOTS).join(&id);
        files::rename(&self.path, &path).map_err(|error| LakeError::io("cannot publish", &path, error))?;
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
