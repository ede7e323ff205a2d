//! The columns of several files as those of one table.

use arrow::datatypes::{DataType, Field, Schema};
use bytes::Bytes;

use super::target::check_names;

/// The columns of all files: each in the widest of its types.
pub(super) fn merged(
    files: &[(String, Bytes)],
    schema_of: impl Fn(&Bytes) -> Result<Schema, String>,
) -> Result<Schema, String> {
    let mut fields: Vec<Field> = Vec::new();
    for (name, content) in files {
        let schema = schema_of(content).map_err(|text| format!("{name}: {text}"))?;
        check_names(&schema).map_err(|text| format!("{name}: {text}"))?;
        for field in schema.fields() {
            match fields.iter_mut().find(|other| other.name() == field.name()) {
                Some(other) => {
                    let wider = wider(other.data_type(), field.data_type()).ok_or_else(|| {
                        format!(
                            "{name}: the column `{}` is {}, in another file {}; write a schema",
                            field.name(),
                            field.data_type(),
                            other.data_type()
                        )
                    })?;
                    other.set_data_type(wider);
                }
                None => fields.push(field.as_ref().clone()),
            }
        }
    }
    Ok(Schema::new(fields))
}

fn wider(one: &DataType, other: &DataType) -> Option<DataType> {
    match (one, other) {
        _ if one == other => Some(one.clone()),
        (DataType::Null, other) | (other, DataType::Null) => Some(other.clone()),
        (DataType::Int64, DataType::Float64) | (DataType::Float64, DataType::Int64) => Some(DataType::Float64),
        (DataType::Decimal128(digits, 0), DataType::Int64) | (DataType::Int64, DataType::Decimal128(digits, 0)) => {
            Some(DataType::Decimal128((*digits).max(20), 0))
        }
        (DataType::Decimal128(one, 0), DataType::Decimal128(other, 0)) => {
            Some(DataType::Decimal128(*one.max(other), 0))
        }
        (DataType::Decimal128(..), DataType::Float64) | (DataType::Float64, DataType::Decimal128(..)) => {
            Some(DataType::Float64)
        }
        (DataType::Utf8, other) | (other, DataType::Utf8) if !other.is_nested() => Some(DataType::Utf8),
        _ => None,
    }
}
