//! Keys of groups: which values are one, and a hash that is the same in every build.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, MapArray, UInt32Array, make_array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::row::{RowConverter, SortField};
use datafusion::error::Result;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

const NULL_HASH: u64 = 0x9E37_79B9_7F4A_7C15;

/// Hash of each row's keys.
///
/// # Errors
/// If a key type has no row encoding.
pub fn key_hashes(keys: &[ArrayRef], rows: usize) -> Result<Vec<u64>> {
    let mut hashes = vec![0_u64; rows];
    for key in keys {
        hash_column(key, &mut hashes)?;
    }
    Ok(hashes)
}

/// One representative for values that are one group: 0.0 for -0.0, one NaN for all (Spark's `NormalizeFloatingNumbers`), maps in the
/// order of their keys (`InsertMapSortInGroupingExpressions`), in structs and arrays too.
pub fn normalized(column: &ArrayRef) -> ArrayRef {
    if !has_several_forms(column.data_type()) {
        return Arc::clone(column);
    }
    match column.data_type() {
        DataType::Float64 => floats::<Float64Type>(
            column,
            |value| value.is_nan() || value == 0.0,
            |value| {
                if value.is_nan() { f64::NAN } else { value + 0.0 }
            },
        ),
        DataType::Float32 => floats::<Float32Type>(
            column,
            |value| value.is_nan() || value == 0.0,
            |value| {
                if value.is_nan() { f32::NAN } else { value + 0.0 }
            },
        ),
        DataType::Struct(_) | DataType::List(_) | DataType::LargeList(_) | DataType::Map(..) => {
            let data = column.to_data();
            let children = data.child_data().iter().map(|child| normalized(&make_array(child.clone())).to_data());
            let changed = data.clone().into_builder().child_data(children.collect()).build();
            // Only values were changed, so it can be built; if not, the column stays as it is.
            let changed = changed.map_or_else(|_| Arc::clone(column), make_array);
            match changed.as_map_opt() {
                Some(map) => sorted_by_key(map).map_or(Arc::clone(&changed), |map| Arc::new(map) as ArrayRef),
                None => changed,
            }
        }
        _ => Arc::clone(column),
    }
}

/// The maps with their entries in the order of their keys; none if they are, or if the keys have no order.
fn sorted_by_key(map: &MapArray) -> Option<MapArray> {
    let converter = RowConverter::new(vec![SortField::new(map.keys().data_type().clone())]).ok()?;
    let rows = converter.convert_columns(&[Arc::clone(map.keys())]).ok()?;
    let mut order: Vec<u32> = (0..u32::try_from(map.entries().len()).ok()?).collect();
    for span in map.value_offsets().windows(2) {
        let entries = order.get_mut(usize::try_from(span[0]).ok()?..usize::try_from(span[1]).ok()?)?;
        entries.sort_by(|left, right| rows.row(*left as usize).cmp(&rows.row(*right as usize)));
    }
    if order.is_sorted() {
        return None;
    }
    let entries = take(map.entries(), &UInt32Array::from(order), None).ok()?;
    let DataType::Map(field, is_sorted) = map.data_type() else { return None };
    let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
    MapArray::try_new(Arc::clone(field), offsets, entries.as_struct().clone(), nulls, *is_sorted).ok()
}

/// True if values of a type have maps in them.
pub fn has_maps(kind: &DataType) -> bool {
    match kind {
        DataType::Map(..) => true,
        DataType::List(element) | DataType::LargeList(element) => has_maps(element.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_maps(field.data_type())),
        _ => false,
    }
}

/// True if equal values of a type can be written in several ways: there are doubles or maps in them.
pub fn has_several_forms(kind: &DataType) -> bool {
    match kind {
        DataType::Float32 | DataType::Float64 => true,
        DataType::Map(..) => true,
        DataType::List(element) | DataType::LargeList(element) => has_several_forms(element.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_several_forms(field.data_type())),
        _ => false,
    }
}

/// The column with values changed, if there is one that might have to be.
fn floats<T: ArrowPrimitiveType>(
    column: &ArrayRef,
    is_suspect: impl Fn(T::Native) -> bool,
    change: impl Fn(T::Native) -> T::Native,
) -> ArrayRef {
    let values = column.as_primitive::<T>();
    match values.values().iter().any(|value| is_suspect(*value)) {
        true => Arc::new(values.unary::<_, T>(change)),
        false => Arc::clone(column),
    }
}

fn hash_column(column: &ArrayRef, hashes: &mut [u64]) -> Result<()> {
    match column.data_type() {
        DataType::Utf8 => {
            let values = column.as_string::<i32>();
            combine(column.as_ref(), hashes, |row, seed| xxh3_64_with_seed(values.value(row).as_bytes(), seed));
        }
        DataType::Int32 => {
            let values = column.as_primitive::<Int32Type>();
            combine(column.as_ref(), hashes, |row, seed| xxh3_64_with_seed(&values.value(row).to_le_bytes(), seed));
        }
        DataType::Int64 => {
            let values = column.as_primitive::<Int64Type>();
            combine(column.as_ref(), hashes, |row, seed| xxh3_64_with_seed(&values.value(row).to_le_bytes(), seed));
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let values = column.as_primitive::<TimestampMicrosecondType>();
            combine(column.as_ref(), hashes, |row, seed| xxh3_64_with_seed(&values.value(row).to_le_bytes(), seed));
        }
        other => {
            let converter = RowConverter::new(vec![SortField::new(other.clone())])?;
            let rows = converter.convert_columns(&[normalized(column)])?;
            combine(column.as_ref(), hashes, |row, seed| xxh3_64(rows.row(row).as_ref()) ^ seed.rotate_left(17));
        }
    }
    Ok(())
}

fn combine(column: &dyn Array, hashes: &mut [u64], hash: impl Fn(usize, u64) -> u64) {
    for (row, slot) in hashes.iter_mut().enumerate() {
        *slot = if column.is_null(row) { NULL_HASH ^ slot.rotate_left(23) } else { hash(row, *slot) };
    }
}

#[cfg(test)]
mod tests;
