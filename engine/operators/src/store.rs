//! State that is looked up by key: rows in shards, hot in memory, durable as blocks, read back shard by shard when they are needed.
//!
//! A store is a table of rows. Its columns are the operator's own: keys first, then whatever it keeps. Rows are inserted,
//! marked and removed by position; a row whose time has come goes by itself, without a word in the checkpoint.

mod budget;
mod shard;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use state::BlockKey;

pub use budget::Budget;
pub use shard::Shard;

use crate::OperatorError;
use crate::keyed::SHARDS;
use crate::operator::{BlockChanges, BlockSource, Figures, Moment};

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
    shards: Vec<Mutex<Shard>>,
    #[expect(dead_code, reason = "spilling is not there yet")]
    budget: Arc<Budget>,
}

impl Store {
    /// A store with the blocks that it has in the checkpoint; `last` is the moment of the last committed epoch.
    pub fn open(spec: StoreSpec, _blocks: Vec<(BlockKey, u64)>, _last: Option<Moment>, budget: Arc<Budget>) -> Store {
        let spec = Arc::new(spec);
        let shards = (0..SHARDS).map(|_| Mutex::new(Shard::new(Arc::clone(&spec)))).collect();
        Store { spec, shards, budget }
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
        _moment: &Moment,
        _committed: &dyn BlockSource,
    ) -> Result<MutexGuard<'_, Shard>, OperatorError> {
        Ok(self.shards[number as usize].lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Done with these shards in this epoch: what changed in them is encoded, together if there are several. Called by the
    /// piece that changed them, so that pieces encode side by side. A shard may then leave memory if there is too little.
    ///
    /// # Errors
    /// If the rows cannot be encoded.
    pub fn finish(&self, _shards: std::ops::Range<u8>, _moment: &Moment) -> Result<(), OperatorError> {
        Ok(())
    }

    /// True if a row of this shard is due at this moment: its shard must be looked at even if no row came for it.
    pub fn is_due(&self, number: u8, moment: &Moment) -> bool {
        let shard = self.shards[number as usize].lock().unwrap_or_else(PoisonError::into_inner);
        shard.is_due(moment)
    }

    /// True if a row of any shard is due at this moment.
    pub fn any_due(&self, moment: &Moment) -> bool {
        (0..SHARDS).any(|number| self.is_due(number, moment))
    }

    /// What the commit of this epoch writes; blocks that have become many are merged.
    ///
    /// # Errors
    /// If a block to be merged cannot be read.
    pub fn settle(&mut self, _moment: &Moment, _committed: &dyn BlockSource) -> Result<BlockChanges, OperatorError> {
        Ok(BlockChanges::default())
    }

    /// The epoch is durable.
    pub fn committed(&mut self) {}

    /// Figures after the last epoch.
    pub fn figures(&self) -> Figures {
        let rows = self
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).rows() as u64)
            .sum::<u64>();
        Figures { rows, ..Figures::default() }
    }
}
