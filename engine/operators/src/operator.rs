//! The one interface through which the runtime drives every operator that has memory.
//!
//! An epoch goes through an operator in this order: each lane pushes rows ([`OperatorLane::push`]) and hands over what it
//! collected ([`OperatorLane::finish`]); the operator absorbs the parts lane by lane ([`Operator::absorb`]), says what work
//! there is ([`Operator::tasks`]), and the lanes run the tasks side by side ([`Operator::run`]); what comes out runs
//! through the rest of the graph. At the end [`Operator::prepare_commit`] says what the commit writes. Everything must depend on
//! the committed state, the rows and the [`EpochTime`] alone, so that an epoch that is run again writes the same bytes.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use crate::OperatorError;
pub use crate::block_changes::BlockChanges;
pub use crate::block_source::BlockSource;
pub use crate::change::{Change, Sign};
pub use crate::epoch_time::EpochTime;
pub use crate::metrics::StateMetrics;
use crate::state_rows::StateRows;
pub use crate::stored::Stored;
use arrow::array::{BooleanArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use state::KeyPartitioning;

/// Input rows that an operator did not take.
#[derive(Debug, Default)]
pub struct LateRows {
    /// Rows that came after what they belong to was final; positions in the pushed batch are kept by the mask.
    pub late: u64,
    /// Rows without a time: they belong to nothing (Spark filters them).
    pub untimed: u64,
    /// Which rows of the batch were late, if any.
    pub mask: Option<BooleanArray>,
}

/// A task of an epoch's work that can be done beside the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Task {
    /// Start of a window in microseconds, a hash bucket, or the number of a shard; the operator knows.
    pub group: i64,
    /// The shard of the group, or `None` for all of it at once.
    pub shard: Option<u8>,
}

/// What limits an operator's state, for `engine explain`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// Rows are evicted when the watermark has passed them; the text says which rows when.
    Watermark(String),
    /// Rows are evicted so long after they came, by the epochs' time, microseconds.
    TimeToLive(i64),
    /// A key is forgotten so long after its last row, by the epochs' time, microseconds; what was emitted for it stands.
    KeyTimeToLive(i64),
    /// One row, or a fixed number.
    Constant,
    /// Nothing but the number of keys; the text says what grows.
    Unbounded(String),
    /// The table's own rows, which stand whatever is forgotten: it grows as the table does; the text says what is kept.
    Table(String),
}

/// What an operator computes, as the plan has it: immutable, shared by its lanes and by its state.
pub trait OperatorSpec: Debug + Send + Sync {
    /// Stable name of the operator, such as `gold.sessions` or `gold.sessions/join.left`. State is filed under it.
    fn name(&self) -> &str;

    /// Schema of the rows that come in at a port.
    fn input(&self, port: usize) -> &SchemaRef;

    /// Schema of the rows that it emits.
    fn output(&self) -> &SchemaRef;

    /// Names under which blocks are filed: one for each store that the operator has.
    fn stores(&self) -> Vec<String>;

    /// The part of it that sees rows, empty. One a lane. It spreads keys as the checkpoint does.
    ///
    /// # Errors
    /// If a function or type cannot be set up.
    fn lane(self: Arc<Self>, partitioning: KeyPartitioning) -> Result<Box<dyn OperatorLane>, OperatorError>;

    /// The part of it that has memory, with the blocks that each of [`OperatorSpec::stores`] has in the checkpoint.
    ///
    /// # Errors
    /// If a function or type cannot be set up.
    fn open(self: Arc<Self>, stored: Stored) -> Result<Box<dyn Operator>, OperatorError>;

    /// What a state block must match to be read back, in words: keys, functions, types. Changing one changes the state.
    ///
    /// # Errors
    /// If a function does not say what its state is.
    fn fingerprint(&self) -> Result<Vec<String>, OperatorError>;

    /// What it does, in words, for `engine explain`.
    fn describe(&self) -> String;

    /// What limits its state.
    fn bound(&self) -> Bound;

    /// Runs what it runs of DataFusion over no rows, where [`crate::rehearsal::rehearse`] does not come to it by itself.
    ///
    /// # Errors
    /// If it cannot be run.
    fn rehearse(&self) -> Result<(), OperatorError> {
        Ok(())
    }

    /// What it keeps, store by store, as rows for a reader. `stored` is as for [`OperatorSpec::open`].
    ///
    /// # Errors
    /// If state is missing or damaged.
    fn state_rows(
        self: Arc<Self>,
        stored: Stored,
        committed: &dyn BlockSource,
    ) -> Result<Vec<StateRows>, OperatorError>;
}

/// The part of an operator that sees rows. It has no memory beyond the epoch.
pub trait OperatorLane: Send {
    /// Takes rows at a port, all but late and untimed ones.
    ///
    /// # Errors
    /// If a function fails on a row.
    fn push(
        &mut self,
        port: usize,
        sign: Sign,
        rows: &RecordBatch,
        time: &EpochTime,
    ) -> Result<LateRows, OperatorError>;

    /// What the epoch brought; the lane is empty again.
    ///
    /// # Errors
    /// If it cannot be encoded.
    fn finish(&mut self) -> Result<LanePart, OperatorError>;
}

/// What a lane hands over at the end of an epoch; each operator knows what its own lanes make.
pub type LanePart = Box<dyn Any + Send>;

/// The part of an operator that has memory.
pub trait Operator: Send + Sync {
    /// Takes in what one lane made. Lanes are absorbed in order.
    ///
    /// # Errors
    /// If the part is not of this operator's lanes.
    fn absorb(&mut self, time: &EpochTime, part: LanePart, lane: u16) -> Result<(), OperatorError>;

    /// The work of the epoch once every lane is absorbed. The order is the order of the result.
    ///
    /// # Errors
    /// If what is kept must be read for it and cannot.
    fn tasks(&mut self, time: &EpochTime) -> Result<Vec<Task>, OperatorError>;

    /// Does one task. Tasks are done side by side, each once.
    ///
    /// # Errors
    /// If state is missing or damaged, or a function fails.
    fn run(&self, task: Task, time: &EpochTime, committed: &dyn BlockSource) -> Result<Vec<Change>, OperatorError>;

    /// Evicts what no later epoch needs, merges blocks that have become many, and says what to write.
    ///
    /// # Errors
    /// If a block to be merged cannot be read.
    fn prepare_commit(&mut self, time: &EpochTime, committed: &dyn BlockSource) -> Result<BlockChanges, OperatorError>;

    /// The epoch is durable: its blocks are read from the checkpoint from now on.
    fn committed(&mut self);

    /// True if an epoch without input at this time would emit or evict something (Spark's no-data batch).
    fn has_pending_output(&self, next: &EpochTime) -> bool;

    /// True if the rows of a replaced bucket ([`Sign::Replace`]) will never change again.
    fn is_final(&self, bucket: i64, time: &EpochTime) -> bool {
        let _ = (bucket, time);
        false
    }

    /// Exact number of rows kept, for tests; [`StateMetrics::rows`] where that is exact.
    ///
    /// # Errors
    /// If state has to be read for it and cannot.
    fn count_rows(&self, committed: &dyn BlockSource) -> Result<u64, OperatorError> {
        let _ = committed;
        Ok(self.metrics().rows)
    }

    /// Metrics of the state after the last epoch.
    fn metrics(&self) -> StateMetrics;
}
