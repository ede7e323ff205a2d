//! `map()`: a map without entries.

use std::sync::Arc;

use arrow::array::{ArrayRef, MapArray, NullArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::error::Result;

use super::read::Kind;
use super::simple::Simple;

/// The function.
pub fn functions() -> Vec<Simple> {
    vec![Simple {
        name: "__empty_map",
        aliases: &[],
        count: (0, 0),
        kinds: &[Kind::Any],
        gives: |_| Ok(DataType::Map(entries(), false)),
        body,
    }]
}

fn fields() -> Fields {
    Fields::from(vec![Field::new("key", DataType::Null, false), Field::new("value", DataType::Null, true)])
}

fn entries() -> Arc<Field> {
    Arc::new(Field::new("entries", DataType::Struct(fields()), false))
}

fn body(args: &[ArrayRef]) -> Result<ArrayRef> {
    let none: Vec<ArrayRef> = vec![Arc::new(NullArray::new(0)), Arc::new(NullArray::new(0))];
    let inner = StructArray::try_new(fields(), none, None)?;
    let offsets = OffsetBuffer::from_lengths(vec![0; args[0].len()]);
    Ok(Arc::new(MapArray::try_new(entries(), offsets, inner, None, false)?))
}
