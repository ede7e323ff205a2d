//! Aggregates by windows and sessions as a batch computes them, without the rows that came too late for the stream.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan};
use expr::scalar::time_windows::session_call;
use job::{OutputMode, Table};

use super::late::{self, TimedAggregate};
use super::sessions;
use crate::fault::Result;
use crate::logical::under_names_of;
use crate::normalize::with_window_column;
use crate::problem::SqlProblem;
use crate::relation::{Relation, is_static};
use crate::window::window_call;

/// What a table's query is as a batch.
#[derive(Debug)]
pub struct Answer {
    /// The query.
    pub plan: LogicalPlan,
    /// True if rows that came too late are left out as the stream left them out. If not, the query has a form (a join, say)
    /// for which a batch cannot say.
    pub knows_late: bool,
    /// Rows of which a batch cannot say which session they belong to: behind the watermark, and yet within a session's gap.
    pub doubtful: Option<LogicalPlan>,
}

/// The batch form of a normalized plan.
pub fn of(plan: LogicalPlan, table: &Table, relations: &HashMap<String, Relation>) -> Result<Answer> {
    let leaves_late_out = table.mode != OutputMode::Complete;
    let (mut knows_late, mut doubtful) = (!leaves_late_out || !has_memory(&plan, relations), None);
    // A single operator over rows as they came: its late rows are known. Others compare only if there were none.
    let aggregates = count(&plan, relations, |node| matches!(node, LogicalPlan::Aggregate(_)));
    let others = count(&plan, relations, |node| {
        matches!(node, LogicalPlan::Join(_) | LogicalPlan::Window(_) | LogicalPlan::Distinct(_))
    });
    let plan = plan.transform_up(|node| {
        let LogicalPlan::Aggregate(aggregate) = &node else { return Ok(Transformed::no(node)) };
        if is_static(&node, relations) {
            return Ok(Transformed::no(node));
        }
        let answer = of_aggregate(aggregate, &table.sql, relations, leaves_late_out)?;
        knows_late |= answer.knows_late && aggregates == 1 && others == 0;
        doubtful = answer.doubtful.or(doubtful.take());
        Ok(Transformed::yes(answer.plan))
    });
    Ok(Answer { plan: plan.data()?, knows_late, doubtful })
}

/// An aggregate by itself as a batch.
fn of_aggregate(
    aggregate: &Aggregate,
    sql: &str,
    relations: &HashMap<String, Relation>,
    leaves_late_out: bool,
) -> Result<Answer> {
    if let Some(name) = aggregate.aggr_expr.iter().find_map(by_arrival) {
        let message = format!("{name}(…) depends on the order in which rows came");
        return Err(SqlProblem::new(message, "").into());
    }
    let timed = TimedAggregate::of(aggregate, relations)?;
    let by = timed.late_by.clone().filter(|_| leaves_late_out);
    let knows_late = by.is_some() || timed.keys.iter().all(Option::is_none);
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
        return Ok(Answer { plan: under_names_of(plan, &aggregate.schema)?, knows_late, doubtful });
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
    let plan = under_names_of(LogicalPlan::Aggregate(plan), &aggregate.schema)?;
    Ok(Answer { plan, knows_late, doubtful: None })
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
