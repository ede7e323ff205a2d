//! What publishing an epoch takes, written to a local disk while the epoch's commit is being made durable.
//!
//! The disk is waited for once for each file that must be there before the next step: the entry of a table's log must be whole before it
//! gets its name, its name be durable before the pointer says so. But its bytes, and those of the pointer, are known as soon as the commit
//! is: they are written aside, where nobody looks, beside the commit, and a put gives them their names afterwards. So an epoch waits for its
//! staged files, for the commit, for the entries' names and for the pointer's, and not for the bytes of the last two besides.
//!
//! Nothing depends on it: an entry or a pointer that turns out otherwise, and one whose bytes could not be written, is put as ever.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use object_store::{PutMode, PutOptions};
use storage::{Aside, clear_asides};
use tokio::task::JoinHandle;

use crate::record::Record;

/// Bytes that are being written aside.
pub(crate) struct Ahead {
    pub(crate) bytes: Bytes,
    written: JoinHandle<std::io::Result<Aside>>,
}

impl Ahead {
    /// Begins to write on a thread that may wait. `is_first`: the folder is cleared before of what processes that died have left.
    pub(crate) fn begin(name: PathBuf, bytes: Bytes, is_first: bool) -> Ahead {
        let theirs = bytes.clone();
        let write = move || {
            name.parent().filter(|_| is_first).map_or(Ok(()), |folder: &Path| clear_asides(folder))?;
            Aside::write(&name, theirs)
        };
        Ahead { bytes, written: tokio::task::spawn_blocking(write) }
    }

    /// What was written, once it is on the device.
    pub(crate) async fn written(self) -> Option<Aside> {
        match self.written.await {
            Ok(Ok(aside)) => Some(aside),
            Ok(Err(error)) => {
                tracing::debug!(%error, "nothing lies aside; it is written when it is put");
                None
            }
            // The runtime ends.
            Err(_) => None,
        }
    }
}

/// A put that takes what lies aside.
pub(crate) fn put_options(mode: PutMode, aside: Option<Aside>) -> PutOptions {
    let mut options = PutOptions::from(mode);
    if let Some(aside) = aside {
        options.extensions.insert(aside);
    }
    options
}

/// The next entry of a table's log, as far as it is written.
#[derive(Default)]
pub(crate) struct NextEntry {
    begun: Mutex<Option<(Record, i64, Ahead)>>,
    is_cleared: AtomicBool,
}

impl NextEntry {
    /// Lets go of what was begun before, and keeps this.
    pub(crate) fn set(&self, entry: Option<(Record, i64, Ahead)>) {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = entry;
    }

    /// True once: for the first entry that is begun.
    pub(crate) fn is_first(&self) -> bool {
        !self.is_cleared.swap(true, Ordering::Relaxed)
    }

    /// The entry that a record makes behind a version, if it is the one that was begun.
    pub(crate) async fn take(&self, record: &Record, after: i64) -> Option<(Bytes, Option<Aside>)> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (_, _, ahead) = begun.filter(|(of, version, _)| of == record && *version == after)?;
        let bytes = ahead.bytes.clone();
        Some((bytes, ahead.written().await))
    }
}
