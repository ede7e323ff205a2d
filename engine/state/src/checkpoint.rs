//! The checkpoint as its owner writes it: plan, commit, retire. Every write is checked against the protocol first.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use epoch::protocol::NewestRecords;
use epoch::{Commit, EpochId, Permit, Plan};

use crate::blocks::put_block;
use crate::changes::{StateChanges, put_changes};
use crate::error::StateError;
use crate::folder::make_folder;
use crate::identity::{read_identity, write_identity};
use crate::key::BlockKey;
use crate::memory::MemoryStore;
use crate::owner::Owner;
use crate::reader::{CheckpointReader, Published};
use crate::record::{Kind, epoch_of, put_record};
use crate::rocksdb::RocksStore;
use crate::store::{Family, Store, WriteBatch};

/// One open checkpoint, held by this process alone. Everything a [`CheckpointReader`] reads, it reads too.
pub struct Checkpoint {
    reader: CheckpointReader,
    /// Plan, commit and retire follow each other, whoever calls them.
    writing: Mutex<()>,
    /// Records of epochs before this one are known to be gone.
    retired: AtomicU64,
    /// Declared last: the folder is unlocked after the store is closed. `None` in memory, which no other process can reach.
    _owner: Option<Owner>,
}

/// Epochs whose records are removed one by one; of more the range of their keys is. Every range that is deleted makes the next read
/// sort all of those that are not merged away yet, and a job retires an epoch with each commit; a range is for the few times that
/// thousands are removed at once.
const RETIRED_ONE_BY_ONE: u64 = 256;

/// How a checkpoint is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointSettings {
    /// Memory for caches and write buffers together, bytes.
    pub memory_bytes: usize,
}

impl Default for CheckpointSettings {
    fn default() -> Self {
        CheckpointSettings { memory_bytes: 256 << 20 }
    }
}

impl Deref for Checkpoint {
    type Target = CheckpointReader;

    fn deref(&self) -> &CheckpointReader {
        &self.reader
    }
}

impl Checkpoint {
    /// Opens the checkpoint of a job, or makes it if the folder is new or empty, and holds it until dropped.
    ///
    /// # Errors
    /// `Owned` with the owner's host and process if another engine holds it; `NotACheckpoint` if other things lie in
    /// the folder; `Mismatch` if it belongs to another job; `Format` if a newer engine made it; `Corrupt`; `Io`.
    pub fn open(folder: &Path, job: &str, settings: &CheckpointSettings) -> Result<Checkpoint, StateError> {
        make_folder(folder)?;
        let owner = Owner::lock(folder, job)?;
        let store = RocksStore::open(folder, settings.memory_bytes)?;
        Checkpoint::of(Box::new(store), job, Some(owner))
    }

    /// Opens the checkpoint of a job in memory, or makes it. All other calls are the same as with a disk; only what a
    /// write waits for is not there.
    ///
    /// # Errors
    /// As [`Checkpoint::open`]; `Io` if it is open already.
    pub fn open_in_memory(memory: &MemoryStore, job: &str) -> Result<Checkpoint, StateError> {
        Checkpoint::of(Box::new(memory.open()?), job, None)
    }

    /// The checkpoint of a job in a store, new or not.
    pub(crate) fn of(store: Box<dyn Store>, job: &str, owner: Option<Owner>) -> Result<Checkpoint, StateError> {
        let identity = match read_identity(store.as_ref())? {
            Some(identity) => identity,
            None => {
                // The id keeps two checkpoints of a job from writing data files of the same name into one warehouse. In
                // memory each has a warehouse of its own, and names that repeat from run to run can be compared.
                let number = match owner {
                    Some(_) => RandomState::new().hash_one(job),
                    None => xxhash_rust::xxh3::xxh3_64(job.as_bytes()),
                };
                write_identity(store.as_ref(), job, number)?
            }
        };
        if identity.job != job {
            return Err(StateError::Mismatch {
                folder: store.folder().to_path_buf(),
                found: identity.job,
                expected: job.to_string(),
            });
        }
        let reader = CheckpointReader { store, identity, poison: OnceLock::new() };
        Ok(Checkpoint { reader, writing: Mutex::new(()), retired: AtomicU64::new(0), _owner: owner })
    }

    /// Opens a checkpoint to look at, beside its owner if there is one. Shows it as it is now.
    ///
    /// # Errors
    /// `NotACheckpoint`, `Format`, `Corrupt`, `Io`.
    pub fn open_read_only(folder: &Path) -> Result<CheckpointReader, StateError> {
        CheckpointReader::open(folder)
    }

    /// Stores the plan of the next epoch. It is on the device when this returns.
    ///
    /// Storing the same plan again is allowed and changes nothing: a restart runs it again.
    ///
    /// # Errors
    /// `Protocol` if the plan is not of the next epoch, does not join the last commit, or differs from one stored for
    /// the same epoch; `Io` if it could not be written, after which the checkpoint takes nothing more.
    pub fn write_plan(&self, plan: &Plan) -> Result<(), StateError> {
        self.write_plan_with(plan, Vec::new())
    }

    /// Stores the plan of the next epoch and, in the same write, blocks that running it needs: copies of static tables
    /// ([`OperatorId::of_static`](crate::OperatorId::of_static)), each under the plan's epoch.
    ///
    /// # Errors
    /// As [`write_plan`](Self::write_plan); `Protocol` for a block of another epoch.
    pub fn write_plan_with(&self, plan: &Plan, copies: Vec<(BlockKey, Vec<u8>)>) -> Result<(), StateError> {
        let _writing = self.begin()?;
        let mut newest = self.newest_records()?;
        if newest.plan.as_ref().is_some_and(|stored| stored == plan) && !committed(&newest, plan.epoch) {
            return Ok(());
        }
        check_next(&newest, plan.epoch)?;
        if let Some(stored) = newest.plan.take().filter(|stored| stored.epoch == plan.epoch) {
            return Err(StateError::Protocol(format!("epoch {} was planned otherwise before", stored.epoch)));
        }
        if let Some(commit) = &newest.commit {
            plan.joins(&commit.plan).map_err(|what| StateError::Protocol(format!("offsets do not join: {what}")))?;
        }
        let mut batch = WriteBatch::default();
        for (at, block) in copies {
            if at.epoch != plan.epoch {
                let what = format!("the plan of epoch {} is to bring the block of {at}", plan.epoch);
                return Err(StateError::Protocol(what));
            }
            put_block(&mut batch, &at, block);
        }
        put_record(&mut batch, Kind::Plan, plan.epoch, plan)?;
        self.write(batch, true, "write the plan to")
    }

    /// The commit point of the protocol: state changes and epoch record in one synced write, all or nothing.
    ///
    /// # Errors
    /// `Protocol` if the commit does not follow the last one or was not made from the stored plan. `Io` if the system
    /// refused (disk full, for one): whether the epoch happened is then unknown, so the checkpoint takes nothing more
    /// until it is opened again and says.
    pub fn commit(&self, commit: &Commit, changes: StateChanges) -> Result<Permit, StateError> {
        let _writing = self.begin()?;
        let epoch = commit.plan.epoch;
        check_next(&self.newest_records()?, epoch)?;
        assert!(epoch.0 >= self.retired.load(Ordering::Relaxed), "epoch {epoch} is committed after it was retired");
        let stored: Option<Plan> = self.reader.record(Kind::Plan, epoch)?;
        if stored.as_ref() != Some(&commit.plan) {
            let what = if stored.is_some() { "from another plan than the one stored" } else { "without a stored plan" };
            return Err(StateError::Protocol(format!("epoch {epoch} is to be committed {what}")));
        }
        let mut batch = WriteBatch::default();
        put_changes(&mut batch, epoch, changes)?;
        put_record(&mut batch, Kind::Commit, epoch, commit)?;
        self.write(batch, true, "commit to")?;
        Ok(Permit::for_durable(commit.clone()))
    }

    /// Notes which table versions an epoch was published as. Not synced: a hint for `show`, not for recovery.
    ///
    /// # Errors
    /// `Io`, after which the checkpoint takes nothing more.
    pub fn set_published(&self, epoch: EpochId, versions: &BTreeMap<String, i64>) -> Result<(), StateError> {
        let _writing = self.begin()?;
        let mut batch = WriteBatch::default();
        put_record(&mut batch, Kind::Published, epoch, &Published { epoch, versions: versions.clone() })?;
        self.write(batch, false, "note the published versions in")
    }

    /// Removes the records of all but the newest `keep` committed epochs, never those of the newest two. Not synced: a
    /// removal that is lost is done again.
    ///
    /// # Errors
    /// `Io`, after which the checkpoint takes nothing more.
    pub fn retire(&self, keep: u64) -> Result<(), StateError> {
        let _writing = self.begin()?;
        let Some(newest) = self.newest_records()?.commit.map(|commit| commit.plan.epoch) else { return Ok(()) };
        // Two at least: a restart begins from the newest commit, and publishing, which follows, may still be at the one before.
        let oldest_kept = EpochId((newest.0 + 1).saturating_sub(keep.max(2)));
        let gone = EpochId(self.retired.load(Ordering::Relaxed));
        let Some(oldest) = self.oldest_plan(gone, oldest_kept)? else { return Ok(()) };
        debug_assert!(
            gone <= oldest && oldest < oldest_kept,
            "epoch {oldest} is retired again: {gone} to {oldest_kept}"
        );
        assert!(
            oldest_kept < newest,
            "retiring all before epoch {oldest_kept} leaves fewer than the newest two of {newest}"
        );
        let mut batch = WriteBatch::default();
        for kind in [Kind::Plan, Kind::Commit, Kind::Published] {
            match oldest_kept.0 - oldest.0 {
                0..=RETIRED_ONE_BY_ONE => {
                    (oldest.0..oldest_kept.0)
                        .for_each(|epoch| batch.delete(Family::Records, &kind.key_of(EpochId(epoch))));
                }
                _ => batch.delete_range(Family::Records, &kind.key_of(oldest), &kind.key_of(oldest_kept)),
            }
        }
        self.write(batch, false, "remove old epochs from")?;
        self.retired.store(oldest_kept.0, Ordering::Relaxed);
        Ok(())
    }

    /// Merges all files now, so that dropped state leaves the disk at once rather than in the background.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    pub fn compact(&self) -> Result<(), StateError> {
        self.usable()?;
        self.reader.store.compact()
    }

    /// Ends the ownership after a clean stop. The log is emptied into table files first, so that the next opening has
    /// nothing to replay; a checkpoint that is merely dropped loses nothing but opens slower.
    ///
    /// # Errors
    /// `Io`: nothing acknowledged is lost.
    pub fn close(self) -> Result<(), StateError> {
        self.usable()?;
        self.reader.store.flush()
    }

    /// The oldest epoch of which a plan is stored, from `gone` on and before `oldest_kept`.
    fn oldest_plan(&self, gone: EpochId, oldest_kept: EpochId) -> Result<Option<EpochId>, StateError> {
        if oldest_kept <= gone {
            return Ok(None);
        }
        let (from, until) = (Kind::Plan.key_of(gone), Kind::Plan.key_of(oldest_kept));
        let mut plans = self.reader.store.iterate(Family::Records, from, until)?;
        let oldest = plans.first(&|| "the oldest records".to_string())?;
        Ok(oldest.map(|(key, _)| epoch_of(key)))
    }

    /// Begins a write: refused once one has failed.
    fn begin(&self) -> Result<MutexGuard<'_, ()>, StateError> {
        let guard = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.usable()?;
        Ok(guard)
    }

    /// Writes a batch, and takes nothing more if that fails: part of it may be in the log, or all.
    fn write(&self, batch: WriteBatch, sync: bool, action: &'static str) -> Result<(), StateError> {
        let store = &self.reader.store;
        store.write(batch, sync).map_err(|detail| {
            // The first failure is the cause; a later one can only follow from it.
            let _ = self.reader.poison.set(detail.clone());
            StateError::Io { action, place: store.folder().to_path_buf(), detail }
        })
    }
}

/// True if this epoch, or a later one, is committed.
fn committed(newest: &NewestRecords, epoch: EpochId) -> bool {
    newest.commit.as_ref().is_some_and(|commit| commit.plan.epoch >= epoch)
}

/// Checks that an epoch is the one after the newest commit.
fn check_next(newest: &NewestRecords, epoch: EpochId) -> Result<(), StateError> {
    let committed = newest.commit.as_ref().map(|commit| commit.plan.epoch);
    let next = committed.map_or(EpochId(0), EpochId::next);
    if epoch == next {
        return Ok(());
    }
    Err(StateError::Protocol(format!("epoch {epoch} cannot come now: epoch {next} is the next")))
}

#[cfg(test)]
mod tests;
