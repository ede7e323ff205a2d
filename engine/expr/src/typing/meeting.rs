//! The type in which values of several types meet: comparisons, CASE, coalesce, arrays, IN (Spark's `AnsiTypeCoercion`).

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields};

use super::decimals::Digits;
use crate::types::{common_time, instant, local_time};

/// The type in which values of these two meet; none if Spark has none.
pub fn common_type(left: &DataType, right: &DataType) -> Option<DataType> {
    if left == right {
        return Some(left.clone());
    }
    match (left, right) {
        (DataType::Null, other) | (other, DataType::Null) => Some(other.clone()),
        (text, other) | (other, text) if is_text(text) => with_text(other),
        (left, right) if is_number(left) && is_number(right) => numbers(left, right),
        (DataType::Date32 | DataType::Timestamp(..), DataType::Date32 | DataType::Timestamp(..)) => {
            Some(common_time(left, right))
        }
        (DataType::List(left), DataType::List(right)) => Some(DataType::List(Arc::new(common_field(left, right)?))),
        (DataType::Struct(left), DataType::Struct(right)) if left.len() == right.len() => {
            let fields = left.iter().zip(right).map(|(left, right)| common_field(left, right).map(Arc::new));
            Some(DataType::Struct(fields.collect::<Option<Fields>>()?))
        }
        (DataType::Map(left, sorted), DataType::Map(right, _)) => {
            Some(DataType::Map(Arc::new(common_field(left, right)?), *sorted))
        }
        _ => None,
    }
}

/// The type in which all of these meet.
pub fn common_type_of<'a>(kinds: impl IntoIterator<Item = &'a DataType>) -> Option<DataType> {
    kinds.into_iter().try_fold(DataType::Null, |common, kind| common_type(&common, kind))
}

fn common_field(left: &FieldRef, right: &FieldRef) -> Option<Field> {
    let kind = common_type(left.data_type(), right.data_type())?;
    let is_nullable = left.is_nullable() || right.is_nullable();
    Some(left.as_ref().clone().with_data_type(kind).with_nullable(is_nullable))
}

/// True for text, however it is stored.
pub fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// True for the types of numbers that Spark has.
pub fn is_number(kind: &DataType) -> bool {
    is_whole(kind) || is_float(kind) || matches!(kind, DataType::Decimal128(..))
}

/// True for TINYINT to BIGINT.
pub fn is_whole(kind: &DataType) -> bool {
    matches!(kind, DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64)
}

/// True for FLOAT and DOUBLE.
pub fn is_float(kind: &DataType) -> bool {
    matches!(kind, DataType::Float32 | DataType::Float64)
}

/// A text that meets something else is read as that: whole numbers as BIGINT, others as DOUBLE.
fn with_text(other: &DataType) -> Option<DataType> {
    match other {
        kind if is_text(kind) => Some(DataType::Utf8),
        kind if is_whole(kind) => Some(DataType::Int64),
        kind if is_number(kind) => Some(DataType::Float64),
        DataType::Timestamp(..) if *other == local_time() => Some(local_time()),
        DataType::Timestamp(..) => Some(instant()),
        DataType::Date32 | DataType::Boolean | DataType::Binary => Some(other.clone()),
        _ => None,
    }
}

fn numbers(left: &DataType, right: &DataType) -> Option<DataType> {
    if is_float(left) || is_float(right) {
        return Some(DataType::Float64);
    }
    match (left, right) {
        (DataType::Decimal128(..), _) | (_, DataType::Decimal128(..)) => {
            Some(Digits::of(left)?.wider(Digits::of(right)?).data_type())
        }
        _ => Some(if width(left) >= width(right) { left.clone() } else { right.clone() }),
    }
}

fn width(kind: &DataType) -> usize {
    kind.primitive_width().unwrap_or_default()
}

#[cfg(test)]
mod tests;
