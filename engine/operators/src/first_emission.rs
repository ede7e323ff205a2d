//! Remembers that an operator has emitted its first result, where an empty state would not say so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use state::{BlockKey, KeyPartitioning};

use crate::OperatorError;
use crate::block_changes::BlockChanges;
use crate::block_source::BlockSource;
use crate::budget::Budget;
use crate::epoch_time::EpochTime;
use crate::keyed::hash::hash_keys;
use crate::keyed::shard_of_key;
use crate::store::{Store, StoreSpec};

/// A store with one row once the operator has emitted: the epoch in which it first did.
#[derive(Debug)]
pub(crate) struct FirstEmission {
    store: Store,
    partitioning: KeyPartitioning,
    has_emitted: bool,
    /// It emits for the first time in the running epoch.
    emits_now: AtomicBool,
}

impl FirstEmission {
    /// The name under which it is filed. It is part of the format of checkpoints: never change it.
    pub(crate) fn name(operator: &str) -> String {
        format!("{operator}/begun")
    }

    /// With the blocks that it has in the checkpoint: none if the operator has not emitted.
    pub(crate) fn open(
        operator: &str,
        blocks: Vec<(BlockKey, u64)>,
        partitioning: KeyPartitioning,
        budget: Arc<Budget>,
    ) -> FirstEmission {
        let has_emitted = !blocks.is_empty();
        let spec = StoreSpec {
            name: FirstEmission::name(operator),
            schema: Arc::new(Schema::new(vec![Field::new("epoch", DataType::Int64, false)])),
            keys: 0,
            expires: None,
            expires_at_batch_time: None,
            keeps_rows: true,
        };
        let store = Store::open(spec, blocks, budget);
        FirstEmission { store, partitioning, has_emitted, emits_now: AtomicBool::new(false) }
    }

    /// True if a committed epoch has noted a first result.
    pub(crate) fn has_emitted(&self) -> bool {
        self.has_emitted
    }

    /// Notes that the operator emits in this epoch, if it has not before. Called once an epoch.
    ///
    /// # Errors
    /// If the note cannot be kept.
    pub(crate) fn note(&self, time: &EpochTime, committed: &dyn BlockSource) -> Result<(), OperatorError> {
        if self.has_emitted {
            return Ok(());
        }
        let (hashes, shard) = (hash_keys(&[], 1)?, shard_of_key(&[], self.partitioning)?);
        let epoch = Int64Array::from(vec![time.epoch.0 as i64]);
        let row = RecordBatch::try_new(Arc::clone(&self.store.spec().schema), vec![Arc::new(epoch)])?;
        self.store.shard(shard, time, committed)?.insert(&row, &hashes.keys)?;
        self.emits_now.store(true, Ordering::Release);
        self.store.finish(shard..shard + 1, time)
    }

    /// What the commit writes.
    ///
    /// # Errors
    /// As the store's.
    pub(crate) fn prepare_commit(
        &mut self,
        time: &EpochTime,
        committed: &dyn BlockSource,
    ) -> Result<BlockChanges, OperatorError> {
        self.store.prepare_commit(time, committed)
    }

    /// The epoch is durable.
    pub(crate) fn committed(&mut self) {
        self.has_emitted |= self.emits_now.load(Ordering::Acquire);
        self.store.committed();
    }
}
