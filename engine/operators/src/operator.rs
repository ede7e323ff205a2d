//! The one interface through which the runtime drives every operator that has memory.
//!
//! An epoch goes through an operator in this order: each lane pushes rows ([`OperatorLane::push`]) and hands over what it
//! collected ([`OperatorLane::finish`]); the operator absorbs the parts lane by lane ([`Operator::absorb`]), says what work
//! there is ([`Operator::tasks`]), and the lanes run the tasks side by side ([`Operator::run`]); what comes out goes
//! through the rest of the graph. At the end [`Operator::prepare_commit`] says what the commit writes. Everything must depend on
//! the committed state, the rows and the [`EpochTime`] alone, so that an epoch that is run again gives the same bytes.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use epoch::EpochId;
use state::{BlockKey, BucketRange};

use crate::OperatorError;
use crate::state_rows::StateRows;

/// What rows do to the result that they are part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// They are added.
    Add,
    /// Each takes back one equal row that was added in this epoch or an earlier one.
    Retract,
    /// They take the place of all rows of a bucket (a window start in microseconds, or a hash bucket). Only tables take it.
    Replace {
        /// The bucket.
        bucket: i64,
    },
}

/// Rows with what they do.
#[derive(Debug, Clone)]
pub struct Change {
    /// What the rows do.
    pub sign: Sign,
    /// The rows.
    pub rows: RecordBatch,
}

impl Change {
    /// Rows that are added.
    pub fn add(rows: RecordBatch) -> Change {
        Change { sign: Sign::Add, rows }
    }

    /// Rows that are taken back.
    pub fn retract(rows: RecordBatch) -> Change {
        Change { sign: Sign::Retract, rows }
    }
}

/// What time it is for one operator in one epoch. Watermarks differ from operator to operator: each table has its own, and
/// an operator whose input may lag behind the table's watermark is given that much less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochTime {
    /// The epoch.
    pub epoch: EpochId,
    /// `current_timestamp` of the epoch, microseconds since 1970 UTC.
    pub batch_time_us: i64,
    /// What ends at or before it is final and goes: the watermark of this epoch, microseconds since 1970 UTC.
    pub watermark_us: Option<i64>,
    /// Rows that end at or before it are late: the watermark of the epoch before (Spark, SPARK-40925).
    pub late_us: Option<i64>,
}

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

/// Where committed blocks are read from.
pub trait BlockSource: Sync {
    /// The bytes of a committed block.
    ///
    /// # Errors
    /// If it is not there or damaged.
    fn block(&self, key: &BlockKey) -> Result<Vec<u8>, OperatorError>;
}

impl BlockSource for state::Checkpoint {
    fn block(&self, key: &BlockKey) -> Result<Vec<u8>, OperatorError> {
        let reader: &state::CheckpointReader = self;
        reader.block(key)
    }
}

impl BlockSource for state::CheckpointReader {
    fn block(&self, key: &BlockKey) -> Result<Vec<u8>, OperatorError> {
        self.read_block(key)?.ok_or_else(|| {
            OperatorError::Damaged(format!("a block of bucket {} and epoch {} is missing", key.bucket, key.epoch))
        })
    }
}

/// What an epoch changes in an operator's state.
#[derive(Debug, Default)]
pub struct BlockChanges {
    /// Blocks to write.
    pub puts: Vec<(BlockKey, Arc<[u8]>)>,
    /// Blocks to delete.
    pub deletes: Vec<BlockKey>,
    /// Buckets to drop whole.
    pub drops: Vec<BucketRange>,
}

/// StateMetrics of an operator's state, for progress (Spark's `stateOperators`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StateMetrics {
    /// Rows kept (Spark `numRowsTotal`).
    pub rows: u64,
    /// True if `rows` is exact; false if the state would have to be read for it ([`Operator::count_rows`]).
    pub rows_are_known: bool,
    /// Rows added or changed in the last epoch that are still kept at its end (Spark `numRowsUpdated`).
    pub updated: u64,
    /// Rows that went in the last epoch (Spark `numRowsRemoved`).
    pub removed: u64,
    /// Blocks in the checkpoint.
    pub blocks: u64,
    /// Bytes of the blocks.
    pub bytes: u64,
    /// Bytes in memory.
    pub memory_bytes: u64,
}

impl StateMetrics {
    /// Those of two states together.
    #[must_use]
    pub fn and(self, other: StateMetrics) -> StateMetrics {
        StateMetrics {
            rows: self.rows + other.rows,
            rows_are_known: self.rows_are_known && other.rows_are_known,
            updated: self.updated + other.updated,
            removed: self.removed + other.removed,
            blocks: self.blocks + other.blocks,
            bytes: self.bytes + other.bytes,
            memory_bytes: self.memory_bytes + other.memory_bytes,
        }
    }
}

/// What limits an operator's state, for `engine explain`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// Rows go when the watermark has passed them; the text says which rows when.
    Watermark(String),
    /// Rows go some time after they came, by the epochs' time.
    TimeToLive(i64),
    /// One row, or a fixed number.
    Constant,
    /// Nothing but the number of keys; the text says what grows.
    Unbounded(String),
}

/// What an operator was told by the plan: immutable, shared by its lanes and by its state.
pub trait OperatorSpec: Debug + Send + Sync {
    /// Stable name of the operator, such as `gold.sessions` or `gold.sessions/join.left`. State is filed under it.
    fn name(&self) -> &str;

    /// Schema of the rows that come in at a port.
    fn input(&self, port: usize) -> &SchemaRef;

    /// Schema of the rows that go out.
    fn output(&self) -> &SchemaRef;

    /// Names under which blocks are filed: one for each store that the operator has.
    fn stores(&self) -> Vec<String>;

    /// The part of it that sees rows, empty. One a lane.
    ///
    /// # Errors
    /// If a function or type cannot be set up.
    fn lane(self: Arc<Self>) -> Result<Box<dyn OperatorLane>, OperatorError>;

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

/// What a checkpoint has for an operator.
#[derive(Debug, Default)]
pub struct Stored {
    /// Keys and sizes of the blocks, store by store, in the order of [`OperatorSpec::stores`].
    pub blocks: Vec<Vec<(BlockKey, u64)>>,
    /// The time of the last committed epoch: what ended by then is gone even if a block still holds it.
    pub last: Option<EpochTime>,
    /// Memory that all operators of the job share.
    pub budget: Arc<crate::store::Budget>,
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
    /// If it cannot be told.
    fn tasks(&mut self, time: &EpochTime) -> Result<Vec<Task>, OperatorError>;

    /// Does one task. Pieces are done side by side, each once.
    ///
    /// # Errors
    /// If state is missing or damaged, or a function fails.
    fn run(&self, task: Task, time: &EpochTime, committed: &dyn BlockSource) -> Result<Vec<Change>, OperatorError>;

    /// Forgets what no later epoch needs, merges blocks that have become many, and says what to write.
    ///
    /// # Errors
    /// If a block to be merged cannot be read.
    fn prepare_commit(&mut self, time: &EpochTime, committed: &dyn BlockSource) -> Result<BlockChanges, OperatorError>;

    /// The epoch is durable: its blocks are read from the checkpoint from now on.
    fn committed(&mut self);

    /// True if an epoch without input at this time would give something out or let something go (Spark's no-data batch).
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

    /// StateMetrics of the state after the last epoch.
    fn metrics(&self) -> StateMetrics;
}
