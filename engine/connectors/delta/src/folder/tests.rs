//! Delta tables to read from, which the engine itself wrote.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};

use super::*;
use crate::{Table, fixture};

fn folder_at(path: &std::path::Path) -> DeltaFolder {
    DeltaFolder::new(Place::open(path.to_str().unwrap()).unwrap())
}

#[tokio::test]
async fn a_file_is_no_table_and_neither_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, "x").unwrap();
    assert!(!folder_at(&path).is_table().await.unwrap());
    let nothing = folder_at(&folder.path().join("nothing"));
    assert!(!nothing.is_table().await.unwrap());
    assert!(matches!(nothing.newest_version(None).await, Err(SinkError::Data(_))));
    assert!(!folder.path().join("nothing").exists(), "looking makes nothing");
}

async fn publish(table: &Table, epoch: u64, keys: &[i64]) {
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(keys.to_vec()))];
    fixture::publish(table, epoch, &RecordBatch::try_new(Arc::clone(table.schema()), columns).unwrap()).await;
}

async fn keys(place: &DeltaFolder, version: i64) -> Vec<i64> {
    let (schema, batches) = place.rows(version).await.unwrap();
    assert_eq!(schema.field(0).name(), "key");
    let mut keys: Vec<i64> =
        batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delta_table_is_read_at_any_of_its_versions() {
    let folder = tempfile::tempdir().unwrap();
    let schema = Arc::new(Schema::new(vec![Field::new("key", DataType::Int64, true)]));
    let table = fixture::defined(folder.path(), "silver.products", schema).await;
    let place = folder_at(&folder.path().join("silver/products"));
    assert!(place.is_table().await.unwrap());
    assert_eq!(place.newest_version(None).await.unwrap(), 0);
    assert_eq!(keys(&place, 0).await, [0; 0]);
    publish(&table, 0, &[3, 1]).await;
    publish(&table, 1, &[2]).await;
    for earlier in [None, Some(0), Some(1), Some(2)] {
        assert_eq!(place.newest_version(earlier).await.unwrap(), 2, "{earlier:?}");
    }
    assert_eq!((keys(&place, 1).await, keys(&place, 2).await), (vec![1, 3], vec![1, 2, 3]));
    assert!(matches!(place.rows(9).await, Err(SinkError::Data(_))));
}
