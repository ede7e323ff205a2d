//! Rows as text, value by value, so that those of a case and those of a table can be compared.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use arrow::util::display::array_value_to_string;
use serde_json::Value;

/// Rows in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows(Vec<Vec<String>>);

impl Rows {
    /// These rows less those of before, each as often as it was there.
    pub fn without(&self, before: &Rows) -> Rows {
        let mut gone = before.0.clone();
        let is_new = |row: &&Vec<String>| match gone.iter().position(|other| other == *row) {
            Some(at) => {
                gone.swap_remove(at);
                false
            }
            None => true,
        };
        Rows(self.0.iter().filter(is_new).cloned().collect())
    }

    /// The rows in an order of their own.
    pub fn sorted(mut self) -> Rows {
        self.0.sort();
        self
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// The rows of a table.
pub fn found(batches: &[RecordBatch]) -> Rows {
    let row = |batch: &RecordBatch, row: usize| batch.columns().iter().map(|column| cell(column, row)).collect();
    let rows = batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |at| row(batch, at)));
    Rows(rows.collect())
}

/// The rows that a case expects.
pub fn expected(rows: &Value) -> Rows {
    let value = |value: &Value| match value {
        Value::Null => "NULL".to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Rows(rows.as_array().unwrap().iter().map(|row| row.as_array().unwrap().iter().map(value).collect()).collect())
}

fn cell(column: &dyn Array, row: usize) -> String {
    match column.data_type() {
        _ if column.is_null(row) => "NULL".to_string(),
        // As Spark shows a timestamp: no zeros at the end of a fraction.
        DataType::Timestamp(..) => {
            let us = column.as_primitive::<TimestampMicrosecondType>().value(row);
            let time = chrono::DateTime::from_timestamp_micros(us).unwrap();
            let text = time.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
            text.trim_end_matches('0').trim_end_matches('.').to_string()
        }
        _ => array_value_to_string(column, row).unwrap(),
    }
}
