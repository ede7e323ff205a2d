//! Where rows go: staged by an epoch where no reader sees them, published once the epoch is committed.
//!
//! The order in which a run uses a sink: `open_table` for each table; in each epoch `stage`, `write`, `finish` for each artifact,
//! on the lanes' own threads; the epoch is committed to the checkpoint, with the artifacts that `finish` gave; `publish`. After a
//! crash before the commit `discard` is called for the epoch, and it is run again: the same artifacts are staged anew. After a
//! crash behind it the commit is on record, and `publish` is called again. The checkpoint decides which; a sink's own position
//! makes `publish` idempotent, so it must stand where the rows stand and move with them in one transaction.
//!
//! A sink that cannot hide rows from readers (a topic, a database without a table aside) stages into a place of its own, and moves
//! them in `publish`; what it staged goes with the publishing. A call that may pass is tried again inside the sink for seconds,
//! not for hours: then it is `Unavailable`, and the run ends. It publishes where it stopped when it is started again.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use epoch::{ArtifactEffect, EpochId, StagedFile, TableCommit};
use futures::future::try_join_all;

use crate::capabilities::Capabilities;
use crate::error::SinkError;

/// A table as a job wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDefinition {
    /// `schema.table`.
    pub name: String,
    /// Columns that its query gives.
    pub schema: SchemaRef,
    /// Columns that tell its rows apart, for [`Content::Upserted`] and [`Content::Deleted`]; empty if it is not written so.
    pub key: Vec<String>,
}

/// Who writes: two jobs of one name with different checkpoints do not take each other's epochs for their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriterId {
    /// Name of the job.
    pub job: String,
    /// Id of its checkpoint, eight hex digits.
    pub job_id: String,
}

/// What the rows of an artifact are to the table. Only those that the [`Capabilities`] name are asked of a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Rows that are added.
    Added,
    /// All rows that the table has in this bucket from now on; the artifact before it is among those that the commit removes.
    Bucket(i64),
    /// Rows that each take the place of the one with their key, if there is one.
    Upserted,
    /// Rows whose keys go; their other columns say nothing.
    Deleted,
}

impl Content {
    /// The bucket that is replaced, if one is.
    pub fn bucket(self) -> Option<i64> {
        match self {
            Content::Bucket(bucket) => Some(bucket),
            _ => None,
        }
    }

    /// What publishing does with the rows.
    pub fn effect(self) -> ArtifactEffect {
        match self {
            Content::Added | Content::Bucket(_) => ArtifactEffect::Add,
            Content::Upserted => ArtifactEffect::Upsert,
            Content::Deleted => ArtifactEffect::Delete,
        }
    }
}

/// The opened tables of a job by name.
pub type Tables = BTreeMap<String, Arc<dyn SinkTable>>;

/// A place that holds the tables of a job.
#[async_trait]
pub trait Sink: Send + Sync {
    /// What it is called in reports: `Delta`.
    fn title(&self) -> &'static str;

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

    /// Makes a committed epoch visible in all tables of a job. Returns their versions. May be repeated. Unless the sink has
    /// [one transaction over all tables](Capabilities::transaction_over_tables) and overrides this, table beside table, then the mark.
    /// A sink that overrides it finds its tables in the place by the names in `tables` (another that was opened over the same place may
    /// have opened them), and marks the epoch itself, best in the same transaction. Called once an epoch, by one task; never for an epoch that is not committed.
    ///
    /// # Errors
    /// As [`SinkTable::publish`]; publishing goes on where it stopped when it is repeated.
    async fn publish(
        &self,
        writer: &WriterId,
        epoch: EpochId,
        tables: &Tables,
        changes: &BTreeMap<String, TableCommit>,
    ) -> Result<BTreeMap<String, i64>, SinkError> {
        let unchanged = TableCommit::default();
        let published = tables.iter().map(|(name, table)| {
            let change = changes.get(name).unwrap_or(&unchanged);
            async move { Ok::<_, SinkError>((name.clone(), table.publish(epoch, change).await?)) }
        });
        let versions = try_join_all(published).await?.into_iter().collect();
        self.mark_published(writer, epoch, &versions).await?;
        Ok(versions)
    }

    /// Says which versions of the tables make an epoch of a job, once all of them are published. May be repeated.
    ///
    /// # Errors
    /// `Unavailable`, `DiskFull`, `Settings`.
    async fn mark_published(
        &self,
        writer: &WriterId,
        epoch: EpochId,
        versions: &BTreeMap<String, i64>,
    ) -> Result<(), SinkError>;
}

/// How far a table has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SinkPosition {
    /// The last epoch of this writer that changed the table and that it has taken. A table may hold rows back for later files:
    /// then it is ahead of `published`.
    pub accepted: Option<EpochId>,
    /// The last epoch of this writer that changed the table and that readers see.
    pub published: Option<EpochId>,
    /// The table's version, as the sink counts: 0 for one that nobody has changed since it was made, and the same after a
    /// publishing that was repeated.
    pub version: i64,
}

/// One table of a job in a sink.
#[async_trait]
pub trait SinkTable: Send + Sync {
    /// `schema.table`.
    fn name(&self) -> &str;

    /// Its columns: those asked for, in the order of the table.
    fn schema(&self) -> &SchemaRef;

    /// A writer for artifact `number` of an epoch. Called on plain threads: it may wait. (A sink that needs an async runtime
    /// for it keeps the handle of the one that it was opened on.) The same epoch run again stages the same artifacts: with equal
    /// names, equal [`StagedFile`]s.
    ///
    /// # Errors
    /// `DiskFull`, `Unavailable`, `Settings`.
    fn stage(&self, epoch: EpochId, number: u32, content: Content) -> Result<Box<dyn StageWriter>, SinkError>;

    /// Makes a committed epoch visible, once, whatever the place answers. Repeating it changes nothing; an epoch that is older
    /// than the position neither. An epoch without changes need not move the position. Returns the table's version.
    ///
    /// # Errors
    /// `Unavailable` and the like: the call is to be repeated. `Data` if another program changed what the epoch builds on, or an
    /// artifact is lost.
    async fn publish(&self, epoch: EpochId, change: &TableCommit) -> Result<i64, SinkError>;

    /// Where the table stands, as the place itself knows it. Asked when a run starts, and by the laws.
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

    /// Waits until no upkeep of the table goes on beside the job; called when a run ends. A sink without upkeep returns at once.
    async fn wait_idle(&self);
}

/// Writes one artifact. Dropped before it is finished, it leaves at most something invisible that the epoch's next run overwrites.
pub trait StageWriter: Send {
    /// Writes rows, brought to the table's columns and types.
    ///
    /// # Errors
    /// `DiskFull`, `Unavailable`, `Data` if a value does not fit its column.
    fn write(&mut self, rows: &RecordBatch) -> Result<(), SinkError>;

    /// Completes the artifact and makes it durable. `None` if no row was written: there is none then. The artifact is named by its
    /// [`StagedFile`], whose length and statistics are the sink's own words; the epoch's commit keeps it. Its path is that of
    /// [`epoch::paths::data_file`]: the epoch stands in it, and a [`Catalog`](crate::Catalog) gives it back as the column of files,
    /// from which `engine verify` knows in which epoch a row came.
    ///
    /// # Errors
    /// `DiskFull`, `Unavailable`; the artifact must be written again.
    fn finish(self: Box<Self>) -> Result<Option<StagedFile>, SinkError>;
}
