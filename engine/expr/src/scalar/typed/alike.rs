//! What the types of several arguments must be to each other: an element is of the type of the array.

use arrow::datatypes::DataType;

use super::super::read::is_text;

/// What is wrong with the types of a call's arguments, if something is.
pub type Alike = fn(&[DataType]) -> Option<&'static str>;

/// Two types of which Spark makes one without a cast that is written: the same, or numbers none of which is a decimal.
fn are_alike(left: &DataType, right: &DataType) -> bool {
    let is_plain = |kind: &DataType| kind.is_numeric() && !matches!(kind, DataType::Decimal128(..));
    match (left, right) {
        (left, right) if left == right => true,
        (left, right) if is_text(left) && is_text(right) => true,
        (left, right) if is_plain(left) && is_plain(right) => true,
        (DataType::Null, _) | (_, DataType::Null) => true,
        (DataType::Timestamp(..), DataType::Timestamp(..)) => true,
        (left, right) => left.is_nested() && right.is_nested(),
    }
}

/// An array and an element of it.
pub fn element(kinds: &[DataType]) -> Option<&'static str> {
    match kinds {
        [DataType::List(element), other] if !are_alike(element.data_type(), other) => {
            Some("the second argument must be of the type of the array's elements")
        }
        _ => None,
    }
}

/// Two arrays of one type.
pub fn arrays(kinds: &[DataType]) -> Option<&'static str> {
    match kinds {
        [DataType::List(left), DataType::List(right)] if !are_alike(left.data_type(), right.data_type()) => {
            Some("both arrays must be of one type")
        }
        [DataType::List(_), DataType::Null] | [DataType::Null, DataType::List(_)] => {
            Some("both arguments must be arrays of one type")
        }
        _ => None,
    }
}

/// A map and a key of it.
pub fn key(kinds: &[DataType]) -> Option<&'static str> {
    let [DataType::Map(entries, _), other] = kinds else { return None };
    let DataType::Struct(fields) = entries.data_type() else { return None };
    match fields.first() {
        Some(key) if !are_alike(key.data_type(), other) || other == &DataType::Null => {
            Some("the second argument must be of the type of the map's keys")
        }
        _ => None,
    }
}
