//! Static tables of every format: their versions, their rows, their copies; and what is said when something is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::pretty::pretty_format_batches;
use datafusion::parquet::arrow::ArrowWriter;
use epoch::{EpochId, TableCommit};
use job::Column;
use serde_json::json;

use super::*;

mod damage;
mod reading;
mod running;

/// A static table at a path; the defaults of the job file.
fn table(path: &Path) -> StaticTable {
    StaticTable {
        name: "products".into(),
        path: path.to_str().unwrap().into(),
        format: None,
        refresh: Refresh::OnChange,
        schema: Vec::new(),
        header: true,
        delimiter: b',',
        path_span: 0..0,
    }
}

fn column(name: &str, data_type: job::DataType) -> Column {
    Column { name: name.into(), field: name.into(), data_type, required: false }
}

fn loader(table: &StaticTable) -> StaticLoader {
    StaticLoader::open(table).unwrap()
}

/// The rows as text, one a line: columns, types, then values.
fn shown(batch: &RecordBatch) -> String {
    let schema = batch.schema();
    let types: Vec<String> =
        schema.fields().iter().map(|field| format!("{} {}", field.name(), field.data_type())).collect();
    format!("{}\n{}", types.join(", "), pretty_format_batches(std::slice::from_ref(batch)).unwrap())
}

/// Values of the rows, column by column, NULL as empty text.
fn values(batch: &RecordBatch) -> Vec<Vec<String>> {
    let options = arrow::util::display::FormatOptions::default();
    let columns: Vec<_> = batch
        .columns()
        .iter()
        .map(|column| arrow::util::display::ArrayFormatter::try_new(column.as_ref(), &options).unwrap())
        .collect();
    (0..batch.num_rows()).map(|row| columns.iter().map(|column| column.value(row).to_string()).collect()).collect()
}

fn rows(keys: &[i64], names: &[Option<&str>]) -> RecordBatch {
    let fields = vec![Field::new("id", DataType::Int64, true), Field::new("name", DataType::Utf8, true)];
    let columns: Vec<ArrayRef> =
        vec![Arc::new(Int64Array::from(keys.to_vec())), Arc::new(StringArray::from(names.to_vec()))];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn write_parquet(path: &Path, batch: &RecordBatch) {
    let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

async fn publish(table: &delta::Table, epoch: u64, batch: &RecordBatch) {
    let (staging, batch) = (table.clone(), batch.clone());
    let staged = tokio::task::spawn_blocking(move || {
        let mut writer = staging.stage(EpochId(epoch), 0, None).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap().unwrap()
    });
    let change = TableCommit { added: vec![staged.await.unwrap()], ..TableCommit::default() };
    table.publish(EpochId(epoch), &change).await.unwrap();
}

async fn delta_table(folder: &Path) -> delta::Table {
    let warehouse = delta::Warehouse::open(folder.to_str().unwrap()).await.unwrap();
    delta::Table::open(&warehouse, "silver.products", rows(&[], &[]).schema(), "shop", "1a2b").await.unwrap()
}

#[tokio::test]
async fn the_version_of_files_changes_with_each_of_them_and_only_then() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv"), "id\n1\n").unwrap();
    let loader = loader(&table(folder.path()));
    let mut versions = vec![loader.current().await.unwrap()];
    assert_eq!(loader.current().await.unwrap(), versions[0]);
    assert_eq!(loader.load_current().await.unwrap().version, versions[0]);
    fs::write(folder.path().join("_hidden.csv"), "id\n9\n").unwrap();
    assert_eq!(loader.current().await.unwrap(), versions[0]);
    fs::write(folder.path().join("b.csv"), "id\n2\n").unwrap();
    versions.push(loader.current().await.unwrap());
    fs::rename(folder.path().join("b.csv"), folder.path().join("c.csv")).unwrap();
    versions.push(loader.current().await.unwrap());
    fs::write(folder.path().join("new"), "id\n3\n").unwrap();
    fs::rename(folder.path().join("new"), folder.path().join("c.csv")).unwrap();
    versions.push(loader.current().await.unwrap());
    let different: std::collections::BTreeSet<&String> = versions.iter().collect();
    assert_eq!(different.len(), 4, "{versions:?}");
    assert!(versions.iter().all(|version| version.starts_with("files:") && version.len() == 38), "{versions:?}");
}

#[tokio::test]
async fn files_of_an_earlier_version_are_read_as_long_as_they_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("products.csv");
    fs::write(&path, "id,name\n1,lamp\n").unwrap();
    let loader = loader(&table(&path));
    let before = loader.load_current().await.unwrap();
    assert_eq!(loader.load(&before.version).await.unwrap(), before);
    fs::write(folder.path().join("new"), "id,name\n1,bulb\n").unwrap();
    fs::rename(folder.path().join("new"), &path).unwrap();
    let error = loader.load(&before.version).await.unwrap_err();
    assert!(matches!(&error, StaticError::Data(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("static table products") && text.contains("put those files back"), "{text}");
    assert_eq!(values(&loader.load_current().await.unwrap().batch), [["1", "bulb"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_of_a_delta_table_gives_its_rows_in_one_order() {
    let folder = tempfile::tempdir().unwrap();
    let written = delta_table(folder.path()).await;
    let loader = loader(&table(&folder.path().join("silver/products")));
    assert_eq!(loader.current().await.unwrap(), "delta:0");
    publish(&written, 0, &rows(&[3, 1, 3], &[Some("c"), None, Some("a")])).await;
    assert_eq!(loader.current().await.unwrap(), "delta:1");
    publish(&written, 1, &rows(&[2], &[Some("b")])).await;
    let newest = loader.load_current().await.unwrap();
    assert_eq!(newest.version, "delta:2");
    assert_eq!(newest.batch, rows(&[1, 2, 3, 3], &[None, Some("b"), Some("a"), Some("c")]));
    let before = loader.load("delta:1").await.unwrap();
    assert_eq!(before.batch, rows(&[1, 3, 3], &[None, Some("a"), Some("c")]));
    assert_eq!(loader.load("delta:0").await.unwrap().batch.num_rows(), 0);
    assert_eq!(loader.copy(&newest).unwrap(), None, "a Delta table keeps its versions itself");
    assert!(matches!(loader.load("delta:7").await, Err(StaticError::Data(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_of_the_job_renames_leaves_out_and_casts_columns_of_a_delta_table() {
    let folder = tempfile::tempdir().unwrap();
    let written = delta_table(folder.path()).await;
    publish(&written, 0, &rows(&[10, 2], &[Some("c"), Some("a")])).await;
    let mut table = table(&folder.path().join("silver/products"));
    table.format = Some(StaticFormat::Delta);
    table.schema = vec![Column { field: "id".into(), ..column("product", job::DataType::String) }];
    let batch = loader(&table).load_current().await.unwrap().batch;
    assert_eq!(batch.schema().field(0), &Field::new("product", DataType::Utf8, true));
    assert_eq!(values(&batch), [["10"], ["2"]], "in the order of text");
}

#[tokio::test]
async fn a_copy_gives_the_same_rows_and_knows_its_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.json");
    fs::write(&path, "{\"id\":1,\"tags\":[\"a\",null],\"size\":{\"w\":1.5}}\n{\"id\":null}\n").unwrap();
    let loader = loader(&table(&path));
    let rows = loader.load_current().await.unwrap();
    let copy = loader.copy(&rows).unwrap().unwrap();
    assert_eq!(loader.copy(&rows).unwrap().unwrap(), copy, "byte for byte");
    assert_eq!(StaticRows::decode("products", &rows.version, &copy).unwrap(), rows);
    let error = StaticRows::decode("products", "files:other", &copy).unwrap_err().to_string();
    assert!(error.contains("of another version") && error.contains("static table products"), "{error}");
    for cut in [0, 1, copy.len() / 2] {
        let error = StaticRows::decode("products", &rows.version, &copy[..cut]).unwrap_err();
        assert!(matches!(&error, StaticError::Data(text) if text.contains("checkpoint")), "{error:?}");
    }
    let empty = StaticRows { version: "files:0".into(), batch: rows.batch.slice(0, 0) };
    let copy = loader.copy(&empty).unwrap().unwrap();
    assert_eq!(StaticRows::decode("products", "files:0", &copy).unwrap(), empty);
}

#[tokio::test]
async fn a_copy_has_its_own_place_for_each_table_and_epoch() {
    let keys = [("a", 1), ("a", 2), ("b", 1)].map(|(name, epoch)| StaticRows::block_key(name, EpochId(epoch)));
    assert_eq!(keys[0].operator, state::OperatorId::of("static/a"));
    assert!(keys[0].operator == keys[1].operator && keys[0] != keys[1] && keys[0].operator != keys[2].operator);
}

#[tokio::test]
async fn a_restart_finds_the_copy_of_the_version_that_the_plan_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.csv");
    fs::write(&path, "id\n1\n").unwrap();
    let loader = loader(&table(&path));
    let checkpoint = state::Checkpoint::open(&folder.path().join("c"), "shop", &state::CheckpointSettings::default());
    let checkpoint = checkpoint.unwrap();
    let rows = loader.load_current().await.unwrap();
    let copy = loader.copy(&rows).unwrap().unwrap();
    let plan = epoch::Plan {
        format: epoch::record::FORMAT,
        epoch: EpochId(0),
        batch_time_us: 0,
        watermark_us: None,
        late_watermark_us: None,
        lanes: 1,
        sources: Default::default(),
        times: std::collections::BTreeMap::new(),
        statics: [("products".to_string(), rows.version.clone())].into(),
    };
    checkpoint.write_plan_with(&plan, vec![(StaticRows::block_key("products", EpochId(0)), copy)]).unwrap();
    fs::write(&path, "id\n2\n").unwrap();
    assert_eq!(StaticRows::restore(&checkpoint, "products", &rows.version).unwrap(), Some(rows));
    assert_eq!(StaticRows::restore(&checkpoint, "products", "files:0").unwrap(), None);
    assert_eq!(StaticRows::restore(&checkpoint, "other", "files:0").unwrap(), None);
    assert_eq!(StaticRows::superseded(&checkpoint, "products", EpochId(0)).unwrap(), []);
    let key = StaticRows::block_key("products", EpochId(0));
    assert_eq!(StaticRows::superseded(&checkpoint, "products", EpochId(4)).unwrap(), [key]);
}

#[test]
fn rows_that_are_too_many_to_copy_are_refused_with_what_to_do() {
    let rows = StaticRows { version: "files:1".into(), batch: rows(&[1], &[Some("x")]) };
    let bytes = copy::encode("products", &rows).unwrap().len();
    assert!(copy::encode_within("products", &rows, bytes).is_ok());
    let error = copy::encode_within("products", &rows, bytes - 1).unwrap_err();
    assert!(matches!(&error, StaticError::TooLarge(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("static table products") && text.contains("Delta") && text.contains("never"), "{text}");
}

#[test]
fn when_to_look_again() {
    let folder = tempfile::tempdir().unwrap();
    let due = |refresh: Refresh, looked_us: Option<i64>, now_us: i64| {
        loader(&StaticTable { refresh, ..table(folder.path()) }).is_due(looked_us, now_us)
    };
    for refresh in [Refresh::Never, Refresh::OnChange, Refresh::Every(10)] {
        assert!(due(refresh, None, 5), "{refresh:?}: not looked at yet");
    }
    assert!(!due(Refresh::Never, Some(0), i64::MAX));
    assert!(due(Refresh::OnChange, Some(5), 5));
    assert!(!due(Refresh::Every(10), Some(5), 14));
    assert!(due(Refresh::Every(10), Some(5), 15));
}

fn objects(values: &[Value]) -> Vec<Map<String, Value>> {
    values.iter().map(|value| value.as_object().unwrap().clone()).collect()
}

#[test]
fn rows_of_a_test_have_the_same_columns_in_every_step() {
    let folder = tempfile::tempdir().unwrap();
    let first = objects(&[json!({ "name": "lamp", "id": 1 }), json!({ "id": null })]);
    let second = objects(&[json!({ "id": 1.5 })]);
    let steps = [Vec::new(), first, second];
    let found = StaticRows::of_test(&table(folder.path()), &steps).unwrap();
    assert_eq!(StaticRows::of_test(&table(folder.path()), &steps).unwrap(), found);
    let shown: Vec<_> = found.iter().map(|rows| values(&rows.batch)).collect();
    assert_eq!(shown, [vec![], vec![vec!["1.0", "lamp"], vec!["", ""]], vec![vec!["1.5", ""]]]);
    assert!(found.iter().all(|rows| rows.schema() == found[0].schema()));
    assert!(found[0].version != found[1].version && found[1].version != found[2].version);
}

#[test]
fn rows_of_a_test_are_of_the_schema_of_the_job() {
    let folder = tempfile::tempdir().unwrap();
    let schema = vec![column("id", job::DataType::Int), column("at", job::DataType::Timestamp)];
    let typed = StaticTable { schema, ..table(folder.path()) };
    let none = StaticRows::of_test(&typed, &[Vec::new()]).unwrap();
    assert_eq!((none[0].batch.num_rows(), none[0].schema()), (0, formats::arrow_schema(&typed.schema)));
    let error = StaticRows::of_test(&typed, &[objects(&[json!({ "id": "x" })])]).unwrap_err().to_string();
    assert!(error.contains("line 1") && error.contains("id"), "{error}");
    let error = StaticRows::of_test(&table(folder.path()), &[Vec::new()]).unwrap_err().to_string();
    assert!(error.contains("[static.products.schema]"), "{error}");
}
