//! Rows that tests give to static tables: one schema for all steps, and a version for each content.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use arrow::array::RecordBatch;
use job::{Column, Refresh};
use serde_json::json;

use super::*;

/// A static table with the defaults of the job file.
fn table(path: &str) -> StaticTable {
    StaticTable {
        name: "products".into(),
        path: path.into(),
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

fn objects(values: &[Value]) -> Vec<Map<String, Value>> {
    values.iter().map(|value| value.as_object().unwrap().clone()).collect()
}

#[test]
fn rows_of_a_test_have_the_same_columns_in_every_step() {
    let first = objects(&[json!({ "name": "lamp", "id": 1 }), json!({ "id": null })]);
    let second = objects(&[json!({ "id": 1.5 })]);
    let steps = [Vec::new(), first, second];
    let found = rows_of(&table("products"), &steps).unwrap();
    assert_eq!(rows_of(&table("products"), &steps).unwrap(), found);
    let shown: Vec<_> = found.iter().map(|rows| values(&rows.batch)).collect();
    assert_eq!(shown, [vec![], vec![vec!["1.0", "lamp"], vec!["", ""]], vec![vec!["1.5", ""]]]);
    assert!(found.iter().all(|rows| rows.schema() == found[0].schema()));
    assert!(found[0].version != found[1].version && found[1].version != found[2].version);
}

#[test]
fn rows_of_a_test_are_of_the_schema_of_the_job() {
    let schema = vec![column("id", job::DataType::Int), column("at", job::DataType::Timestamp)];
    let typed = StaticTable { schema, ..table("products") };
    let none = rows_of(&typed, &[Vec::new()]).unwrap();
    assert_eq!((none[0].batch.num_rows(), none[0].schema()), (0, formats::arrow_schema(&typed.schema)));
    let error = rows_of(&typed, &[objects(&[json!({ "id": "x" })])]).unwrap_err().to_string();
    assert!(error.contains("line 1") && error.contains("id"), "{error}");
    let error = rows_of(&table("products"), &[Vec::new()]).unwrap_err().to_string();
    assert!(error.contains("[static.products.schema]"), "{error}");
}
