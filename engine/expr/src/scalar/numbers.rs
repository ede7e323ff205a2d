//! Spark's functions of numbers, and the `try_` ones.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
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
    vec![
        of("try_add", |args| compute(args, i64::checked_add, |a, b| a + b)),
        of("try_subtract", |args| compute(args, i64::checked_sub, |a, b| a - b)),
        of("try_multiply", |args| compute(args, i64::checked_mul, |a, b| a * b)),
        of("try_mod", |args| compute(args, i64::checked_rem, |a, b| if b == 0.0 { f64::NAN } else { a % b })),
        of("mod", |args| compute(args, |a, b| if b == 0 { None } else { Some(a.wrapping_rem(b)) }, |a, b| a % b)),
        of("pmod", |args| {
            let rem =
                |a: i64, b: i64| if b == 0 { None } else { Some(a.wrapping_rem(b).wrapping_add(b).wrapping_rem(b)) };
            compute(args, rem, |a, b| ((a % b) + b) % b)
        }),
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
    let is_narrow = |kind: &DataType| matches!(kind, DataType::Int8 | DataType::Int16 | DataType::Int32);
    Ok(match types {
        [left, right] if is_narrow(left) && is_narrow(right) => DataType::Int32,
        [left, right] if left.is_integer() && right.is_integer() => DataType::Int64,
        _ => DataType::Float64,
    })
}

fn compute(
    args: &[ArrayRef],
    whole: impl Fn(i64, i64) -> Option<i64>,
    double: impl Fn(f64, f64) -> f64,
) -> Result<ArrayRef> {
    let kind = widest(&[args[0].data_type().clone(), args[1].data_type().clone()])?;
    if kind == DataType::Float64 {
        let (left, right) = (read_as(&args[0], Kind::Double)?, read_as(&args[1], Kind::Double)?);
        let pairs = left.as_primitive::<Float64Type>().iter().zip(right.as_primitive::<Float64Type>());
        return Ok(Arc::new(pairs.map(|(left, right)| Some(double(left?, right?))).collect::<Float64Array>()));
    }
    let (left, right) = (read_as(&args[0], Kind::Whole)?, read_as(&args[1], Kind::Whole)?);
    let pairs = left.as_primitive::<Int64Type>().iter().zip(right.as_primitive::<Int64Type>());
    let computed = pairs.map(|(left, right)| whole(left?, right?)).collect::<Int64Array>();
    // A value that does not fit the narrower type is null by the cast.
    Ok(cast(&computed, &kind)?)
}
