//! Remembers that an operator has given out something, where an empty state would not tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use state::BlockKey;

use crate::OperatorError;
use crate::keyed::hash::hash_keys;
use crate::operator::{BlockChanges, BlockSource, EpochTime};
use crate::store::{Budget, Store, StoreSpec};

/// A store with one row once the operator has begun: the epoch in which it did.
#[derive(Debug)]
pub(crate) struct Begun {
    store: Store,
    has_begun: bool,
    /// It began in the running epoch.
    begins: AtomicBool,
}

impl Begun {
    /// The name under which it is filed.
    pub(crate) fn name(operator: &str) -> String {
        format!("{operator}/begun")
    }

    /// With the blocks that it has in the checkpoint: none if the operator has not begun.
    pub(crate) fn open(
        operator: &str,
        blocks: Vec<(BlockKey, u64)>,
        last: Option<EpochTime>,
        budget: Arc<Budget>,
    ) -> Begun {
        let has_begun = !blocks.is_empty();
        let spec = StoreSpec {
            name: Begun::name(operator),
            schema: Arc::new(Schema::new(vec![Field::new("epoch", DataType::Int64, false)])),
            keys: 0,
            expires: None,
            expires_at_batch_time: None,
            keeps_rows: true,
        };
        Begun { store: Store::open(spec, blocks, last, budget), has_begun, begins: AtomicBool::new(false) }
    }

    /// True if a committed epoch has noted that the operator has begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Notes that it begins in this epoch, if it has not begun. Called once an epoch.
    ///
    /// # Errors
    /// If the note cannot be kept.
    pub(crate) fn note(&self, time: &EpochTime, committed: &dyn BlockSource) -> Result<(), OperatorError> {
        if self.has_begun {
            return Ok(());
        }
        let hashes = hash_keys(&[], 1)?;
        let shard = hashes.shards[0];
        let epoch = Int64Array::from(vec![time.epoch.0 as i64]);
        let row = RecordBatch::try_new(Arc::clone(&self.store.spec().schema), vec![Arc::new(epoch)])?;
        self.store.shard(shard, time, committed)?.insert(&row, &hashes.keys)?;
        self.begins.store(true, Ordering::Release);
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
        self.has_begun |= self.begins.load(Ordering::Acquire);
        self.store.committed();
    }
}
