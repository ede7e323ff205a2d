//! The types of time in a query: instants, and windows of them.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use datafusion::error::{DataFusionError, Result};

/// The type of an instant: microseconds, UTC.
pub fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The type of a TIMESTAMP_NTZ: microseconds on a clock that is in no zone.
pub fn local_time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

/// What stands behind the text of a time in JSON and CSV.
pub fn zone_of(kind: &DataType) -> &'static str {
    if *kind == local_time() { "" } else { "Z" }
}

/// The type in which two kinds of times meet: a day beside a time is midnight; an instant beside a time without a zone makes it one.
pub fn common_time(left: &DataType, right: &DataType) -> DataType {
    let is_local = |kind: &DataType| *kind == DataType::Date32 || *kind == local_time();
    if is_local(left) && is_local(right) { local_time() } else { instant() }
}

/// The type of a window: a struct of its start (inclusive) and end (exclusive).
pub fn window_type() -> DataType {
    DataType::Struct(window_fields())
}

/// The fields of a window.
pub fn window_fields() -> Fields {
    Fields::from(vec![Field::new("start", instant(), true), Field::new("end", instant(), true)])
}

/// A column of instants as it is, of windows as their ends.
///
/// # Errors
/// If it is neither.
pub fn instants(column: &ArrayRef) -> Result<ArrayRef> {
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => Ok(column.clone()),
        DataType::Struct(_) => {
            let window = column.as_struct();
            let end = window
                .column_by_name("end")
                .ok_or_else(|| DataFusionError::Internal("a window without an end".to_string()))?;
            // A null window has a null end, whatever its child says.
            Ok(match window.nulls() {
                None => end.clone(),
                Some(nulls) => {
                    let is_null = BooleanArray::new(!nulls.inner(), None);
                    arrow::compute::nullif(end, &is_null)?
                }
            })
        }
        other => Err(DataFusionError::Internal(format!("event time of type {other}"))),
    }
}
