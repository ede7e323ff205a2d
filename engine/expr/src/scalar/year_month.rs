//! `make_ym_interval(years, months)`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, IntervalYearMonthArray};
use arrow::datatypes::{DataType, Int64Type, IntervalUnit};
use datafusion::error::Result;

use super::read::Kind;
use super::simple::Simple;
use crate::row_fault::RowFault;

/// The function.
pub fn functions() -> Vec<Simple> {
    vec![Simple {
        name: "make_ym_interval",
        aliases: &[],
        count: (0, 2),
        kinds: &[Kind::Whole],
        gives: |_| Ok(DataType::Interval(IntervalUnit::YearMonth)),
        body,
    }]
}

fn body(args: &[ArrayRef]) -> Result<ArrayRef> {
    let rows = args[0].len();
    // Without an argument there is one column of no type.
    if args[0].data_type() == &DataType::Null {
        return Ok(Arc::new(IntervalYearMonthArray::from(vec![0; rows])));
    }
    let one = |row: usize| {
        let mut months = 0_i64;
        for (column, months_of) in args.iter().zip([12, 1]) {
            let numbers = column.as_primitive::<Int64Type>();
            if numbers.is_null(row) {
                return Ok(None);
            }
            months = months.saturating_add(numbers.value(row).saturating_mul(months_of));
        }
        match i32::try_from(months) {
            Ok(months) => Ok(Some(months)),
            Err(_) => {
                let message = "an interval has at most 178956970 years and 7 months".to_string();
                Err(RowFault { condition: "INTERVAL_ARITHMETIC_OVERFLOW", message }.into())
            }
        }
    };
    Ok(Arc::new((0..rows).map(one).collect::<Result<IntervalYearMonthArray>>()?))
}
