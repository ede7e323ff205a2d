//! Event time is followed through a plan: what keeps it, what loses it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::logical_expr::logical_plan::builder::LogicalTableSource;
use datafusion::logical_expr::{LogicalPlanBuilder, cast, col};
use expr::casts::to_instant;
use expr::scalar::time_windows::windows_of;
use expr::types::instant;
use expr::window::WindowSpec;

use super::*;

fn over_events(columns: Vec<Expr>, first: DataType) -> LogicalPlan {
    let schema = Schema::new(vec![Field::new("at", first, true), Field::new("n", DataType::Int64, true)]);
    let source = Arc::new(LogicalTableSource::new(Arc::new(schema)));
    LogicalPlanBuilder::scan("events", source, None).unwrap().project(columns).unwrap().build().unwrap()
}

/// The event time of an expression over a source whose first column is a time with a watermark, its second a number.
fn time_of(expr: Expr) -> Option<EventTime> {
    event_times(&over_events(vec![expr], instant()), &[Some(EventTime::INSTANT), None])[0]
}

fn of_ten_seconds(time: Expr) -> Expr {
    windows_of(time, &WindowSpec { size_us: 10_000_000, slide_us: 10_000_000, offset_us: 0 })
}

#[test]
fn an_alias_keeps_it_and_an_expression_loses_it() {
    assert_eq!(time_of(col("at").alias("t")), Some(EventTime::INSTANT));
    assert_eq!(time_of(col("n")), None);
    assert_eq!(time_of(cast(col("at"), DataType::Int64)), None);
    assert_eq!(time_of(to_instant(cast(col("at"), DataType::Date32))), None);
}

/// Joins on equal windows were taken for unbounded: the cast that `window(…)` puts around its time hid it.
#[test]
fn a_cast_to_the_same_type_keeps_it_so_the_window_of_a_time_has_it() {
    assert_eq!(time_of(to_instant(col("at"))), Some(EventTime::INSTANT));
    let window = Some(EventTime { lag_us: 0, kind: TimeKind::Window(Some(10_000_000)) });
    assert_eq!(time_of(of_ten_seconds(to_instant(col("at")))), window);
    assert_eq!(time_of(of_ten_seconds(to_instant(cast(col("n"), instant())))), None);
}

/// Tables in update mode that select the start and the end of a window kept all their rows for ever: only the window itself was
/// taken for something that closes.
#[test]
fn the_fields_of_a_window_tell_when_its_rows_are_final_as_it_does() {
    let field = |name: &str| datafusion::functions::core::expr_fn::get_field(col("at"), name);
    let passed = |columns: Vec<Expr>, size_us: Option<i64>| {
        let time = EventTime { lag_us: 0, kind: TimeKind::Window(size_us) };
        passed_to(&over_events(columns, expr::types::window_type()), 0, time)
    };
    assert_eq!(passed(vec![col("n"), field("end")], Some(10)), Some(1));
    assert_eq!(passed(vec![col("n"), field("end"), col("at")], None), Some(2));
    assert_eq!(passed(vec![field("start")], Some(10)), Some(0));
    // How long after its start a session ends is not known.
    assert_eq!(passed(vec![field("start")], None), None);
    assert_eq!(passed(vec![col("n")], Some(10)), None);
}
