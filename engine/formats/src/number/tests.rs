//! Exact numbers against integer arithmetic.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn value(text: &str, scale: i8) -> Option<(i128, bool)> {
    scaled(text.as_bytes(), scale).map(|scaled| (scaled.value, scaled.exact))
}

#[test]
fn half_is_rounded_away_from_zero() {
    for (text, scale, expected) in [
        ("1.005", 2, Some((101, false))),
        ("-1.005", 2, Some((-101, false))),
        ("1.004999", 2, Some((100, false))),
        ("0.5", 0, Some((1, false))),
        ("0.05", 0, Some((0, false))),
        ("1.50", 1, Some((15, true))),
        ("1e2", 0, Some((100, true))),
        ("1.5E+1", 0, Some((15, true))),
        ("15e-1", 0, Some((2, false))),
        ("-0.0", 3, Some((0, true))),
        ("0e999999999999999999999", 3, Some((0, true))),
        ("1e-999999999999999999999", 3, Some((0, false))),
        ("1e999999999999999999999", 3, None),
        ("1e37", 0, Some((10_i128.pow(37), true))),
        ("1e38", 0, None),
        ("99999999999999999999999999999999999999", 0, Some((10_i128.pow(38) - 1, true))),
        ("0.000000000000000000000000000000000000000012", 41, Some((1, false))),
        ("12345", -2, Some((123, false))),
        ("12350", -2, Some((124, false))),
    ] {
        assert_eq!(value(text, scale), expected, "{text} to scale {scale}");
    }
}

proptest! {
    #[test]
    fn integers_are_read_as_std_reads_them(number in any::<i128>(), shift in 0_u32..127) {
        let number = number >> shift;
        prop_assert_eq!(integer(number.to_string().as_bytes()), i64::try_from(number).ok());
    }

    #[test]
    fn rounding_agrees_with_division(units in -1_000_000_000_i128..1_000_000_000, places in 0_u32..9, scale in 0_i8..9, exponent in -3_i32..4) {
        let sign = if units < 0 { "-" } else { "" };
        let (whole, part) = (units.abs() / 10_i128.pow(places), units.abs() % 10_i128.pow(places));
        let text = match places {
            0 => format!("{sign}{whole}e{exponent}"),
            _ => format!("{sign}{whole}.{part:0width$}e{exponent}", width = places as usize),
        };
        // units * 10^(exponent + scale + 12) / 10^(places + 12), so that no power is negative.
        let numerator = units.abs() * 10_i128.pow((exponent + i32::from(scale) + 12) as u32);
        let denominator = 10_i128.pow(places + 12);
        let rounded = (2 * numerator + denominator) / (2 * denominator) * units.signum();
        prop_assert_eq!(value(&text, scale), Some((rounded, numerator % denominator == 0)), "{}", text);
    }
}
