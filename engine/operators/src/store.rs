//! State that is looked up by key: rows in shards, hot in memory, durable as blocks, read back shard by shard when they are needed.
//!
//! A store is a table of rows. Its columns are the operator's own: keys first, then whatever it keeps. Rows are inserted,
//! marked and removed by position; a row whose time has come is evicted by itself, without a word in the checkpoint.
//!
//! ```text
//! shard()           rows in memory (shard, rows, times), read from blocks if they are not (read)
//! finish()          what the epoch changed becomes blocks (fresh, format): of one shard, or of all together in a small epoch
//! prepare_commit()  blocks are filed (index), merged when they are many or mostly dead (commit, compact); the summary
//!                   says what there is
//! ```
//! What is written depends on the committed blocks, the changes and the epoch's time alone, never on what is in memory.

mod commit;
mod compact;
mod format;
mod fresh;
mod grow;
mod index;
mod limits;
mod read;
mod rows;
mod shard;
mod spec;
mod state_rows;
mod summary;
mod times;

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use epoch::EpochId;
use state::{BlockKey, OperatorId};

pub use shard::Shard;
pub use spec::StoreSpec;
pub(crate) use state_rows::state_rows;

use crate::OperatorError;
use crate::block_source::BlockSource;
pub use crate::budget::Budget;
use crate::epoch_time::EpochTime;
use crate::keyed::SHARDS;
use crate::metrics::StateMetrics;
use format::Format;
use fresh::FreshBlock;
use index::{ALL, Index, ROWS};
use limits::Limits;
use read::{Decoded, Pending, Source, decode, rows_of_shard};
use shard::Changes;
use summary::{PassedTimes, Summary};

/// A table of rows by key.
#[derive(Debug)]
pub struct Store {
    spec: Arc<StoreSpec>,
    format: Format,
    index: Index,
    shards: Vec<Mutex<Shard>>,
    /// What the blocks say, as of the last epoch whose commit was prepared; read when something is first asked of a source.
    summary: OnceLock<Summary>,
    /// Blocks made by the running epoch, in no commit yet.
    fresh: Mutex<Vec<FreshBlock>>,
    /// Blocks of the last epoch whose commit was prepared, until it is durable.
    pending: Pending,
    /// The blocks of all shards, decoded, while shards are read out of them.
    all: Mutex<Option<Arc<Decoded>>>,
    last_epoch: Option<EpochId>,
    limits: Limits,
    budget: Arc<Budget>,
}

impl Store {
    /// A store with the blocks that it has in the checkpoint; no block is read before a shard is needed.
    pub fn open(spec: StoreSpec, blocks: Vec<(BlockKey, u64)>, budget: Arc<Budget>) -> Store {
        let spec = Arc::new(spec);
        let (is_empty, summary) = (blocks.is_empty(), OnceLock::new());
        if is_empty {
            summary.get_or_init(Summary::empty);
        }
        Store {
            format: Format::new(&spec.schema),
            index: Index::new(OperatorId::of(&spec.name), blocks),
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::new(Arc::clone(&spec), is_empty))).collect(),
            summary,
            fresh: Mutex::new(Vec::new()),
            pending: Pending::new(),
            all: Mutex::new(None),
            last_epoch: None,
            limits: Limits::default(),
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
    pub fn finish(&self, shards: Range<u8>, time: &EpochTime) -> Result<(), OperatorError> {
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
        self.encode(bucket, &changes, time.epoch)?;
        self.unload_if_over(shards);
        Ok(())
    }

    /// True if a row of this shard is due at this time: its shard must be looked at even if no row came for it. Also true
    /// after a restart until any shard has been read, since nothing is known before.
    pub fn is_due(&self, number: u8, time: &EpochTime) -> bool {
        if self.spec.expires.is_none() && self.spec.expires_at_batch_time.is_none() {
            return false;
        }
        let facts = self.lock(number).facts();
        let facts = facts.or_else(|| self.summary.get().map(|summary| summary.shards[number as usize]));
        facts.is_none_or(|facts| facts.is_due(PassedTimes::at(time)))
    }

    /// True if a row of any shard is due at this time; as [`Store::is_due`] after a restart.
    pub fn any_due(&self, time: &EpochTime) -> bool {
        (0..SHARDS).any(|number| self.is_due(number, time))
    }

    /// The epoch is durable.
    pub fn committed(&mut self) {
        self.pending.clear();
    }

    /// Metrics as of now: rows that the running epoch inserted count, blocks that are in no commit yet do not. After a
    /// restart, no rows are known of before anything was read.
    pub fn metrics(&self) -> StateMetrics {
        let mut metrics = StateMetrics { rows_are_known: true, ..StateMetrics::default() };
        for number in 0..SHARDS {
            let shard = self.lock(number);
            let committed = || self.summary.get().map(|summary| summary.shards[number as usize].rows());
            let rows = shard.known_rows().or_else(committed);
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

    /// A thread that panicked leaves a poisoned lock, but its epoch is never committed: what it did to the shard is not kept.
    fn lock(&self, number: u8) -> MutexGuard<'_, Shard> {
        self.shards[number as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn account(&self, shard: &mut Shard) {
        let (before, after) = shard.account();
        self.budget.change(before, after);
    }

    /// Unloads shards while memory is too little, the last first: epochs go through the shards in order, so the least recently
    /// used one is the next to be needed, and unloading that would leave none in memory when it is.
    fn unload_if_over(&self, shards: Range<u8>) {
        for number in shards.rev() {
            if !self.budget.is_over() {
                break;
            }
            let mut shard = self.lock(number);
            shard.unload();
            self.account(&mut shard);
        }
    }

    fn forget_decoded(&mut self) {
        *self.all.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What the blocks say.
    fn summary(&self, committed: &dyn BlockSource) -> Result<&Summary, OperatorError> {
        if let Some(summary) = self.summary.get() {
            return Ok(summary);
        }
        let summary = Summary::read(&self.index, &self.spec.name, committed)?;
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
        let of_epoch: Pending = fresh.into_iter().map(|block| (block.key, block.bytes)).collect();
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
    fn encode(&self, bucket: usize, changes: &[(u8, Changes)], epoch: EpochId) -> Result<(), OperatorError> {
        if changes.is_empty() {
            return Ok(());
        }
        let encoded = fresh::encode(&self.spec, &self.format, changes)?;
        let operator = self.index.operator;
        let key = BlockKey { operator, bucket: bucket as i64, section: ROWS, epoch, writer: 0, sequence: 0 };
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        fresh::number(&self.spec.name, key, encoded, &mut fresh)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let bytes = (0..SHARDS).map(|number| self.lock(number).bytes()).sum();
        self.budget.change(bytes, 0);
    }
}

#[cfg(test)]
mod tests;
