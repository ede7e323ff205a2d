//! Spark's functions of numbers, and the `try_` ones.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type, i256};
use datafusion::common::internal_err;
use datafusion::error::Result;

use super::read::{Kind, read_as};
use super::result_types::{double_type, flag_type, whole_type};
use super::round::doubles;
use super::simple::Simple;

/// All of them.
pub fn functions() -> Vec<Simple> {
    let mut all = logarithms();
    all.extend(trying());
    all.push(Simple {
        name: "isnan",
        aliases: &[],
        count: (1, 1),
        kinds: &[Kind::Double],
        gives: flag_type,
        body: |args| {
            let values = args[0].as_primitive::<Float64Type>().iter();
            Ok(Arc::new(values.map(|value| Some(value.is_some_and(f64::is_nan))).collect::<BooleanArray>()))
        },
    });
    all.push(Simple {
        name: "factorial",
        aliases: &[],
        count: (1, 1),
        kinds: &[Kind::Whole],
        gives: whole_type,
        body: |args| {
            let product = |n: i64| (0..=20).contains(&n).then(|| (1..=n).product::<i64>());
            let numbers = args[0].as_primitive::<Int64Type>().iter();
            Ok(Arc::new(numbers.map(|n| n.and_then(product)).collect::<Int64Array>()))
        },
    });
    all.push(Simple {
        name: "div",
        aliases: &["try_div"],
        count: (2, 2),
        kinds: &[Kind::Any],
        gives: whole_type,
        body: |args| {
            if args.iter().all(|arg| arg.data_type().is_integer()) {
                let (left, right) = (read_as(&args[0], Kind::Whole)?, read_as(&args[1], Kind::Whole)?);
                let pairs = left.as_primitive::<Int64Type>().iter().zip(right.as_primitive::<Int64Type>());
                return Ok(Arc::new(pairs.map(|(left, right)| left?.checked_div(right?)).collect::<Int64Array>()));
            }
            let (left, right) = (read_as(&args[0], Kind::Double)?, read_as(&args[1], Kind::Double)?);
            let pairs = left.as_primitive::<Float64Type>().iter().zip(right.as_primitive::<Float64Type>());
            let divided = pairs.map(|(left, right)| {
                Some(left? / right?).filter(|value| value.is_finite()).map(|value| value.trunc() as i64)
            });
            Ok(Arc::new(divided.collect::<Int64Array>()))
        },
    });
    all
}

fn double(name: &'static str, aliases: &'static [&'static str], body: super::simple::Body) -> Simple {
    Simple { name, aliases, count: (1, 1), kinds: &[Kind::Double], gives: double_type, body }
}

/// Logarithms are null, not minus infinity, of what has none.
fn logarithms() -> Vec<Simple> {
    vec![
        double("ln", &[], |args| Ok(doubles(args, |x| (x > 0.0 || x.is_nan()).then(|| x.ln())))),
        double("log10", &[], |args| Ok(doubles(args, |x| (x > 0.0 || x.is_nan()).then(|| x.log10())))),
        double("log2", &[], |args| Ok(doubles(args, |x| (x > 0.0 || x.is_nan()).then(|| x.log2())))),
        double("log1p", &[], |args| Ok(doubles(args, |x| (x > -1.0 || x.is_nan()).then(|| x.ln_1p())))),
        Simple {
            count: (1, 2),
            ..double("log", &[], |args| {
                if args.len() == 1 {
                    return Ok(doubles(args, |x| (x > 0.0 || x.is_nan()).then(|| x.ln())));
                }
                let pairs = args[0].as_primitive::<Float64Type>().iter().zip(args[1].as_primitive::<Float64Type>());
                let logs = pairs.map(|(base, x)| {
                    let (base, x) = (base?, x?);
                    (base > 0.0 && x > 0.0).then(|| if base == 10.0 { x.log10() } else { x.ln() / base.ln() })
                });
                Ok(Arc::new(logs.collect::<Float64Array>()))
            })
        },
        double("cbrt", &[], |args| Ok(doubles(args, |x| Some(x.cbrt())))),
        double("sqrt", &[], |args| Ok(doubles(args, |x| Some(x.sqrt())))),
        double("exp", &[], |args| Ok(doubles(args, |x| Some(x.exp())))),
        double("signum", &["sign"], |args| {
            Ok(doubles(args, |x| Some(if x == 0.0 || x.is_nan() { x } else { x.signum() })))
        }),
        Simple {
            count: (0, 0),
            kinds: &[],
            ..double("e", &[], |args| Ok(Arc::new(Float64Array::from(vec![std::f64::consts::E; args[0].len()]))))
        },
    ]
}

fn trying() -> Vec<Simple> {
    let of = |name, body| Simple { name, aliases: &[], count: (2, 2), kinds: &[Kind::Any], gives: widest, body };
    let rest = |name, body| Simple { gives: remainder_type, ..of(name, body) };
    vec![
        of("try_add", |args| compute(args, i64::checked_add, |a, b| Some(a + b))),
        of("try_subtract", |args| compute(args, i64::checked_sub, |a, b| Some(a - b))),
        of("try_multiply", |args| compute(args, i64::checked_mul, |a, b| Some(a * b))),
        rest("try_mod", |args| remainders(args, false)),
        rest("mod", |args| remainders(args, false)),
        rest("pmod", |args| remainders(args, true)),
        Simple {
            gives: double_type,
            kinds: &[Kind::Double],
            ..of("try_divide", |args| {
                let pairs = args[0].as_primitive::<Float64Type>().iter().zip(args[1].as_primitive::<Float64Type>());
                let divided = pairs.map(|(left, right)| Some(left? / right.filter(|right| *right != 0.0)?));
                Ok(Arc::new(divided.collect::<Float64Array>()))
            })
        },
    ]
}

/// Two whole numbers stay whole, as wide as the wider; anything else is a double.
fn widest(types: &[DataType]) -> Result<DataType> {
    use DataType::{Float64, Int8, Int16, Int32, Int64};
    let is_whole = types.iter().all(DataType::is_integer);
    let fits = |wide: &DataType| {
        types.iter().all(|kind| kind.is_signed_integer() && kind.primitive_width() <= wide.primitive_width())
    };
    Ok(match is_whole {
        true => [Int8, Int16, Int32].into_iter().find(fits).unwrap_or(Int64),
        false => Float64,
    })
}

/// Digits and scale of a decimal, or of one that any whole number of a type fits in.
fn decimal_of(kind: &DataType) -> Option<(u8, i8)> {
    match kind {
        DataType::Decimal128(precision, scale) => Some((*precision, *scale)),
        DataType::Int8 => Some((3, 0)),
        DataType::Int16 => Some((5, 0)),
        DataType::Int32 => Some((10, 0)),
        kind if kind.is_integer() => Some((20, 0)),
        _ => None,
    }
}

/// What is left of a division: beside a decimal a decimal, with the digits before the point of the shorter and the scale of the longer.
fn remainder_type(types: &[DataType]) -> Result<DataType> {
    let has_decimal = types.iter().any(|kind| matches!(kind, DataType::Decimal128(..)));
    match (decimal_of(&types[0]), decimal_of(&types[1])) {
        (Some((left, left_scale)), Some((right, right_scale))) if has_decimal => {
            let scale = left_scale.max(right_scale);
            let whole = (left as i8 - left_scale).min(right as i8 - right_scale);
            Ok(DataType::Decimal128((whole + scale).clamp(1, 38) as u8, scale))
        }
        _ => widest(types),
    }
}

/// What is left of a division, with the sign of the dividend; with `is_positive`, what is below zero goes up by the divisor.
fn remainders(args: &[ArrayRef], is_positive: bool) -> Result<ArrayRef> {
    let kind = remainder_type(&[args[0].data_type().clone(), args[1].data_type().clone()])?;
    if let DataType::Decimal128(precision, scale) = kind {
        return decimal_remainders(args, (precision, scale), is_positive);
    }
    let whole = |a: i64, b: i64| {
        let rest = if b == 0 { None } else { Some(a.wrapping_rem(b)) };
        rest.map(|rest| if is_positive && rest < 0 { rest.wrapping_add(b).wrapping_rem(b) } else { rest })
    };
    let double = |a: f64, b: f64| {
        let rest = if b == 0.0 { None } else { Some(a % b) };
        rest.map(|rest| if is_positive && rest < 0.0 { (rest + b) % b } else { rest })
    };
    compute(args, whole, double)
}

fn decimal_remainders(args: &[ArrayRef], (precision, scale): (u8, i8), is_positive: bool) -> Result<ArrayRef> {
    // Both at the scale of the result, in as many bits as that may take.
    let at_scale = |arg: &ArrayRef| -> Result<Vec<Option<i256>>> {
        let Some((digits, own)) = decimal_of(arg.data_type()) else { return internal_err!("no decimal") };
        let values = cast(arg, &DataType::Decimal128(digits, own))?;
        let factor = i256::from_i128(10).wrapping_pow(u32::from((scale - own).unsigned_abs()));
        let values = values.as_primitive::<Decimal128Type>().iter();
        Ok(values.map(|value| value.map(|value| i256::from_i128(value).wrapping_mul(factor))).collect())
    };
    let pairs = at_scale(&args[0])?.into_iter().zip(at_scale(&args[1])?);
    let rests = pairs.map(|(left, right)| {
        let right = right?;
        let rest = left?.checked_rem(right)?;
        let rest = match is_positive && rest < i256::ZERO {
            true => rest.checked_add(right)?.checked_rem(right)?,
            false => rest,
        };
        rest.to_i128()
    });
    Ok(Arc::new(rests.collect::<Decimal128Array>().with_precision_and_scale(precision, scale)?))
}

fn compute(
    args: &[ArrayRef],
    whole: impl Fn(i64, i64) -> Option<i64>,
    double: impl Fn(f64, f64) -> Option<f64>,
) -> Result<ArrayRef> {
    let kind = widest(&[args[0].data_type().clone(), args[1].data_type().clone()])?;
    if kind == DataType::Float64 {
        let (left, right) = (read_as(&args[0], Kind::Double)?, read_as(&args[1], Kind::Double)?);
        let pairs = left.as_primitive::<Float64Type>().iter().zip(right.as_primitive::<Float64Type>());
        return Ok(Arc::new(pairs.map(|(left, right)| double(left?, right?)).collect::<Float64Array>()));
    }
    let (left, right) = (read_as(&args[0], Kind::Whole)?, read_as(&args[1], Kind::Whole)?);
    let pairs = left.as_primitive::<Int64Type>().iter().zip(right.as_primitive::<Int64Type>());
    let computed = pairs.map(|(left, right)| whole(left?, right?)).collect::<Int64Array>();
    // A value that does not fit the narrower type is null by the cast.
    Ok(cast(&computed, &kind)?)
}
