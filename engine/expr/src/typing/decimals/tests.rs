//! Precision and scale, with the answers of Spark 4.3's `typeof`.

use super::{Digits, Operation};

fn digits(precision: u8, scale: i8) -> Digits {
    Digits { precision, scale }
}

#[test]
fn results_have_sparks_precision_and_scale() {
    let cases = [
        ((10, 2), Operation::Add, (10, 2), (11, 2)),
        ((38, 2), Operation::Add, (38, 2), (38, 2)),
        ((38, 10), Operation::Subtract, (38, 5), (38, 6)),
        ((10, 2), Operation::Multiply, (2, 1), (13, 3)),
        ((38, 18), Operation::Multiply, (38, 18), (38, 6)),
        ((10, 2), Operation::Divide, (10, 2), (23, 13)),
        ((38, 18), Operation::Divide, (38, 18), (38, 6)),
        ((10, 2), Operation::Remainder, (5, 3), (5, 3)),
    ];
    for ((p1, s1), operation, (p2, s2), (p, s)) in cases {
        let got = digits(p1, s1).result(operation, digits(p2, s2));
        assert_eq!(got, digits(p, s), "({p1}, {s1}) {operation:?} ({p2}, {s2})");
    }
}

#[test]
fn the_wider_of_two_keeps_digits_before_the_point() {
    assert_eq!(digits(10, 2).wider(digits(5, 4)), digits(12, 4));
    assert_eq!(digits(38, 0).wider(digits(38, 18)), digits(38, 0));
    assert_eq!(digits(20, 0).wider(digits(38, 37)), digits(38, 18));
}

#[test]
fn a_whole_constant_is_as_wide_as_its_digits() {
    assert_eq!(Digits::of_constant(0), digits(1, 0));
    assert_eq!(Digits::of_constant(-100), digits(3, 0));
    assert_eq!(Digits::of_constant(i64::MIN), digits(19, 0));
}
