//! The casts that Spark puts around the arguments of functions.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::super::casting::{fault_of, is_lost, read};

/// Values as another type. What cannot be read is an error in ANSI mode, else NULL.
pub fn unasked(values: &ArrayRef, target: &DataType, ansi: bool) -> Result<ArrayRef> {
    if values.data_type() == target {
        return Ok(Arc::clone(values));
    }
    if values.data_type() == &DataType::Null {
        return Ok(cast(values, target)?);
    }
    let read = read(values, target)?;
    let failed = (0..values.len()).find(|row| ansi && is_lost(values, &read, *row));
    match failed {
        Some(row) => Err(fault_of(values, row, target).into()),
        None => Ok(read),
    }
}
