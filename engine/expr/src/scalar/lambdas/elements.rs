//! The elements of arrays and entries of maps, row by row.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field};
use datafusion::common::{internal_err, plan_err};
use datafusion::error::Result;

use crate::display::type_name;

/// The places of each row's elements or entries; none for a null.
pub fn spans(values: &ArrayRef) -> Result<Vec<Option<Range<usize>>>> {
    let offsets = match values.data_type() {
        DataType::List(_) => values.as_list::<i32>().value_offsets(),
        DataType::Map(..) => values.as_map().value_offsets(),
        other => return internal_err!("an array or a map of {other}"),
    };
    let span = |row: usize| values.is_valid(row).then(|| offsets[row] as usize..offsets[row + 1] as usize);
    Ok((0..values.len()).map(span).collect())
}

/// The elements at these places; none is null.
pub fn at(values: &dyn Array, places: Vec<Option<u32>>) -> Result<ArrayRef> {
    Ok(take(values, &UInt32Array::from(places), None)?)
}

/// Lists of these lengths; none is a null.
pub fn listed(kind: &DataType, elements: ArrayRef, lengths: &[Option<usize>]) -> Result<ArrayRef> {
    let DataType::List(field) = kind else { return internal_err!("a list of {kind}") };
    let nulls = NullBuffer::from_iter(lengths.iter().map(Option::is_some));
    let offsets = OffsetBuffer::from_lengths(lengths.iter().map(|length| length.unwrap_or(0)));
    Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, elements, Some(nulls))?))
}

/// An array of these.
pub fn list_of(kind: &DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(kind.clone(), true)))
}

/// The type of an array's elements.
pub fn element_of(kind: &DataType) -> Result<DataType> {
    match kind {
        DataType::List(field) => Ok(field.data_type().clone()),
        other => plan_err!("an array is needed, not {}", type_name(other)),
    }
}

/// The types of a map's keys and values.
pub fn entry_of(kind: &DataType) -> Result<[DataType; 2]> {
    if let DataType::Map(entries, _) = kind
        && let DataType::Struct(fields) = entries.data_type()
        && let [key, value] = fields.as_ref()
    {
        return Ok([key.data_type().clone(), value.data_type().clone()]);
    }
    plan_err!("a map is needed, not {}", type_name(kind))
}
