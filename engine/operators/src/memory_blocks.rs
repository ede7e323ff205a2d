//! A checkpoint that is a map, for the tests of all operators.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use state::{BlockKey, KeyPartitioning, OperatorId};

use crate::OperatorError;
use crate::block_changes::BlockChanges;
use crate::block_source::BlockSource;
use crate::budget::Budget;
use crate::epoch_time::EpochTime;
use crate::operator::OperatorSpec;
use crate::stored::Stored;

#[derive(Debug, Default)]
pub(crate) struct MemoryBlocks {
    pub map: BTreeMap<BlockKey, Arc<[u8]>>,
    reads: AtomicUsize,
}

impl BlockSource for MemoryBlocks {
    fn block(&self, key: &BlockKey) -> Result<Vec<u8>, OperatorError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let block = self.map.get(key).ok_or_else(|| OperatorError::Damaged(format!("{key} is missing")))?;
        Ok(block.to_vec())
    }
}

impl MemoryBlocks {
    /// Commits an epoch. Panics if a block is deleted that is not there, or written twice.
    pub fn apply(&mut self, changes: &BlockChanges) {
        for drop in &changes.drops {
            let is_dropped =
                |key: &BlockKey| key.operator == drop.operator && drop.from <= key.bucket && key.bucket < drop.until;
            self.map.retain(|key, _| !is_dropped(key));
        }
        for key in &changes.deletes {
            assert!(self.map.remove(key).is_some(), "deletes a block that is not there: {key}");
        }
        for (key, bytes) in &changes.puts {
            assert!(self.map.insert(*key, Arc::clone(bytes)).is_none(), "writes a block twice: {key}");
        }
    }

    /// Keys and sizes of all blocks.
    pub fn list(&self) -> Vec<(BlockKey, u64)> {
        self.map.iter().map(|(key, bytes)| (*key, bytes.len() as u64)).collect()
    }

    /// What there is for an operator.
    pub fn stored(&self, spec: &dyn OperatorSpec, last: Option<EpochTime>, budget: Arc<Budget>) -> Stored {
        let of_store = |name: &String| {
            let operator = OperatorId::of(name);
            self.list().into_iter().filter(|(key, _)| key.operator == operator).collect()
        };
        Stored {
            blocks: spec.stores().iter().map(of_store).collect(),
            last,
            partitioning: KeyPartitioning::default(),
            budget,
        }
    }

    /// Bytes of all blocks.
    pub fn bytes(&self) -> usize {
        self.map.values().map(|bytes| bytes.len()).sum()
    }

    /// Blocks that were read so far.
    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}
