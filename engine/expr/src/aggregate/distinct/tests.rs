//! Faults that were found in functions with DISTINCT.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::EmitTo;
use datafusion::physical_expr::aggregate::AggregateExprBuilder;
use datafusion::physical_expr::expressions::col;

use super::super::with_distinct::with_distinct;

#[test]
fn the_sum_of_distinct_values_of_a_group_without_values_is_null() {
    let schema = Arc::new(Schema::new(vec![Field::new("v", DataType::Int64, true)]));
    let call = AggregateExprBuilder::new(Arc::new(with_distinct(sum_udaf())), vec![col("v", &schema).unwrap()])
        .schema(Arc::clone(&schema))
        .alias("sum")
        .distinct()
        .build()
        .unwrap();
    let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(2), None, Some(2), Some(3), None]));
    let mut groups = call.create_groups_accumulator().unwrap();
    groups.update_batch(&[values], &[0, 1, 0, 0, 2], None, 3).unwrap();
    let sums = groups.evaluate(EmitTo::All).unwrap();
    assert_eq!(sums.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(5), None, None]);
    let mut nothing = call.create_groups_accumulator().unwrap();
    nothing.update_batch(&[Arc::new(Int64Array::from(vec![None::<i64>]))], &[0], None, 1).unwrap();
    assert_eq!(nothing.evaluate(EmitTo::All).unwrap().as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [None]);
}
