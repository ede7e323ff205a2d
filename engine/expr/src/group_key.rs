//! Keys of groups: which values are one, and a hash that is the same in every build.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, make_array};
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

/// One representative for values that are one group: 0.0 for -0.0, one NaN for all (Spark's `NormalizeFloatingNumbers`), in structs,
/// arrays and maps too.
pub fn normalized(column: &ArrayRef) -> ArrayRef {
    if !has_floats(column.data_type()) {
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
            changed.map_or_else(|_| Arc::clone(column), make_array)
        }
        _ => Arc::clone(column),
    }
}

/// True if values of a type have doubles in them.
pub fn has_floats(kind: &DataType) -> bool {
    match kind {
        DataType::Float32 | DataType::Float64 => true,
        DataType::List(element) | DataType::LargeList(element) | DataType::Map(element, _) => {
            has_floats(element.data_type())
        }
        DataType::Struct(fields) => fields.iter().any(|field| has_floats(field.data_type())),
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
