//! What the laws of sinks share: tables with names of their own, artifacts, commits, and what readers see.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arrow::array::{AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use epoch::{ArtifactId, Commit, CommitId, EpochId, Owner, RowCounts, StagedFile, TableCommit};

use super::place::SinkUnderTest;
use crate::error::SinkError;
use crate::laws::broken::{Broken, Law, fails, hold};
use crate::sink::{Content, SinkTable, TableDefinition, WriterId};

pub(super) const TABLE: &str = "laws.rows";

pub(super) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, true), Field::new("name", DataType::Utf8, true)]))
}

/// The columns that a query has gained, behind those that it had.
pub(super) fn wider() -> SchemaRef {
    let more = Arc::new(Field::new("more", DataType::Int64, true));
    Arc::new(Schema::new(schema().fields().iter().cloned().chain([more]).collect::<Vec<_>>()))
}

/// True if readers see the column that a query has gained.
pub(super) fn has_more(batches: &[RecordBatch]) -> bool {
    batches.iter().any(|batch| batch.column_by_name("more").is_some())
}

pub(super) fn rows(ids: &[i64]) -> RecordBatch {
    let names = StringArray::from_iter_values(ids.iter().map(|id| format!("row {id}")));
    let columns = vec![Arc::new(Int64Array::from(ids.to_vec())) as _, Arc::new(names) as _];
    RecordBatch::try_new(schema(), columns).unwrap_or_else(|_| RecordBatch::new_empty(schema()))
}

pub(super) fn writer() -> WriterId {
    WriterId { job: "laws".to_string(), job_id: "1a2b3c4d".to_string() }
}

pub(super) fn definition(name: &str, schema: SchemaRef) -> TableDefinition {
    TableDefinition { name: format!("{TABLE}_{name}"), schema, key: vec!["id".to_string()] }
}

/// A table with a name of its own, so that laws do not meet each other's rows.
pub(super) async fn table(
    law: &'static str,
    place: &dyn SinkUnderTest,
    name: &str,
) -> Result<Arc<dyn SinkTable>, Broken> {
    let sink = place.open().await.map_err(fails(law))?;
    let definition = definition(name, schema());
    let table = sink.open_table(&definition, &writer()).await.map_err(fails(law))?;
    table.define(owner(1)).await.map_err(fails(law))?;
    Ok(table)
}

/// Stages rows, as the first owner.
pub(super) async fn staged(
    law: &'static str,
    table: &Arc<dyn SinkTable>,
    epoch: u64,
    artifact: (u32, Content),
    ids: &[i64],
) -> Result<Option<StagedFile>, Broken> {
    staged_by(owner(1), law, table, epoch, artifact, ids).await
}

/// Stages rows. On a thread of its own: a sink may wait for its uploads there.
pub(super) async fn staged_by(
    owner: Owner,
    law: &'static str,
    table: &Arc<dyn SinkTable>,
    epoch: u64,
    (number, content): (u32, Content),
    ids: &[i64],
) -> Result<Option<StagedFile>, Broken> {
    let (table, ids) = (Arc::clone(table), ids.to_vec());
    let stage = move || -> Result<Option<StagedFile>, SinkError> {
        let mut writer = table.stage(artifact(owner, epoch, number), content)?;
        if !ids.is_empty() {
            writer.write(&rows(&ids))?;
        }
        writer.finish()
    };
    let (send, receive) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        // The law waits for it.
        let _ = send.send(stage());
    });
    // Looked at in between, so that a runtime of one thread can serve the upload.
    let result = loop {
        match receive.try_recv() {
            Ok(result) => break result,
            Err(std::sync::mpsc::TryRecvError::Empty) => yield_now().await,
            Err(std::sync::mpsc::TryRecvError::Disconnected) => {
                return Err(Broken { law, seen: "staging ended without a result".to_string() });
            }
        }
    };
    // It has sent its last word.
    let _ = thread.join();
    result.map_err(fails(law))
}

/// Lets other work of the runtime go on.
async fn yield_now() {
    let mut is_done = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut is_done, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

pub(super) fn change(added: Vec<StagedFile>, removed: Vec<StagedFile>) -> TableCommit {
    TableCommit { added, removed, counts: RowCounts::default() }
}

/// The ids that a reader sees, sorted.
pub(super) async fn seen(law: &'static str, table: &Arc<dyn SinkTable>) -> Result<Vec<i64>, Broken> {
    let batches = table.rows().await.map_err(fails(law))?;
    let mut ids: Vec<i64> = Vec::new();
    for batch in &batches {
        let column = batch.column_by_name("id").and_then(|column| column.as_primitive_opt::<Int64Type>());
        ids.extend(column.into_iter().flat_map(|column| column.iter().flatten()));
    }
    ids.sort_unstable();
    Ok(ids)
}

pub(super) async fn sees(law: &'static str, table: &Arc<dyn SinkTable>, expected: &[i64]) -> Law {
    let found = seen(law, table).await?;
    hold(law, found == expected, || format!("readers see {found:?}, not {expected:?}"))
}

/// The owner of a term.
pub(super) fn owner(term: u64) -> Owner {
    Owner::after(term - 1, term + 40)
}

/// A name that no other artifact of this process has.
fn artifact(owner: Owner, epoch: u64, number: u32) -> ArtifactId {
    static ATTEMPTS: AtomicU32 = AtomicU32::new(0);
    let attempt = ATTEMPTS.fetch_add(1, Ordering::Relaxed);
    ArtifactId { epoch: EpochId(epoch), owner, attempt, number }
}

/// The id of an epoch's commit, in the history that all laws share.
pub(super) fn id(epoch: u64) -> CommitId {
    CommitId::new(EpochId(epoch), epoch + 1_000)
}

/// A commit that changes tables, each of which must hold `before`.
pub(super) fn commit(id: CommitId, before: Option<CommitId>, tables: BTreeMap<String, TableCommit>) -> Commit {
    Commit { owner: owner(1), ..Commit::bare(id).with_tables(before, tables) }
}

/// The commit of one table's epoch, after the epoch before it.
pub(super) fn commit_to(table: &Arc<dyn SinkTable>, epoch: u64, change: &TableCommit) -> Commit {
    let tables = BTreeMap::from([(table.name().to_string(), change.clone())]);
    commit(id(epoch), epoch.checked_sub(1).map(id), tables)
}

pub(super) async fn publish(
    law: &'static str,
    table: &Arc<dyn SinkTable>,
    epoch: u64,
    change: &TableCommit,
) -> Result<i64, Broken> {
    let commit = commit_to(table, epoch, change);
    // As a run does it: before the commit is durable.
    table.prepare_publish(owner(1), &commit);
    table.publish(owner(1), &commit).await.map_err(fails(law))
}

/// One epoch from end to end: stages these rows and publishes them.
pub(super) async fn add(law: &'static str, table: &Arc<dyn SinkTable>, epoch: u64, ids: &[i64]) -> Law {
    let file = staged(law, table, epoch, (0, Content::Added), ids).await?;
    publish(law, table, epoch, &change(file.into_iter().collect(), Vec::new())).await.map(|_| ())
}
