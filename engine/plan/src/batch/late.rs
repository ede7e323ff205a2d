//! Rows that came too late for the stream: each is held against the watermark that its epoch had.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::Column;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, Projection, SubqueryAlias, lit};
use datafusion::scalar::ScalarValue;
use expr::scalar::time_windows::end_of;

use crate::fault::Result;
use crate::relation::{Relation, name_of};
use crate::times::{EventTime, TimeKind, event_time_of, event_times};
use crate::window::timed_call;

/// A column that an input may have besides its own: the watermark by which its row would be late, or null.
pub const LATE_BY: &str = "__late_by";

/// What an aggregate's input and keys have to do with event time.
pub struct TimedAggregate {
    /// The input, with [`LATE_BY`] passed on to its top.
    pub input: LogicalPlan,
    /// The column with the watermark by which a row is late, if the input has one.
    pub late_by: Option<Column>,
    /// The event time of each key, of a window that of its time.
    pub keys: Vec<Option<EventTime>>,
}

impl TimedAggregate {
    /// Looks at an aggregate.
    pub fn of(aggregate: &Aggregate, relations: &HashMap<String, Relation>) -> Result<TimedAggregate> {
        let times = times_below(&aggregate.input, relations);
        let of_key = |expr: &Expr| {
            let time = timed_call(expr).map_or(Some(expr), |call| call.args.first())?;
            event_time_of(time, &aggregate.input, &times)
        };
        let keys = aggregate.group_expr.iter().map(of_key).collect();
        let (input, late_by) = match carried(&aggregate.input)? {
            Some((input, column)) => (input, Some(column)),
            None => (aggregate.input.as_ref().clone(), None),
        };
        Ok(TimedAggregate { input, late_by, keys })
    }
}

/// The event times of a plan's columns, if one relation is all that it reads.
fn times_below(plan: &LogicalPlan, relations: &HashMap<String, Relation>) -> Vec<Option<EventTime>> {
    let mut bottom = plan;
    while let [input] = bottom.inputs().as_slice() {
        bottom = input;
    }
    let LogicalPlan::TableScan(scan) = bottom else { return vec![None; plan.schema().fields().len()] };
    match relations.get(&name_of(&scan.table_name)) {
        Some(relation) => event_times(plan, &relation.times),
        None => vec![None; plan.schema().fields().len()],
    }
}

/// The plan with the column [`LATE_BY`] of the one relation that it reads passed on to its top.
fn carried(plan: &LogicalPlan) -> Result<Option<(LogicalPlan, Column)>> {
    Ok(match plan {
        LogicalPlan::TableScan(scan) => {
            let at = scan.source.schema().index_of(LATE_BY).ok();
            let Some(at) = at else { return Ok(None) };
            let mut scan = scan.clone();
            let mut columns =
                scan.projection.take().unwrap_or_else(|| (0..scan.source.schema().fields().len()).collect());
            if !columns.contains(&at) {
                columns.push(at);
            }
            let scan =
                datafusion::logical_expr::TableScanBuilder::new(scan.table_name.clone(), Arc::clone(&scan.source))
                    .with_projection(Some(columns))
                    .with_filters(scan.filters)
                    .with_fetch(scan.fetch)
                    .build()?;
            let column = Column::new(Some(scan.table_name.clone()), LATE_BY);
            Some((LogicalPlan::TableScan(scan), column))
        }
        LogicalPlan::Filter(filter) => carried(&filter.input)?
            .map(|(input, column)| {
                let plan = LogicalPlanBuilder::from(input).filter(filter.predicate.clone())?.build()?;
                Ok::<_, datafusion::error::DataFusionError>((plan, column))
            })
            .transpose()?,
        LogicalPlan::Projection(projection) => match carried(&projection.input)? {
            Some((input, column)) => {
                let mut exprs = projection.expr.clone();
                if !exprs.contains(&Expr::Column(column.clone())) {
                    exprs.push(Expr::Column(column.clone()));
                }
                Some((LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(input))?), column))
            }
            None => None,
        },
        LogicalPlan::SubqueryAlias(alias) => match carried(&alias.input)? {
            Some((input, _)) => {
                let plan = SubqueryAlias::try_new(Arc::new(input), alias.alias.clone())?;
                Some((LogicalPlan::SubqueryAlias(plan), Column::new(Some(alias.alias.clone()), LATE_BY)))
            }
            None => None,
        },
        _ => None,
    })
}

/// The rows whose key had not passed when they came. `is_window` says that the key is a window that the batch made.
pub fn left_out(input: LogicalPlan, key: &Expr, is_window: bool, time: EventTime, by: &Column) -> Result<LogicalPlan> {
    let key = key.clone().unalias();
    let end = match (is_window, time.kind) {
        (true, _) | (false, TimeKind::Window(_)) => end_of(key),
        (false, TimeKind::Instant) => key,
    };
    let by = place_of(&input, by);
    let condition = by.clone().is_null().or(end.gt(less(by, time.lag_us)));
    Ok(LogicalPlanBuilder::from(input).filter(condition)?.build()?)
}

/// The column under the qualifier that it has in a plan.
pub fn place_of(plan: &LogicalPlan, by: &Column) -> Expr {
    let found = plan.schema().columns().into_iter().find(|column| column.name == by.name);
    Expr::Column(found.unwrap_or_else(|| by.clone()))
}

/// An instant so much earlier.
pub fn less(instant: Expr, by_us: i64) -> Expr {
    match by_us {
        0 => instant,
        _ => instant - lit(ScalarValue::new_interval_mdn(0, 0, by_us.saturating_mul(1000))),
    }
}
