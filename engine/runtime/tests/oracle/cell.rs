//! Rows as sorted lines of text, the same whoever gave them: the engine, DataFusion or DuckDB.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType, UInt64Type,
};
use serde_json::Value;

/// Rows, sorted.
pub type Lines = Vec<String>;

/// Rows of batches. Instants are microseconds since 1970 UTC; a list is its elements with commas between them.
pub fn lines_of_batches(batches: &[RecordBatch]) -> Lines {
    let mut lines = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = batch.columns().iter().map(|column| cell_of(column, row)).collect();
            lines.push(cells.join(" | "));
        }
    }
    lines.sort();
    lines
}

fn cell_of(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return "null".to_string();
    }
    match column.data_type() {
        DataType::Int8 => column.as_primitive::<Int8Type>().value(row).to_string(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row).to_string(),
        DataType::Float64 => number(column.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Utf8 => column.as_string::<i32>().value(row).to_string(),
        DataType::LargeUtf8 => column.as_string::<i64>().value(row).to_string(),
        DataType::Utf8View => column.as_string_view().value(row).to_string(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            column.as_primitive::<TimestampMicrosecondType>().value(row).to_string()
        }
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            (0..items.len()).map(|item| cell_of(&items, item)).collect::<Vec<_>>().join(",")
        }
        other => panic!("the comparison does not know the type {other}"),
    }
}

/// Rows as DuckDB's Python gives them.
pub fn lines_of_json(rows: &Value) -> Lines {
    let line = |row: &Value| row.as_array().unwrap().iter().map(cell_of_json).collect::<Vec<_>>().join(" | ");
    let mut lines: Lines = rows.as_array().unwrap().iter().map(line).collect();
    lines.sort();
    lines
}

fn cell_of_json(value: &Value) -> String {
    match value {
        Value::Null => "null".to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::String(text) => text.clone(),
        Value::Number(given) => match given.as_i64() {
            Some(whole) => whole.to_string(),
            None => number(given.as_f64().unwrap()),
        },
        Value::Array(items) => items.iter().map(cell_of_json).collect::<Vec<_>>().join(","),
        Value::Object(_) => panic!("the comparison does not know structs"),
    }
}

/// Nine digits: sums of the same doubles in another order differ in the last ones.
fn number(value: f64) -> String {
    if value == value.trunc() && value.abs() < 1e15 {
        return (value as i64).to_string();
    }
    format!("{value:.8e}")
}
