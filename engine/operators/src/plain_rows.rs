//! Rows that are tried before a job begins: what fails on a plain row, for a reason that is not the row's, fails on all.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Int32Array, Int64Array, ListArray, MapArray, RecordBatch, StringArray,
    StructArray, new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, SchemaRef};

/// A row of plain values: ones, short texts, lists of one, times of 1970. What has no such value is NULL. Without rows if the schema allows none.
pub fn plain_row(schema: &SchemaRef) -> RecordBatch {
    let columns = schema.fields().iter().map(|field| plain(field.data_type())).collect();
    RecordBatch::try_new(Arc::clone(schema), columns).unwrap_or_else(|_| RecordBatch::new_empty(Arc::clone(schema)))
}

/// A row of NULLs, whatever the schema says of them.
pub fn null_row(schema: &SchemaRef) -> RecordBatch {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    let columns = schema.fields().iter().map(|field| new_null_array(field.data_type(), 1)).collect();
    let nullable = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    RecordBatch::try_new(nullable, columns).unwrap_or_else(|_| RecordBatch::new_empty(Arc::clone(schema)))
}

fn plain(kind: &DataType) -> ArrayRef {
    let null = || new_null_array(kind, 1);
    match kind {
        DataType::Utf8 => Arc::new(StringArray::from(vec!["a"])),
        DataType::Binary => Arc::new(BinaryArray::from(vec![b"a".as_slice()])),
        DataType::Boolean => Arc::new(BooleanArray::from(vec![true])),
        DataType::List(field) => {
            let list =
                ListArray::try_new(Arc::clone(field), OffsetBuffer::from_lengths([1]), plain(field.data_type()), None);
            list.map_or_else(|_| null(), |list| Arc::new(list) as ArrayRef)
        }
        DataType::Struct(fields) if !fields.is_empty() => {
            let members = fields.iter().map(|field| plain(field.data_type())).collect();
            StructArray::try_new(fields.clone(), members, None).map_or_else(|_| null(), |row| Arc::new(row) as ArrayRef)
        }
        DataType::Map(field, sorted) => {
            let DataType::Struct(entry) = field.data_type() else { return null() };
            let members = entry.iter().map(|field| plain(field.data_type())).collect();
            let entries = StructArray::try_new(entry.clone(), members, None);
            let map = entries.and_then(|entries| {
                MapArray::try_new(Arc::clone(field), OffsetBuffer::from_lengths([1]), entries, None, *sorted)
            });
            map.map_or_else(|_| null(), |map| Arc::new(map) as ArrayRef)
        }
        DataType::Timestamp(..) => cast(&Int64Array::from(vec![1_000_000]), kind).unwrap_or_else(|_| null()),
        kind if kind.is_numeric() || kind.is_temporal() => {
            cast(&Int32Array::from(vec![1]), kind).unwrap_or_else(|_| null())
        }
        _ => null(),
    }
}

#[cfg(test)]
mod tests;
