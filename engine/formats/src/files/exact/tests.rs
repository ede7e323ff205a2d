//! The exact types of columns of text files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;

fn of(kind: DataType, values: &[&str]) -> DataType {
    exact_type(&kind, values.iter().copied())
}

#[test]
fn a_number_with_a_zero_before_it_is_a_text() {
    assert_eq!(of(DataType::Int64, &["7", "01220"]), DataType::Utf8);
    assert_eq!(of(DataType::Float64, &["1.5", "-007.5"]), DataType::Utf8);
    assert_eq!(of(DataType::Int64, &["0", "-0", "10", ""]), DataType::Int64);
    assert_eq!(of(DataType::Float64, &["0.5", "0"]), DataType::Float64);
}

#[test]
fn whole_numbers_beyond_64_bits_are_decimals() {
    assert_eq!(of(DataType::Float64, &["9007199254740993", "9223372036854775808"]), DataType::Decimal128(20, 0));
    assert_eq!(of(DataType::Int64, &["1234567890123456789012345"]), DataType::Decimal128(25, 0));
    assert_eq!(of(DataType::Float64, &["9223372036854775808", "0.5"]), DataType::Float64);
    assert_eq!(of(DataType::Float64, &["1", "2"]), DataType::Float64);
}
