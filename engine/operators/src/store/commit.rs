//! The end of an epoch: files its blocks, merges those that have become many or mostly dead, and sums up what there is.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use epoch::EpochId;
use state::BlockKey;

use super::Store;
use super::compact::{MergeOptions, MergedBlocks, merge};
use super::format::Entry;
use super::fresh::{FreshBlock, sequence};
use super::index::{ALL, MARKED, MOVED_WRITER, REMOVED, ROWS, SUMMARY};
use super::read::{Decoded, decode, of_shard};
use super::summary::{BucketFacts, PassedTimes, Summary};
use crate::OperatorError;
use crate::block_changes::BlockChanges;
use crate::block_source::BlockSource;
use crate::block_tiers::{BlockRef, COMPACT_GROUPS, COMPACTED_WRITER};
use crate::epoch_time::EpochTime;
use crate::keyed::SHARDS;

/// The commit of one epoch, while it is prepared.
struct EpochCommit<'a> {
    store: &'a mut Store,
    committed: &'a dyn BlockSource,
    epoch: EpochId,
    passed: PassedTimes,
    summary: Summary,
    changes: BlockChanges,
}

impl Store {
    /// What the commit of this epoch writes; rows that are due are evicted, and blocks that have become many are merged.
    ///
    /// # Errors
    /// If a block to be merged cannot be read.
    pub fn prepare_commit(
        &mut self,
        time: &EpochTime,
        committed: &dyn BlockSource,
    ) -> Result<BlockChanges, OperatorError> {
        debug_assert!(
            self.last_epoch.is_none_or(|last| last < time.epoch),
            "no epoch is committed twice, nor an older one"
        );
        debug_assert!(self.pending.is_empty(), "the epoch before is durable");
        let summary = self.summary(committed)?.clone();
        let passed = summary.passed.and(PassedTimes::at(time));
        let before = summary.clone();
        let changes = BlockChanges::default();
        let mut commit = EpochCommit { store: self, committed, epoch: time.epoch, passed, summary, changes };
        commit.evict(time)?;
        commit.file()?;
        commit.merge_all()?;
        commit.sum_up(&before)?;
        let EpochCommit { store, mut changes, .. } = commit;
        store.last_epoch = Some(time.epoch);
        store.forget_decoded();
        changes.puts = store.pending.iter().map(|(key, bytes)| (*key, Arc::clone(bytes))).collect();
        store.unload_if_over(0..SHARDS);
        Ok(changes)
    }
}

impl EpochCommit<'_> {
    /// Evicts the rows that are due and that the operator has not looked at, encodes what it has not finished, and notes the facts
    /// of every shard.
    fn evict(&mut self, time: &EpochTime) -> Result<(), OperatorError> {
        for number in 0..SHARDS {
            let is_due = |facts: Option<super::summary::ShardFacts>, summary: &Summary| {
                facts.unwrap_or(summary.shards[number as usize]).is_due(self.passed)
            };
            let facts = self.store.lock(number).facts();
            if is_due(facts, &self.summary) {
                self.store.shard(number, time, self.committed)?.evict_all();
                self.store.finish(number..number + 1, time)?;
            }
            if self.store.lock(number).is_changed() {
                self.store.finish(number..number + 1, time)?;
            }
            if let Some(facts) = self.store.lock(number).facts() {
                self.summary.shards[number as usize] = facts;
            }
        }
        Ok(())
    }

    /// Files the blocks of the epoch.
    fn file(&mut self) -> Result<(), OperatorError> {
        let fresh = self.store.fresh.get_mut().unwrap_or_else(PoisonError::into_inner);
        for FreshBlock { key, bytes, entries } in std::mem::take(fresh) {
            debug_assert_eq!(key.epoch, self.epoch, "a block of another epoch is left");
            self.put(key, bytes, entries);
        }
        self.store.forget_decoded();
        Ok(())
    }

    fn put(&mut self, key: BlockKey, bytes: Arc<[u8]>, entries: u64) {
        self.summary.buckets[key.bucket as usize].stored += entries;
        self.store.index.add(BlockRef { key, bytes: bytes.len() as u64 });
        self.store.pending.insert(key, bytes);
    }

    fn delete(&mut self, key: BlockKey) {
        if self.store.pending.remove(&key).is_none() {
            self.changes.deletes.push(key);
        }
    }

    fn merge_all(&mut self) -> Result<(), OperatorError> {
        if self.summary.buckets[ALL].stored > self.store.limits.move_entries {
            self.move_down()?;
        }
        for bucket in [ALL].into_iter().chain(0..SHARDS as usize) {
            if self.is_dead(bucket) {
                self.drop_bucket(bucket);
                continue;
            }
            // Shards take turns: their blocks become many in the same epochs, and merging them all at once would make that epoch slow.
            let is_turn = bucket == ALL || (self.epoch.0 + bucket as u64).is_multiple_of(COMPACT_GROUPS as u64);
            if self.is_mostly_dead(bucket, is_turn) {
                self.merge_whole(bucket)?;
            }
            while is_turn && let Some((tier, run)) = self.store.index.take_due(bucket) {
                self.merge_run(bucket, tier, &run)?;
            }
        }
        Ok(())
    }

    /// Live rows in the blocks of a bucket.
    fn live(&self, bucket: usize) -> u64 {
        match bucket {
            ALL => self.summary.rows_in_all(),
            shard => self.summary.shards[shard].own,
        }
    }

    /// True if nothing in a bucket says anything any more: no row lives, and no id is of a row in another bucket.
    fn is_dead(&self, bucket: usize) -> bool {
        let mut others = if bucket == ALL { 0..SHARDS as usize } else { ALL..ALL + 1 };
        !self.store.index.bucket(bucket).is_empty()
            && self.live(bucket) == 0
            && !others.any(|other| self.store.index.has_rows(other))
    }

    /// True if a bucket holds twice what it must.
    fn is_mostly_dead(&self, bucket: usize, is_turn: bool) -> bool {
        let BucketFacts { stored, kept } = self.summary.buckets[bucket];
        let needed = self.live(bucket) + kept;
        // A shard is merged a little earlier, at seven quarters, when it is its turn: shards fill at one pace, and with one limit for
        // all of them all would be merged in the same epoch. Divided before it is multiplied, so that no number is too large.
        let most = if is_turn && bucket != ALL { needed + needed / 4 * 3 } else { 2 * needed };
        stored > most + self.store.limits.dead_entries
    }

    fn drop_bucket(&mut self, bucket: usize) {
        for block in self.store.index.take(bucket) {
            self.delete(block.key);
        }
        self.summary.buckets[bucket] = BucketFacts::default();
    }

    fn decode(&self, run: &[BlockRef]) -> Result<Decoded, OperatorError> {
        let Store { format, pending, .. } = &*self.store;
        decode(format, run.iter().map(|block| &block.key), pending, self.committed)
    }

    /// Merges the newest blocks of a bucket.
    fn merge_run(&mut self, bucket: usize, tier: u16, run: &[BlockRef]) -> Result<(), OperatorError> {
        let decoded = self.decode(run)?;
        let options = MergeOptions { removed: &[], passed: self.passed, is_elsewhere: &|_| true, is_split: false };
        let merged = merge(&self.store.spec, &decoded, &options)?;
        let merged_entries = entries(&decoded);
        self.replace(bucket, COMPACTED_WRITER + tier, run, merged)?;
        self.summary.buckets[bucket].stored -= merged_entries;
        Ok(())
    }

    /// Merges all blocks of a bucket, and leaves out what other buckets say is removed.
    fn merge_whole(&mut self, bucket: usize) -> Result<(), OperatorError> {
        let tier = self.store.index.highest_tier(bucket);
        let run = self.store.index.take(bucket);
        let decoded = self.decode(&run)?;
        let merged = if bucket == ALL {
            let options = MergeOptions { removed: &[], passed: self.passed, is_elsewhere: &|_| true, is_split: false };
            merge(&self.store.spec, &decoded, &options)?
        } else {
            let all = self.store.all(self.committed)?;
            let is_in_all = |entry: &Entry| {
                all.rows.iter().any(|block| block.ids[block.of_shard(entry.0)].binary_search(&entry.1).is_ok())
            };
            let removed = of_shard(&all.removed, bucket as u8);
            let options = MergeOptions { removed, passed: self.passed, is_elsewhere: &is_in_all, is_split: false };
            merge(&self.store.spec, &decoded, &options)?
        };
        let left: usize = merged.rows.iter().map(|block| block.len()).sum();
        if bucket != ALL && left as u64 != self.live(bucket) {
            let what = format!("shard {bucket} of store {} has {left} rows", self.store.spec.name);
            return Err(OperatorError::Damaged(format!("{what}, but its summary says {}", self.live(bucket))));
        }
        self.summary.buckets[bucket] = BucketFacts::default();
        self.replace(bucket, COMPACTED_WRITER + tier, &run, merged)?;
        let live = self.live(bucket);
        let facts = &mut self.summary.buckets[bucket];
        facts.kept = facts.stored.saturating_sub(live);
        Ok(())
    }

    /// Moves everything out of the blocks of all shards into those of each shard.
    fn move_down(&mut self) -> Result<(), OperatorError> {
        let run = self.store.index.take(ALL);
        let decoded = self.decode(&run)?;
        let options = MergeOptions { removed: &[], passed: self.passed, is_elsewhere: &|_| true, is_split: true };
        let merged = merge(&self.store.spec, &decoded, &options)?;
        let mut parts: BTreeMap<u8, MergedBlocks> = BTreeMap::new();
        for block in merged.rows {
            parts.entry(block.shards[0]).or_default().rows.push(block);
        }
        merged.removed.into_iter().for_each(|entry| parts.entry(entry.0).or_default().removed.push(entry));
        merged.marks.into_iter().for_each(|entry| parts.entry(entry.0).or_default().marks.push(entry));
        for (shard, part) in parts {
            self.replace(shard as usize, MOVED_WRITER, &[], part)?;
        }
        run.iter().for_each(|block| self.delete(block.key));
        self.summary.buckets[ALL] = BucketFacts::default();
        for number in 0..SHARDS {
            self.store.lock(number).move_to_own();
            let facts = &mut self.summary.shards[number as usize];
            (facts.own, facts.all) = (facts.own + facts.all, 0);
        }
        self.store.forget_decoded();
        Ok(())
    }

    /// Puts merged blocks in the place of those that they were made from.
    fn replace(
        &mut self,
        bucket: usize,
        writer: u16,
        run: &[BlockRef],
        merged: MergedBlocks,
    ) -> Result<(), OperatorError> {
        run.iter().for_each(|block| self.delete(block.key));
        let key = BlockKey {
            operator: self.store.index.operator,
            bucket: bucket as i64,
            section: ROWS,
            epoch: self.epoch,
            writer,
            sequence: 0,
        };
        for (number, block) in merged.rows.iter().enumerate() {
            let bytes = self.store.format.encode_rows(block)?;
            self.put(BlockKey { sequence: sequence(&self.store.spec.name, number)?, ..key }, bytes, block.len() as u64);
        }
        for (kind, ids) in [(REMOVED, &merged.removed), (MARKED, &merged.marks)] {
            if !ids.is_empty() {
                let bytes = self.store.format.encode_ids(ids)?;
                self.put(BlockKey { section: kind, ..key }, bytes, ids.len() as u64);
            }
        }
        if bucket == ALL {
            self.store.forget_decoded();
        }
        Ok(())
    }

    /// Writes the summary if it says something new.
    fn sum_up(&mut self, before: &Summary) -> Result<(), OperatorError> {
        let is_summed_up = |number: u8| {
            let rows = self.store.lock(number).known_rows();
            rows.is_none_or(|rows| rows == self.summary.shards[number as usize].rows())
        };
        debug_assert!((0..SHARDS).all(is_summed_up), "the summary says how many rows every shard has");
        if self.summary == *before {
            return Ok(());
        }
        if let Some(old) = self.store.index.summary.take() {
            self.delete(old.key);
        }
        if self.store.index.blocks().next().is_none() {
            // As a store that is opened without blocks.
            self.summary = Summary::empty();
        } else {
            self.summary.passed = self.passed;
            let bytes = self.summary.encode()?;
            let operator = self.store.index.operator;
            let key =
                BlockKey { operator, bucket: ALL as i64, section: SUMMARY, epoch: self.epoch, writer: 0, sequence: 0 };
            self.store.index.summary = Some(BlockRef { key, bytes: bytes.len() as u64 });
            self.store.pending.insert(key, bytes);
        }
        self.store.summary = self.summary.clone().into();
        Ok(())
    }
}

fn entries(decoded: &Decoded) -> u64 {
    let rows: usize = decoded.rows.iter().map(|block| block.len()).sum();
    (rows + decoded.removed.len() + decoded.marks.len()) as u64
}
