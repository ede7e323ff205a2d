//! The struct that a VARIANT is inside the engine: the names of its members, and its value, as Parquet and Delta have them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;

use super::item::Item;

/// The names of the struct's fields, which no query gives to its own: by them the type is known.
const PARTS: [&str; 2] = ["__metadata", "__value"];

/// The type of a variant.
pub fn variant() -> DataType {
    DataType::Struct(parts())
}

fn parts() -> Fields {
    PARTS.iter().map(|name| Field::new(*name, DataType::Binary, true)).collect()
}

/// True if the type is that of a variant.
pub fn is_variant(kind: &DataType) -> bool {
    matches!(kind, DataType::Struct(fields) if fields.len() == 2 && fields.iter().zip(PARTS).all(|(field, name)| field.name() == name))
}

/// True if there is a variant anywhere in the type.
pub fn has_variant(kind: &DataType) -> bool {
    is_variant(kind)
        || match kind {
            DataType::List(field) | DataType::LargeList(field) | DataType::Map(field, _) => {
                has_variant(field.data_type())
            }
            DataType::Struct(fields) => fields.iter().any(|field| has_variant(field.data_type())),
            _ => false,
        }
}

/// The values of a column of variants; NULL is none.
///
/// # Errors
/// If the bytes are no variant.
pub fn read(column: &ArrayRef) -> Result<Vec<Option<Item>>> {
    let parts = column.as_struct();
    let [metadata, value] = [0, 1].map(|at| parts.column(at).as_binary::<i32>());
    let one = |row: usize| {
        (parts.is_valid(row) && value.is_valid(row)).then(|| Item::read(metadata.value(row), value.value(row)))
    };
    (0..parts.len())
        .map(|row| one(row).transpose())
        .collect::<Result<_, _>>()
        .map_err(|error| exec_datafusion_err!("the bytes of a variant are damaged: {error}"))
}

/// A column of variants.
///
/// # Errors
/// If a value is nested too deeply, or too large.
pub fn write<'a>(items: impl IntoIterator<Item = Option<&'a Item>>) -> Result<ArrayRef> {
    let (mut metadata, mut values) = (BinaryBuilder::new(), BinaryBuilder::new());
    let mut valid = Vec::new();
    for item in items {
        valid.push(item.is_some());
        match item {
            Some(item) => {
                let (names, value) = item.write()?;
                metadata.append_value(names);
                values.append_value(value);
            }
            None => {
                metadata.append_null();
                values.append_null();
            }
        }
    }
    let columns: [BinaryArray; 2] = [metadata.finish(), values.finish()];
    let columns = columns.into_iter().map(|column| Arc::new(column) as ArrayRef).collect();
    let length = valid.len();
    Ok(Arc::new(StructArray::try_new_with_length(parts(), columns, Some(NullBuffer::from(valid)), length)?))
}
