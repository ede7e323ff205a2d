//! Where rows go: staged by an epoch where no reader sees them, published once the epoch is committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use epoch::{EpochId, StagedFile, TableCommit};

use crate::capabilities::Capabilities;
use crate::error::SinkError;

/// A table as a job wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDefinition {
    /// `schema.table`.
    pub name: String,
    /// Columns that its query gives.
    pub schema: SchemaRef,
}

/// Who writes: two jobs of one name with different checkpoints do not take each other's epochs for their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriterId {
    /// Name of the job.
    pub job: String,
    /// Id of its checkpoint, eight hex digits.
    pub job_id: String,
}

/// A place that holds the tables of a job.
#[async_trait]
pub trait Sink: Send + Sync {
    /// What it can take.
    fn capabilities(&self) -> Capabilities;

    /// Opens a table, or makes it. New columns are added to one that is there.
    ///
    /// # Errors
    /// `Refused` if the columns do not fit, saying which; `Data`, `Settings`, `Unavailable`.
    async fn open_table(
        &self,
        definition: &TableDefinition,
        writer: &WriterId,
    ) -> Result<Arc<dyn SinkTable>, SinkError>;

    /// Says which versions of the tables make an epoch of a job, once all of them are published. May be repeated.
    ///
    /// # Errors
    /// `Unavailable`, `DiskFull`, `Settings`.
    async fn mark_published(
        &self,
        job: &str,
        epoch: EpochId,
        versions: &BTreeMap<String, i64>,
    ) -> Result<(), SinkError>;
}

/// How far a table has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SinkPosition {
    /// The last epoch of this writer that the table has taken. A table may hold rows back for later files: then it is ahead of
    /// `published`.
    pub accepted: Option<EpochId>,
    /// The last epoch of this writer that readers see.
    pub published: Option<EpochId>,
    /// The table's version, as the sink counts.
    pub version: i64,
}

/// One table of a job in a sink.
#[async_trait]
pub trait SinkTable: Send + Sync {
    /// `schema.table`.
    fn name(&self) -> &str;

    /// Its columns: those asked for, in the order of the table.
    fn schema(&self) -> &SchemaRef;

    /// A writer for artifact `number` of an epoch; `bucket`: the one whose rows it replaces. Called on plain threads: it may wait.
    ///
    /// # Errors
    /// `DiskFull`, `Unavailable`, `Settings`.
    fn stage(&self, epoch: EpochId, number: u32, bucket: Option<i64>) -> Result<Box<dyn StageWriter>, SinkError>;

    /// Makes a committed epoch visible, once, whatever the place answers. Repeating it changes nothing; an epoch that is older
    /// than the position neither. Returns the table's version.
    ///
    /// # Errors
    /// `Unavailable` and the like: the call is to be repeated. `Data` if another program changed what the epoch builds on.
    async fn publish(&self, epoch: EpochId, change: &TableCommit) -> Result<i64, SinkError>;

    /// Where the table stands, as the place itself knows it.
    ///
    /// # Errors
    /// `Unavailable`, `Settings`, `Data`.
    async fn position(&self) -> Result<SinkPosition, SinkError>;

    /// Takes away what an epoch staged before a crash, if it was never published.
    ///
    /// # Errors
    /// `Unavailable`, `Settings`.
    async fn discard(&self, epoch: EpochId) -> Result<(), SinkError>;

    /// All rows that a reader sees now, in the order of the artifacts' names. For small tables: tests and drills.
    ///
    /// # Errors
    /// `Data` if something is gone or damaged; `Unavailable`.
    async fn rows(&self) -> Result<Vec<RecordBatch>, SinkError>;

    /// Waits until no upkeep of the table goes on beside the job.
    async fn wait_idle(&self);
}

/// Writes one artifact. Dropped before it is finished, it leaves at most something invisible that the epoch's next run overwrites.
pub trait StageWriter: Send {
    /// Writes rows, brought to the table's columns and types.
    ///
    /// # Errors
    /// `DiskFull`, `Unavailable`, `Data` if a value does not fit its column.
    fn write(&mut self, rows: &RecordBatch) -> Result<(), SinkError>;

    /// Completes the artifact and makes it durable. `None` if no row was written: there is none then.
    ///
    /// # Errors
    /// `DiskFull`, `Unavailable`; the artifact must be written again.
    fn finish(self: Box<Self>) -> Result<Option<StagedFile>, SinkError>;
}
