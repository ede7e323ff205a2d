//! What the types of several arguments must be to each other: an element is of the type of the array.

use arrow::datatypes::DataType;

use super::super::read::is_text;

/// What is wrong with the types of a call's arguments, if something is.
pub type Alike = fn(&[DataType]) -> Option<&'static str>;

/// Two types of which Spark makes one without a cast that is written: the same, times, or numbers, of which one may be a decimal if
/// `has_decimals`.
fn are_alike(left: &DataType, right: &DataType, has_decimals: bool) -> bool {
    let is_plain = |kind: &DataType| kind.is_numeric() && (has_decimals || !matches!(kind, DataType::Decimal128(..)));
    let is_time = |kind: &DataType| matches!(kind, DataType::Date32 | DataType::Timestamp(..));
    match (left, right) {
        (left, right) if left == right => true,
        (left, right) if is_time(left) && is_time(right) => true,
        (left, right) if is_text(left) && is_text(right) => true,
        (left, right) if is_plain(left) && is_plain(right) => true,
        (DataType::Null, _) | (_, DataType::Null) => true,
        (left, right) => left.is_nested() && right.is_nested(),
    }
}

/// An array and what may be in it.
pub fn contained(kinds: &[DataType]) -> Option<&'static str> {
    match kinds {
        [DataType::List(element), other]
            if other == &DataType::Null || !are_alike(element.data_type(), other, true) =>
        {
            Some("the second argument must be of the type of the array's elements")
        }
        _ => None,
    }
}

/// An array and an element of it.
pub fn element(kinds: &[DataType]) -> Option<&'static str> {
    match kinds {
        [DataType::List(element), other] if !are_alike(element.data_type(), other, false) => {
            Some("the second argument must be of the type of the array's elements")
        }
        _ => None,
    }
}

/// Two arrays of one type.
pub fn arrays(kinds: &[DataType]) -> Option<&'static str> {
    match kinds {
        [DataType::List(left), DataType::List(right)] if !are_alike(left.data_type(), right.data_type(), false) => {
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
        Some(key) if !are_alike(key.data_type(), other, true) || other == &DataType::Null => {
            Some("the second argument must be of the type of the map's keys")
        }
        _ => None,
    }
}
