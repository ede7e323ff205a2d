//! Conditions, checks and null handling under Spark's names.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, new_null_array};
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use datafusion::common::exec_err;
use datafusion::error::Result;

use super::read::{Kind, texts};
use super::result_types::flag_type;
use super::simple::Simple;
use crate::group_key::normalized;

/// The function that keeps two casts of one value apart; it gives its first argument.
pub const KEEP: &str = "__cast";

/// All of them.
pub fn functions() -> Vec<Simple> {
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
        Simple {
            name: "assert_true",
            aliases: &[],
            count: (1, 2),
            kinds: &[Kind::Flag, Kind::Text],
            gives: |_| Ok(DataType::Null),
            body: |args| {
                let holds = args[0].as_boolean();
                match (0..holds.len()).find(|row| holds.is_null(*row) || !holds.value(*row)) {
                    Some(row) => {
                        let given =
                            args.get(1).map(texts).filter(|texts| texts.is_valid(row)).map(|texts| texts.value(row));
                        exec_err!("assert_true: {}", given.unwrap_or("the condition is not true"))
                    }
                    None => Ok(new_null_array(&DataType::Null, holds.len())),
                }
            },
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

fn equal_null(args: &[ArrayRef]) -> Result<ArrayRef> {
    let kind = args[0].data_type().clone();
    let right = arrow::compute::cast(&args[1], &kind)?;
    let rows = RowConverter::new(vec![SortField::new(kind)])?;
    let (left, right) = (rows.convert_columns(&[normalized(&args[0])])?, rows.convert_columns(&[normalized(&right)])?);
    Ok(Arc::new(left.iter().zip(right.iter()).map(|(left, right)| Some(left == right)).collect::<BooleanArray>()))
}
