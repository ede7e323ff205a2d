//! What a checkpoint has for an operator when it is opened.

use std::sync::Arc;

use state::{BlockKey, KeyPartitioning};

use crate::budget::Budget;
use crate::epoch_time::EpochTime;

/// What a checkpoint has for an operator.
#[derive(Debug, Default)]
pub struct Stored {
    /// Keys and sizes of the blocks, store by store, in the order in which the operator names its stores.
    pub blocks: Vec<Vec<(BlockKey, u64)>>,
    /// The time of the last committed epoch: what ended by then is evicted even if a block still holds it.
    pub last: Option<EpochTime>,
    /// How the checkpoint spreads keys.
    pub partitioning: KeyPartitioning,
    /// Memory that all operators of the job share.
    pub budget: Arc<Budget>,
}
