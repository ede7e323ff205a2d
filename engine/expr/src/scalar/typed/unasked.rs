//! The casts that Spark puts around the arguments of functions.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::super::casting::{fault_of, is_lost, read};
use super::super::instant_text::{parse_instant, parse_time_of_day};
use super::super::text::to_text;
use crate::types::instant;

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

/// Instants of texts; a time of day alone, `12:34:56`, is one of the first day.
pub fn clock_instants(values: &ArrayRef, ansi: bool) -> Result<ArrayRef> {
    let texts = to_text(values)?;
    let us = texts.iter().map(|text| text.and_then(|text| parse_instant(text).or_else(|| parse_time_of_day(text))));
    let read: ArrayRef = Arc::new(us.collect::<TimestampMicrosecondArray>().with_timezone("UTC"));
    match (0..read.len()).find(|row| ansi && values.is_valid(*row) && read.is_null(*row)) {
        Some(row) => Err(fault_of(values, row, &instant()).into()),
        None => Ok(read),
    }
}
