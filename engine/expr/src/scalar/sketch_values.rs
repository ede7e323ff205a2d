//! What sketches say: `hll_sketch_estimate`, `hll_union`, `theta_sketch_estimate`, `theta_union`, `theta_intersection`, `theta_difference`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int64Array};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::plan_err;
use datafusion::error::Result;

use super::read::Kind;
use super::result_types::{bytes_type, whole_type};
use super::simple::{Body, Gives, Simple};
use crate::display::type_name;
use crate::row_fault::RowFault;
use crate::sketches::{
    LOG_SIZE, common_theta, other_theta, read_hll, read_theta, united_hll, united_theta, write_hll, write_theta,
};

/// All of them.
pub fn functions() -> Vec<Simple> {
    let one =
        |name, body: Body| Simple { name, aliases: &[], count: (1, 1), kinds: &[Kind::Any], gives: ESTIMATE, body };
    let two =
        |name, most, kinds, body: Body| Simple { name, aliases: &[], count: (2, most), kinds, gives: UNION, body };
    vec![
        one("hll_sketch_estimate", |args| estimates(args, |bytes| Ok(read_hll(bytes)?.estimate()))),
        one("theta_sketch_estimate", |args| estimates(args, |bytes| Ok(read_theta(bytes)?.estimate()))),
        two("hll_union", 3, &[Kind::Any, Kind::Any, Kind::Flag], |args| {
            pairs(args, |left, right, row| {
                let allows_sizes =
                    args.get(2).is_some_and(|flags| flags.is_valid(row) && flags.as_boolean().value(row));
                Ok(write_hll(&united_hll(&read_hll(left)?, &read_hll(right)?, allows_sizes)?))
            })
        }),
        two("theta_union", 3, &[Kind::Any, Kind::Any, Kind::Whole], |args| {
            pairs(args, |left, right, row| {
                let given = args.get(2).map(|sizes| sizes.as_primitive::<Int64Type>().value(row));
                let log_size = given.and_then(|size| u8::try_from(size).ok()).unwrap_or(LOG_SIZE);
                Ok(write_theta(&united_theta(&read_theta(left)?, &read_theta(right)?, log_size)?))
            })
        }),
        two("theta_intersection", 2, &[Kind::Any], |args| {
            pairs(args, |left, right, _| Ok(write_theta(&common_theta(&read_theta(left)?, &read_theta(right)?)?)))
        }),
        two("theta_difference", 2, &[Kind::Any], |args| {
            pairs(args, |left, right, _| Ok(write_theta(&other_theta(&read_theta(left)?, &read_theta(right)?)?)))
        }),
    ]
}

const ESTIMATE: Gives = |types| needed(&types[..1]).and_then(|()| whole_type(types));
const UNION: Gives = |types| needed(&types[..2]).and_then(|()| bytes_type(types));

fn needed(types: &[DataType]) -> Result<()> {
    match types.iter().find(|kind| !matches!(kind, DataType::Binary | DataType::Null)) {
        None => Ok(()),
        Some(kind) => {
            plan_err!("a sketch is a BINARY, not {}; make one with hll_sketch_agg or theta_sketch_agg", type_name(kind))
        }
    }
}

fn bytes(column: &ArrayRef, row: usize) -> Option<&[u8]> {
    column.as_binary_opt::<i32>().filter(|bytes| bytes.is_valid(row)).map(|bytes| bytes.value(row))
}

fn estimates(args: &[ArrayRef], estimate: impl Fn(&[u8]) -> Result<f64, RowFault>) -> Result<ArrayRef> {
    let one = |row| match bytes(&args[0], row) {
        None => Ok(None),
        Some(bytes) => Ok(Some(estimate(bytes)?.round() as i64)),
    };
    Ok(Arc::new((0..args[0].len()).map(one).collect::<Result<Int64Array>>()?))
}

fn pairs(args: &[ArrayRef], unite: impl Fn(&[u8], &[u8], usize) -> Result<Vec<u8>, RowFault>) -> Result<ArrayRef> {
    let one = |row| match (bytes(&args[0], row), bytes(&args[1], row)) {
        (Some(left), Some(right)) => Ok(Some(unite(left, right, row)?)),
        _ => Ok(None),
    };
    let all = (0..args[0].len()).map(one).collect::<Result<Vec<Option<Vec<u8>>>>>()?;
    Ok(Arc::new(all.iter().map(Option::as_deref).collect::<BinaryArray>()))
}
