//! What a streaming query may be in each output mode (Spark `UnsupportedOperationChecker`, `reference/spark.md` §4.3–4.4).

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, Volatility};
use job::OutputMode;

use crate::functions::window::WINDOW;
use crate::problem::SqlProblem;
use crate::relation::Relation;
use crate::split::lineage_of;
use crate::window::{window_call, window_spec};
use crate::words::{type_words, words};

const UNSUPPORTED: &str = "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION";

/// What the rules need to know of a query.
pub struct Subject<'a> {
    /// The analyzed query.
    pub plan: &'a LogicalPlan,
    /// Its text.
    pub sql: &'a str,
    /// Its output mode.
    pub mode: OutputMode,
    /// What it reads.
    pub input: &'a Relation,
}

/// All breaches of the rules.
pub fn check(subject: &Subject<'_>) -> Vec<SqlProblem> {
    let mut problems = Vec::new();
    let mut aggregates = Vec::new();
    let visited = subject.plan.apply(|node| {
        let above_aggregate = aggregates.is_empty() && has_aggregate(node);
        problems.extend(check_node(subject, node, above_aggregate));
        problems.extend(check_expressions(subject, node));
        if let LogicalPlan::Aggregate(aggregate) = node {
            aggregates.push(aggregate.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    if let Err(error) = visited {
        problems.push(crate::error::to_problem(&error, subject.sql));
    }
    match aggregates.as_slice() {
        [] => problems.extend(check_stateless(subject)),
        [aggregate] => problems.extend(check_aggregate(subject, aggregate)),
        _ => problems.push(
            SqlProblem::new(
                "an aggregate of an aggregate is not supported yet in one table",
                "keep the first aggregate in a table of its own",
            )
            .at_text(subject.sql, "GROUP BY"),
        ),
    }
    problems
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
        LogicalPlan::Window(_) => refuse(
            "Window functions other than window(…) are not supported on streams",
            "group by window(…) instead of OVER (…)",
            "OVER",
        )
        .map(|problem| problem.code("NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING")),
        LogicalPlan::Join(_) => refuse("joins are not supported yet", "read one input per table", "JOIN"),
        LogicalPlan::Union(_) => refuse("UNION is not supported yet", "make a table of each part", "UNION"),
        LogicalPlan::Distinct(_) => refuse(
            "SELECT DISTINCT is not supported yet",
            "group by the columns, in update or complete mode",
            "DISTINCT",
        ),
        LogicalPlan::Subquery(_) | LogicalPlan::RecursiveQuery(_) => refuse(
            "subqueries inside expressions are not supported yet",
            "write the condition without a subquery",
            "SELECT",
        ),
        LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_) => {
            refuse("the query reads no source and no table of the job", "read a source in FROM", "SELECT")
        }
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
            problems.extend(check_expression(subject, expr));
            Ok(TreeNodeRecursion::Continue)
        });
        if let Err(error) = visited {
            problems.push(crate::error::to_problem(&error, subject.sql));
        }
    }
    problems
}

fn check_expression(subject: &Subject<'_>, expr: &Expr) -> Option<SqlProblem> {
    match expr {
        Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) | Expr::SetComparison(_) => Some(
            SqlProblem::new(
                "subqueries inside expressions are not supported yet",
                "write the condition without a subquery",
            )
            .at_text(subject.sql, "(SELECT"),
        ),
        Expr::ScalarFunction(call) if call.func.name() == WINDOW => Some(
            SqlProblem::new("window(…) stands in GROUP BY only", "group by window(…) and aggregate")
                .at_text(subject.sql, "window("),
        ),
        Expr::ScalarFunction(call) if is_random(call.func.name(), call.func.signature().volatility) => {
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
        Expr::AggregateFunction(call)
            if call.params.distinct && call.params.order_by.is_empty() && is_list(call.func.name()) =>
        {
            let message = format!(
                "{}(DISTINCT …) gives its values in no fixed order, so an epoch run again would differ",
                call.func.name()
            );
            Some(
                SqlProblem::new(message, "add ORDER BY to the call, or leave DISTINCT out")
                    .at_text(subject.sql, "DISTINCT"),
            )
        }
        _ => None,
    }
}

fn is_random(name: &str, volatility: Volatility) -> bool {
    volatility != Volatility::Immutable && !["now", "current_date"].contains(&name)
}

fn is_list(name: &str) -> bool {
    ["array_agg", "string_agg", "collect_list"].contains(&name)
}

fn check_stateless(subject: &Subject<'_>) -> Option<SqlProblem> {
    if subject.mode == OutputMode::Complete {
        let message = "Complete output mode not supported when there are no streaming aggregations";
        return Some(SqlProblem::new(message, "set mode = \"append\", or aggregate with GROUP BY").code(UNSUPPORTED));
    }
    None
}

fn check_aggregate(subject: &Subject<'_>, aggregate: &Aggregate) -> Vec<SqlProblem> {
    let mut problems = Vec::new();
    let windows: Vec<_> = aggregate.group_expr.iter().filter_map(window_call).collect();
    if aggregate.group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_))) {
        problems.push(
            SqlProblem::new("grouping sets are not supported yet", "make a table of each grouping")
                .at_text(subject.sql, "GROUP BY"),
        );
    }
    if windows.len() > 1 {
        let message = "Multiple time/session window expressions would result in a cartesian product of rows, therefore they are currently not supported";
        problems.push(SqlProblem::new(message, "keep one window(…) in GROUP BY").at_text(subject.sql, "window("));
    }
    let event_time = windows.first().and_then(|call| match window_spec(call, subject.sql) {
        Ok(_) => Some(()),
        Err(problem) => {
            problems.push(problem);
            None
        }
    });
    if let (Some(call), Some(())) = (windows.first(), event_time) {
        problems.extend(check_time(subject, aggregate, call.args.first()));
    }
    if windows.is_empty() && subject.mode == OutputMode::Append {
        problems.push(without_watermark(subject, "GROUP BY", "append mode emits a group once it is final, and nothing says when one is: group by window(<event time>, …), or set mode = \"update\" or \"complete\""));
    }
    problems
}

/// The time of a window must be a timestamp; in append mode it must be the input's event time.
fn check_time(subject: &Subject<'_>, aggregate: &Aggregate, time: Option<&Expr>) -> Option<SqlProblem> {
    use datafusion::logical_expr::ExprSchemable;
    let time = time?;
    let kind = time.get_type(aggregate.input.schema()).ok()?;
    if !matches!(kind, arrow::datatypes::DataType::Timestamp(..)) {
        let message = format!("window(…) needs a timestamp, `{}` is {}", words(time), type_words(&kind));
        return Some(
            SqlProblem::new(
                message,
                "convert it with to_timestamp(…), or declare the column as \"timestamp\" in the source's schema",
            )
            .code("EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE")
            .at_text(subject.sql, "window("),
        );
    }
    let column = lineage_of(time, &aggregate.input);
    if subject.mode != OutputMode::Append || (column.is_some() && column == subject.input.event_time) {
        return None;
    }
    let help = match &subject.input.event_time {
        Some(event_time) => format!(
            "the watermark of `{}` is on `{event_time}`: window over that column as it is (an expression over it loses the watermark)",
            subject.input.name
        ),
        None => format!(
            "give `{}` a watermark in the job file: watermark = {{ column = \"…\", delay = \"5 minutes\" }}",
            subject.input.name
        ),
    };
    Some(without_watermark(subject, "window(", &help))
}

fn without_watermark(subject: &Subject<'_>, text: &str, help: &str) -> SqlProblem {
    let message = "Append output mode not supported for streaming aggregations without watermark";
    SqlProblem::new(message, help).code(UNSUPPORTED).at_text(subject.sql, text)
}
