//! Types of results.

use arrow::datatypes::DataType;
use datafusion::error::Result;

use crate::types::instant;

/// Text.
pub fn text_type(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::Utf8)
}

/// A 64-bit whole number.
pub fn whole_type(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::Int64)
}

/// A 32-bit whole number.
pub fn int_type(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::Int32)
}

/// A double.
pub fn double_type(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::Float64)
}

/// A boolean.
pub fn flag_type(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::Boolean)
}

/// A day.
pub fn date_type(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::Date32)
}

/// An instant.
pub fn instant_type(_: &[DataType]) -> Result<DataType> {
    Ok(instant())
}

/// Bytes.
pub fn bytes_type(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::Binary)
}

/// The type of the first argument.
pub fn first_type(types: &[DataType]) -> Result<DataType> {
    Ok(types[0].clone())
}
