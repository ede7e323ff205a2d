//! Places to read from: local files, folders, Delta tables that the engine itself wrote.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::fs;

use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use epoch::{EpochId, TableCommit};

use super::*;
use crate::{Table, Warehouse};

fn place(path: &FilePath) -> Place {
    Place::open(path.to_str().unwrap()).unwrap()
}

async fn names(place: &Place) -> Vec<String> {
    place.files().await.unwrap().into_iter().map(|file| file.name).collect()
}

#[tokio::test]
async fn a_folder_has_the_files_that_are_not_hidden_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["b.csv", "a.csv", "deep/er/c.csv", "_SUCCESS", ".a.csv.crc", "_delta_log/0.json", "deep/.tmp/x.csv"] {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    let place = place(folder.path());
    assert_eq!(names(&place).await, ["a.csv", "b.csv", "deep/er/c.csv"]);
    let files = place.files().await.unwrap();
    assert_eq!(place.read(&files[2]).await.unwrap(), "deep/er/c.csv");
    assert_eq!(files[2].bytes, 13);
}

#[tokio::test]
async fn a_file_is_a_place_and_so_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b.csv");
    fs::write(&path, "x").unwrap();
    assert_eq!(names(&place(&path)).await, ["a b.csv"]);
    assert!(!place(&path).is_delta().await.unwrap());
    let nothing = place(&folder.path().join("nothing"));
    assert_eq!(names(&nothing).await, [""; 0]);
    assert!(!nothing.is_delta().await.unwrap());
    assert!(!folder.path().join("nothing").exists(), "looking makes nothing");
    assert!(matches!(nothing.delta_version(None).await, Err(SinkError::Data(_))));
}

#[tokio::test]
async fn a_changed_file_has_another_tag() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    fs::write(&path, "x").unwrap();
    let before = place(&path).files().await.unwrap();
    assert_eq!(place(&path).files().await.unwrap(), before);
    let other = folder.path().join("other");
    fs::write(&other, "y").unwrap();
    fs::rename(&other, &path).unwrap();
    assert_ne!(place(&path).files().await.unwrap(), before, "same length, maybe the same second");
}

#[test]
fn locations_that_mean_nothing_are_refused() {
    let refused = |location: &str| Place::from_location(location, &|_| None).unwrap_err().to_string();
    assert!(refused("gs://bucket/x").contains("s3://bucket/prefix"));
    assert!(refused("s3://bucket/x").contains("AWS_ACCESS_KEY_ID"));
}

async fn publish(table: &Table, epoch: u64, keys: &[i64]) {
    let (staging, schema) = (table.clone(), Arc::clone(table.schema()));
    let batch = RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(keys.to_vec()))]).unwrap();
    let staged = tokio::task::spawn_blocking(move || {
        let mut writer = staging.stage(EpochId(epoch), 0, None).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap().unwrap()
    });
    let change = TableCommit { added: vec![staged.await.unwrap()], ..TableCommit::default() };
    table.publish(EpochId(epoch), &change).await.unwrap();
}

async fn keys(place: &Place, version: i64) -> Vec<i64> {
    let (schema, batches) = place.delta_rows(version).await.unwrap();
    assert_eq!(schema.field(0).name(), "key");
    let mut keys: Vec<i64> =
        batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delta_table_is_read_at_any_of_its_versions() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
    let schema = Arc::new(Schema::new(vec![Field::new("key", DataType::Int64, true)]));
    let table = Table::open(&warehouse, "silver.products", schema, "shop", "1a2b").await.unwrap();
    let place = place(&folder.path().join("silver/products"));
    assert!(place.is_delta().await.unwrap());
    assert_eq!(place.delta_version(None).await.unwrap(), 0);
    assert_eq!(keys(&place, 0).await, [0; 0]);
    publish(&table, 0, &[3, 1]).await;
    publish(&table, 1, &[2]).await;
    for known in [None, Some(0), Some(1), Some(2)] {
        assert_eq!(place.delta_version(known).await.unwrap(), 2, "{known:?}");
    }
    assert_eq!((keys(&place, 1).await, keys(&place, 2).await), (vec![1, 3], vec![1, 2, 3]));
    assert!(matches!(place.delta_rows(9).await, Err(SinkError::Data(_))));
}
