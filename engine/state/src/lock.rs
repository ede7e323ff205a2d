//! One owner at a time: the locked file that names who runs on a checkpoint.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::UNIX_EPOCH;

use epoch::{Message, paths};

use crate::error::StateError;

/// The right to write to a checkpoint. It ends with the process, however that ends: the lock is the kernel's.
#[derive(Debug)]
pub struct FolderLock {
    /// Holds the lock for as long as it is open.
    file: File,
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // A child process that another thread has just forked holds a copy of the file until it runs its own program;
        // closing ours would leave the lock to that copy for a moment. If this fails, closing still frees it then.
        let _ = self.file.unlock();
    }
}

impl FolderLock {
    /// Locks the checkpoint for this process and writes down who it is.
    ///
    /// # Errors
    /// `Owned` with host and process if another engine holds it; `Io` if the file cannot be made or written.
    pub fn lock(folder: &Path, job: &str) -> Result<FolderLock, StateError> {
        let path = folder.join(paths::OWNER);
        let failed = |action| {
            move |error: std::io::Error| StateError::Io {
                action,
                place: folder.join(paths::OWNER),
                detail: Message::caused_by(error.to_string(), &error),
            }
        };
        // Not truncated: until the lock is ours, the text is another's.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(owned(folder, &mut file)),
            Err(TryLockError::Error(error)) => return Err(failed("lock")(error)),
        }
        write_note(&mut file, job).map_err(failed("write"))?;
        Ok(FolderLock { file })
    }
}

/// The refusal, with what the owner wrote about itself.
fn owned(folder: &Path, file: &mut File) -> StateError {
    let mut text = String::new();
    // An unreadable note does not make the checkpoint free: the refusal stands, with what could be read.
    let _ = file.read_to_string(&mut text);
    let mut words = text.split_whitespace();
    let host = words.next().unwrap_or("unknown").to_string();
    let pid = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    StateError::Owned { folder: folder.to_path_buf(), host, pid }
}

/// The machine's name: one word, for people.
fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .and_then(|name| name.split_whitespace().next().map(str::to_string))
        .unwrap_or_else(|| "unknown".to_string())
}

/// Writes down who holds the lock, since when, and for which job.
///
/// The new text is laid over the old one before the file is cut, so that a reader never finds it empty. The time is the
/// one at which the file system took the first words; it is for people, and nothing is decided by it.
fn write_note(file: &mut File, job: &str) -> std::io::Result<()> {
    let owner = format!("{} {} ", host_name(), std::process::id());
    file.seek(SeekFrom::Start(0))?;
    file.write_all(owner.as_bytes())?;
    let written = file.metadata()?.modified()?;
    let started_ms = written.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let rest = format!("{started_ms} {job}\n");
    file.write_all(rest.as_bytes())?;
    file.set_len((owner.len() + rest.len()) as u64)
}

#[cfg(test)]
mod tests;
