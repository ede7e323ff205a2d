//! Staged files: the same bytes for the same rows, everywhere; nothing for nothing.

use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryArray, RecordBatch};
use connector::SinkError;
use delta::{Table, Warehouse};
use epoch::StagedFile;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use parquet::file::reader::{FileReader, SerializedFileReader};
use storage::faults::{Fault, FaultyStore, Operation, Rule};

use crate::fixture::{added, artifact, faulty, in_store, open, publish_after, rows, stage, stage_as, try_stage};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_rows_make_the_same_bytes_on_disk_and_in_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let pairs: Vec<(i64, i64)> = (0..10_000).map(|number| (number, number % 7)).collect();
    let local = open(&Warehouse::open(folder.path().to_str().unwrap()).await.unwrap()).await;
    let same = artifact(1, 0);
    let file = stage_as(&local, same, &pairs).await.unwrap();
    let path = folder.path().join("gold/counts").join(&file.path);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(file.bytes, bytes.len() as u64);
    assert!(stage_as(&local, same, &pairs).await.is_err(), "no name is used twice");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    let another = stage(&local, 1, 0, &pairs).await;
    assert_ne!(another.path, file.path, "an attempt has names of its own");
    assert_eq!(std::fs::read(path.with_file_name(another.path)).unwrap(), bytes);
    let store = Arc::new(InMemory::new());
    let table = open(&in_store(store.clone())).await;
    assert_eq!(stage_as(&table, same, &pairs).await.unwrap(), file);
    let object = object_store::path::Path::from(format!("lake/gold/counts/{}", file.path));
    assert_eq!(store.get(&object).await.unwrap().bytes().await.unwrap(), bytes);
    let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
    let column = reader.metadata().row_group(0).column(0);
    assert_eq!(column.compression(), parquet::basic::Compression::LZ4_RAW);
    assert!(reader.metadata().file_metadata().created_by().unwrap().starts_with("engine version"));
    assert!(reader.metadata().file_metadata().key_value_metadata().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_rows_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
    let table = open(&warehouse).await;
    let finished = tokio::task::spawn_blocking(move || {
        let mut writer = table.stage(artifact(0, 0), None).unwrap();
        writer.write(&rows(&[])).unwrap();
        assert_eq!(writer.rows(), 0);
        writer.finish().unwrap()
    });
    assert_eq!(finished.await.unwrap(), None);
    let names: Vec<_> =
        std::fs::read_dir(folder.path().join("gold/counts")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["_delta_log"]);
}

/// Rows that do not compress, some 20 MiB of them.
fn large() -> RecordBatch {
    let mut state = 1_u64;
    let values: Vec<[u8; 64]> = (0..330_000)
        .map(|_| {
            let mut value = [0_u8; 64];
            for part in value.chunks_exact_mut(8) {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                part.copy_from_slice(&(state ^ (state >> 29)).to_le_bytes());
            }
            value
        })
        .collect();
    let column: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter(values.into_iter()).unwrap());
    RecordBatch::try_from_iter([("noise", column)]).unwrap()
}

async fn stage_large(table: &Table) -> Result<StagedFile, SinkError> {
    let table = table.clone();
    tokio::task::spawn_blocking(move || {
        let mut writer = table.stage(artifact(0, 0), None)?;
        for _ in 0..4 {
            writer.write(&large())?;
        }
        Ok(writer.finish()?.expect("there are rows"))
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_goes_up_in_parts_and_its_failure_is_reported() {
    let (warehouse, store) = faulty();
    let table = Table::open(&warehouse, "bronze.noise", large().schema(), "shop", "1a2b").await.unwrap();
    let file = stage_large(&table).await.unwrap();
    assert!(file.bytes > 80_000_000, "{file:?}");
    let path = object_store::path::Path::from(format!("lake/bronze/noise/{}", file.path));
    assert_eq!(store.head(&path).await.unwrap().size, file.bytes);
    store.add(Rule::next(Operation::Put, "part-", Fault::Fail));
    assert!(matches!(stage_large(&table).await, Err(SinkError::Unavailable(_))));
    assert_eq!(stage_large(&table).await.unwrap().bytes, file.bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_is_reported_when_staging() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    store.add(Rule::next(Operation::Put, "part-", Fault::DiskFull));
    assert!(
        matches!(try_stage(&table, 0, 0, &[(1, 1)]).await, Err(SinkError::DiskFull(text)) if text.as_str().contains("gold.counts"))
    );
    try_stage(&table, 0, 0, &[(1, 1)]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_on_the_local_disk_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    let synced = storage::SyncedLocal::new();
    let url = url::Url::from_directory_path(folder.path()).unwrap();
    let counted = FaultyStore::new(Arc::new(synced.clone()));
    let table = open(&Warehouse::with_store(url, Arc::new(counted))).await;
    let file = stage(&table, 0, 0, &[(1, 1)]).await;
    let before = synced.synced();
    publish_after(&table, None, 0, &added(&[&file])).await.unwrap();
    let after = synced.synced();
    assert_eq!((after.0 - before.0, after.1 - before.1), (1, 1), "the log entry and its folder");
}
