//! Conditions, checks and null handling under Spark's names.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;

use super::read::{Kind, texts};
use super::result_types::flag_type;
use super::simple::Simple;
use crate::display::type_name;
use crate::group_key::normalized;

/// The function that keeps two casts of one value apart; it gives its first argument.
pub const KEEP: &str = "__cast";

/// All of them.
pub fn functions() -> Vec<Simple> {
    let mut all = of_nulls();
    all.extend(comparing());
    all
}

fn of_nulls() -> Vec<Simple> {
    vec![
        Simple {
            name: "isnull",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Any],
            gives: flag_type,
            body: |args| Ok(Arc::new(arrow::compute::is_null(&args[0])?)),
        },
        Simple {
            name: "isnotnull",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Any],
            gives: flag_type,
            body: |args| Ok(Arc::new(arrow::compute::is_not_null(&args[0])?)),
        },
        // Gone before the query runs.
        Simple {
            name: KEEP,
            aliases: &[],
            count: (2, 2),
            kinds: &[Kind::Any],
            gives: super::result_types::first_type,
            body: |args| Ok(Arc::clone(&args[0])),
        },
        Simple {
            name: "equal_null",
            aliases: &[],
            count: (2, 2),
            kinds: &[Kind::Any],
            gives: flag_type,
            body: equal_null,
        },
    ]
}

/// Functions that compare two values, or that end a query.
fn comparing() -> Vec<Simple> {
    vec![
        Simple { name: "nullif", aliases: &[], count: (2, 2), kinds: &[Kind::Any], gives: null_if_type, body: null_if },
        Simple {
            name: "assert_true",
            aliases: &[],
            count: (1, 2),
            kinds: &[Kind::Flag, Kind::Text],
            gives: |_| Ok(DataType::Null),
            body: assert_true,
        },
        Simple {
            name: "raise_error",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Text],
            gives: |_| Ok(DataType::Null),
            body: |args| match args[0].is_empty() {
                true => Ok(new_null_array(&DataType::Null, 0)),
                false => exec_err!("raise_error: {}", texts(&args[0]).iter().flatten().next().unwrap_or("null")),
            },
        },
    ]
}

/// The type in which two values are compared.
fn compared_type(left: &DataType, right: &DataType) -> Option<DataType> {
    if left.equals_datatype(right) { Some(left.clone()) } else { comparison_coercion(left, right) }
}

fn null_if_type(types: &[DataType]) -> Result<DataType> {
    match compared_type(&types[0], &types[1]) {
        Some(_) => Ok(types[0].clone()),
        None => plan_err!("nullif compares {} with {}", type_name(&types[0]), type_name(&types[1])),
    }
}

/// The first value, NULL where it is the second. DataFusion's has the type in which they are compared, Spark's that of the first.
fn null_if(args: &[ArrayRef]) -> Result<ArrayRef> {
    let Some(kind) = compared_type(args[0].data_type(), args[1].data_type()) else {
        return Ok(Arc::clone(&args[0]));
    };
    if kind == DataType::Null {
        return Ok(Arc::clone(&args[0]));
    }
    let rows = RowConverter::new(vec![SortField::new(kind.clone())])?;
    let compared = |values: &ArrayRef| -> Result<_> { Ok(rows.convert_columns(&[normalized(&cast(values, &kind)?)])?) };
    let (left, right) = (compared(&args[0])?, compared(&args[1])?);
    let is_null = args[1].logical_nulls();
    let equal = left.iter().zip(right.iter()).enumerate();
    let equal = equal
        .map(|(row, (left, right))| Some(left == right && is_null.as_ref().is_none_or(|nulls| nulls.is_valid(row))));
    Ok(arrow::compute::nullif(&args[0], &equal.collect::<BooleanArray>())?)
}

fn equal_null(args: &[ArrayRef]) -> Result<ArrayRef> {
    let kind = args[0].data_type().clone();
    let right = arrow::compute::cast(&args[1], &kind)?;
    let rows = RowConverter::new(vec![SortField::new(kind)])?;
    let (left, right) = (rows.convert_columns(&[normalized(&args[0])])?, rows.convert_columns(&[normalized(&right)])?);
    Ok(Arc::new(left.iter().zip(right.iter()).map(|(left, right)| Some(left == right)).collect::<BooleanArray>()))
}

fn assert_true(args: &[ArrayRef]) -> Result<ArrayRef> {
    let holds = args[0].as_boolean();
    match (0..holds.len()).find(|row| holds.is_null(*row) || !holds.value(*row)) {
        Some(row) => {
            let given = args.get(1).map(texts).filter(|texts| texts.is_valid(row)).map(|texts| texts.value(row));
            exec_err!("assert_true: {}", given.unwrap_or("the condition is not true"))
        }
        None => Ok(new_null_array(&DataType::Null, holds.len())),
    }
}
