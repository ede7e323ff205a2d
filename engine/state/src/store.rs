//! What a checkpoint lies in: three families of keys in order, and one write that is there whole or not at all.
//!
//! RocksDB ([`crate::rocksdb`]) and memory ([`crate::memory`]) keep these promises, and one set of tests holds both to them. A store
//! knows bytes only: checksums, records and the protocol are the checkpoint's.

use std::path::Path;

use crate::error::StateError;
use epoch::Message;

/// What a family of keys holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Identity, manifest, and the records of the epochs.
    Records,
    /// State blocks.
    Blocks,
    /// Lengths of the state blocks.
    Index,
}

impl Family {
    pub(crate) const ALL: [Family; 3] = [Family::Records, Family::Blocks, Family::Index];

    /// The family's name, on the disk too.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Family::Records => "records",
            Family::Blocks => "blocks",
            Family::Index => "index",
        }
    }
}

/// A key and its value, as stored.
pub(crate) type Entry<'a> = (&'a [u8], &'a [u8]);

/// What an error calls that which was read; only asked for if there is one.
pub(crate) type Place<'a> = &'a dyn Fn() -> String;

/// An open store.
pub(crate) trait Store: Send + Sync {
    /// The checkpoint's folder, or what errors name in its place.
    fn folder(&self) -> &Path;

    /// The value under a key.
    ///
    /// # Errors
    /// `Corrupt` if what is stored is damaged, `Io` if the system refuses.
    fn get(&self, family: Family, key: &[u8], place: Place<'_>) -> Result<Option<Vec<u8>>, StateError>;

    /// The entries from key `from` to before `until`, as they are now: a later write is not seen.
    ///
    /// # Errors
    /// As [`Store::get`].
    fn iterate(&self, family: Family, from: Vec<u8>, until: Vec<u8>) -> Result<Box<dyn Cursor + '_>, StateError>;

    /// Writes a batch. When this returns with `sync`, all of it is as durable as the store can make it.
    ///
    /// # Errors
    /// The system's own words. Whether the batch, or which part of its log, is durable is then unknown.
    fn write(&self, batch: WriteBatch, sync: bool) -> Result<(), Message>;

    /// Brings what is only in memory and log to where the next opening finds it at once.
    ///
    /// # Errors
    /// `Io`: nothing that was synced is lost.
    fn flush(&self) -> Result<(), StateError>;

    /// Frees the space of what was deleted.
    ///
    /// # Errors
    /// As [`Store::flush`].
    fn compact(&self) -> Result<(), StateError>;

    /// Memory that the store takes, bytes.
    fn memory_bytes(&self) -> usize;

    /// Bytes of keys and values at rest, with those deleted that are not yet compacted away; a log is not counted.
    ///
    /// # Errors
    /// `Io`.
    fn file_bytes(&self) -> Result<u64, StateError>;

    /// Bytes on the disk, the log included.
    ///
    /// # Errors
    /// `Io`.
    fn disk_bytes(&self) -> Result<u64, StateError>;
}

/// A place in a range of entries in key order. Each step says what it found or why it could not look, so no caller can take an
/// error for the end of the range.
pub(crate) trait Cursor: Send {
    /// The first entry of the range.
    ///
    /// # Errors
    /// As [`Store::get`].
    fn first(&mut self, place: Place<'_>) -> Result<Option<Entry<'_>>, StateError>;

    /// The last entry of the range.
    ///
    /// # Errors
    /// As [`Store::get`].
    fn last(&mut self, place: Place<'_>) -> Result<Option<Entry<'_>>, StateError>;

    /// The entry after the one found last; nothing once there was none.
    ///
    /// # Errors
    /// As [`Store::get`].
    fn next(&mut self, place: Place<'_>) -> Result<Option<Entry<'_>>, StateError>;
}

/// Changes that are written as one, in this order.
#[derive(Debug, Default)]
pub(crate) struct WriteBatch {
    changes: Vec<Change>,
}

/// A change of one family.
#[derive(Debug)]
pub(crate) enum Change {
    /// A value under a key, new or in the place of another.
    Put { family: Family, key: Vec<u8>, value: Vec<u8> },
    /// The removal of a key, if it is there.
    Delete { family: Family, key: Vec<u8> },
    /// The removal of all keys from `from` to before `until`.
    DeleteRange { family: Family, from: Vec<u8>, until: Vec<u8> },
}

impl WriteBatch {
    /// Adds a value. It is moved, never copied: a commit can hold hundreds of megabytes of blocks.
    pub(crate) fn put(&mut self, family: Family, key: &[u8], value: Vec<u8>) {
        self.changes.push(Change::Put { family, key: key.to_vec(), value });
    }

    /// Adds a deletion.
    pub(crate) fn delete(&mut self, family: Family, key: &[u8]) {
        self.changes.push(Change::Delete { family, key: key.to_vec() });
    }

    /// Adds the deletion of a range.
    pub(crate) fn delete_range(&mut self, family: Family, from: &[u8], until: &[u8]) {
        debug_assert!(from < until, "a range of deleted keys from {from:02x?} until {until:02x?}");
        self.changes.push(Change::DeleteRange { family, from: from.to_vec(), until: until.to_vec() });
    }

    /// The changes, in the order in which they were added.
    pub(crate) fn into_changes(self) -> Vec<Change> {
        self.changes
    }
}

/// A key and its value, owned.
pub(crate) type Stored = (Vec<u8>, Vec<u8>);

/// Entries between two keys, in key order. Ends after the first error.
pub(crate) fn entries<'a>(
    store: &'a dyn Store,
    family: Family,
    from: Vec<u8>,
    until: Vec<u8>,
    place: impl Fn(&[u8]) -> String + 'static,
) -> Result<impl Iterator<Item = Result<Stored, StateError>> + 'a, StateError> {
    let mut cursor = store.iterate(family, from.clone(), until)?;
    // The key of the last entry, and whether there was one: an error is named by what it follows.
    let (mut last, mut begun, mut ended) = (from, false, false);
    Ok(std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let after = || format!("what follows {}", place(&last));
        let found = if begun { cursor.next(&after) } else { cursor.first(&after) };
        match found {
            Ok(Some((key, value))) => {
                let entry = (key.to_vec(), value.to_vec());
                debug_assert!(*key > *last || !begun && key == last, "{key:02x?} follows {last:02x?}");
                last.clone_from(&entry.0);
                begun = true;
                Some(Ok(entry))
            }
            Ok(None) => {
                ended = true;
                None
            }
            Err(error) => {
                ended = true;
                Some(Err(error))
            }
        }
    }))
}

#[cfg(test)]
mod tests;
