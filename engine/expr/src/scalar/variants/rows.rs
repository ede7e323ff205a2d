//! The rows of `variant_explode(v)`: one for each item of an array or member of an object.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, ListArray, StringArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::error::Result;

use super::super::read::Kind;
use super::super::simple::Simple;
use super::given::{needed, variants};
use crate::variant::{Item, variant, write};

/// Both, as arrays of structs which are unnested.
pub fn functions() -> Vec<Simple> {
    let rows = |name, body| Simple {
        name,
        aliases: &[],
        count: (1, 1),
        kinds: &[Kind::Any],
        gives: |types| {
            needed("variant_explode", &types[0])?;
            Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Struct(fields()), true))))
        },
        body,
    };
    vec![
        rows("variant_explode_rows", |args| exploded(&args[0], false)),
        rows("variant_explode_outer_rows", |args| exploded(&args[0], true)),
    ]
}

fn fields() -> Fields {
    let field = |name, kind| Field::new(name, kind, true);
    Fields::from(vec![field("pos", DataType::Int32), field("key", DataType::Utf8), field("value", variant())])
}

/// `is_outer`: where there is no row, one of NULLs.
fn exploded(values: &ArrayRef, is_outer: bool) -> Result<ArrayRef> {
    let items = variants(values)?;
    let (mut places, mut keys, mut parts, mut lengths) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for item in &items {
        let before = parts.len();
        match item {
            Some(Item::Array(items)) => parts.extend(items.iter().map(|item| (None, Some(item)))),
            Some(Item::Object(members)) => {
                parts.extend(members.iter().map(|(name, value)| (Some(name.as_str()), Some(value))));
            }
            _ => {}
        }
        let count = parts.len() - before;
        places.extend((0..count).map(|at| i32::try_from(at).ok()));
        if count == 0 && is_outer {
            parts.push((None, None));
            places.push(None);
        }
        lengths.push(parts.len() - before);
    }
    keys.extend(parts.iter().map(|(key, _)| *key));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(places)),
        Arc::new(StringArray::from(keys)),
        write(parts.iter().map(|(_, value)| *value))?,
    ];
    let structs: ArrayRef = Arc::new(StructArray::try_new_with_length(fields(), columns, None, parts.len())?);
    let field = Arc::new(Field::new_list_field(DataType::Struct(fields()), true));
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), structs, None)?))
}
