//! Bounds from conditions, as Spark derives them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use datafusion::common::JoinType;
use datafusion::logical_expr::logical_plan::builder::LogicalTableSource;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, col, lit};
use expr::types::instant;

use super::*;

const SECOND_US: i64 = 1_000_000;

/// The bounds of `l.t - r.t` that these conditions put, microseconds.
fn bounds(conditions: &[Expr]) -> (Option<i64>, Option<i64>) {
    let scan = |name: &str| {
        let schema = Schema::new(vec![Field::new("t", instant(), true)]);
        let source = Arc::new(LogicalTableSource::new(Arc::new(schema)));
        LogicalPlanBuilder::scan(name, source, None).unwrap()
    };
    let joined = scan("l").join_on(scan("r").build().unwrap(), JoinType::Inner, [lit(true)]).unwrap().build().unwrap();
    let LogicalPlan::Join(join) = joined else { panic!("no join") };
    let times = [Some(EventTime::INSTANT)];
    let found = Bounds::of(conditions, &join, &times, &times);
    (found.least_us.map(|found| found.2), found.most_us.map(|found| found.2))
}

fn seconds(seconds: i64) -> Expr {
    lit(ScalarValue::new_interval_mdn(0, 0, seconds * 1_000_000_000))
}

#[test]
fn a_range_bounds_both_sides() {
    let range = col("l.t").between(col("r.t") - seconds(10), col("r.t") + seconds(5));
    assert_eq!(bounds(&[range]), (Some(-10 * SECOND_US - 1_000), Some(5 * SECOND_US + 1_000)));
    assert_eq!(bounds(&[]), (None, None));
}

/// A row went when the watermark reached its bound, although a row at that distance would still have matched: Spark keeps
/// it until the watermark is a millisecond further.
#[test]
fn a_bound_that_may_be_reached_lies_a_millisecond_further() {
    assert_eq!(bounds(&[col("l.t").lt(col("r.t") - seconds(5))]), (None, Some(-5 * SECOND_US)));
    assert_eq!(bounds(&[col("l.t").lt_eq(col("r.t") - seconds(5))]), (None, Some(-5 * SECOND_US + 1_000)));
    assert_eq!(bounds(&[col("l.t").gt(col("r.t"))]), (Some(0), None));
    assert_eq!(bounds(&[col("l.t").gt_eq(col("r.t"))]), (Some(-1_000), None));
    assert_eq!(bounds(&[col("r.t").gt_eq(col("l.t"))]), (None, Some(1_000)));
    let equal = (col("l.t") + seconds(3)).eq(col("r.t"));
    assert_eq!(bounds(&[equal]), (Some(-3 * SECOND_US - 1_000), Some(-3 * SECOND_US + 1_000)));
}

#[test]
fn of_several_bounds_the_tightest_counts() {
    let lower = [col("l.t").gt(col("r.t") - seconds(9)), col("l.t").gt_eq(col("r.t") - seconds(4))];
    assert_eq!(bounds(&lower), (Some(-4 * SECOND_US - 1_000), None));
    let same = [col("l.t").lt_eq(col("r.t")), col("l.t").lt(col("r.t"))];
    assert_eq!(bounds(&same), (None, Some(0)));
}

/// A cast to whole seconds moved a time by up to a second, which the bound did not know of: rows went too early.
#[test]
fn a_time_that_is_cut_to_seconds_bounds_nothing() {
    let cut = |unit| datafusion::logical_expr::cast(col("l.t"), DataType::Timestamp(unit, Some("UTC".into())));
    assert_eq!(bounds(&[cut(TimeUnit::Second).lt(col("r.t"))]), (None, None));
    assert_eq!(bounds(&[cut(TimeUnit::Nanosecond).lt(col("r.t"))]), (None, Some(0)));
}
