//! Plain files as a static table: their versions, and what is said when something is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::pretty::pretty_format_batches;
use connector::StaticConnector;
use job::{Column, Refresh, StaticFormat};
use parquet::arrow::ArrowWriter;

use super::*;
use crate::FilesStatics;

mod damage;
mod reading;

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

fn column(name: &str, data_type: job::DataType) -> Column {
    Column { name: name.into(), field: name.into(), data_type, required: false }
}

fn opened(table: &job::StaticTable) -> Arc<dyn StaticTable> {
    FilesStatics.open(table).unwrap().unwrap()
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

#[tokio::test]
async fn the_version_of_files_changes_with_each_of_them_and_only_then() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv"), "id\n1\n").unwrap();
    let opened = opened(&table(folder.path()));
    let mut versions = vec![opened.current().await.unwrap()];
    assert_eq!(opened.current().await.unwrap(), versions[0]);
    assert_eq!(opened.load_current().await.unwrap().version, versions[0]);
    fs::write(folder.path().join("_hidden.csv"), "id\n9\n").unwrap();
    assert_eq!(opened.current().await.unwrap(), versions[0]);
    fs::write(folder.path().join("b.csv"), "id\n2\n").unwrap();
    versions.push(opened.current().await.unwrap());
    fs::rename(folder.path().join("b.csv"), folder.path().join("c.csv")).unwrap();
    versions.push(opened.current().await.unwrap());
    fs::write(folder.path().join("new"), "id\n3\n").unwrap();
    fs::rename(folder.path().join("new"), folder.path().join("c.csv")).unwrap();
    versions.push(opened.current().await.unwrap());
    let different: std::collections::BTreeSet<&String> = versions.iter().collect();
    assert_eq!(different.len(), 4, "{versions:?}");
    assert!(versions.iter().all(|version| version.starts_with("files:") && version.len() == 38), "{versions:?}");
}

#[tokio::test]
async fn files_of_an_earlier_version_are_read_as_long_as_they_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("products.csv");
    fs::write(&path, "id,name\n1,lamp\n").unwrap();
    let opened = opened(&table(&path));
    let before = opened.load_current().await.unwrap();
    assert_eq!(opened.load(&before.version).await.unwrap(), before);
    fs::write(folder.path().join("new"), "id,name\n1,bulb\n").unwrap();
    fs::rename(folder.path().join("new"), &path).unwrap();
    let error = opened.load(&before.version).await.unwrap_err();
    assert!(matches!(&error, StaticError::Data(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("static table products") && text.contains("put those files back"), "{text}");
    assert_eq!(values(&opened.load_current().await.unwrap().batch), [["1", "bulb"]]);
}

#[test]
fn the_text_that_a_version_is_made_of_never_changes() {
    let folder = tempfile::tempdir().unwrap();
    let schema = vec![column("id", job::DataType::Decimal(10, 2))];
    let settings = job::StaticTable { format: Some(StaticFormat::Csv), schema, ..table(folder.path()) };
    let text = "Some(Csv)\x00true\x0044\x00Column { name: \"id\", field: \"id\", data_type: Decimal(10, 2), required: false }\x00";
    assert_eq!(version_of(&settings, &[]), format!("files:{:032x}", xxh3_128(text.as_bytes())));
    let by_files = job::StaticTable { format: None, schema: Vec::new(), ..settings };
    assert_eq!(version_of(&by_files, &[]), "files:ed9b4739749273bc8da373ed37ed7687");
}

#[tokio::test]
async fn a_job_file_that_says_delta_means_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let delta = job::StaticTable { format: Some(StaticFormat::Delta), ..table(folder.path()) };
    assert!(FilesStatics.open(&delta).unwrap().is_none());
    let opened = opened(&table(folder.path()));
    assert!(opened.recognises().await.unwrap(), "whatever the others leave");
    assert!(opened.owns("files:1") && !opened.owns("delta:1") && !opened.keeps("files:1"));
}
