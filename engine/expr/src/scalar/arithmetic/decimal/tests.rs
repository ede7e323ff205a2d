//! Decimals, with the answers of Spark 4.3.

use super::{NoResult, compute, rescale};
use crate::typing::decimals::{Digits, Operation};

const fn digits(precision: u8, scale: i8) -> Digits {
    Digits { precision, scale }
}

/// The result in the type that Spark gives it.
fn result(operation: Operation, left: (i128, Digits), right: (i128, Digits)) -> Result<i128, NoResult> {
    compute(operation, left, right, left.1.result(operation, right.1))
}

#[test]
fn money_times_a_share_is_exact() {
    // 19.99 * 0.1
    assert_eq!(result(Operation::Multiply, (1999, digits(10, 2)), (1, digits(1, 1))), Ok(1999));
}

#[test]
fn quotients_are_rounded_half_away_from_zero() {
    // 1.00 / 3.00 is 0.3333333333333, 2.00 / 3.00 is 0.6666666666667.
    let of = |left: i128| result(Operation::Divide, (left, digits(10, 2)), (300, digits(10, 2)));
    assert_eq!(of(100), Ok(3_333_333_333_333));
    assert_eq!(of(200), Ok(6_666_666_666_667));
    assert_eq!(of(-200), Ok(-6_666_666_666_667));
    assert_eq!(result(Operation::Divide, (100, digits(10, 2)), (0, digits(10, 2))), Err(NoResult::DivisorZero));
}

#[test]
fn what_has_too_many_digits_has_no_result() {
    let nines = 10_i128.pow(38) - 1;
    assert_eq!(result(Operation::Add, (nines, digits(38, 2)), (1, digits(38, 2))), Err(NoResult::TooLarge));
    assert_eq!(
        result(Operation::Multiply, (6 * 10_i128.pow(37), digits(38, 0)), (2, digits(1, 0))),
        Err(NoResult::TooLarge)
    );
}

#[test]
fn products_of_many_digits_lose_those_after_the_sixth() {
    // 1.000000000000000001 squared, in DECIMAL(38, 6).
    let one = 1_000_000_000_000_000_001;
    assert_eq!(result(Operation::Multiply, (one, digits(38, 18)), (one, digits(38, 18))), Ok(1_000_000));
}

#[test]
fn remainders_have_the_sign_of_what_is_divided() {
    assert_eq!(result(Operation::Remainder, (-750, digits(5, 2)), (20, digits(3, 1))), Ok(-150));
}

#[test]
fn a_point_moves_half_up() {
    assert_eq!(rescale(12_345, 3, digits(4, 2)), Ok(1235));
    assert_eq!(rescale(-12_345, 3, digits(4, 2)), Ok(-1235));
    assert_eq!(rescale(12_345, 3, digits(3, 2)), Err(NoResult::TooLarge));
    assert_eq!(rescale(1, 38, digits(1, 0)), Ok(0));
}
