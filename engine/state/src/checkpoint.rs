//! The checkpoint as its owner writes it: claim, commit, retire. Every write is checked against the protocol first.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use epoch::{Commit, CommitId, EpochId, Message, Owner, Permit, Plan, paths};

use crate::changes::{StateChanges, put_changes};
use crate::error::StateError;
use crate::folder::make_folder;
use crate::identity::{read_identity, write_identity};
use crate::key::OperatorId;
use crate::lock::FolderLock;
use crate::memory::MemoryStore;
use crate::random::Random;
use crate::reader::{Attempt, CheckpointReader, Losses, Published};
use crate::record::{Kind, epoch_of, put_only, put_record, to_json};
use crate::rocksdb::RocksStore;
use crate::store::{Family, Store, WriteBatch};

/// One open checkpoint, held by this process alone. Everything a [`CheckpointReader`] reads, it reads too.
pub struct Checkpoint {
    reader: CheckpointReader,
    random: Random,
    /// Writes follow each other, whoever makes them; what they go by goes with the turn.
    writing: Mutex<Remembered>,
    /// Declared last: the folder is unlocked after the store is closed. `None` in memory, which no other process can reach.
    _lock: Option<FolderLock>,
}

/// What the owner knows of its own records: nobody else writes them, so they are not read and decoded again in each epoch.
#[derive(Default)]
struct Remembered {
    /// The newest commit, once it was read or made.
    newest: Option<Arc<Commit>>,
    /// Records of epochs before this one are gone.
    retired: EpochId,
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
        let lock = FolderLock::lock(folder, job)?;
        let store = RocksStore::open(folder, settings.memory_bytes)?;
        Checkpoint::of(Box::new(store), job, Some(lock))
    }

    /// Makes a checkpoint that stands at a commit, under the id of one that was lost: its tables' records bear that id.
    ///
    /// # Errors
    /// As [`Checkpoint::open`]; `Owned` if an engine runs on the checkpoint that is there, `NotACheckpoint` if it has epochs.
    pub fn rebuild(
        folder: &Path,
        job: &str,
        job_id: &str,
        settings: &CheckpointSettings,
        commit: &Commit,
    ) -> Result<Checkpoint, StateError> {
        make_folder(folder)?;
        let lock = FolderLock::lock(folder, job)?;
        remove_without_epochs(folder)?;
        let store = RocksStore::open(folder, settings.memory_bytes)?;
        let number = u32::from_str_radix(job_id, 16)
            .map_err(|_| StateError::Protocol(format!("{job_id} is not the id of a checkpoint")))?;
        write_identity(&store, job, u64::from(number))?;
        let checkpoint = Checkpoint::of(Box::new(store), job, Some(lock))?;
        let mut batch = WriteBatch::default();
        put_only(&mut batch, Kind::Term, to_json(&commit.owner)?);
        put_record(&mut batch, Kind::Commit, commit.plan.epoch, commit)?;
        // The tables hold it, and whoever was to hear of it has: it is not reported as published once more.
        let published = Published { epoch: commit.plan.epoch, versions: BTreeMap::new() };
        put_record(&mut batch, Kind::Published, commit.plan.epoch, &published)?;
        checkpoint.write(batch, true, "rebuild")?;
        Ok(checkpoint)
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
    pub(crate) fn of(store: Box<dyn Store>, job: &str, lock: Option<FolderLock>) -> Result<Checkpoint, StateError> {
        // In memory each checkpoint has a warehouse of its own, and names that repeat from run to run can be compared.
        let random = if lock.is_some() { Random::of_system() } else { Random::of_seed(job) };
        let identity = match read_identity(store.as_ref())? {
            Some(identity) => identity,
            // The id keeps two checkpoints of a job from writing data files of the same name into one warehouse.
            None => write_identity(store.as_ref(), job, random.draw())?,
        };
        if identity.job != job {
            return Err(StateError::Mismatch {
                folder: store.folder().to_path_buf(),
                found: identity.job,
                expected: job.to_string(),
            });
        }
        let reader = CheckpointReader { store, identity, poison: OnceLock::new() };
        let checkpoint = Checkpoint { reader, random, writing: Mutex::default(), _lock: lock };
        checkpoint.drop_stored_plan()?;
        Ok(checkpoint)
    }

    /// Opens a checkpoint to look at, beside its owner if there is one. Shows it as it is now.
    ///
    /// # Errors
    /// `NotACheckpoint`, `Format`, `Corrupt`, `Io`.
    pub fn open_read_only(folder: &Path) -> Result<CheckpointReader, StateError> {
        CheckpointReader::open(folder)
    }

    /// Claims the checkpoint for this run: a term above all that the checkpoint and, by `highest`, the places have seen. It is on the
    /// device when this returns.
    ///
    /// # Errors
    /// `Corrupt`; `Io`, after which the checkpoint takes nothing more.
    pub fn claim(&self, highest: u64) -> Result<Owner, StateError> {
        let _writing = self.begin()?;
        let highest = self.owner()?.term.max(highest);
        self.random.begin_term(highest + 1);
        let owner = Owner::after(highest, self.random.draw());
        let mut batch = WriteBatch::default();
        put_only(&mut batch, Kind::Term, to_json(&owner)?);
        self.write(batch, true, "claim")?;
        Ok(owner)
    }

    /// The id for the commit of an epoch.
    pub fn draw_id(&self, epoch: EpochId) -> CommitId {
        CommitId::new(epoch, self.random.draw())
    }

    /// Notes that an epoch is begun, before anything of it is written. Not synced: it outlives the process, and after a fall of the
    /// machine what it is for (a smaller second try, files to sweep) can be done without.
    ///
    /// # Errors
    /// `Io`, after which the checkpoint takes nothing more.
    pub fn begin_attempt(&self, attempt: &Attempt) -> Result<(), StateError> {
        let _writing = self.begin()?;
        let mut batch = WriteBatch::default();
        put_only(&mut batch, Kind::Attempt, to_json(attempt)?);
        self.write(batch, false, "note an attempt in")
    }

    /// Notes records that are lost and that the run stops for, so that the next one tells it the same though it may not show any more.
    /// Gone with the next commit: then somebody has decided to go on without them. Synced.
    ///
    /// # Errors
    /// `Io`, after which the checkpoint takes nothing more.
    pub fn note_losses(&self, losses: &Losses) -> Result<(), StateError> {
        let _writing = self.begin()?;
        let mut batch = WriteBatch::default();
        put_only(&mut batch, Kind::Losses, to_json(losses)?);
        self.write(batch, true, "note lost records in")
    }

    /// The commit point of the protocol: state changes and epoch record in one synced write, all or nothing.
    ///
    /// # Errors
    /// `Protocol` if the commit does not follow the last one. `Io` if the system refused (disk full, for one): whether the epoch
    /// happened is then unknown, so the checkpoint takes nothing more until it is opened again and says.
    pub fn commit(&self, commit: &Commit, changes: StateChanges) -> Result<Permit, StateError> {
        let mut remembered = self.begin()?;
        let epoch = commit.plan.epoch;
        let newest = self.newest(&mut remembered)?;
        check_next(newest.as_deref(), epoch)?;
        assert!(epoch >= remembered.retired, "epoch {epoch} is committed after it was retired");
        if let Some(newest) = &newest {
            let joined = commit.joins(&commit.as_named_now(newest));
            joined.map_err(|what| StateError::Protocol(format!("offsets do not join: {what}")))?;
        }
        let mut batch = WriteBatch::default();
        put_changes(&mut batch, epoch, changes)?;
        put_record(&mut batch, Kind::Commit, epoch, commit)?;
        batch.delete(Family::Records, &Kind::Attempt.key());
        batch.delete(Family::Records, &Kind::Losses.key());
        self.write(batch, true, "commit to")?;
        let permit = Permit::for_durable(commit.clone());
        remembered.newest = Some(permit.shared());
        Ok(permit)
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

    /// Removes the records of all but the newest `keep` committed epochs, never those of the newest two, nor those from `needed`
    /// on. Not synced: a removal that is lost is done again.
    ///
    /// # Errors
    /// `Io`, after which the checkpoint takes nothing more.
    pub fn retire(&self, keep: u64, needed: Option<EpochId>) -> Result<(), StateError> {
        let mut remembered = self.begin()?;
        let Some(newest) = self.newest(&mut remembered)?.map(|commit| commit.plan.epoch) else { return Ok(()) };
        // Two at least: a restart begins from the newest commit, and publishing, which follows, may still be at the one before.
        let oldest_kept =
            EpochId((newest.0 + 1).saturating_sub(keep.max(2)).min(needed.map_or(u64::MAX, |epoch| epoch.0)));
        let gone = remembered.retired;
        let Some(oldest) = self.oldest_commit(gone, oldest_kept)? else { return Ok(()) };
        debug_assert!(
            gone <= oldest && oldest < oldest_kept,
            "epoch {oldest} is retired again: {gone} to {oldest_kept}"
        );
        assert!(
            oldest_kept < newest,
            "retiring all before epoch {oldest_kept} leaves fewer than the newest two of {newest}"
        );
        let mut batch = WriteBatch::default();
        for kind in [Kind::Commit, Kind::Published] {
            match oldest_kept.0 - oldest.0 {
                0..=RETIRED_ONE_BY_ONE => {
                    (oldest.0..oldest_kept.0)
                        .for_each(|epoch| batch.delete(Family::Records, &kind.key_of(EpochId(epoch))));
                }
                _ => batch.delete_range(Family::Records, &kind.key_of(oldest), &kind.key_of(oldest_kept)),
            }
        }
        self.write(batch, false, "remove old epochs from")?;
        remembered.retired = oldest_kept;
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

    /// The newest commit: read once, at the first question.
    fn newest(&self, remembered: &mut Remembered) -> Result<Option<Arc<Commit>>, StateError> {
        if remembered.newest.is_none() {
            remembered.newest = self.newest_commit()?.map(Arc::new);
        }
        Ok(remembered.newest.clone())
    }

    /// The oldest epoch of which a commit is stored, from `gone` on and before `oldest_kept`.
    fn oldest_commit(&self, gone: EpochId, oldest_kept: EpochId) -> Result<Option<EpochId>, StateError> {
        if oldest_kept <= gone {
            return Ok(None);
        }
        let (from, until) = (Kind::Commit.key_of(gone), Kind::Commit.key_of(oldest_kept));
        let mut commits = self.reader.store.iterate(Family::Records, from, until)?;
        let oldest = commits.first(&|| "the oldest records".to_string())?;
        Ok(oldest.map(|(key, _)| epoch_of(key)))
    }

    /// An engine of format 1 stored each plan before it read. One without a commit is dropped, with the copies of static tables that
    /// came with it: the epoch is planned afresh. Those of epochs that are committed stand in their commits.
    fn drop_stored_plan(&self) -> Result<(), StateError> {
        let Some(plan) = self.reader.newest::<Plan>(Kind::Plan)? else { return Ok(()) };
        let committed = self.newest_commit()?.map(|commit| commit.plan.epoch);
        let mut batch = WriteBatch::default();
        let (from, until) = Kind::Plan.bounds();
        batch.delete_range(Family::Records, &from, &until);
        if Some(plan.epoch) > committed {
            for table in plan.statics.keys() {
                for entry in self.bucket_index(OperatorId::of_static(table))? {
                    let (at, _) = entry?;
                    if at.epoch == plan.epoch {
                        batch.delete(Family::Blocks, &at.to_bytes());
                        batch.delete(Family::Index, &at.to_bytes());
                    }
                }
            }
            // Its files may lie in the tables' folders.
            put_only(&mut batch, Kind::Attempt, to_json(&Attempt { epoch: plan.epoch, records: None, tries: 0 })?);
        }
        self.write(batch, true, "drop the stored plan of")
    }

    /// Begins a write: refused once one has failed.
    fn begin(&self) -> Result<MutexGuard<'_, Remembered>, StateError> {
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

/// Checks that an epoch is the one after the newest commit.
fn check_next(newest: Option<&Commit>, epoch: EpochId) -> Result<(), StateError> {
    let committed = newest.map(|commit| commit.plan.epoch);
    let next = committed.map_or(EpochId(0), EpochId::next);
    if epoch == next {
        return Ok(());
    }
    Err(StateError::Protocol(format!("epoch {epoch} cannot come now: epoch {next} is the next")))
}

/// Removes the records of a checkpoint without epochs, which holds nothing; its lock stays. Only for who holds that.
fn remove_without_epochs(folder: &Path) -> Result<(), StateError> {
    let there = match CheckpointReader::open(folder) {
        Ok(there) => there,
        Err(StateError::NotACheckpoint { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    if there.newest_commit()?.is_some() {
        let reason = "there is a checkpoint in it already".to_string();
        return Err(StateError::NotACheckpoint { folder: folder.to_path_buf(), reason });
    }
    drop(there);
    let place = folder.join(paths::DATABASE);
    let failed = |error: std::io::Error| StateError::Io {
        action: "remove",
        place: place.clone(),
        detail: Message::caused_by(error.to_string(), &error),
    };
    std::fs::remove_dir_all(&place).map_err(failed)
}

#[cfg(test)]
mod tests;
