//! What a streaming query may be in each output mode (Spark `UnsupportedOperationChecker`, `reference/spark.md` §4.3–4.4).

use std::collections::HashMap;

use datafusion::common::get_target_functional_dependencies;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, Volatility};
use expr::scalar::time_windows::session_call;
use expr::scalar::window::WINDOW;
use job::OutputMode;

use crate::error::to_problem;
use crate::fault::{UNSUPPORTED, no_aggregate};
use crate::logical::any_node;
use crate::problem::SqlProblem;
use crate::relation::{Relation, is_static};
use crate::window::{SEVERAL_WINDOWS, check_gap, window_call, window_spec};

/// What the rules need to know of a query.
pub struct Subject<'a> {
    /// The analyzed query.
    pub plan: &'a LogicalPlan,
    /// Its text.
    pub sql: &'a str,
    /// Its output mode.
    pub mode: OutputMode,
    /// What it can read.
    pub relations: &'a HashMap<String, Relation>,
}

/// All breaches of the rules.
pub fn check(subject: &Subject<'_>) -> Vec<SqlProblem> {
    let mut problems: Vec<SqlProblem> = misplaced_aggregate(subject).into_iter().collect();
    let mut aggregates = Vec::new();
    let visited = subject.plan.apply(|node| {
        // What reads static tables only is run whole, so it may be anything that repeats.
        if is_static(node, subject.relations) {
            problems.extend(check_expressions(subject, node));
            return Ok(TreeNodeRecursion::Continue);
        }
        let above_aggregate = aggregates.is_empty() && has_aggregate(node);
        problems.extend(check_node(subject, node, above_aggregate));
        problems.extend(check_expressions(subject, node));
        if let LogicalPlan::Aggregate(aggregate) = node {
            aggregates.push(aggregate.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    if let Err(error) = visited {
        problems.push(to_problem(&error, subject.sql));
    }
    match aggregates.is_empty() {
        true => problems.extend(check_stateless(subject)),
        false => aggregates.iter().for_each(|aggregate| problems.extend(check_aggregate(subject, aggregate))),
    }
    problems
}

/// An aggregate where a value of each row is needed: DataFusion plans it, and finds that it cannot be run.
fn misplaced_aggregate(subject: &Subject<'_>) -> Option<SqlProblem> {
    let is_call = |expr: &Expr| expr.exists(|expr| Ok(matches!(expr, Expr::AggregateFunction(_)))).unwrap_or(false);
    let is_misplaced = any_node(subject.plan, |node| match node {
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.iter().any(is_call),
        other => other.expressions().iter().any(is_call),
    });
    let message = "an aggregate stands where a value of each row is needed, such as in GROUP BY";
    let help = "compute it in a table of its own and read that";
    match is_misplaced {
        Ok(true) => Some(SqlProblem::new(message, help).code("GROUP_BY_AGGREGATE")),
        Ok(false) => None,
        Err(error) => Some(to_problem(&error, subject.sql)),
    }
}

fn has_aggregate(node: &LogicalPlan) -> bool {
    node.exists(|node| Ok(matches!(node, LogicalPlan::Aggregate(_)))).unwrap_or(false)
}

fn check_node(subject: &Subject<'_>, node: &LogicalPlan, above_aggregate: bool) -> Option<SqlProblem> {
    let refuse =
        |message: &str, help: &str, text: &str| Some(SqlProblem::new(message, help).at_text(subject.sql, text));
    let complete = subject.mode == OutputMode::Complete;
    match node {
        LogicalPlan::Sort(_) if !(complete && above_aggregate) => refuse(
            "Sorting is not supported on streaming tables, unless it is on an aggregated table in complete mode",
            "leave ORDER BY out, or set mode = \"complete\" on an aggregate",
            "ORDER BY",
        )
        .map(|problem| problem.code(UNSUPPORTED)),
        LogicalPlan::Limit(_) if !(complete && above_aggregate) => refuse(
            "LIMIT is not supported on a stream, unless it is on an aggregated table in complete mode",
            "leave LIMIT out, or set mode = \"complete\" on an aggregate",
            "LIMIT",
        )
        .map(|problem| problem.code(UNSUPPORTED)),
        LogicalPlan::RecursiveQuery(_) => refuse(
            "a query that reads itself (WITH RECURSIVE) is not supported on streams",
            "write it without RECURSIVE",
            "RECURSIVE",
        ),
        _ => None,
    }
}

/// What no expression may be: a query of its own, or different on every run.
fn check_expressions(subject: &Subject<'_>, node: &LogicalPlan) -> Vec<SqlProblem> {
    let mut problems = Vec::new();
    let expressions = node.expressions().into_iter().flat_map(|expr| match (node, window_call(&expr)) {
        // The one place where window(…) may stand; its arguments are as any other expression.
        (LogicalPlan::Aggregate(_), Some(call)) => call.args.clone(),
        _ => vec![expr],
    });
    for expr in expressions {
        let visited = expr.apply(|expr| {
            problems.extend(check_expression(subject, node, expr));
            Ok(TreeNodeRecursion::Continue)
        });
        if let Err(error) = visited {
            problems.push(to_problem(&error, subject.sql));
        }
    }
    problems
}

fn check_expression(subject: &Subject<'_>, node: &LogicalPlan, expr: &Expr) -> Option<SqlProblem> {
    match expr {
        Expr::ScalarFunction(call)
            if call.func.name() == WINDOW
                && !matches!(node, LogicalPlan::Projection(_) | LogicalPlan::Aggregate(_)) =>
        {
            Some(
                SqlProblem::new(
                    "window(…) stands in GROUP BY or SELECT only",
                    "select it in a subquery and use its column",
                )
                .at_text(subject.sql, "window("),
            )
        }
        Expr::ScalarFunction(call) if is_random_call(expr) => {
            // The user may have written another of its names.
            let mut names = std::iter::once(call.func.name()).chain(call.func.aliases().iter().map(String::as_str));
            let written = |name: &&str| subject.sql.to_ascii_lowercase().contains(&format!("{name}("));
            let name = names.find(written).unwrap_or(call.func.name());
            let message = format!("{name}() would give other rows each time an epoch is run again");
            Some(
                SqlProblem::new(
                    message,
                    "use a column of the record, such as _offset, or current_timestamp, which is the epoch's",
                )
                .at_text(subject.sql, name),
            )
        }
        _ => None,
    }
}

/// True for a call that gives another value each time.
pub fn is_random_call(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if is_random(call.func.name(), call.func.signature().volatility))
}

fn is_random(name: &str, volatility: Volatility) -> bool {
    volatility != Volatility::Immutable && !["now", "current_date", "current_time"].contains(&name)
}

fn check_stateless(subject: &Subject<'_>) -> Option<SqlProblem> {
    (subject.mode == OutputMode::Complete).then(no_aggregate)
}

fn check_aggregate(subject: &Subject<'_>, aggregate: &Aggregate) -> Vec<SqlProblem> {
    let mut problems = Vec::new();
    let windows: Vec<_> = aggregate.group_expr.iter().filter_map(window_call).collect();
    let sessions: Vec<_> = aggregate.group_expr.iter().filter_map(session_call).collect();
    if windows.len() + sessions.len() > 1 {
        let problem = SqlProblem::new(SEVERAL_WINDOWS, "keep one window(…) in GROUP BY");
        problems.push(problem.at_text(subject.sql, "window("));
    }
    if let Some(call) = windows.first() {
        problems.extend(window_spec(call, subject.sql).err());
    }
    problems.extend(check_exploded(subject, aggregate));
    if let Some(call) = sessions.first() {
        problems.extend(check_gap(call, subject.sql).err());
    }
    problems
}

/// Rows out of arrays of an aggregate, grouped by its keys again: DataFusion believes these keys still to be unique (its `Unnest` keeps
/// what was known of its input) and groups by all other columns, too.
fn check_exploded(subject: &Subject<'_>, aggregate: &Aggregate) -> Option<SqlProblem> {
    let names: Vec<String> = aggregate.group_expr.iter().map(|expr| expr.schema_name().to_string()).collect();
    let is_wrong =
        has_unnest(&aggregate.input) && get_target_functional_dependencies(aggregate.input.schema(), &names).is_some();
    let message = "rows out of arrays of an aggregate cannot be grouped by its own keys in the same query";
    let help = "make the aggregate a table of its own and read that: [table.silver.counts], then explode(…) FROM silver.counts";
    is_wrong.then(|| SqlProblem::new(message, help).at_text(subject.sql, "explode"))
}

/// True if there are rows out of arrays below that nothing has grouped.
fn has_unnest(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Unnest(_) => true,
        LogicalPlan::Aggregate(_) => false,
        other => other.inputs().iter().any(|input| has_unnest(input)),
    }
}
