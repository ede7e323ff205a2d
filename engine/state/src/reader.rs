//! Reading a checkpoint: what its owner and `engine checkpoint show` both do.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::OnceLock;

use epoch::protocol::NewestRecords;
use epoch::{Commit, EpochId, Plan, paths};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::checksum;
use crate::error::StateError;
use crate::key::{self, BlockKey, OperatorId};
use crate::rocksdb::{Database, Family};

/// A checkpoint that is only read. The owner may go on working; this sees it as it was when it was opened.
pub struct CheckpointReader {
    pub(crate) database: Database,
    pub(crate) identity: Identity,
    /// Why nothing more is answered, once a write has failed.
    pub(crate) poison: OnceLock<String>,
}

/// What a checkpoint says about itself. Written once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Format of the checkpoint, [`checksum::FORMAT`].
    pub(crate) format: u32,
    /// The job it belongs to.
    pub(crate) job: String,
    /// Eight hex digits, made once.
    pub(crate) job_id: String,
}

/// The table versions that an epoch was published as: a hint for people, never read by recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The epoch.
    pub epoch: EpochId,
    /// Version per table.
    pub versions: BTreeMap<String, i64>,
}

/// A key and a value as RocksDB holds them.
type Stored = (Vec<u8>, Vec<u8>);

/// A kind of record, and the first byte of its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Identity = b'i' as isize,
    Manifest = b'm' as isize,
    Plan = b'p' as isize,
    Commit = b'c' as isize,
    Published = b'v' as isize,
}

impl Kind {
    /// Key of the only record of this kind.
    pub(crate) fn key(self) -> Vec<u8> {
        vec![self as u8]
    }

    /// Key of this kind's record of an epoch.
    pub(crate) fn key_of(self, epoch: EpochId) -> Vec<u8> {
        let mut key = self.key();
        key.extend_from_slice(&epoch.0.to_be_bytes());
        key
    }

    /// First key of this kind, and first key after it.
    pub(crate) fn bounds(self) -> (Vec<u8>, Vec<u8>) {
        (vec![self as u8], vec![self as u8 + 1])
    }

    fn place(self, epoch: EpochId) -> String {
        match self {
            Kind::Identity => "the identity".to_string(),
            Kind::Manifest => "the operators' manifest".to_string(),
            Kind::Plan => format!("the plan of epoch {epoch}"),
            Kind::Commit => format!("the commit of epoch {epoch}"),
            Kind::Published => format!("the published versions of epoch {epoch}"),
        }
    }
}

/// The epoch at the end of a record's key.
pub(crate) fn epoch_of(key: &[u8]) -> EpochId {
    let number = key.last_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    EpochId(number)
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
        let database = Database::open_read_only(folder)?;
        let Some(identity) = read_identity(&database)? else {
            let reason = "its making was not finished".to_string();
            return Err(StateError::NotACheckpoint { folder: folder.to_path_buf(), reason });
        };
        Ok(CheckpointReader { database, identity, poison: OnceLock::new() })
    }

    /// Eight hex digits made when the checkpoint was; part of the names of data files.
    pub fn job_id(&self) -> &str {
        &self.identity.job_id
    }

    /// Name of the job that made the checkpoint.
    pub fn job(&self) -> &str {
        &self.identity.job
    }

    /// The newest plan and the newest commit: what `epoch::protocol::recover` concludes from.
    ///
    /// # Errors
    /// `Corrupt`, `Format`, `Io`.
    pub fn newest_records(&self) -> Result<NewestRecords, StateError> {
        Ok(NewestRecords { plan: self.newest(Kind::Plan)?, commit: self.newest(Kind::Commit)? })
    }

    /// The plans stored for these epochs, oldest first.
    ///
    /// # Errors
    /// Of opening; each item carries its own.
    pub fn plans(
        &self,
        epochs: RangeInclusive<EpochId>,
    ) -> Result<impl Iterator<Item = Result<Plan, StateError>> + '_, StateError> {
        self.records(Kind::Plan, epochs)
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
        let stored = self.database.get(Family::Records, &key, place)?;
        stored.map(|stored| checksum::strip_checksum(&key, stored, place)).transpose()
    }

    /// The blocks of one bucket with their keys, in key order. One block is in memory at a time.
    ///
    /// # Errors
    /// Of opening; each item carries its own.
    pub fn blocks(
        &self,
        operator: OperatorId,
        bucket: i64,
    ) -> Result<impl Iterator<Item = Result<(BlockKey, Vec<u8>), StateError>> + '_, StateError> {
        let (from, until) = key::bucket_bounds(operator, bucket);
        self.checked(Family::Blocks, from, until)
    }

    /// One block; `None` if there is none under that key.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn read_block(&self, at: &BlockKey) -> Result<Option<Vec<u8>>, StateError> {
        self.usable()?;
        let key = at.to_bytes();
        let place = || format!("the block of {at}");
        let stored = self.database.get(Family::Blocks, &key, place)?;
        stored.map(|stored| checksum::strip_checksum(&key, stored, place)).transpose()
    }

    /// All blocks of an operator with their lengths in bytes, in key order. Reads no block.
    ///
    /// # Errors
    /// Of opening; each item carries its own.
    pub fn bucket_index(
        &self,
        operator: OperatorId,
    ) -> Result<impl Iterator<Item = Result<(BlockKey, u64), StateError>> + '_, StateError> {
        let (from, until) = key::operator_bounds(operator);
        self.lengths(from, until)
    }

    /// Bytes of state that an operator keeps, before compression.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn state_bytes(&self, operator: OperatorId) -> Result<u64, StateError> {
        self.bucket_index(operator)?.map(|entry| entry.map(|(_, bytes)| bytes)).sum()
    }

    /// Bytes that the checkpoint takes on the disk, the log included.
    ///
    /// # Errors
    /// `Io`.
    pub fn disk_bytes(&self) -> Result<u64, StateError> {
        let folder = self.database.folder().join(paths::DATABASE);
        let failed =
            |error: std::io::Error| StateError::Io { action: "list", place: folder.clone(), detail: error.to_string() };
        let mut bytes = 0;
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            // A file that compaction has just removed takes no space.
            bytes += entry.map_err(failed)?.metadata().map_or(0, |data| data.len());
        }
        Ok(bytes)
    }

    /// Bytes of RocksDB's table files, wherever they lie; the log is not counted.
    ///
    /// # Errors
    /// `Io`.
    pub fn file_bytes(&self) -> Result<u64, StateError> {
        self.database.file_bytes()
    }

    /// Memory that caches and write buffers take, bytes.
    pub fn memory_bytes(&self) -> usize {
        self.database.memory_bytes()
    }

    /// Refuses every answer once a write has failed.
    pub(crate) fn usable(&self) -> Result<(), StateError> {
        match self.poison.get() {
            None => Ok(()),
            Some(cause) => {
                Err(StateError::Poisoned { folder: self.database.folder().to_path_buf(), cause: cause.clone() })
            }
        }
    }

    /// Verified values of a family between two keys, in key order.
    pub(crate) fn checked(
        &self,
        family: Family,
        from: Vec<u8>,
        until: Vec<u8>,
    ) -> Result<impl Iterator<Item = Result<(BlockKey, Vec<u8>), StateError>> + '_, StateError> {
        let entries = self.entries(family, from, until, key_place)?;
        Ok(entries.map(|entry| {
            let (key, stored) = entry?;
            let at = BlockKey::from_bytes(&key).ok_or_else(|| StateError::Corrupt {
                place: key_place(&key),
                detail: format!("a key of {} bytes", key.len()),
            })?;
            Ok((at, checksum::strip_checksum(&key, stored, || format!("the block of {at}"))?))
        }))
    }

    /// Index entries between two keys, in key order.
    pub(crate) fn lengths(
        &self,
        from: Vec<u8>,
        until: Vec<u8>,
    ) -> Result<impl Iterator<Item = Result<(BlockKey, u64), StateError>> + '_, StateError> {
        let entries = self.checked(Family::Index, from, until)?;
        Ok(entries.map(|entry| {
            let (at, value) = entry?;
            let bytes = <[u8; 8]>::try_from(value.as_slice()).map_err(|_| StateError::Corrupt {
                place: format!("the index entry of {at}"),
                detail: format!("{} bytes long", value.len()),
            })?;
            Ok((at, u64::from_le_bytes(bytes)))
        }))
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

    /// The newest record of one kind.
    fn newest<T: DeserializeOwned>(&self, kind: Kind) -> Result<Option<T>, StateError> {
        self.usable()?;
        let (from, until) = kind.bounds();
        let mut rows = self.database.iterate(Family::Records, from, until)?;
        rows.seek_to_last();
        rows.status().map_err(|error| self.database.read_failed("the newest records", &error))?;
        rows.item().map(|(key, stored)| decode(kind, key, stored)).transpose()
    }

    /// The stored record of one kind and epoch.
    pub(crate) fn record<T: DeserializeOwned>(&self, kind: Kind, epoch: EpochId) -> Result<Option<T>, StateError> {
        let key = kind.key_of(epoch);
        let stored = self.database.get(Family::Records, &key, || kind.place(epoch))?;
        stored.map(|stored| decode(kind, &key, &stored)).transpose()
    }

    /// Stored keys and values between two keys, in key order. Ends after the first error.
    fn entries(
        &self,
        family: Family,
        from: Vec<u8>,
        until: Vec<u8>,
        place: impl Fn(&[u8]) -> String + 'static,
    ) -> Result<impl Iterator<Item = Result<Stored, StateError>> + '_, StateError> {
        self.usable()?;
        let mut last = from.clone();
        let mut rows = self.database.iterate(family, from, until)?;
        rows.seek_to_first();
        let mut done = false;
        Ok(std::iter::from_fn(move || {
            if done {
                return None;
            }
            let Some((key, value)) = rows.item() else {
                done = true;
                let error = rows.status().err()?;
                return Some(Err(self.database.read_failed(&format!("what follows {}", place(&last)), &error)));
            };
            let entry = (key.to_vec(), value.to_vec());
            last.clone_from(&entry.0);
            rows.next();
            Some(Ok(entry))
        }))
    }
}

/// What the checkpoint says about itself; `None` if it was never written.
pub(crate) fn read_identity(database: &Database) -> Result<Option<Identity>, StateError> {
    let key = Kind::Identity.key();
    let place = || format!("the identity of checkpoint {}", database.folder().display());
    let Some(stored) = database.get(Family::Records, &key, place)? else { return Ok(None) };
    let identity: Identity = parse(checksum::verify_checksum(&key, &stored, place)?, place)?;
    if identity.format > u32::from(checksum::FORMAT) {
        return Err(StateError::Format {
            place: place(),
            found: identity.format,
            supported: u32::from(checksum::FORMAT),
        });
    }
    Ok(Some(identity))
}

/// A record from its stored bytes.
fn decode<T: DeserializeOwned>(kind: Kind, key: &[u8], stored: &[u8]) -> Result<T, StateError> {
    let place = || kind.place(epoch_of(key));
    let bytes = checksum::verify_checksum(key, stored, place)?;
    let found = match kind {
        Kind::Plan => parse::<Head>(bytes, place)?.format,
        Kind::Commit => parse::<CommitHead>(bytes, place)?.plan.format,
        Kind::Identity | Kind::Manifest | Kind::Published => 0,
    };
    if found > epoch::record::FORMAT {
        return Err(StateError::Format { place: place(), found, supported: epoch::record::FORMAT });
    }
    parse(bytes, place)
}

/// The part of a plan that every format has.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

/// The part of a commit that every format has.
#[derive(Deserialize)]
struct CommitHead {
    plan: Head,
}

fn parse<T: DeserializeOwned>(bytes: &[u8], place: impl Fn() -> String) -> Result<T, StateError> {
    serde_json::from_slice(bytes).map_err(|error| StateError::Corrupt { place: place(), detail: error.to_string() })
}

fn key_place(key: &[u8]) -> String {
    match BlockKey::from_bytes(key) {
        Some(at) => format!("the block of {at}"),
        None => format!("key {key:02x?}"),
    }
}

#[cfg(test)]
mod tests;
