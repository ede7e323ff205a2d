//! Brings an analyzed query into the few shapes that streams are built from: subqueries as joins, windows as columns.

mod marks;
mod scalars;

use std::collections::HashMap;

use datafusion::common::JoinType;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::Result as PlanResult;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Aggregate, Expr, ExprSchemable, Filter, Join, LogicalPlan, LogicalPlanBuilder, col};
use datafusion::optimizer::decorrelate_lateral_join::DecorrelateLateralJoin;
use datafusion::optimizer::decorrelate_predicate_subquery::DecorrelatePredicateSubquery;
use datafusion::optimizer::eliminate_cross_join::EliminateCrossJoin;
use datafusion::optimizer::extract_equijoin_predicate::ExtractEquijoinPredicate;
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::optimizer::scalar_subquery_to_join::ScalarSubqueryToJoin;
use datafusion::optimizer::{Optimizer, OptimizerRule};
use expr::casts::to_instant;
use expr::scalar::time_windows::{session_call, window_time, windows_of};
use std::sync::Arc;

use crate::bounds::{conjuncts, reads_only};
use crate::fault::{Result, UNSUPPORTED};
use crate::logical::{any_expr, any_node, is_subquery, under_names_of, with_columns};
use crate::problem::SqlProblem;
use crate::relation::Relation;
use crate::window::{SEVERAL_WINDOWS, window_call, window_spec};

/// The column that holds the windows of a row.
const WINDOWS: &str = "__windows";

/// The column that holds the window by which rows are grouped.
pub const GROUPED: &str = "__window";

/// Normalizes an analyzed query.
///
/// # Errors
/// If a subquery cannot be made a join, or a window stands where none can.
pub fn normalize(
    state: &SessionState,
    plan: LogicalPlan,
    relations: &HashMap<String, Relation>,
    sql: &str,
) -> Result<LogicalPlan> {
    let plan = match joins(&plan)? {
        false => plan,
        true => {
            let rules: Vec<Arc<dyn OptimizerRule + Send + Sync>> = vec![
                Arc::new(DecorrelatePredicateSubquery::new()),
                Arc::new(ScalarSubqueryToJoin::new()),
                Arc::new(DecorrelateLateralJoin::new()),
            ];
            marks::check(&plan, sql)?;
            let plan = scalars::joined(plan, relations)?;
            let plan = Optimizer::with_rules(rules).optimize(plan, state, |_, _| {})?;
            refuse_subqueries(&plan, sql)?;
            let plan = match has_cross_join(&plan)? {
                // It takes conditions out of joins, so it is asked only where there is a join without one.
                true => {
                    Optimizer::with_rules(vec![Arc::new(EliminateCrossJoin::new())]).optimize(plan, state, |_, _| {})?
                }
                false => plan,
            };
            let plan = plan.transform_up(into_join).data()?;
            Optimizer::with_rules(vec![Arc::new(ExtractEquijoinPredicate::new())]).optimize(plan, state, |_, _| {})?
        }
    };
    let plan = plan.transform_up(|node| with_windows(node, sql)).data()?;
    match joins(&plan)? {
        false => Ok(plan),
        // Columns that nobody reads would be kept as state.
        true => {
            Ok(Optimizer::with_rules(vec![Arc::new(OptimizeProjections::new())]).optimize(plan, state, |_, _| {})?)
        }
    }
}

/// True if there is a join or a subquery in it.
fn joins(plan: &LogicalPlan) -> PlanResult<bool> {
    let has_join = any_node(plan, |node| matches!(node, LogicalPlan::Join(_) | LogicalPlan::Subquery(_)))?;
    Ok(has_join || any_expr(plan, is_subquery)?)
}

/// A subquery that could not be made a join would be run again for every chunk of rows.
fn refuse_subqueries(plan: &LogicalPlan, sql: &str) -> Result<()> {
    if !any_expr(plan, is_subquery)? {
        return Ok(());
    }
    let message = "this subquery cannot be computed on a stream: its value would change with every epoch";
    let help = "write it as a join, or make it a table of its own and join that";
    Err(SqlProblem::new(message, help).at_text(sql, "(SELECT").into())
}

/// True if there is a join without any condition.
fn has_cross_join(plan: &LogicalPlan) -> PlanResult<bool> {
    plan.exists(|node| Ok(matches!(node, LogicalPlan::Join(join) if join.on.is_empty() && join.filter.is_none())))
}

/// A condition above an inner join is part of its condition.
fn into_join(node: LogicalPlan) -> PlanResult<Transformed<LogicalPlan>> {
    let LogicalPlan::Filter(filter) = &node else { return Ok(Transformed::no(node)) };
    match filter.input.as_ref() {
        LogicalPlan::Join(join) if join.join_type == JoinType::Inner => {
            let conditions = conjuncts(&filter.predicate).into_iter().cloned().collect();
            Ok(Transformed::yes(LogicalPlan::Join(with_conditions(join, conditions))))
        }
        _ => Ok(Transformed::no(node)),
    }
}

/// The join with further conditions, each as far down as the columns that it reads.
fn with_conditions(join: &Join, conditions: Vec<Expr>) -> Join {
    let mut join = join.clone();
    let mut own = Vec::new();
    let mut below = [Vec::new(), Vec::new()];
    for condition in conditions {
        let side = [&join.left, &join.right].iter().position(|side| {
            let is_inner = matches!(side.as_ref(), LogicalPlan::Join(join) if join.join_type == JoinType::Inner);
            is_inner && reads_only(&condition, side.schema())
        });
        match side {
            Some(side) => below[side].push(condition),
            None => own.push(condition),
        }
    }
    let [left, right] = below;
    for (side, conditions) in [(&mut join.left, left), (&mut join.right, right)] {
        if let (LogicalPlan::Join(inner), false) = (side.as_ref(), conditions.is_empty()) {
            *side = Arc::new(LogicalPlan::Join(with_conditions(inner, conditions)));
        }
    }
    join.filter = join.filter.into_iter().chain(own).reduce(Expr::and);
    join
}

/// `window(…)` in SELECT becomes a column: one row each window, none for a row without a time (Spark §4.1).
///
/// # Errors
/// If its sizes cannot be read, or there are several.
pub fn with_windows(node: LogicalPlan, sql: &str) -> PlanResult<Transformed<LogicalPlan>> {
    let LogicalPlan::Projection(projection) = &node else { return Ok(Transformed::no(node)) };
    let mut calls: Vec<Expr> = Vec::new();
    for expr in &projection.expr {
        expr.apply(|expr| {
            if let Expr::ScalarFunction(_) = expr
                && window_call(expr).is_some()
                && !calls.contains(expr)
            {
                calls.push(expr.clone());
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    let [call] = calls.as_slice() else {
        return match calls.is_empty() {
            true => Ok(Transformed::no(node)),
            false => Err(SqlProblem::new(SEVERAL_WINDOWS, "keep one window(…)").at_text(sql, "window(").into()),
        };
    };
    let Some(function) = window_call(call) else { return Ok(Transformed::no(node)) };
    let spec = window_spec(function, sql)?;
    let Some(time) = function.args.first() else { return Ok(Transformed::no(node)) };
    let kind = time.get_type(projection.input.schema())?;
    let time = match kind == expr::types::window_type() {
        true => window_time(time.clone()),
        false => to_instant(time.clone()),
    };
    let replace = |by: &Expr| -> PlanResult<Vec<Expr>> {
        let schema = projection.schema.fields().iter();
        let replaced = projection.expr.iter().zip(schema).map(|(expr, field)| {
            let new = expr.clone().transform_up(|expr| match expr == *call {
                true => Ok(Transformed::yes(by.clone())),
                false => Ok(Transformed::no(expr)),
            })?;
            let name =
                if window_call(expr).is_some() && !matches!(expr, Expr::Alias(_)) { "window" } else { field.name() };
            Ok(if new.transformed { new.data.unalias().alias(name) } else { new.data })
        });
        replaced.collect()
    };
    let input = projection.input.as_ref().clone();
    let plan = if spec.size_us == spec.slide_us {
        let timed = LogicalPlan::Filter(Filter::try_new(time.clone().is_not_null(), Arc::new(input))?);
        LogicalPlanBuilder::from(timed).project(replace(&windows_of(time, &spec))?)?.build()?
    } else {
        let listed = with_columns(&input, [windows_of(time, &spec).alias(WINDOWS)])?;
        let listed = LogicalPlanBuilder::from(listed).unnest_column(WINDOWS)?;
        listed.project(replace(&col(WINDOWS))?)?.build()?
    };
    Ok(Transformed::yes(plan))
}

/// An aggregate by `window(…)` as one by a column that holds the window, over rows of which each stands once for each of its windows.
///
/// # Errors
/// If a window cannot be read. Sessions are no column: how far they reach is known from all rows only.
pub fn with_window_column(aggregate: &Aggregate, sql: &str) -> Result<Aggregate> {
    if aggregate.group_expr.iter().any(|expr| session_call(expr).is_some()) {
        let message = "session_window(…) over rows that may still change is not supported";
        let help =
            "build what it reads as a table of its own with mode = \"append\", and set mode = \"append\" here too";
        return Err(SqlProblem::new(message, help).code(UNSUPPORTED).at_text(sql, "session_window(").into());
    }
    let Some(call) = aggregate.group_expr.iter().find_map(grouped_window) else {
        return Ok(aggregate.clone());
    };
    let input = with_columns(&aggregate.input, [call.clone().unalias().alias(GROUPED)])?;
    let input = with_windows(input, sql)?.data;
    let by_column = |expr: &Expr| match window_call(expr) {
        Some(_) => Ok(col(GROUPED)),
        None => {
            let replaced = expr.clone().transform_down(|expr| match expr == call {
                true => Ok(Transformed::yes(col(GROUPED))),
                false => Ok(Transformed::no(expr)),
            });
            replaced.data()
        }
    };
    let group = aggregate.group_expr.iter().map(by_column).collect::<PlanResult<Vec<_>>>()?;
    Ok(Aggregate::try_new(Arc::new(input), group, aggregate.aggr_expr.clone())?)
}

/// The window by which rows are grouped, alone or in grouping sets.
pub fn grouped_window(expr: &Expr) -> Option<Expr> {
    match expr {
        expr if window_call(expr).is_some() => Some(expr.clone()),
        Expr::GroupingSet(sets) => sets.distinct_expr().into_iter().find_map(grouped_window),
        _ => None,
    }
}

/// A plan that sees all rows at once, with every aggregate by `window(…)` in it as one by a column.
///
/// # Errors
/// If a window cannot be read, or stands where none can.
pub fn with_window_columns(plan: LogicalPlan, sql: &str) -> Result<LogicalPlan> {
    let by_column = plan.transform_up(|node| {
        let LogicalPlan::Aggregate(aggregate) = &node else { return Ok(Transformed::no(node)) };
        let is_timed = |expr: &Expr| grouped_window(expr).is_some() || session_call(expr).is_some();
        if !aggregate.group_expr.iter().any(is_timed) {
            return Ok(Transformed::no(node));
        }
        let by_column = LogicalPlan::Aggregate(with_window_column(aggregate, sql)?);
        Ok(Transformed::yes(under_names_of(by_column, node.schema())?))
    });
    Ok(by_column.data()?)
}
