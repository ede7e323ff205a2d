//! Blocks are read back as they were written, also those that lack columns which came later.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::{decode, encode};

fn schema(fields: Vec<Field>) -> SchemaRef {
    Arc::new(Schema::new(fields))
}

fn field(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, true)
}

fn later(name: &str, kind: DataType) -> Field {
    field(name, kind).with_metadata(HashMap::from([("later".to_string(), String::new())]))
}

#[test]
fn columns_that_came_later_are_null_in_older_blocks_and_nothing_else_is_forgiven() {
    let keys: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let sums: ArrayRef = Arc::new(Float64Array::from(vec![0.5, 0.25]));
    let older = schema(vec![field("key", DataType::Int64), field("sum", DataType::Float64)]);
    let rows = RecordBatch::try_new(Arc::clone(&older), vec![Arc::clone(&keys), Arc::clone(&sums)]).unwrap();
    let bytes = encode(&rows).unwrap();
    assert_eq!(decode(&bytes, &older).unwrap(), rows);

    let newer = schema(vec![
        field("key", DataType::Int64),
        later("before", DataType::Binary),
        field("sum", DataType::Float64),
        later("low", DataType::Float64),
    ]);
    let read = decode(&bytes, &newer).unwrap();
    assert_eq!((read.num_rows(), read.column(0), read.column(2)), (2, &keys, &sums));
    assert_eq!((read.column(1).null_count(), read.column(3).null_count()), (2, 2));
    assert_eq!(decode(&encode(&read).unwrap(), &newer).unwrap(), read, "with all columns they are what they are");

    let unmarked =
        schema(vec![field("key", DataType::Int64), field("sum", DataType::Float64), field("low", DataType::Float64)]);
    let other = schema(vec![field("key", DataType::Int64), field("sum", DataType::Int64)]);
    for wanted in [unmarked, other] {
        assert!(decode(&bytes, &wanted).unwrap_err().to_string().contains("where the query keeps"));
    }
}
