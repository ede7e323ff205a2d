//! Exponentials and logarithms to the last digit of Java's StrictMath, which is fdlibm: so is the crate `libm`.
//!
//! Only for queries by Spark's types: others keep the digits that they had.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array};
use arrow::datatypes::Float64Type;
use datafusion::error::Result;

use super::read::Kind;
use super::result_types::double_type;
use super::round::doubles;
use super::simple::{Body, Simple};

/// All of them.
pub fn functions() -> Vec<Simple> {
    let one = |name, body: Body| Simple {
        name,
        aliases: &[],
        count: (1, 1),
        kinds: &[Kind::Double],
        gives: double_type,
        body,
    };
    let two = |name, aliases, body: Body| Simple {
        name,
        aliases,
        count: (2, 2),
        kinds: &[Kind::Double],
        gives: double_type,
        body,
    };
    vec![
        one("ln", |args| Ok(doubles(args, |x| (x > 0.0 || x.is_nan()).then(|| libm::log(x))))),
        one("log2", |args| Ok(doubles(args, |x| (x > 0.0 || x.is_nan()).then(|| libm::log(x) / libm::log(2.0))))),
        one("log1p", |args| Ok(doubles(args, |x| (x > -1.0 || x.is_nan()).then(|| libm::log1p(x))))),
        one("exp", |args| Ok(doubles(args, |x| Some(libm::exp(x))))),
        one("expm1", |args| Ok(doubles(args, |x| Some(libm::expm1(x))))),
        one("cosh", |args| Ok(doubles(args, |x| Some(cosh(x))))),
        one("asinh", |args| Ok(doubles(args, |x| Some(libm::asinh(x))))),
        one("acosh", |args| Ok(doubles(args, |x| Some(libm::acosh(x))))),
        two("pow", &["power"], |args| pairs(args, |x, y| Some(pow(x, y)))),
        two("atan2", &[], |args| pairs(args, |y, x| Some(libm::atan2(y + 0.0, x + 0.0)))),
        Simple {
            count: (1, 2),
            ..two("log", &[], |args| match args.len() {
                1 => Ok(doubles(args, |x| (x > 0.0 || x.is_nan()).then(|| libm::log(x)))),
                _ => pairs(args, |base, x| {
                    let has_none = base <= 0.0 || x <= 0.0;
                    (!has_none).then(|| libm::log(x) / libm::log(base))
                }),
            })
        },
    ]
}

fn pairs(args: &[ArrayRef], compute: impl Fn(f64, f64) -> Option<f64>) -> Result<ArrayRef> {
    let pairs = args[0].as_primitive::<Float64Type>().iter().zip(args[1].as_primitive::<Float64Type>());
    Ok(Arc::new(pairs.map(|(left, right)| compute(left?, right?)).collect::<Float64Array>()))
}

/// fdlibm's: by exp, near zero by expm1.
fn cosh(x: f64) -> f64 {
    let x = x.abs();
    if x < 0.5 * std::f64::consts::LN_2 {
        let t = libm::expm1(x);
        let w = 1.0 + t;
        return if x < 2_f64.powi(-55) { w } else { 1.0 + (t * t) / (w + w) };
    }
    if x < 22.0 {
        let t = libm::exp(x);
        return 0.5 * t + 0.5 / t;
    }
    if x <= 709.78 {
        return 0.5 * libm::exp(x);
    }
    let half = libm::exp(0.5 * x);
    0.5 * half * half
}

/// Java's power is NaN where the exponent is, and where it is infinite of 1 or -1.
fn pow(x: f64, y: f64) -> f64 {
    if y.is_nan() || (y.is_infinite() && x.abs() == 1.0) { f64::NAN } else { libm::pow(x, y) }
}
