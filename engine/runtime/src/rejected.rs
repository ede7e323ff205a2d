//! Records that could not be decoded, as rows of `rejected.<source>`.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use epoch::{EpochId, Split};
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
