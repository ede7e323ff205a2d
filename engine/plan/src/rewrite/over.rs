//! What a call with OVER must say, as Spark asks for it.

use datafusion::sql::sqlparser::ast::{Function, WindowSpec, WindowType};

use super::calls::name_of;
use crate::problem::SqlProblem;

/// Functions that count rows in an order.
const ORDERED: &[&str] =
    &["row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "nth_value"];

/// Functions of all rows of a partition.
const WHOLE: &[&str] = &["median", "percentile_cont", "percentile_disc"];

/// What is wrong with the window of a call, if it has one of its own.
pub fn problem_of(function: &Function) -> Option<SqlProblem> {
    let Some(WindowType::WindowSpec(window)) = &function.over else { return None };
    let name = name_of(function);
    let problem = match name.as_str() {
        name if ORDERED.contains(&name) && is_unordered(window) => SqlProblem::new(
            format!("{name} counts rows in an order, and its window has none"),
            format!("say it: {name}(…) OVER (ORDER BY …)"),
        )
        .code("WINDOW_FUNCTION_FRAME_NOT_ORDERED"),
        name @ ("lag" | "lead") if window.window_frame.is_some() => SqlProblem::new(
            format!("{name} looks at one row, so its window has no frame"),
            format!("leave ROWS or RANGE out: {name}(…) OVER (ORDER BY …)"),
        )
        .code("INVALID_WINDOW_FRAME"),
        name if WHOLE.contains(&name) && (window.window_frame.is_some() || !window.order_by.is_empty()) => {
            SqlProblem::new(
                format!("{name} is of all rows of a partition, so its window has neither order nor frame"),
                format!("write {name}(…) OVER (PARTITION BY …), or percentile_approx(x, 0.5) OVER (ORDER BY …)"),
            )
            .code("INVALID_WINDOW_SPEC_FOR_AGGREGATION_FUNC")
        }
        _ => return None,
    };
    Some(problem)
}

/// A window that goes on from a named one may have its order from there.
fn is_unordered(window: &WindowSpec) -> bool {
    window.order_by.is_empty() && window.window_name.is_none()
}
