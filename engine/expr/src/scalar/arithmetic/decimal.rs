//! Arithmetic of decimals, exact, then rounded half up to the type of the result, as Spark's `Decimal` does it.

use std::cmp::Ordering;

use arrow::datatypes::i256;

use crate::typing::decimals::{Digits, Operation};

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoResult {
    /// It has too many digits.
    TooLarge,
    /// The divisor is zero.
    DivisorZero,
}

/// `left` and `right` are unscaled values of these types; so is the result.
///
/// # Errors
/// If there is none that the type can hold.
pub fn compute(
    operation: Operation,
    (left, left_digits): (i128, Digits),
    (right, right_digits): (i128, Digits),
    to: Digits,
) -> Result<i128, NoResult> {
    if let Some(quick) = quick(operation, (left, left_digits.scale), (right, right_digits.scale), to) {
        return Ok(quick);
    }
    let is_divided = !matches!(operation, Operation::Add | Operation::Subtract | Operation::Multiply);
    if right == 0 && is_divided {
        return Err(NoResult::DivisorZero);
    }
    let (left, right) = (i256::from_i128(left), i256::from_i128(right));
    let (left_scale, right_scale, scale) =
        (i32::from(left_digits.scale), i32::from(right_digits.scale), i32::from(to.scale));
    let exact = match operation {
        Operation::Multiply => left.checked_mul(right).map(|product| (product, left_scale + right_scale)),
        // What does not fit 256 bits before it is divided by 128 bits does not fit 128 bits after it.
        Operation::Divide => return within(divided(left, right, scale + right_scale - left_scale), to),
        _ => {
            let common = left_scale.max(right_scale);
            let pair = scaled_up(left, common - left_scale).zip(scaled_up(right, common - right_scale));
            pair.and_then(|(left, right)| match operation {
                Operation::Add => left.checked_add(right),
                Operation::Subtract => left.checked_sub(right),
                Operation::PositiveRemainder => positive_remainder(left, right),
                _ => left.checked_rem(right),
            })
            .map(|value| (value, common))
        }
    };
    within(exact.and_then(|(value, from)| rescaled(value, from, scale)), to)
}

/// `value` with its point moved, rounded half up.
#[cfg(test)]
fn rescale(value: i128, from: i8, to: Digits) -> Result<i128, NoResult> {
    within(rescaled(i256::from_i128(value), i32::from(from), i32::from(to.scale)), to)
}

fn positive_remainder(left: i256, right: i256) -> Option<i256> {
    let rest = left.checked_rem(right)?;
    if rest.is_negative() { rest.checked_add(right)?.checked_rem(right) } else { Some(rest) }
}

/// How often the one goes into the other, the low 64 bits of it; none if the divisor is zero.
pub fn whole_quotient((left, left_digits): (i128, Digits), (right, right_digits): (i128, Digits)) -> Option<i64> {
    let (left_scale, right_scale) = (i32::from(left_digits.scale), i32::from(right_digits.scale));
    let common = left_scale.max(right_scale);
    let (left, right) = (i256::from_i128(left), i256::from_i128(right));
    let quotient = scaled_up(left, common - left_scale)?.checked_div(scaled_up(right, common - right_scale)?)?;
    Some(quotient.as_i128() as i64)
}

/// The result where 128 bits hold all there is on the way.
fn quick(operation: Operation, left: (i128, i8), right: (i128, i8), to: Digits) -> Option<i128> {
    let value = match operation {
        Operation::Add if left.1 == right.1 && left.1 == to.scale => left.0.checked_add(right.0),
        Operation::Subtract if left.1 == right.1 && left.1 == to.scale => left.0.checked_sub(right.0),
        Operation::Multiply if left.1 + right.1 == to.scale => left.0.checked_mul(right.0),
        _ => None,
    };
    value.filter(|value| value.unsigned_abs() < limit(to))
}

fn within(value: Option<i256>, to: Digits) -> Result<i128, NoResult> {
    let value = value.and_then(i256::to_i128).filter(|value| value.unsigned_abs() < limit(to));
    value.ok_or(NoResult::TooLarge)
}

/// One above the largest unscaled value.
fn limit(digits: Digits) -> u128 {
    10_u128.pow(u32::from(digits.precision))
}

fn power_of_ten(exponent: i32) -> Option<i256> {
    i256::from_i128(10).checked_pow(u32::try_from(exponent).ok()?)
}

fn scaled_up(value: i256, places: i32) -> Option<i256> {
    if value == i256::ZERO { Some(value) } else { value.checked_mul(power_of_ten(places)?) }
}

fn rescaled(value: i256, from: i32, to: i32) -> Option<i256> {
    match to.cmp(&from) {
        Ordering::Equal => Some(value),
        Ordering::Greater => scaled_up(value, to - from),
        Ordering::Less => match power_of_ten(from - to) {
            Some(unit) => half_up(value, unit),
            None => Some(i256::ZERO),
        },
    }
}

/// `left * 10^places / right`, rounded half up.
fn divided(left: i256, right: i256, places: i32) -> Option<i256> {
    match places >= 0 {
        true => half_up(scaled_up(left, places)?, right),
        false => half_up(left, right.checked_mul(power_of_ten(-places)?)?),
    }
}

fn half_up(value: i256, divisor: i256) -> Option<i256> {
    let (quotient, rest) = (value.checked_div(divisor)?, value.checked_rem(divisor)?.checked_abs()?);
    let half = divisor.checked_abs()?.checked_sub(rest)?;
    if rest < half {
        return Some(quotient);
    }
    let away = if value.is_negative() == divisor.is_negative() { i256::ONE } else { i256::MINUS_ONE };
    quotient.checked_add(away)
}

#[cfg(test)]
mod tests;
