//! Which columns of a plan carry event time, and how far they may lag behind the watermark (Spark: the watermark is column metadata).

use datafusion::common::Column;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use datafusion::scalar::ScalarValue;
use expr::scalar::time_windows::{SLIDING_WINDOWS, TUMBLING_WINDOW, WINDOW_TIME, spec_of};

/// What a column with event time holds. A row yet to come is newer than the watermark less the lag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTime {
    /// How far a value may lie before the watermark, microseconds.
    pub lag_us: i64,
    /// What the values are.
    pub kind: TimeKind,
}

/// What the values of a column with event time are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeKind {
    /// Instants.
    Instant,
    /// Windows, whose ends count; with their size in microseconds if it is the same for all.
    Window(Option<i64>),
}

impl EventTime {
    /// An instant that does not lag.
    pub const INSTANT: EventTime = EventTime { lag_us: 0, kind: TimeKind::Instant };

    /// The same column, lagging so much more.
    pub fn delayed(self, lag_us: i64) -> EventTime {
        EventTime { lag_us: self.lag_us.saturating_add(lag_us), ..self }
    }
}

/// The most that any of these lags; 0 if there is none.
pub fn most_lag_us(times: impl IntoIterator<Item = EventTime>) -> i64 {
    times.into_iter().map(|time| time.lag_us).max().unwrap_or_default()
}

/// The event times of a plan's output columns, whose one leaf's columns have those of `leaf`.
///
/// An alias keeps event time, an expression over it loses it (Spark §3); the fields of a window keep it.
pub fn event_times(plan: &LogicalPlan, leaf: &[Option<EventTime>]) -> Vec<Option<EventTime>> {
    match plan {
        LogicalPlan::TableScan(scan) => match &scan.projection {
            Some(columns) => columns.iter().map(|column| leaf.get(*column).copied().flatten()).collect(),
            None => leaf.to_vec(),
        },
        LogicalPlan::Projection(projection) => {
            let below = event_times(&projection.input, leaf);
            projection.expr.iter().map(|expr| event_time_of(expr, &projection.input, &below)).collect()
        }
        LogicalPlan::Unnest(unnest) => {
            let below = event_times(&unnest.input, leaf);
            let of = |at: usize| {
                let before = *unnest.dependency_indices.get(at)?;
                let is_list = unnest.list_type_columns.iter().any(|(list, _)| *list == before);
                let time = below.get(before).copied().flatten()?;
                // A list of event times is only ever the list of the windows of a row.
                (!is_list || matches!(time.kind, TimeKind::Window(_))).then_some(time)
            };
            (0..unnest.schema.fields().len()).map(of).collect()
        }
        LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Distinct(_) => match plan.inputs().first() {
            Some(input) => event_times(input, leaf),
            None => vec![None; plan.schema().fields().len()],
        },
        _ => vec![None; plan.schema().fields().len()],
    }
}

/// The event time that an expression over `input` carries.
pub fn event_time_of(expr: &Expr, input: &LogicalPlan, below: &[Option<EventTime>]) -> Option<EventTime> {
    match expr {
        Expr::Column(column) => at(column, input, below),
        Expr::Alias(alias) => event_time_of(&alias.expr, input, below),
        // A cast to the type that it has anyway changes nothing; `window(…)` is made of such.
        Expr::Cast(cast) if cast.expr.get_type(input.schema()).is_ok_and(|kind| kind == *cast.field.data_type()) => {
            event_time_of(&cast.expr, input, below)
        }
        Expr::ScalarFunction(call) => of_call(call, input, below),
        _ => None,
    }
}

/// As [`event_times`], for a plan with window functions (OVER) whose rows come from its node `bottom`.
pub fn event_times_over(
    plan: &LogicalPlan,
    bottom: &LogicalPlan,
    at_bottom: &[Option<EventTime>],
) -> Vec<Option<EventTime>> {
    if std::ptr::eq(plan, bottom) || plan == bottom {
        let mut times = at_bottom.to_vec();
        times.truncate(bottom.schema().fields().len());
        return times;
    }
    match plan {
        LogicalPlan::Window(window) => {
            let mut times = event_times_over(&window.input, bottom, at_bottom);
            times.resize(window.schema.fields().len(), None);
            times
        }
        LogicalPlan::Projection(projection) => {
            let below = event_times_over(&projection.input, bottom, at_bottom);
            projection.expr.iter().map(|expr| event_time_of(expr, &projection.input, &below)).collect()
        }
        LogicalPlan::SubqueryAlias(_) | LogicalPlan::Filter(_) => match plan.inputs().first() {
            Some(input) => event_times_over(input, bottom, at_bottom),
            None => Vec::new(),
        },
        _ => vec![None; plan.schema().fields().len()],
    }
}

/// Where a column of the plan's one leaf with this event time stands in its output, as it is or as a time that says as much.
pub fn passed_to(plan: &LogicalPlan, column: usize, time: EventTime) -> Option<usize> {
    let mut leaf = vec![None; column];
    leaf.push(Some(time));
    let passed = event_times(plan, &leaf);
    let of = |wanted: fn(&EventTime) -> bool| passed.iter().position(|time| time.as_ref().is_some_and(wanted));
    of(|time| matches!(time.kind, TimeKind::Window(_))).or_else(|| of(|_| true))
}

fn at(column: &Column, input: &LogicalPlan, below: &[Option<EventTime>]) -> Option<EventTime> {
    let position = input.schema().maybe_index_of_column(column)?;
    below.get(position).copied().flatten()
}

fn of_call(call: &ScalarFunction, input: &LogicalPlan, below: &[Option<EventTime>]) -> Option<EventTime> {
    let time = event_time_of(call.args.first()?, input, below)?;
    match (call.func.name(), time.kind) {
        (TUMBLING_WINDOW | SLIDING_WINDOWS, TimeKind::Instant) => {
            let size_us = spec_of(&call.args)?.size_us;
            Some(EventTime { kind: TimeKind::Window(Some(size_us)), ..time })
        }
        (WINDOW_TIME, TimeKind::Window(_)) => Some(EventTime { kind: TimeKind::Instant, ..time }),
        ("get_field", TimeKind::Window(size_us)) => match (field_name(call)?, size_us) {
            ("end", _) => Some(EventTime { kind: TimeKind::Instant, ..time }),
            // A window is emitted when its end is reached: its start lies a window's length before.
            ("start", Some(size_us)) => Some(EventTime { kind: TimeKind::Instant, ..time.delayed(size_us) }),
            _ => None,
        },
        _ => None,
    }
}

fn field_name(call: &ScalarFunction) -> Option<&str> {
    match call.args.get(1)? {
        Expr::Literal(ScalarValue::Utf8(Some(name)) | ScalarValue::Utf8View(Some(name)), _) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
