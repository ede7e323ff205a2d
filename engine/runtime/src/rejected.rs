//! Records that could not be decoded, as rows of `rejected.<source>`.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Int32Array, Int64Array, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
    UInt32Array,
};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use epoch::{EpochId, Split};
use expr::scalar::to_json;
use expr::types::instant;

/// A record that could not be decoded.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// The record's value as it came.
    pub value: Option<Vec<u8>>,
    /// Where it was read.
    pub at: Split,
    /// Offset in the split.
    pub offset: i64,
    /// The record's own timestamp, microseconds since 1970 UTC.
    pub timestamp_us: Option<i64>,
    /// What is wrong with it.
    pub reason: String,
}

/// Schema of `rejected.<source>`.
pub fn rejected_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("value", DataType::Binary, true),
        Field::new("topic", DataType::Utf8, true),
        Field::new("partition", DataType::Int32, true),
        Field::new("offset", DataType::Int64, true),
        Field::new("timestamp", instant(), true),
        Field::new("reason", DataType::Utf8, true),
        Field::new("epoch", DataType::Int64, true),
    ]))
}

/// Schema of `<table>__rejected`.
pub fn rejected_rows_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("row", DataType::Utf8, true),
        Field::new("reason", DataType::Utf8, true),
        Field::new("epoch", DataType::Int64, true),
    ]))
}

/// Rows that a query has no value for, each as JSON of all its columns, with what is wrong with it.
///
/// # Errors
/// Never in practice.
pub fn faulty_rows(rows: &RecordBatch, faulty: &[(usize, String)], epoch: EpochId) -> Result<RecordBatch, ArrowError> {
    let places = UInt32Array::from_iter_values(faulty.iter().map(|(row, _)| *row as u32));
    let taken = take_record_batch(rows, &places)?;
    let json = to_json(&(Arc::new(StructArray::from(taken)) as ArrayRef))
        .map_err(|error| ArrowError::ExternalError(Box::new(error)))?;
    let reasons = StringArray::from_iter_values(faulty.iter().map(|(_, what)| what));
    let epochs = Int64Array::from(vec![epoch.0.cast_signed(); faulty.len()]);
    RecordBatch::try_new(rejected_rows_schema(), vec![json, Arc::new(reasons), Arc::new(epochs)])
}

/// The rows of rejected records.
///
/// # Errors
/// Never in practice.
pub fn rejected_rows(rejected: &[Rejected], epoch: EpochId) -> Result<RecordBatch, ArrowError> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rejected.iter().map(|reject| reject.value.as_deref()).collect::<BinaryArray>()),
        Arc::new(StringArray::from_iter_values(rejected.iter().map(|reject| &reject.at.stream))),
        Arc::new(Int32Array::from_iter_values(rejected.iter().map(|reject| reject.at.partition))),
        Arc::new(Int64Array::from_iter_values(rejected.iter().map(|reject| reject.offset))),
        Arc::new(
            rejected
                .iter()
                .map(|reject| reject.timestamp_us)
                .collect::<TimestampMicrosecondArray>()
                .with_timezone("UTC"),
        ),
        Arc::new(StringArray::from_iter_values(rejected.iter().map(|reject| &reject.reason))),
        Arc::new(Int64Array::from(vec![epoch.0.cast_signed(); rejected.len()])),
    ];
    RecordBatch::try_new(rejected_schema(), columns)
}

#[cfg(test)]
mod tests;
