//! Reading a checkpoint: what its owner and `engine checkpoint show` both do.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::OnceLock;

use epoch::{Commit, DataGap, EpochId, Message, Owner, paths};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::checksum;
use crate::error::StateError;
use crate::identity::{Identity, read_identity};
use crate::key_groups::KeyPartitioning;
use crate::record::{Kind, decode, epoch_of};
use crate::rocksdb::RocksStore;
use crate::store::{self, Family, Store, Stored};

/// A checkpoint that is only read. The owner may go on working; this sees it as it was when it was opened.
pub struct CheckpointReader {
    pub(crate) store: Box<dyn Store>,
    pub(crate) identity: Identity,
    /// Why nothing more is answered, once a write has failed.
    pub(crate) poison: OnceLock<Message>,
}

/// The table versions that an epoch was published as: a hint for people, never read by recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The epoch.
    pub epoch: EpochId,
    /// Version per table.
    pub versions: BTreeMap<String, i64>,
}

/// Records that a run found to be lost and stopped for, by source.
pub type Losses = BTreeMap<String, Vec<DataGap>>;

/// An epoch that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The epoch.
    pub epoch: EpochId,
    /// Records that it was to read, an upper bound; `None` if its size is not at fault.
    pub records: Option<u64>,
    /// Attempts at this epoch in a row.
    #[serde(default)]
    pub tries: u32,
}

impl CheckpointReader {
    /// Opens a checkpoint without taking it from its owner.
    ///
    /// # Errors
    /// `NotACheckpoint` if there is none in the folder, otherwise what is wrong with it.
    pub(crate) fn open(folder: &Path) -> Result<CheckpointReader, StateError> {
        if !folder.join(paths::DATABASE).is_dir() {
            let reason = "no checkpoint was made there".to_string();
            return Err(StateError::NotACheckpoint { folder: folder.to_path_buf(), reason });
        }
        let store = RocksStore::open_read_only(folder)?;
        let Some(identity) = read_identity(&store)? else {
            let reason = "its making was not finished".to_string();
            return Err(StateError::NotACheckpoint { folder: folder.to_path_buf(), reason });
        };
        Ok(CheckpointReader { store: Box::new(store), identity, poison: OnceLock::new() })
    }

    /// Eight hex digits made when the checkpoint was; part of the names of data files.
    pub fn job_id(&self) -> &str {
        &self.identity.job_id
    }

    /// Name of the job that made the checkpoint.
    pub fn job(&self) -> &str {
        &self.identity.job
    }

    /// How keys are spread over blocks, tasks and buckets of tables.
    pub fn key_partitioning(&self) -> KeyPartitioning {
        self.identity.key_partitioning()
    }

    /// True if its rows have the types that queries had before they had Spark's.
    pub fn has_types_of_before(&self) -> bool {
        self.identity.types.is_none()
    }

    /// The newest commit: what a restart goes on from.
    ///
    /// # Errors
    /// `Corrupt`, `Format`, `Io`.
    pub fn newest_commit(&self) -> Result<Option<Commit>, StateError> {
        self.newest(Kind::Commit)
    }

    /// The commit of one epoch, if it is on record.
    ///
    /// # Errors
    /// `Corrupt`, `Format`, `Io`.
    pub fn commit_of(&self, epoch: EpochId) -> Result<Option<Commit>, StateError> {
        self.record(Kind::Commit, epoch)
    }

    /// Who claimed the checkpoint last; nobody if an engine without terms made it.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn owner(&self) -> Result<Owner, StateError> {
        Ok(self.only(Kind::Term)?.unwrap_or_default())
    }

    /// The attempt at an epoch that was begun and not committed, if there is one.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn attempt(&self) -> Result<Option<Attempt>, StateError> {
        self.only(Kind::Attempt)
    }

    /// What the run before found to be lost, and stopped for.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn losses(&self) -> Result<Losses, StateError> {
        Ok(self.only(Kind::Losses)?.unwrap_or_default())
    }

    /// The commits stored for these epochs, oldest first.
    ///
    /// # Errors
    /// Of opening; each item carries its own.
    pub fn commits(
        &self,
        epochs: RangeInclusive<EpochId>,
    ) -> Result<impl Iterator<Item = Result<Commit, StateError>> + '_, StateError> {
        self.records(Kind::Commit, epochs)
    }

    /// The newest published versions. A hint: it may be behind what was published.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn published(&self) -> Result<Option<Published>, StateError> {
        self.newest(Kind::Published)
    }

    /// What the operators wrote about the query that the state belongs to.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn manifest(&self) -> Result<Option<Vec<u8>>, StateError> {
        self.usable()?;
        let place = || Kind::Manifest.place(EpochId(0));
        let key = Kind::Manifest.key();
        let stored = self.store.get(Family::Records, &key, &place)?;
        stored.map(|stored| checksum::strip_checksum(&key, stored, place)).transpose()
    }

    /// Bytes that the checkpoint takes on the disk, the log included.
    ///
    /// # Errors
    /// `Io`.
    pub fn disk_bytes(&self) -> Result<u64, StateError> {
        self.store.disk_bytes()
    }

    /// Bytes of RocksDB's table files, or of what is held in memory; the log is not counted.
    ///
    /// # Errors
    /// `Io`.
    pub fn file_bytes(&self) -> Result<u64, StateError> {
        self.store.file_bytes()
    }

    /// Memory that the checkpoint takes, bytes: caches and write buffers, or all of it.
    pub fn memory_bytes(&self) -> usize {
        self.store.memory_bytes()
    }

    /// Refuses every answer once a write has failed.
    pub(crate) fn usable(&self) -> Result<(), StateError> {
        match self.poison.get() {
            None => Ok(()),
            Some(cause) => {
                Err(StateError::Poisoned { folder: self.store.folder().to_path_buf(), cause: cause.clone() })
            }
        }
    }

    /// Entries of a family between two keys, in key order. Ends after the first error.
    pub(crate) fn entries(
        &self,
        family: Family,
        from: Vec<u8>,
        until: Vec<u8>,
        place: impl Fn(&[u8]) -> String + 'static,
    ) -> Result<impl Iterator<Item = Result<Stored, StateError>> + '_, StateError> {
        self.usable()?;
        store::entries(self.store.as_ref(), family, from, until, place)
    }

    /// Records of one kind, oldest first.
    pub(crate) fn records<T: DeserializeOwned + 'static>(
        &self,
        kind: Kind,
        epochs: RangeInclusive<EpochId>,
    ) -> Result<impl Iterator<Item = Result<T, StateError>> + '_, StateError> {
        let from = kind.key_of(*epochs.start());
        let until = epochs.end().0.checked_add(1).map_or_else(|| kind.bounds().1, |next| kind.key_of(EpochId(next)));
        let entries = self.entries(Family::Records, from, until, move |key| kind.place(epoch_of(key)))?;
        Ok(entries.map(move |entry| {
            let (key, stored) = entry?;
            decode(kind, &key, &stored)
        }))
    }

    /// The only record of a kind, if it is there.
    fn only<T: DeserializeOwned>(&self, kind: Kind) -> Result<Option<T>, StateError> {
        self.usable()?;
        let key = kind.key();
        let stored = self.store.get(Family::Records, &key, &|| kind.place(EpochId(0)))?;
        stored.map(|stored| decode(kind, &key, &stored)).transpose()
    }

    /// The newest record of one kind.
    pub(crate) fn newest<T: DeserializeOwned>(&self, kind: Kind) -> Result<Option<T>, StateError> {
        self.usable()?;
        let (from, until) = kind.bounds();
        let mut records = self.store.iterate(Family::Records, from, until)?;
        let newest = records.last(&|| "the newest records".to_string())?;
        newest.map(|(key, stored)| decode(kind, key, stored)).transpose()
    }

    /// The stored record of one kind and epoch.
    pub(crate) fn record<T: DeserializeOwned>(&self, kind: Kind, epoch: EpochId) -> Result<Option<T>, StateError> {
        let key = kind.key_of(epoch);
        let stored = self.store.get(Family::Records, &key, &|| kind.place(epoch))?;
        stored.map(|stored| decode(kind, &key, &stored)).transpose()
    }
}

#[cfg(test)]
mod tests;
