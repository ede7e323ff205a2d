//! Numbers as Java writes them.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int32Array, StringArray};

use super::decimal_format::DecimalFormat;
use super::formatter::format_string;

fn by_pattern(pattern: &str, number: &str) -> String {
    DecimalFormat::parse(pattern).unwrap().write(number)
}

#[test]
fn a_number_is_written_by_a_pattern() {
    assert_eq!(by_pattern("##################.###", "12332.123456"), "12332.123");
    assert_eq!(by_pattern("#,###.00", "1234.5"), "1,234.50");
    assert_eq!(by_pattern("000.0", "0.5"), "000.5");
    assert_eq!(by_pattern("", "1234.5"), "1,234");
    assert_eq!(by_pattern("$#,##0.00", "-1234.565"), "-$1,234.56");
    assert_eq!(DecimalFormat::to_digits("2").unwrap().write("-0.001"), "-0.00");
    assert!(DecimalFormat::to_digits("-1").is_none() && DecimalFormat::parse("0.0E0").is_none());
}

fn one(format: &str, argument: ArrayRef) -> String {
    let format: ArrayRef = Arc::new(StringArray::from(vec![format]));
    format_string(&[format, argument]).unwrap().as_string::<i32>().value(0).to_string()
}

#[test]
fn doubles_are_rounded_half_up_in_their_shortest_digits() {
    let double = |format: &str, value: f64| one(format, Arc::new(Float64Array::from(vec![value])));
    assert_eq!(double("%.2f", 1.005), "1.01");
    assert_eq!(double("%.0f", 0.5), "1");
    assert_eq!(double("%e", 12_345.678), "1.234568e+04");
    assert_eq!(double("%.0e", 9.5), "1e+01");
    assert_eq!(double("%g", 0.0001), "0.000100000");
    assert_eq!(double("%08.2f", -1.25), "-0001.25");
    assert_eq!(double("%s", 1e20), "1.0E20");
}

#[test]
fn whole_numbers_have_signs_groups_and_bases() {
    let whole = |format: &str, value: i32| one(format, Arc::new(Int32Array::from(vec![value])));
    assert_eq!(whole("%,d|", 1_234_567), "1,234,567|");
    assert_eq!(whole("%(d", -5), "(5)");
    assert_eq!(whole("%#x", 255), "0xff");
    assert_eq!(whole("%x", -1), "ffffffff");
    assert_eq!(whole("%-5d|%1$05d", 42), "42   |00042");
}
