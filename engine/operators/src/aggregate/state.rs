//! The state of an aggregate: takes in the lanes' deltas, says what may be emitted, merges it, and evicts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use epoch::EpochId;
use state::{BlockKey, BucketRange, KeyPartitioning, OperatorId};

use super::delta::Delta;
use super::index::Index;
use super::lane::is_large;
use super::merge::Merger;
use super::shard::{SHARDS, Spread, UNSHARDED};
use super::spec::AggregateSpec;
use crate::OperatorError;
use crate::block;
use crate::block_changes::BlockChanges;
use crate::block_source::BlockSource;
use crate::block_tiers::{BlockRef, COMPACTED_WRITER};
use crate::epoch_time::EpochTime;
use crate::operator::Task;

/// Blocks up to which they are deleted one by one when their windows are evicted. A range of keys is one entry however many blocks are
/// in it, but RocksDB sorts all ranges of its write buffer anew for the first read after each: thousands of them, of small
/// epochs, would make every read slow.
const DELETES_MAX: usize = 256;

/// An aggregate with its state.
pub struct AggregateState {
    spec: Arc<AggregateSpec>,
    operator: OperatorId,
    state_schema: SchemaRef,
    spread: Spread,
    index: Index,
    /// Blocks of the running epoch, not yet committed.
    pending: BTreeMap<BlockKey, Arc<[u8]>>,
    /// Buckets that the running epoch changed.
    touched: BTreeSet<i64>,
}

impl AggregateState {
    /// The operator with the state it has in the checkpoint: the keys and sizes of its blocks, and how it spreads keys.
    ///
    /// # Errors
    /// If a function does not say what its state is.
    pub fn open(
        spec: Arc<AggregateSpec>,
        blocks: Vec<(BlockKey, u64)>,
        partitioning: KeyPartitioning,
    ) -> Result<AggregateState, OperatorError> {
        let operator = OperatorId::of(&spec.operator);
        let index = Index::new(blocks.into_iter().map(|(key, bytes)| BlockRef { key, bytes }));
        let (state_schema, spread) = (spec.state_schema()?, Spread::new(&spec, partitioning));
        let (pending, touched) = (BTreeMap::new(), BTreeSet::new());
        Ok(AggregateState { spec, operator, state_schema, spread, index, pending, touched })
    }

    /// What it computes.
    pub fn spec(&self) -> &Arc<AggregateSpec> {
        &self.spec
    }

    /// Takes in what one lane made. Lanes must be absorbed in order.
    pub fn absorb(&mut self, epoch: EpochId, lane: u16, deltas: Vec<Delta>) {
        debug_assert!(lane < COMPACTED_WRITER, "lanes that read are numbered below merged blocks");
        let is_before = |key: &BlockKey| key.epoch == epoch && key.writer < lane;
        debug_assert!(self.pending.keys().all(is_before), "lanes are absorbed in order, each once an epoch");
        for delta in deltas {
            let Delta { bucket, shard, sequence, bytes, .. } = delta;
            let key = BlockKey { operator: self.operator, bucket, section: shard, epoch, writer: lane, sequence };
            self.touched.insert(bucket);
            self.put(key, bytes);
        }
    }

    /// Starts of the windows that became complete between two watermarks.
    pub fn complete_windows(&self, time: &EpochTime) -> Vec<i64> {
        let Some(window) = self.spec.window else { return Vec::new() };
        let complete: BTreeSet<i64> = self
            .index
            .buckets()
            .flat_map(|pane| window.windows_of(pane))
            .filter(|start| window.is_complete(*start, time.watermark_us) && !window.is_complete(*start, time.late_us))
            .collect();
        complete.into_iter().collect()
    }

    /// Windows or key buckets whose result the running epoch changed.
    pub fn touched_groups(&self, time: &EpochTime) -> Vec<i64> {
        let groups: BTreeSet<i64> = match self.spec.window {
            Some(window) => self
                .touched
                .iter()
                .flat_map(|pane| window.windows_of(*pane))
                .filter(|start| !window.is_complete(*start, time.late_us))
                .collect(),
            None => self.touched.clone(),
        };
        self.with_global(groups, time)
    }

    /// All windows or key buckets that have state.
    pub fn all_groups(&self, time: &EpochTime) -> Vec<i64> {
        let groups: BTreeSet<i64> = match self.spec.window {
            Some(window) => self.index.buckets().flat_map(|pane| window.windows_of(pane)).collect(),
            None => self.index.buckets().collect(),
        };
        self.with_global(groups, time)
    }

    /// Blocks of these buckets, oldest first, each with whether the running epoch made it.
    pub(super) fn blocks_of(&self, buckets: std::ops::Range<i64>) -> impl Iterator<Item = (BlockKey, bool)> + '_ {
        self.index.blocks_in(buckets).map(|block| (block.key, self.pending.contains_key(&block.key)))
    }

    /// Every bucket that has state.
    pub(super) fn buckets(&self) -> impl Iterator<Item = i64> + '_ {
        self.index.buckets()
    }

    /// Whether the running epoch brought rows.
    pub fn is_touched(&self) -> bool {
        !self.touched.is_empty()
    }

    /// A global aggregate has its one row from the first epoch on, even if nothing was read (Spark §4.3).
    fn with_global(&self, mut groups: BTreeSet<i64>, time: &EpochTime) -> Vec<i64> {
        if self.spec.is_global() && time.epoch == EpochId(0) {
            groups.insert(0);
        }
        groups.into_iter().collect()
    }

    /// The tasks in which these groups are merged: one each, or one a shard for large ones.
    pub fn merge_tasks(&self, groups: &[i64]) -> Vec<Task> {
        let items = groups.iter().flat_map(|group| match self.index.is_sharded(self.buckets_of(*group)) {
            false => vec![Task { group: *group, shard: None }],
            true => (0..SHARDS).map(|shard| Task { group: *group, shard: Some(shard) }).collect(),
        });
        items.collect()
    }

    /// The result of one task.
    ///
    /// # Errors
    /// If a block is missing or damaged, or a function fails.
    pub fn merge(&self, committed: &dyn BlockSource, item: Task) -> Result<RecordBatch, OperatorError> {
        let mut merger = Merger::new(&self.spec)?;
        self.push_all(&mut merger, committed, self.index.blocks_in(self.buckets_of(item.group)), item.shard)?;
        merger.into_result(item.group)
    }

    /// Evicts what no later epoch needs, merges blocks that have become many, and says what to write.
    ///
    /// # Errors
    /// If a block to be compacted cannot be read.
    pub fn prepare_commit(
        &mut self,
        committed: &dyn BlockSource,
        epoch: EpochId,
        evict_until_us: Option<i64>,
    ) -> Result<BlockChanges, OperatorError> {
        let mut changes = BlockChanges::default();
        self.evict(evict_until_us, &mut changes);
        for bucket in std::mem::take(&mut self.touched) {
            while let Some((tier, run)) = self.index.due(bucket) {
                self.compact(committed, epoch, tier, run, &mut changes)?;
            }
        }
        // Nothing reads them between here and the commit, so they are handed over, not copied.
        changes.puts = std::mem::take(&mut self.pending).into_iter().collect();
        Ok(changes)
    }

    /// The epoch is durable: its blocks are read from the checkpoint from now on.
    pub fn committed(&mut self) {
        self.pending.clear();
    }

    /// Bytes of state, encoded.
    pub fn bytes(&self) -> u64 {
        self.index.bytes()
    }

    /// Number of blocks of state.
    pub fn blocks(&self) -> usize {
        self.index.len()
    }

    pub(super) fn buckets_of(&self, group: i64) -> std::ops::Range<i64> {
        match self.spec.window {
            Some(window) => window.panes_of(group),
            None => group..group + 1,
        }
    }

    pub(super) fn read(&self, committed: &dyn BlockSource, key: &BlockKey) -> Result<RecordBatch, OperatorError> {
        match self.pending.get(key) {
            Some(bytes) => block::decode(bytes, &self.state_schema),
            None => block::decode(&committed.block(key)?, &self.state_schema),
        }
    }

    fn put(&mut self, key: BlockKey, bytes: Arc<[u8]>) {
        self.index.add(BlockRef { key, bytes: bytes.len() as u64 });
        self.pending.insert(key, bytes);
    }

    /// Drops the panes that belong to complete windows only.
    fn evict(&mut self, until_us: Option<i64>, changes: &mut BlockChanges) {
        let (Some(window), Some(until_us)) = (self.spec.window, until_us) else { return };
        let Some(last) = self.index.buckets().take_while(|pane| window.last_end_of(*pane) <= until_us).last() else {
            return;
        };
        let mut committed = Vec::new();
        for BlockRef { key, .. } in self.index.take_below(last + 1) {
            self.touched.remove(&key.bucket);
            if self.pending.remove(&key).is_none() {
                committed.push(key);
            }
        }
        delete_below(last + 1, committed, changes);
        let is_needed = |pane| window.last_end_of(pane) > until_us;
        debug_assert!(
            self.index.buckets().next().is_none_or(is_needed),
            "no pane is left that every window has passed"
        );
    }

    fn compact(
        &mut self,
        committed: &dyn BlockSource,
        epoch: EpochId,
        tier: u16,
        run: Vec<BlockRef>,
        changes: &mut BlockChanges,
    ) -> Result<(), OperatorError> {
        let mut merged = Vec::new();
        if run.iter().all(|block| block.key.section == UNSHARDED) {
            let rows = self.merged_state(committed, &run, None)?;
            match is_large(&rows) && !self.spec.keys.is_empty() {
                true => merged = self.spread.by_shard(&rows)?,
                false => merged.push((UNSHARDED, rows)),
            }
        } else {
            for shard in 0..SHARDS {
                merged.push((shard, self.merged_state(committed, &run, Some(shard))?));
            }
        }
        self.index.remove(&run);
        for block in &run {
            if self.pending.remove(&block.key).is_none() {
                changes.deletes.push(block.key);
            }
        }
        let Some(BlockRef { key, .. }) = run.first() else { return Ok(()) };
        // A bucket reaches each tier once an epoch at most, so the number of the block is 0.
        for (shard, rows) in merged.into_iter().filter(|(_, rows)| rows.num_rows() > 0) {
            let key = BlockKey { epoch, writer: COMPACTED_WRITER + tier, sequence: 0, section: shard, ..*key };
            self.put(key, block::encode(&rows)?);
        }
        Ok(())
    }

    /// The state rows of these blocks, or those of one shard, merged.
    fn merged_state(
        &self,
        committed: &dyn BlockSource,
        run: &[BlockRef],
        shard: Option<u8>,
    ) -> Result<RecordBatch, OperatorError> {
        let mut merger = Merger::new(&self.spec)?;
        self.push_all(&mut merger, committed, run.iter(), shard)?;
        Ok(merger.into_state(&self.state_schema)?)
    }

    fn push_all<'a>(
        &self,
        merger: &mut Merger<'_>,
        committed: &dyn BlockSource,
        blocks: impl Iterator<Item = &'a BlockRef>,
        shard: Option<u8>,
    ) -> Result<(), OperatorError> {
        for block in blocks.filter(|block| shard.is_none_or(|shard| [shard, UNSHARDED].contains(&block.key.section))) {
            let rows = self.read(committed, &block.key)?;
            match shard.filter(|_| block.key.section == UNSHARDED) {
                Some(shard) => merger.push(&self.spread.of_shard(&rows, shard)?)?,
                None => merger.push(&rows)?,
            }
        }
        Ok(())
    }
}

/// Deletes these committed blocks, all that there are in buckets below `until`, in the order of buckets.
pub(super) fn delete_below(until: i64, blocks: Vec<BlockKey>, changes: &mut BlockChanges) {
    match blocks.as_slice() {
        [first, .., _] if blocks.len() > DELETES_MAX => {
            changes.drops.push(BucketRange { operator: first.operator, from: first.bucket, until });
        }
        _ => changes.deletes.extend(blocks),
    }
}
