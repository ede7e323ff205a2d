//! Small tables with known rows, and the rows as our own SQL reads them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use connector::{AsOf, SinkError, register_tables};
use datafusion::prelude::SessionContext;
use delta::{Table, Warehouse, write_pointer};
use epoch::{EpochId, StagedFile, TableCommit};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use storage::faults::FaultyStore;
use url::Url;

pub const NAME: &str = "gold.counts";

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

pub async fn open(warehouse: &Warehouse) -> Table {
    Table::open(warehouse, NAME, schema(), "shop", "1a2b").await.unwrap()
}

pub async fn stage(table: &Table, epoch: u64, number: u32, pairs: &[(i64, i64)]) -> StagedFile {
    try_stage(table, epoch, number, pairs).await.unwrap()
}

pub async fn try_stage(table: &Table, epoch: u64, number: u32, pairs: &[(i64, i64)]) -> Result<StagedFile, SinkError> {
    let (table, batch) = (table.clone(), rows(pairs));
    tokio::task::spawn_blocking(move || {
        let mut writer = table.stage(EpochId(epoch), number, Some(i64::from(number)))?;
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

/// The table's rows, sorted, at its newest version.
pub async fn newest(warehouse: &Warehouse) -> Vec<(i64, i64)> {
    select(warehouse, AsOf::Latest).await
}

/// The table's rows, sorted, at one version.
pub async fn at_version(warehouse: &Warehouse, version: i64) -> Vec<(i64, i64)> {
    write_pointer(warehouse, "probe", EpochId(0), &BTreeMap::from([(NAME.to_string(), version)])).await.unwrap();
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
