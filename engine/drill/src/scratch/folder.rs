//! A folder that belongs to whoever lives: a file in it is locked by the process that works in it, and the lock is the kernel's. So the next
//! process can tell what a killed one has left from what another is at work in.

use std::cell::Cell;
use std::fs::{self, DirEntry, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the folders' names begin with.
const PREFIX: &str = "engine-drill-";

/// The file that is locked. It names the place in an object store that belongs to the folder, if there is one. A folder without it is
/// kept for people.
const OWNER: &str = "OWNER";

/// A scratch folder, owned.
pub struct ScratchFolder {
    path: PathBuf,
    /// Holds the lock for as long as it, or a copy that another process got, is open.
    lock: Arc<File>,
    remote: Option<String>,
    /// True once it is removed or kept.
    is_over: Cell<bool>,
}

impl ScratchFolder {
    /// Makes a folder, owned from the beginning.
    pub fn make(parent: &Path, id: &str, remote: Option<&str>) -> io::Result<ScratchFolder> {
        let path = parent.join(format!("{PREFIX}{id}"));
        fs::create_dir_all(&path)?;
        // Locked before it has its name: nobody finds it free.
        let unnamed = path.join(format!("{OWNER}.new"));
        let mut file = File::create_new(&unnamed)?;
        file.lock()?;
        file.write_all(remote.unwrap_or_default().as_bytes())?;
        fs::rename(&unnamed, path.join(OWNER))?;
        Ok(ScratchFolder { path, lock: Arc::new(file), remote: remote.map(str::to_owned), is_over: Cell::new(false) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The place in an object store that belongs to it.
    pub fn remote(&self) -> Option<&str> {
        self.remote.as_deref()
    }

    /// The locked file.
    pub fn lock(&self) -> Arc<File> {
        Arc::clone(&self.lock)
    }

    /// True once it is removed or kept.
    pub fn is_over(&self) -> bool {
        self.is_over.get()
    }

    /// Removes it. The file that says whose it is goes last: cut short, it is still found.
    pub fn remove(&self) -> io::Result<()> {
        if self.is_over() {
            return Ok(());
        }
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false if entry.file_name() == OWNER => {}
                false => fs::remove_file(entry.path())?,
            }
        }
        fs::remove_dir_all(&self.path)?;
        self.is_over.set(true);
        Ok(())
    }

    /// Leaves it to people: nobody removes it any more.
    pub fn keep(&self) {
        self.is_over.set(true);
        // If that fails, the next drill takes it for a dead one's; no more than that is lost.
        let _ = fs::remove_file(self.path.join(OWNER));
    }
}

/// The folders in `parent` whose owners are dead, owned now by this process.
pub fn left_in(parent: &Path) -> Vec<ScratchFolder> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries.filter_map(|entry| taken_over(&entry)).collect()
}

/// A folder, if nobody else owns it. The system's folder for temporary files is everybody's: what another user has put there, and a
/// place that no drill has made, must not be deleted with this user's rights.
fn taken_over(entry: &DirEntry) -> Option<ScratchFolder> {
    let (path, name) = (entry.path(), entry.file_name());
    let id = name.to_str()?.strip_prefix(PREFIX)?;
    entry.metadata().ok().filter(|is| is.is_dir() && is_own(is))?;
    let mut file = OpenOptions::new().read(true).write(true).open(path.join(OWNER)).ok()?;
    file.metadata().ok().filter(is_own)?;
    file.try_lock().ok()?;
    let mut remote = String::new();
    file.read_to_string(&mut remote).ok()?;
    let is_of_drill = remote.is_empty() || remote.ends_with(&format!("/_drill/{id}"));
    let remote = Some(remote).filter(|remote| !remote.is_empty());
    // Its owner may have removed it between the two.
    let is_left = is_of_drill && path.join(OWNER).exists();
    is_left.then(|| ScratchFolder { path, lock: Arc::new(file), remote, is_over: Cell::new(false) })
}

/// True if it is this user's.
fn is_own(it: &Metadata) -> bool {
    // SAFETY: `geteuid` has no preconditions, and cannot fail.
    it.uid() == unsafe { libc::geteuid() }
}

#[cfg(test)]
mod tests;
