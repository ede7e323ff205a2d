//! State that is looked up by key: rows in shards, hot in memory, durable as blocks, read back shard by shard when they are needed.
//!
//! A store is a table of rows. Its columns are the operator's own: keys first, then whatever it keeps. Rows are inserted,
//! marked and removed by position; a row whose time has come goes by itself, without a word in the checkpoint.
//!
//! ```text
//! shard()   rows in memory (shard, rows, times), read from blocks if they are not (read)
//! finish()  what the epoch changed becomes blocks (format): of one shard, or of all together in a small epoch
//! settle()  blocks are filed (index), merged when they are many or mostly dead (settle, compact); the summary says what there is
//! ```
//! What is written depends on the committed blocks, the changes and the epoch's time alone, never on what is in memory.

mod budget;
mod commit;
mod compact;
mod format;
mod index;
mod read;
mod rows;
mod shard;
mod summary;
mod times;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use epoch::EpochId;
use state::{BlockKey, OperatorId};

pub use budget::Budget;
pub use shard::Shard;

use crate::OperatorError;
use crate::block_changes::BlockChanges;
use crate::block_source::BlockSource;
use crate::epoch_time::EpochTime;
use crate::keyed::SHARDS;
use crate::metrics::StateMetrics;
use format::{BLOCK_ROWS, BlockRows, Entry, Format};
use index::{ALL, Index, MARKED, REMOVED, ROWS};
use read::{Decoded, Pending, Source, decode, rows_of_shard};
use shard::Changes;
use summary::{PassedTimes, Summary};

/// What a store keeps.
#[derive(Debug, Clone)]
pub struct StoreSpec {
    /// Name under which its blocks are filed.
    pub name: String,
    /// Columns of a row.
    pub schema: SchemaRef,
    /// The first so many columns are the key.
    pub keys: usize,
    /// Column (timestamp in microseconds) with the watermark at which a row goes; a null stays. `None`: rows stay.
    pub expires: Option<usize>,
    /// Column (timestamp in microseconds) with the epoch time at which a row goes; a null stays. `None`: rows stay.
    pub expires_at_batch_time: Option<usize>,
    /// False if no row is ever read back ([`Shard::gather`]), only whether its key is there: then only hashes stay in memory.
    pub keeps_rows: bool,
}

/// A table of rows by key.
#[derive(Debug)]
pub struct Store {
    spec: Arc<StoreSpec>,
    format: Format,
    index: Index,
    shards: Vec<Mutex<Shard>>,
    /// When each shard was last used, in calls.
    used: Vec<AtomicU64>,
    calls: AtomicU64,
    /// What the blocks say, as of the last epoch that was settled; read when something is first asked of a source.
    summary: OnceLock<Summary>,
    /// Blocks made by the running epoch, with the rows or ids in each.
    fresh: Mutex<Vec<Fresh>>,
    /// Blocks of the last epoch that was settled, until it is committed.
    pending: Pending,
    /// The blocks of all shards, decoded, while shards are read out of them.
    all: Mutex<Option<Arc<Decoded>>>,
    last_epoch: Option<EpochId>,
    limits: commit::Limits,
    budget: Arc<Budget>,
}

#[derive(Debug, Clone)]
struct Fresh {
    key: BlockKey,
    bytes: Arc<[u8]>,
    entries: u64,
}

impl Store {
    /// A store with the blocks that it has in the checkpoint; no block is read before a shard is needed. What had gone by
    /// the last epoch stands in the blocks, so `_last` is not looked at.
    pub fn open(spec: StoreSpec, blocks: Vec<(BlockKey, u64)>, _last: Option<EpochTime>, budget: Arc<Budget>) -> Store {
        let spec = Arc::new(spec);
        let (is_empty, summary) = (blocks.is_empty(), OnceLock::new());
        if is_empty {
            summary.get_or_init(Summary::empty);
        }
        Store {
            format: Format::new(&spec.schema),
            index: Index::new(OperatorId::of(&spec.name), blocks),
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::new(Arc::clone(&spec), is_empty))).collect(),
            used: (0..SHARDS).map(|_| AtomicU64::new(0)).collect(),
            calls: AtomicU64::new(0),
            summary,
            fresh: Mutex::new(Vec::new()),
            pending: Pending::new(),
            all: Mutex::new(None),
            last_epoch: None,
            limits: commit::Limits::default(),
            budget,
            spec,
        }
    }

    /// What it keeps.
    pub fn spec(&self) -> &StoreSpec {
        &self.spec
    }

    /// A shard to read and change; it is read from the checkpoint first if it is not in memory. Rows that were due before
    /// this epoch are not in it; those due in this epoch are, until [`Shard::evict`].
    ///
    /// # Errors
    /// If a block is missing or damaged.
    pub fn shard(
        &self,
        number: u8,
        time: &EpochTime,
        committed: &dyn BlockSource,
    ) -> Result<MutexGuard<'_, Shard>, OperatorError> {
        let passed = self.summary(committed)?.passed;
        let mut shard = self.lock(number);
        self.used[number as usize].store(self.calls.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        shard.begin(time.epoch, PassedTimes::at(time).and(passed));
        if !shard.is_loaded() {
            let rows = self.read(number, shard.passed(passed), committed)?;
            shard.load(rows);
            self.account(&mut shard);
        }
        Ok(shard)
    }

    /// Done with these shards in this epoch: what changed in them is encoded, together if there are several. Called by the
    /// task that changed them, so that tasks encode side by side. A shard may then leave memory if there is too little,
    /// and positions in it say nothing any more.
    ///
    /// # Errors
    /// If the rows cannot be encoded, or if there are more blocks than an epoch can have.
    pub fn finish(&self, shards: std::ops::Range<u8>, time: &EpochTime) -> Result<(), OperatorError> {
        let bucket = if shards.len() == 1 { shards.start as usize } else { ALL };
        let mut changes = Vec::new();
        for number in shards.clone() {
            let mut shard = self.lock(number);
            shard.evict_again();
            if let Some(of_shard) = shard.take_changes(bucket == ALL)? {
                changes.push((number, of_shard));
            }
            if shard.is_loaded() {
                shard.tidy()?;
            }
            self.account(&mut shard);
        }
        self.encode(bucket, changes, time.epoch)?;
        for number in shards.rev() {
            if !self.budget.is_over() {
                break;
            }
            self.unload(&mut self.lock(number));
        }
        Ok(())
    }

    /// True if a row of this shard is due at this time: its shard must be looked at even if no row came for it. Also true
    /// after a restart until any shard has been read, since nothing is known before.
    pub fn is_due(&self, number: u8, time: &EpochTime) -> bool {
        if self.spec.expires.is_none() && self.spec.expires_at_batch_time.is_none() {
            return false;
        }
        let facts = self.lock(number).facts();
        let known = facts.or_else(|| self.summary.get().map(|summary| summary.shards[number as usize]));
        known.is_none_or(|facts| facts.is_due(PassedTimes::at(time)))
    }

    /// True if a row of any shard is due at this time; as [`Store::is_due`] after a restart.
    pub fn any_due(&self, time: &EpochTime) -> bool {
        (0..SHARDS).any(|number| self.is_due(number, time))
    }

    /// What the commit of this epoch writes; rows that are due have gone, and blocks that have become many are merged.
    ///
    /// # Errors
    /// If a block to be merged cannot be read.
    pub fn prepare_commit(
        &mut self,
        time: &EpochTime,
        committed: &dyn BlockSource,
    ) -> Result<BlockChanges, OperatorError> {
        commit::prepare(self, time, committed)
    }

    /// The epoch is durable.
    pub fn committed(&mut self) {
        self.pending.clear();
    }

    /// Metrics as of now: rows that the running epoch inserted count, blocks that it has not settled do not. After a
    /// restart, no rows are known of before anything was read.
    pub fn metrics(&self) -> StateMetrics {
        let mut metrics = StateMetrics { rows_are_known: true, ..StateMetrics::default() };
        for number in 0..SHARDS {
            let shard = self.lock(number);
            let settled = || self.summary.get().map(|summary| summary.shards[number as usize].rows());
            let rows = shard.known_rows().or_else(settled);
            metrics.rows += rows.unwrap_or(0);
            metrics.rows_are_known &= rows.is_some();
            let (updated, removed) = self.last_epoch.map_or((0, 0), |epoch| shard.counts(epoch));
            metrics.updated += updated;
            metrics.removed += removed;
            metrics.memory_bytes += shard.bytes() as u64;
        }
        for block in self.index.blocks() {
            metrics.blocks += 1;
            metrics.bytes += block.bytes;
        }
        metrics
    }

    /// Exact number of rows kept, also after a restart.
    ///
    /// # Errors
    /// If what the blocks hold has to be read for it and cannot.
    pub fn count_rows(&self, committed: &dyn BlockSource) -> Result<u64, OperatorError> {
        self.summary(committed)?;
        Ok(self.metrics().rows)
    }

    fn lock(&self, number: u8) -> MutexGuard<'_, Shard> {
        self.shards[number as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn account(&self, shard: &mut Shard) {
        let (before, after) = shard.account();
        self.budget.change(before, after);
    }

    fn unload(&self, shard: &mut Shard) {
        shard.unload();
        self.account(shard);
    }

    /// What the blocks say.
    fn summary(&self, committed: &dyn BlockSource) -> Result<&Summary, OperatorError> {
        if let Some(summary) = self.summary.get() {
            return Ok(summary);
        }
        let summary = read_summary(&self.index, &self.spec.name, committed)?;
        Ok(self.summary.get_or_init(|| summary))
    }

    /// Reads the live rows of a shard, those of this epoch's blocks included.
    fn read(
        &self,
        number: u8,
        passed: [PassedTimes; 2],
        committed: &dyn BlockSource,
    ) -> Result<rows::Rows, OperatorError> {
        let fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let of_epoch: Pending = fresh.into_iter().map(|fresh| (fresh.key, fresh.bytes)).collect();
        let of_bucket = |bucket: usize| of_epoch.keys().filter(move |key| key.bucket == bucket as i64);
        let own = self.index.bucket(number as usize).iter().map(|block| &block.key);
        let own = decode(&self.format, own, &self.pending, committed)?;
        let all = self.all(committed)?;
        let own_fresh = decode(&self.format, of_bucket(number as usize), &of_epoch, committed)?;
        let all_fresh = decode(&self.format, of_bucket(ALL), &of_epoch, committed)?;
        let sources = [(&own, false, 0), (&*all, true, 0), (&own_fresh, false, 1), (&all_fresh, true, 1)];
        let sources = sources.map(|(blocks, in_all, at)| Source { blocks, in_all, passed: passed[at] });
        rows_of_shard(&self.spec, number, &sources)
    }

    /// The blocks of all shards, without those of the running epoch.
    fn all(&self, committed: &dyn BlockSource) -> Result<Arc<Decoded>, OperatorError> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(all) = &*all {
            return Ok(Arc::clone(all));
        }
        let keys = self.index.bucket(ALL).iter().map(|block| &block.key);
        let decoded = Arc::new(decode(&self.format, keys, &self.pending, committed)?);
        Ok(Arc::clone(all.insert(decoded)))
    }

    /// Makes blocks of what changed in some shards.
    fn encode(&self, bucket: usize, changes: Vec<(u8, Changes)>, epoch: EpochId) -> Result<(), OperatorError> {
        if changes.is_empty() {
            return Ok(());
        }
        let rows = concat_batches(&self.spec.schema, changes.iter().map(|(_, changes)| &changes.rows))?;
        let of = |ids: fn(&Changes) -> &[u64]| -> Vec<Entry> {
            changes.iter().flat_map(|(shard, changes)| ids(changes).iter().map(|id| (*shard, *id))).collect()
        };
        let entries = of(|changes| &changes.ids);
        let rows = BlockRows {
            shards: entries.iter().map(|(shard, _)| *shard).collect(),
            ids: entries.iter().map(|(_, id)| *id).collect(),
            marked: changes.iter().flat_map(|(_, changes)| changes.marked.iter().copied()).collect(),
            rows,
        };
        let mut blocks = Vec::new();
        for from in (0..rows.len()).step_by(BLOCK_ROWS) {
            let slice = rows.slice(from, BLOCK_ROWS.min(rows.len() - from));
            blocks.push((ROWS, self.format.encode_rows(&slice)?, slice.len()));
        }
        for (kind, entries) in [(REMOVED, of(|changes| &changes.removed)), (MARKED, of(|changes| &changes.marks))] {
            if !entries.is_empty() {
                blocks.push((kind, self.format.encode_ids(&entries)?, entries.len()));
            }
        }
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        for (kind, bytes, entries) in blocks {
            let is_like = |other: &&Fresh| other.key.bucket == bucket as i64 && other.key.shard == kind;
            let sequence = self.sequence(fresh.iter().filter(is_like).count())?;
            let operator = self.index.operator;
            let key = BlockKey { operator, bucket: bucket as i64, shard: kind, epoch, lane: 0, sequence };
            fresh.push(Fresh { key, bytes, entries: entries as u64 });
        }
        Ok(())
    }

    fn sequence(&self, number: usize) -> Result<u16, OperatorError> {
        u16::try_from(number).map_err(|_| {
            let what = format!("store {}: one epoch has more than 65,536 blocks of a shard", self.spec.name);
            OperatorError::Compute(format!("{what}; lower max_offsets_per_trigger"))
        })
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let bytes = (0..SHARDS).map(|number| self.lock(number).bytes()).sum();
        self.budget.change(bytes, 0);
    }
}

fn read_summary(index: &Index, name: &str, committed: &dyn BlockSource) -> Result<Summary, OperatorError> {
    if let Some(key) = index.foreign {
        return Err(OperatorError::Damaged(format!("{key} is no block of store {name}")));
    }
    match index.summary {
        Some(block) => Summary::decode(&committed.block(&block.key)?),
        None if index.blocks().next().is_none() => Ok(Summary::empty()),
        None => Err(OperatorError::Damaged(format!("store {name} has blocks but no summary of them"))),
    }
}

/// The live rows of a store as they stand in a checkpoint, shard by shard, oldest first: the store is not opened.
///
/// # Errors
/// If a block is missing or damaged.
pub fn read_rows(
    spec: &StoreSpec,
    blocks: Vec<(BlockKey, u64)>,
    _last: Option<EpochTime>,
    source: &dyn BlockSource,
) -> Result<Vec<RecordBatch>, OperatorError> {
    let index = Index::new(OperatorId::of(&spec.name), blocks);
    let format = Format::new(&spec.schema);
    let passed = read_summary(&index, &spec.name, source)?.passed;
    let decoded =
        |bucket: usize| decode(&format, index.bucket(bucket).iter().map(|block| &block.key), &Pending::new(), source);
    let all = decoded(ALL)?;
    let mut batches = Vec::new();
    for shard in 0..SHARDS {
        let own = decoded(shard as usize)?;
        let sources = [(&own, false), (&all, true)].map(|(blocks, in_all)| Source { blocks, in_all, passed });
        batches.extend(read::batches_of_shard(spec, shard, &sources)?);
    }
    Ok(batches)
}

#[cfg(test)]
mod tests;
