//! Delta tables as static tables: their versions and rows, and what is said when something is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::path::Path;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use job::{Column, Refresh};

use super::*;
use crate::Table;
use crate::fixture::{self, publish};

/// A static table at a path; the defaults of the job file.
fn table(path: &Path) -> job::StaticTable {
    job::StaticTable {
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

fn opened(table: &job::StaticTable) -> Arc<dyn StaticTable> {
    DeltaStatics.open(table).unwrap().unwrap()
}

fn rows(keys: &[i64], names: &[Option<&str>]) -> RecordBatch {
    let fields = vec![Field::new("id", DataType::Int64, true), Field::new("name", DataType::Utf8, true)];
    let columns: Vec<ArrayRef> =
        vec![Arc::new(Int64Array::from(keys.to_vec())), Arc::new(StringArray::from(names.to_vec()))];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

async fn delta_table(folder: &Path) -> Table {
    fixture::defined(folder, "silver.products", rows(&[], &[]).schema()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_of_a_delta_table_gives_its_rows_in_one_order() {
    let folder = tempfile::tempdir().unwrap();
    let written = delta_table(folder.path()).await;
    let opened = opened(&table(&folder.path().join("silver/products")));
    assert_eq!(opened.current().await.unwrap(), "delta:0");
    publish(&written, 0, &rows(&[3, 1, 3], &[Some("c"), None, Some("a")])).await;
    assert_eq!(opened.current().await.unwrap(), "delta:1");
    publish(&written, 1, &rows(&[2], &[Some("b")])).await;
    let newest = opened.load_current().await.unwrap();
    assert_eq!(newest.version, "delta:2");
    assert_eq!(newest.batch, rows(&[1, 2, 3, 3], &[None, Some("b"), Some("a"), Some("c")]));
    let before = opened.load("delta:1").await.unwrap();
    assert_eq!(before.batch, rows(&[1, 3, 3], &[None, Some("a"), Some("c")]));
    assert_eq!(opened.load("delta:0").await.unwrap().batch.num_rows(), 0);
    assert!(opened.keeps(&newest.version), "a Delta table keeps its versions itself");
    assert!(matches!(opened.load("delta:7").await, Err(StaticError::Data(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_of_the_job_renames_leaves_out_and_casts_columns_of_a_delta_table() {
    let folder = tempfile::tempdir().unwrap();
    let written = delta_table(folder.path()).await;
    publish(&written, 0, &rows(&[10, 2], &[Some("c"), Some("a")])).await;
    let mut table = table(&folder.path().join("silver/products"));
    table.format = Some(StaticFormat::Delta);
    table.schema =
        vec![Column { name: "product".into(), field: "id".into(), data_type: job::DataType::String, required: false }];
    let batch = opened(&table).load_current().await.unwrap().batch;
    assert_eq!(batch.schema().field(0), &Field::new("product", DataType::Utf8, true));
    let ids: Vec<_> = batch.column(0).as_string::<i32>().iter().flatten().collect();
    assert_eq!(ids, ["10", "2"], "in the order of text");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_there_is_recognised_and_must_be_what_the_job_file_says() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!opened(&table(folder.path())).recognises().await.unwrap());
    delta_table(folder.path()).await;
    let path = folder.path().join("silver/products");
    assert!(opened(&table(&path)).recognises().await.unwrap());
    let parquet = job::StaticTable { format: Some(StaticFormat::Parquet), ..table(&path) };
    let error = opened(&parquet).recognises().await.unwrap_err();
    assert!(matches!(&error, StaticError::Settings(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("static table products") && text.contains("format = \"delta\""), "{text}");
}

#[tokio::test]
async fn what_is_no_delta_table_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = table(&folder.path().join("nothing"));
    let opened = opened(&job::StaticTable { format: Some(StaticFormat::Delta), ..nothing });
    for error in [opened.current().await.unwrap_err(), opened.load_current().await.unwrap_err()] {
        assert!(matches!(&error, StaticError::Data(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("static table products: Delta table") && text.contains("nothing"), "{text}");
    }
    let text = opened.load("files:00").await.unwrap_err().to_string();
    assert!(text.contains("no longer what the job read before (files:00)"), "{text}");
    assert!(!opened.owns("files:00") && !opened.owns("delta:x") && opened.owns("delta:3"));
}
