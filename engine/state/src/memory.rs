//! Memory as the checkpoint uses it: an ordered map a family, for tests of jobs and for random jobs by the thousand.
//!
//! It is not RocksDB over files in memory, though that exists: opening RocksDB makes a log, a manifest and threads, which takes longer
//! than a whole small job, and nobody looks at those files. Maps open in no time, and one set of tests holds both stores to the same
//! promises. What only a disk can do is not played here: a write that was not synced is never lost, and nothing is damaged.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use crate::error::StateError;
use crate::store::{Change, Cursor, Entry, Family, Place, Store, WriteBatch};
use epoch::Message;

/// The folder that errors name.
const FOLDER: &str = "memory";

/// Where a checkpoint in memory lies. It outlives the [`Checkpoint`](crate::Checkpoint), so that a job can be ended and begun again
/// within a process; with the last clone everything in it is gone. A clone is the same store.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    content: Arc<Content>,
}

#[derive(Debug, Default)]
struct Content {
    families: RwLock<[Arc<Entries>; Family::ALL.len()]>,
    /// True while a checkpoint has it. Memory needs no lock against other processes, but two owners in this one are as wrong as
    /// two on a disk.
    is_open: AtomicBool,
}

/// The entries of a family. The map is behind an [`Arc`] so that a cursor keeps what it began with: a write that comes while one
/// is at work changes a copy of the map, in which the values are still the same ones.
type Entries = BTreeMap<Vec<u8>, Arc<Vec<u8>>>;

impl MemoryStore {
    /// An empty one.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// Opens the store for its one owner; dropping what is returned closes it.
    ///
    /// # Errors
    /// `Io` if it is open already.
    pub(crate) fn open(&self) -> Result<OpenMemory, StateError> {
        if self.content.is_open.swap(true, Ordering::AcqRel) {
            let detail = "it is open already".into();
            return Err(StateError::Io { action: "open the checkpoint in", place: FOLDER.into(), detail });
        }
        Ok(OpenMemory { content: Arc::clone(&self.content) })
    }
}

/// An open store in memory.
#[derive(Debug)]
pub(crate) struct OpenMemory {
    content: Arc<Content>,
}

impl Drop for OpenMemory {
    fn drop(&mut self) {
        self.content.is_open.store(false, Ordering::Release);
    }
}

impl OpenMemory {
    fn families(&self) -> RwLockReadGuard<'_, [Arc<Entries>; Family::ALL.len()]> {
        self.content.families.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn entries(&self, family: Family) -> Arc<Entries> {
        Arc::clone(&self.families()[family as usize])
    }
}

impl Store for OpenMemory {
    fn folder(&self) -> &Path {
        Path::new(FOLDER)
    }

    fn get(&self, family: Family, key: &[u8], _place: Place<'_>) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.families()[family as usize].get(key).map(|value| value.to_vec()))
    }

    fn iterate(&self, family: Family, from: Vec<u8>, until: Vec<u8>) -> Result<Box<dyn Cursor + '_>, StateError> {
        Ok(Box::new(MemoryCursor { entries: self.entries(family), from, until, at: None }))
    }

    fn write(&self, batch: WriteBatch, _sync: bool) -> Result<(), Message> {
        // One lock for all of it: a reader sees the batch whole or not at all.
        let mut families = self.content.families.write().unwrap_or_else(PoisonError::into_inner);
        for change in batch.into_changes() {
            match change {
                Change::Put { family, key, value } => {
                    Arc::make_mut(&mut families[family as usize]).insert(key, Arc::new(value));
                }
                Change::Delete { family, key } => {
                    Arc::make_mut(&mut families[family as usize]).remove(&key);
                }
                Change::DeleteRange { family, from, until } => {
                    let entries = Arc::make_mut(&mut families[family as usize]);
                    let gone: Vec<Vec<u8>> = range(entries, &from, &until).map(|(key, _)| key.clone()).collect();
                    gone.iter().for_each(|key| drop(entries.remove(key)));
                }
            }
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), StateError> {
        Ok(())
    }

    fn compact(&self) -> Result<(), StateError> {
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        let families = self.families();
        families.iter().flat_map(|entries| entries.iter()).map(|(key, value)| key.len() + value.len()).sum()
    }

    fn file_bytes(&self) -> Result<u64, StateError> {
        Ok(self.memory_bytes() as u64)
    }

    fn disk_bytes(&self) -> Result<u64, StateError> {
        Ok(0)
    }
}

/// The entries from a key to before another; none if the two are the wrong way round, as in RocksDB.
fn range<'a>(
    entries: &'a Entries,
    from: &[u8],
    until: &[u8],
) -> impl DoubleEndedIterator<Item = (&'a Vec<u8>, &'a Arc<Vec<u8>>)> {
    let until = until.max(from);
    entries.range::<[u8], _>((Bound::Included(from), Bound::Excluded(until)))
}

/// A place among the entries that a family had when the cursor was made.
struct MemoryCursor {
    entries: Arc<Entries>,
    from: Vec<u8>,
    until: Vec<u8>,
    at: Option<(Vec<u8>, Arc<Vec<u8>>)>,
}

impl MemoryCursor {
    fn entry(&self) -> Option<Entry<'_>> {
        self.at.as_ref().map(|(key, value)| (key.as_slice(), value.as_slice()))
    }
}

fn owned((key, value): (&Vec<u8>, &Arc<Vec<u8>>)) -> (Vec<u8>, Arc<Vec<u8>>) {
    (key.clone(), Arc::clone(value))
}

impl Cursor for MemoryCursor {
    fn first(&mut self, _place: Place<'_>) -> Result<Option<Entry<'_>>, StateError> {
        self.at = range(&self.entries, &self.from, &self.until).next().map(owned);
        Ok(self.entry())
    }

    fn last(&mut self, _place: Place<'_>) -> Result<Option<Entry<'_>>, StateError> {
        self.at = range(&self.entries, &self.from, &self.until).next_back().map(owned);
        Ok(self.entry())
    }

    fn next(&mut self, _place: Place<'_>) -> Result<Option<Entry<'_>>, StateError> {
        let Some((key, _)) = self.at.take() else { return Ok(None) };
        let after = (Bound::Excluded(key.as_slice()), Bound::Excluded(self.until.as_slice()));
        self.at = self.entries.range::<[u8], _>(after).next().map(owned);
        Ok(self.entry())
    }
}

#[cfg(test)]
mod tests;
