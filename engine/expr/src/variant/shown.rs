//! Variants as what a table or a person gets: their JSON, wherever they stand in a column.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::error::Result;

use super::item::Item;
use super::stored::{has_variant, is_variant, read};

/// The type with each variant as a text.
pub fn type_with_json(kind: &DataType) -> DataType {
    let inner = |field: &FieldRef| of_kind(field, type_with_json(field.data_type()));
    match kind {
        kind if is_variant(kind) => DataType::Utf8,
        DataType::List(field) => DataType::List(inner(field)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        DataType::Map(entries, is_sorted) => DataType::Map(inner(entries), *is_sorted),
        other => other.clone(),
    }
}

/// The column with each variant as its JSON.
///
/// # Errors
/// If the bytes of one are damaged.
pub fn with_json(column: &ArrayRef) -> Result<ArrayRef> {
    if !has_variant(column.data_type()) {
        return Ok(Arc::clone(column));
    }
    Ok(match (column.data_type(), type_with_json(column.data_type())) {
        (kind, _) if is_variant(kind) => {
            let items = read(column)?;
            Arc::new(items.iter().map(|item| item.as_ref().map(Item::json)).collect::<StringArray>())
        }
        (DataType::List(_), DataType::List(field)) => {
            let list = column.as_list::<i32>();
            let values = with_json(list.values())?;
            Arc::new(ListArray::try_new(field, list.offsets().clone(), values, list.nulls().cloned())?)
        }
        (DataType::Map(..), DataType::Map(entries, is_sorted)) => {
            let map = column.as_map();
            let inner: ArrayRef = Arc::new(map.entries().clone());
            let inner = with_json(&inner)?.as_struct().clone();
            Arc::new(MapArray::try_new(entries, map.offsets().clone(), inner, map.nulls().cloned(), is_sorted)?)
        }
        (DataType::Struct(_), DataType::Struct(fields)) => structs(column.as_struct(), fields)?,
        _ => Arc::clone(column),
    })
}

fn structs(from: &StructArray, fields: Fields) -> Result<ArrayRef> {
    let columns = from.columns().iter().map(with_json).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(StructArray::try_new_with_length(fields, columns, from.nulls().cloned(), from.len())?))
}

fn of_kind(field: &FieldRef, kind: DataType) -> FieldRef {
    Arc::new(Field::clone(field).with_data_type(kind))
}
