//! Aggregates by windows and sessions as a batch computes them, without the rows that came too late for the stream.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder};
use expr::scalar::time_windows::session_call;
use job::{OutputMode, Table};

use super::late::{self, TimedAggregate};
use super::sessions;
use crate::fault::{Fault, Result};
use crate::normalize::with_window_column;
use crate::relation::{Relation, is_static};
use crate::window::window_call;

/// What a table's query is as a batch.
#[derive(Debug)]
pub struct Answer {
    /// The query.
    pub plan: LogicalPlan,
    /// True if rows that came too late are left out as the stream left them out. If not, the query has a form (a join, say)
    /// for which a batch cannot tell.
    pub knows_late: bool,
    /// Rows of which a batch cannot tell which session they belong to: behind the watermark, and yet within a session's gap.
    pub doubtful: Option<LogicalPlan>,
}

/// What is learnt while the plan is rewritten.
struct RewriteState {
    knows_late: bool,
    doubtful: Option<LogicalPlan>,
    fault: Option<Fault>,
}

/// The batch form of a normalized plan.
pub fn of(plan: LogicalPlan, table: &Table, relations: &HashMap<String, Relation>) -> Result<Answer> {
    let leaves_late_out = table.mode != OutputMode::Complete;
    let mut state =
        RewriteState { knows_late: !leaves_late_out || !has_memory(&plan, relations), doubtful: None, fault: None };
    // A single operator over rows as they came: its late rows are known. Others compare only if there were none.
    let aggregates = count(&plan, relations, |node| matches!(node, LogicalPlan::Aggregate(_)));
    let others = count(&plan, relations, |node| {
        matches!(node, LogicalPlan::Join(_) | LogicalPlan::Window(_) | LogicalPlan::Distinct(_))
    });
    let plan = plan
        .transform_up(|node| {
            let LogicalPlan::Aggregate(aggregate) = &node else { return Ok(Transformed::no(node)) };
            if state.fault.is_some() || is_static(&node, relations) {
                return Ok(Transformed::no(node));
            }
            match of_aggregate(aggregate, &table.sql, relations, leaves_late_out) {
                Ok((plan, does_as_stream, doubtful)) => {
                    state.knows_late |= does_as_stream && aggregates == 1 && others == 0;
                    state.doubtful = doubtful.or(state.doubtful.take());
                    Ok(Transformed::yes(plan))
                }
                Err(fault) => {
                    state.fault = Some(fault);
                    Ok(Transformed::no(node))
                }
            }
        })
        .data()?;
    match state.fault {
        Some(fault) => Err(fault),
        None => Ok(Answer { plan, knows_late: state.knows_late, doubtful: state.doubtful }),
    }
}

/// Its plan, whether it leaves the late rows out as the stream does, and the rows that are doubtful.
fn of_aggregate(
    aggregate: &Aggregate,
    sql: &str,
    relations: &HashMap<String, Relation>,
    leaves_late_out: bool,
) -> Result<(LogicalPlan, bool, Option<LogicalPlan>)> {
    if let Some(name) = aggregate.aggr_expr.iter().find_map(by_arrival) {
        let message = format!("{name}(…) depends on the order in which rows came");
        return Err(crate::problem::SqlProblem::new(message, "").into());
    }
    let timed = TimedAggregate::of(aggregate, relations)?;
    let by = timed.late_by.clone().filter(|_| leaves_late_out);
    let does_as_stream = by.is_some() || timed.keys.iter().all(Option::is_none);
    let with_late = match &by {
        Some(_) => Aggregate::try_new(
            Arc::new(timed.input.clone()),
            aggregate.group_expr.clone(),
            aggregate.aggr_expr.clone(),
        )?,
        None => aggregate.clone(),
    };
    if aggregate.group_expr.iter().any(|expr| session_call(expr).is_some()) {
        let (plan, doubtful) = sessions::of(&with_late, by.as_ref())?;
        return Ok((named(plan, aggregate)?, does_as_stream, doubtful));
    }
    let windowed = with_window_column(&with_late, sql)?;
    let mut input = windowed.input.as_ref().clone();
    if let Some(by) = &by {
        let keys = windowed.group_expr.iter().zip(&aggregate.group_expr).zip(&timed.keys);
        for ((key, written), time) in keys {
            let Some(time) = *time else { continue };
            let is_window = window_call(written).is_some();
            input = late::left_out(input, key, is_window, time, by)?;
        }
    }
    let plan = Aggregate::try_new(Arc::new(input), windowed.group_expr, windowed.aggr_expr)?;
    Ok((named(LogicalPlan::Aggregate(plan), aggregate)?, does_as_stream, None))
}

/// The plan with its columns under the names of the aggregate that it stands for.
pub(crate) fn named(plan: LogicalPlan, aggregate: &Aggregate) -> Result<LogicalPlan> {
    let names = aggregate.schema.iter().map(|(table, field)| (table.cloned(), field.name().clone()));
    let columns = plan.schema().columns().into_iter().zip(names);
    let columns: Vec<Expr> =
        columns.map(|(column, (table, name))| Expr::Column(column).alias_qualified(table, name)).collect();
    Ok(LogicalPlanBuilder::from(plan).project(columns)?.build()?)
}

/// The name of a function whose result depends on which row came first.
fn by_arrival(call: &Expr) -> Option<String> {
    let mut found = None;
    let visited = call.apply(|expr| {
        if let Expr::AggregateFunction(function) = expr {
            let name = function.func.name();
            let is_ordered = !function.params.order_by.is_empty();
            let first =
                ["first", "first_value", "last", "last_value", "any_value", "nth_value", "string_agg", "listagg"];
            let ties = ["mode", "min_by", "max_by", "approx_percentile_cont"];
            if first.contains(&name) && !is_ordered || ties.contains(&name) {
                found = Some(name.to_string());
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
    visited.ok().and(found)
}

/// True if the stream keeps something of a plan's rows.
fn has_memory(plan: &LogicalPlan, relations: &HashMap<String, Relation>) -> bool {
    let keeps = |node: &LogicalPlan| match node {
        LogicalPlan::Join(join) => !is_static(&join.left, relations) && !is_static(&join.right, relations),
        other => matches!(other, LogicalPlan::Aggregate(_) | LogicalPlan::Window(_) | LogicalPlan::Distinct(_)),
    };
    count(plan, relations, keeps) > 0
}

/// How many nodes are so, those of static tables alone left aside.
fn count(plan: &LogicalPlan, relations: &HashMap<String, Relation>, is_so: impl Fn(&LogicalPlan) -> bool) -> usize {
    if is_static(plan, relations) {
        return 0;
    }
    fn walk(plan: &LogicalPlan, relations: &HashMap<String, Relation>, is_so: &dyn Fn(&LogicalPlan) -> bool) -> usize {
        let below: usize = plan
            .inputs()
            .into_iter()
            .filter(|input| !is_static(input, relations))
            .map(|input| walk(input, relations, is_so))
            .sum();
        below + usize::from(is_so(plan))
    }
    walk(plan, relations, &is_so)
}
