//! Where rows go: staged by an epoch where no reader sees them, published once the epoch is committed.
//!
//! A sink is a follower of the checkpoint's commits. The order in which a run uses it: `open_table` for each table, which changes
//! nothing; `position`, from which the protocol concludes what the table still has to get; `publish` for each of those commits; then
//! `define`, so that the columns of a new query do not appear before the epochs of the old one. In each epoch `stage`, `write`,
//! `finish` for each artifact, on the lanes' own threads; the epoch is committed to the checkpoint, with the artifacts that `finish`
//! gave; `publish`, while the next epoch is being read. What an attempt staged that was never committed, `sweep` takes away.
//!
//! Publishing is compare-and-set: the place has a record of its own, the id of the last commit that it took, which moves with the rows
//! in one transaction. A commit says which one must stand there before it. Who publishes is an owner with a term: an owner of a later
//! term that has published there fences off all earlier ones, and two runs of one term each other. Whatever changes the place (publish,
//! adopt, define, sweep, mark) is refused to an owner that was replaced.
//!
//! A sink that cannot hide rows from readers (a topic, a database without a table aside) stages into a place of its own, and moves
//! them in `publish`; what it staged goes with the publishing. A call that may pass is tried again inside the sink for seconds,
//! not for hours: then it is `Unavailable`, and whoever called waits, for as long as it takes, and calls again.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use epoch::{ArtifactEffect, ArtifactId, Commit, CommitId, EpochId, Owner, Positions, SplitIdentities, StagedFile};
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

    /// Opens a table, to follow it and to stage. Nothing is made or changed, though its columns may be wanted otherwise: `schema` is
    /// what they will be once it is [defined](SinkTable::define).
    ///
    /// # Errors
    /// `Refused` if the columns do not fit, saying which; `Data`, `Settings`, `Unavailable`.
    async fn open_table(
        &self,
        definition: &TableDefinition,
        writer: &WriterId,
    ) -> Result<Arc<dyn SinkTable>, SinkError>;

    /// Opens a table as it is, to bring it up to date though the job no longer has it; `None` if there is none.
    ///
    /// # Errors
    /// As [`Sink::open_table`].
    async fn find_table(&self, name: &str, writer: &WriterId) -> Result<Option<Arc<dyn SinkTable>>, SinkError>;

    /// An epoch is about to be published: its commit is being made durable meanwhile, so that what takes time and shows nothing can be
    /// done beside that. The commit may never come to be: nothing that a reader, a start or another owner sees may change, and
    /// [`Sink::publish`] must do without it. Waits for nothing; called on a tokio runtime, on the thread that commits, and only if no
    /// other epoch is being published. A sink that gains nothing by it does nothing.
    fn prepare_publish(&self, _writer: &WriterId, _owner: Owner, _tables: &Tables, _commit: &Commit) {}

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
        owner: Owner,
        tables: &Tables,
        commit: &Commit,
    ) -> Result<BTreeMap<String, i64>, SinkError> {
        let published = tables.iter().map(|(name, table)| async move {
            Ok::<_, SinkError>((name.clone(), table.publish(owner, commit).await?))
        });
        let versions = try_join_all(published).await?.into_iter().collect();
        self.mark_published(writer, owner, commit, &versions).await?;
        Ok(versions)
    }

    /// Says which versions of the tables make an epoch of a job, once all of them are published, and what it had read by then. May be
    /// repeated; never goes back.
    ///
    /// # Errors
    /// `Unavailable`, `DiskFull`, `Settings`; `Contradiction` if an owner that came later has marked.
    async fn mark_published(
        &self,
        writer: &WriterId,
        owner: Owner,
        commit: &Commit,
        versions: &BTreeMap<String, i64>,
    ) -> Result<(), SinkError>;
}

/// How far a table has come, as its own record says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SinkPosition {
    /// The last commit of this writer that changed the table and that it has taken. A table may hold rows back for later files:
    /// then it is ahead of `published`.
    pub accepted: Option<CommitId>,
    /// The last commit of this writer that changed the table and that readers see.
    pub published: Option<CommitId>,
    /// The owner that published last; nobody if that was an engine without terms, or none.
    pub owner: Owner,
    /// Another checkpoint whose epochs are in the table, if this writer has none there: its job and its id.
    pub other_checkpoint: Option<String>,
    /// The version in which another program restored an older one since this writer's last commit.
    pub restored: Option<i64>,
    /// The table's version, as the sink counts: 0 for one that nobody has changed since it was made, and the same after a
    /// publishing that was repeated.
    pub version: i64,
}

/// What had been read when a commit was made, as a place keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadByThen {
    /// The commit.
    pub commit: CommitId,
    /// All tables that it touched.
    pub touched: Vec<String>,
    /// Where each source stood.
    pub positions: BTreeMap<String, Positions>,
    /// What the sources' splits were that these positions are in, where the place keeps it.
    pub identities: BTreeMap<String, SplitIdentities>,
    /// The sources' watermarks, microseconds since 1970 UTC.
    pub watermarks_us: BTreeMap<String, i64>,
}

/// One table of a job in a sink.
#[async_trait]
pub trait SinkTable: Send + Sync {
    /// `schema.table`.
    fn name(&self) -> &str;

    /// Its columns: those asked for, in the order of the table.
    fn schema(&self) -> &SchemaRef;

    /// Makes the table, or adds the columns that a query has gained. Called once a run, when all commits of earlier runs are published.
    ///
    /// # Errors
    /// `Unavailable`, also if another program changed its columns meanwhile and it must be opened again; `DiskFull`, `Settings`;
    /// `Refused` if they do not fit any more; `Contradiction` if there is something to change, and an owner that came later has published.
    async fn define(&self, owner: Owner) -> Result<(), SinkError>;

    /// A writer for an artifact, whose name was never used before. Called on plain threads: it may wait. (A sink that needs an async
    /// runtime for it keeps the handle of the one that it was opened on.)
    ///
    /// # Errors
    /// `DiskFull`, `Unavailable`, `Settings`.
    fn stage(&self, artifact: ArtifactId, content: Content) -> Result<Box<dyn StageWriter>, SinkError>;

    /// The table's share of [`Sink::prepare_publish`]. Returns the version that publishing will make, if nobody else changes the table;
    /// `None` if that is not known, and nothing was prepared.
    fn prepare_publish(&self, _owner: Owner, _commit: &Commit) -> Option<i64> {
        None
    }

    /// Makes a commit visible, once, whatever the place answers: if the place's record is what the commit says that it must be before
    /// ([`Commit::touch`]), it is published; if it is the commit itself, it was published. A commit that does not touch the table does
    /// nothing. Returns the table's version.
    ///
    /// # Errors
    /// `Unavailable` and the like: the call is to be repeated. `Contradiction` if the record is anything else, if an owner that came
    /// later has published, or an artifact is lost. `Data` if another program changed what the epoch builds on.
    async fn publish(&self, owner: Owner, commit: &Commit) -> Result<i64, SinkError>;

    /// Sets the place's record to a commit, and leaves the rows as they are: somebody has decided to go on from there, whatever the
    /// record was; or the owner claims the place, with the commit that it holds.
    ///
    /// # Errors
    /// As [`SinkTable::publish`]; `Contradiction` only if an owner that came later has published.
    async fn adopt(&self, owner: Owner, commit: CommitId) -> Result<(), SinkError>;

    /// Where the table stands, as the place itself knows it. Asked when a run starts, and by the laws.
    ///
    /// # Errors
    /// `Unavailable`, `Settings`, `Data`.
    async fn position(&self) -> Result<SinkPosition, SinkError>;

    /// What its newest commit of this writer says of all that had been read by then; `None` if the place keeps no such thing.
    /// `engine checkpoint rebuild` asks for it.
    ///
    /// # Errors
    /// As [`SinkTable::position`].
    async fn read_by_then(&self) -> Result<Option<ReadByThen>, SinkError> {
        Ok(None)
    }

    /// Checks that artifacts which later epochs replace are still in the table. Asked when a run starts, before anything is written, so
    /// that no epoch is committed which could never be published; a place where nobody else takes artifacts out need not look.
    ///
    /// # Errors
    /// `Data` if another program took one out, with the way back; as [`SinkTable::position`].
    async fn check_replaceable(&self, _files: &[StagedFile]) -> Result<(), SinkError> {
        Ok(())
    }

    /// How many rows a reader sees now; `None` if the place does not say it without reading them. Asked once of a table whose rows the
    /// commits have not counted from its beginning on, so that they can count from then on.
    ///
    /// # Errors
    /// As [`SinkTable::position`].
    async fn row_count(&self) -> Result<Option<u64>, SinkError> {
        Ok(None)
    }

    /// Takes away what attempts at epochs after `newest`, the newest committed one, have staged, but for those of owners that came after
    /// `owner`: they may not have published yet. Called when a run starts.
    ///
    /// # Errors
    /// `Unavailable`, `Settings`; `Contradiction` if there is something to take away, and an owner that came later has published.
    async fn sweep(&self, owner: Owner, newest: Option<EpochId>) -> Result<(), SinkError>;

    /// All rows that a reader sees now, in the order of the artifacts' names. For small tables: tests and drills.
    ///
    /// # Errors
    /// `Data` if something is gone or damaged; `Unavailable`.
    async fn rows(&self) -> Result<Vec<RecordBatch>, SinkError>;

    /// Waits until no upkeep of the table goes on beside the job; called when a run ends. A sink without upkeep returns at once.
    async fn wait_idle(&self);
}

/// Writes one artifact. Dropped before it is finished, it leaves at most something invisible that is swept later.
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
