//! Exact sums against whole numbers of 128 bits, against sums that are known, and against themselves in another order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::{ExactSum, Form, KeptSum};

fn sum(values: &[f64]) -> ExactSum {
    let mut sum = ExactSum::default();
    values.iter().for_each(|value| sum.add(*value));
    sum
}

/// Numbers that look random and are the same on every run.
fn dice(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

/// Doubles of all sizes from 2^-`spread` to 2^`spread`.
fn values(roll: &mut impl FnMut() -> u64, count: usize, spread: u64) -> Vec<f64> {
    let value = |roll: &mut dyn FnMut() -> u64| {
        let mantissa = roll() & ((1 << 52) - 1);
        let exponent = 1023 - spread + roll() % (2 * spread + 1);
        f64::from_bits((roll() & 1) << 63 | exponent << 52 | mantissa)
    };
    (0..count).map(|_| value(roll)).collect()
}

#[test]
fn sums_are_rounded_once() {
    assert_eq!(sum(&[]).value(), None);
    assert_eq!(sum(&[0.1; 10]).value(), Some(1.0));
    assert_eq!(sum(&[1e16, 1.0, -1e16]).value(), Some(1.0));
    assert_eq!(sum(&[1e308, 1e308, -1e308]).value(), Some(1e308));
    assert_eq!(sum(&[1e308, 1e308]).value(), Some(f64::INFINITY));
    assert_eq!(sum(&[1e300, 1.0, 1e-300, -1e300, -1.0]).value(), Some(1e-300));
    assert_eq!(sum(&[5e-324, 5e-324]).value(), Some(1e-323));
    assert_eq!(sum(&[-0.0]).value().map(f64::to_bits), Some(0));
    // Halfway between two doubles the even one is nearest, and anything beside it decides.
    assert_eq!(sum(&[1.0, f64::EPSILON / 2.0]).value(), Some(1.0));
    assert_eq!(sum(&[1.0, f64::EPSILON / 2.0, 1e-300]).value(), Some(1.0 + f64::EPSILON));
    assert_eq!(sum(&[-1.0, -f64::EPSILON / 2.0, -1e-300]).value(), Some(-1.0 - f64::EPSILON));
}

#[test]
fn what_is_no_number_is_a_sum_in_any_order() {
    let infinite = f64::INFINITY;
    for values in [[infinite, 1.0, -infinite], [-infinite, infinite, 1.0], [1.0, f64::NAN, infinite]] {
        assert!(sum(&values).value().unwrap().is_nan(), "{values:?}");
    }
    assert_eq!(sum(&[1e308, infinite, 1e308, -1e308]).value(), Some(infinite));
    let mut left = sum(&[1.5, infinite, f64::NAN]);
    left.subtract(infinite);
    left.subtract(f64::NAN);
    assert_eq!(left.value(), Some(1.5));
}

/// Multiples of 2^-60 below 2^40: sums of them are whole numbers of 128 bits, which are rounded by the compiler's own conversion.
#[test]
fn sums_are_those_of_whole_numbers() {
    let mut roll = dice(1);
    for _ in 0..2_000 {
        let mut exact = 0_i128;
        let mut found = ExactSum::default();
        for _ in 0..1 + roll() % 40 {
            let steps = ((roll() >> 11) as i128 * if roll() & 1 == 0 { 1 } else { -1 }) << (roll() % 47);
            exact += steps;
            found.add(steps as f64 / (1_u64 << 60) as f64);
        }
        assert_eq!(found.value(), Some(exact as f64 / (1_u64 << 60) as f64));
    }
}

#[test]
fn order_and_parts_change_nothing() {
    let mut roll = dice(2);
    for round in 0..2_000 {
        let spread = [8, 40, 300, 1_022][round % 4];
        let mut values = values(&mut roll, 1 + (round % 50), spread);
        let forwards = sum(&values);
        values.reverse();
        let backwards = sum(&values);
        let mut parts = ExactSum::default();
        for part in values.chunks(1 + round % 7) {
            let KeptSum { high, low, rest } = sum(part).keep().unwrap();
            parts.merge(ExactSum::restore(high, low, rest.as_deref()).unwrap());
        }
        assert_eq!(forwards.value(), backwards.value());
        assert_eq!(forwards.value(), parts.value());
        assert_eq!(forwards.keep(), backwards.keep());
        assert_eq!(forwards.keep(), parts.keep());
        let mut nothing = forwards.clone();
        values.iter().for_each(|value| nothing.subtract(*value));
        assert_eq!(nothing.value(), Some(0.0));
    }
}

#[test]
fn nearly_every_sum_is_two_doubles() {
    let mut prices = ExactSum::default();
    for cents in 0..100_000 {
        prices.add(f64::from(cents) / 100.0);
    }
    assert!(matches!(prices.0, Form::Pair { .. }));
    assert_eq!(prices.value(), Some(49_999_500.0));
}

/// What an engine that rounded has kept, is what it showed until a new value comes: its own order of adding up, step by step.
#[test]
fn sums_of_an_older_engine_are_what_it_showed_until_there_is_a_new_value() {
    let older = |value: f64| ExactSum::restore(value, None, None).unwrap();
    let mut merged = older(0.1);
    merged.merge(older(0.2));
    merged.merge(older(0.3));
    assert_eq!(merged.value(), Some(0.1 + 0.2 + 0.3));
    let KeptSum { high, low, rest } = merged.keep().unwrap();
    let again = ExactSum::restore(high, low, rest.as_deref()).unwrap();
    assert_eq!(again, merged);
    let mut later = again.clone();
    later.merge(sum(&[0.0]));
    assert_eq!(later.value(), Some(0.6), "the parts are added up exactly from now on");
    let mut before = sum(&[0.0]);
    before.merge(again);
    assert_eq!(before.value(), Some(0.6));
}

#[test]
fn damaged_bytes_are_no_sum() {
    for bytes in [&[][..], &[7], &[1, 0], &[0, 1, 2], &[1; 20]] {
        assert_eq!(ExactSum::restore(1.0, Some(0.0), Some(bytes)), None, "{bytes:?}");
    }
}
