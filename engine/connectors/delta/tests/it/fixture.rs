//! Small tables with known rows, commits of one history, and the rows as our own SQL reads them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use connector::{AsOf, Pointer, SinkError, WriterId, register_tables};
use datafusion::prelude::SessionContext;
use delta::{Table, Warehouse, write_pointer};
use epoch::{ArtifactId, Commit, CommitId, EpochId, Owner, StagedFile, TableCommit};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use storage::faults::FaultyStore;
use url::Url;

pub const NAME: &str = "gold.counts";

/// Where the log of that table lies in a store of [`in_store`].
pub const LOG: &str = "lake/gold/counts/_delta_log";

pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("key", DataType::Int64, true), Field::new("value", DataType::Int64, true)]))
}

pub fn rows(pairs: &[(i64, i64)]) -> RecordBatch {
    let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(pairs.iter().map(|pair| pair.0)));
    let values: ArrayRef = Arc::new(Int64Array::from_iter_values(pairs.iter().map(|pair| pair.1)));
    RecordBatch::try_new(schema(), vec![keys, values]).unwrap()
}

/// A warehouse in memory whose store can fail.
pub fn faulty() -> (Warehouse, FaultyStore) {
    let store = FaultyStore::new(Arc::new(InMemory::new()));
    (in_store(Arc::new(store.clone())), store)
}

pub fn in_store(store: Arc<dyn ObjectStore>) -> Warehouse {
    Warehouse::with_store(Url::parse("memory:///lake").unwrap(), store)
}

/// The table of the job `shop`, made.
pub async fn open(warehouse: &Warehouse) -> Table {
    open_as(warehouse, "shop", "1a2b").await
}

/// The same table for another writer.
pub async fn open_as(warehouse: &Warehouse, job: &str, job_id: &str) -> Table {
    try_open(warehouse, NAME, schema(), (job, job_id)).await.unwrap()
}

/// Opens a table and makes it, or adds the columns that it lacks.
pub async fn try_open(
    warehouse: &Warehouse,
    name: &str,
    schema: SchemaRef,
    (job, job_id): (&str, &str),
) -> Result<Table, SinkError> {
    let table = Table::open(warehouse, name, schema, job, job_id).await?;
    // Of an owner that nobody in these tests fences off.
    table.define(owner_of(1_000)).await?;
    Ok(table)
}

/// Who publishes, where it does not matter.
pub fn owner() -> Owner {
    owner_of(1)
}

/// The owner of a term.
pub fn owner_of(term: u64) -> Owner {
    Owner::after(term - 1, term + 40)
}

/// A name that no other artifact of this process has.
pub fn artifact(epoch: u64, number: u32) -> ArtifactId {
    static ATTEMPTS: AtomicU32 = AtomicU32::new(0);
    let attempt = ATTEMPTS.fetch_add(1, Ordering::Relaxed);
    ArtifactId { epoch: EpochId(epoch), owner: owner(), attempt, number }
}

pub async fn stage(table: &Table, epoch: u64, number: u32, pairs: &[(i64, i64)]) -> StagedFile {
    try_stage(table, epoch, number, pairs).await.unwrap()
}

pub async fn try_stage(table: &Table, epoch: u64, number: u32, pairs: &[(i64, i64)]) -> Result<StagedFile, SinkError> {
    stage_as(table, artifact(epoch, number), pairs).await
}

/// Stages rows under a given name; its number is their bucket.
pub async fn stage_as(table: &Table, artifact: ArtifactId, pairs: &[(i64, i64)]) -> Result<StagedFile, SinkError> {
    stage_batch(table, artifact, Some(i64::from(artifact.number)), rows(pairs)).await
}

pub async fn stage_batch(
    table: &Table,
    artifact: ArtifactId,
    bucket: Option<i64>,
    batch: RecordBatch,
) -> Result<StagedFile, SinkError> {
    let table = table.clone();
    tokio::task::spawn_blocking(move || {
        let mut writer = table.stage(artifact, bucket)?;
        writer.write(&batch)?;
        Ok(writer.finish()?.expect("there are rows"))
    })
    .await
    .unwrap()
}

pub fn added(files: &[&StagedFile]) -> TableCommit {
    TableCommit { added: files.iter().map(|file| (*file).clone()).collect(), ..Default::default() }
}

pub fn replaced(removed: &[&StagedFile], new: &[&StagedFile]) -> TableCommit {
    TableCommit { removed: removed.iter().map(|file| (*file).clone()).collect(), ..added(new) }
}

/// The id of an epoch's commit, in the one history that most tests share.
pub fn id(epoch: u64) -> CommitId {
    CommitId::new(EpochId(epoch), epoch + 1_000)
}

/// The commit of an epoch that changes one table, which must hold `before`.
pub fn commit(table: &str, before: Option<CommitId>, epoch: u64, change: &TableCommit) -> Commit {
    let tables = BTreeMap::from([(table.to_string(), change.clone())]);
    Commit { owner: owner(), ..Commit::bare(id(epoch)).with_tables(before, tables) }
}

/// Publishes an epoch after whatever the table says that it holds.
pub async fn publish(table: &Table, epoch: u64, change: &TableCommit) -> Result<i64, SinkError> {
    // A repetition finds the commit itself there: what had to stand before it does not matter any more.
    let before = table.position().await?.accepted.filter(|held| *held != id(epoch));
    table.publish(owner(), &commit(table.name(), before, epoch, change)).await
}

/// Publishes an epoch after a given one, without a look at the table before: what the table was last seen to hold decides.
pub async fn publish_after(
    table: &Table,
    before: Option<u64>,
    epoch: u64,
    change: &TableCommit,
) -> Result<i64, SinkError> {
    table.publish(owner(), &commit(table.name(), before.map(id), epoch, change)).await
}

/// Where a table stands: its version, and the last epoch of its writer.
pub async fn at(table: &Table) -> (i64, Option<EpochId>) {
    let position = table.position().await.unwrap();
    assert_eq!(position.accepted, position.published, "a table holds no rows back");
    (position.version, position.published.map(|commit| commit.epoch))
}

/// The pointer of a job at an epoch.
pub fn pointer(job: &str, owner: Owner, epoch: u64, versions: &[(&str, i64)]) -> Pointer {
    let writer = WriterId { job: job.to_string(), job_id: "1a2b".to_string() };
    let versions = versions.iter().map(|(table, version)| ((*table).to_string(), *version)).collect();
    Pointer::of(&writer, owner, &Commit::bare(id(epoch)), &versions)
}

/// The table's rows, sorted, at its newest version.
pub async fn newest(warehouse: &Warehouse) -> Vec<(i64, i64)> {
    select(warehouse, AsOf::Latest).await
}

/// The table's rows, sorted, at one version.
pub async fn at_version(warehouse: &Warehouse, version: i64) -> Vec<(i64, i64)> {
    write_pointer(warehouse, &pointer("probe", owner(), 0, &[(NAME, version)])).await.unwrap();
    select(warehouse, AsOf::Published).await
}

async fn select(warehouse: &Warehouse, as_of: AsOf) -> Vec<(i64, i64)> {
    let context = SessionContext::new();
    register_tables(&context, warehouse, as_of).await.unwrap();
    let batches = batch::rows(&context, "SELECT key, value FROM gold.counts ORDER BY key, value").await.unwrap();
    let mut pairs = Vec::new();
    for batch in &batches {
        let (keys, values) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int64Type>());
        pairs.extend(keys.values().iter().copied().zip(values.values().iter().copied()));
    }
    pairs
}

/// Names of the table's data files in the store, published or not, sorted.
pub async fn data_files(store: &dyn ObjectStore) -> Vec<String> {
    use futures::TryStreamExt;
    let objects: Vec<_> = store.list(None).try_collect().await.unwrap();
    let mut names: Vec<String> = objects
        .into_iter()
        .filter(|object| {
            object.location.as_ref().ends_with(".parquet") && !object.location.as_ref().contains("_delta_log")
        })
        .map(|object| object.location.filename().unwrap().to_string())
        .collect();
    names.sort();
    names
}

/// Path of a log entry in a store of [`in_store`].
pub fn entry_path(version: i64) -> object_store::path::Path {
    object_store::path::Path::from(format!("{LOG}/{version:020}.json"))
}

/// Puts a log entry behind everybody's back: lines of JSON.
pub async fn put_entry(store: &dyn ObjectStore, version: i64, actions: &[serde_json::Value]) {
    let text: String = actions.iter().map(|action| format!("{action}\n")).collect();
    store.put(&entry_path(version), text.into()).await.unwrap();
}
