//! The arguments of `window(…)`: column, size, slide, start.

use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::scalar::ScalarValue;
use expr::interval::{Span, months, parse_span};
use expr::scalar::time_windows::session_call;
use expr::scalar::window::WINDOW;
use expr::window::WindowSpec;

use crate::problem::SqlProblem;

/// Most windows that a row may be in: each is a row of the query, so that a slip in the slide would fill the memory.
pub const WINDOWS_MAX: i64 = 100_000;

/// The refusal of several windows in one query, in Spark's words.
pub const SEVERAL_WINDOWS: &str = "Multiple time/session window expressions would result in a cartesian product of rows, therefore they are currently not supported";

/// The `window(…)` or `session_window(…)` call that an expression is, whatever it is called.
pub fn timed_call(expr: &Expr) -> Option<&ScalarFunction> {
    window_call(expr).or_else(|| session_call(expr))
}

/// The `window(…)` call that an expression is, whatever it is called.
pub fn window_call(expr: &Expr) -> Option<&ScalarFunction> {
    match expr {
        Expr::Alias(alias) => window_call(&alias.expr),
        Expr::ScalarFunction(function) if function.func.name() == WINDOW => Some(function),
        _ => None,
    }
}

/// Reads the sizes of a window.
///
/// # Errors
/// Spark's refusals: months, a slide longer than the window, a start beyond the slide, something that is no interval.
pub fn window_spec(call: &ScalarFunction, sql: &str) -> Result<WindowSpec, SqlProblem> {
    let problem = |message: String, help: &str| SqlProblem::new(message, help).at_text(sql, "window(");
    if !(2..=4).contains(&call.args.len()) {
        let message =
            format!("window takes a time column and one to three intervals, here are {} arguments", call.args.len());
        return Err(problem(message, "write window(event_time, '10 minutes'), window(event_time, '10 minutes', '5 minutes') or with a start as fourth argument")
            .code("WRONG_NUM_ARGS.WITHOUT_SUGGESTION"));
    }
    let interval = |position: usize| -> Result<Option<i64>, SqlProblem> {
        call.args
            .get(position)
            .map(|argument| {
                interval_us(argument)
                    .map_err(|message| problem(message, "write an interval such as '5 minutes' or '1 hour 30 minutes'"))
            })
            .transpose()
    };
    let size_us = interval(1)?.unwrap_or_default();
    let slide_us = interval(2)?.unwrap_or(size_us);
    let offset_us = interval(3)?.unwrap_or_default();
    let constraint = |message: &str| {
        problem(message.to_string(), "see Spark's rules for window(time, size, slide, start)")
            .code("DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION")
    };
    if size_us <= 0 || slide_us <= 0 {
        return Err(constraint("the window's size and slide must be greater than 0"));
    }
    if slide_us > size_us {
        return Err(constraint("the slide must not be longer than the window: rows between two windows would be lost"));
    }
    if offset_us.abs() >= slide_us {
        return Err(constraint("the start must be less than the slide"));
    }
    if size_us / slide_us > WINDOWS_MAX {
        let message = format!("each row would be in {} windows, the limit is {WINDOWS_MAX}", size_us / slide_us);
        return Err(problem(message, "take a longer slide or a shorter window"));
    }
    debug_assert!(0 < slide_us && slide_us <= size_us && offset_us.abs() < slide_us, "a window that was refused above");
    Ok(WindowSpec { size_us, slide_us, offset_us })
}

/// Refuses a constant gap of a session that no row could have: Spark would drop every row in silence.
///
/// # Errors
/// If it is a gap of no time, or none at all.
pub fn check_gap(call: &ScalarFunction, sql: &str) -> Result<(), SqlProblem> {
    let message = match call.args.get(1).and_then(constant).map(constant_span) {
        Some(Ok(gap)) if !gap.is_positive() => {
            "the gap of a session must be greater than 0: no row would be in one".to_string()
        }
        Some(Err(message)) => message,
        _ => return Ok(()),
    };
    let help = "write an interval such as '5 minutes', '1 hour 30 minutes' or '1 month'";
    Err(SqlProblem::new(message, help).at_text(sql, "session_window("))
}

/// The constant that an argument is, if it is one.
fn constant(argument: &Expr) -> Option<&ScalarValue> {
    match argument {
        Expr::Literal(literal, _) => Some(literal),
        Expr::Alias(alias) => constant(&alias.expr),
        Expr::Cast(cast) => constant(&cast.expr),
        _ => None,
    }
}

fn constant_span(literal: &ScalarValue) -> Result<Span, String> {
    match literal {
        ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) | ScalarValue::LargeUtf8(Some(text)) => {
            parse_span(text)
        }
        other => Span::of_constant(other).ok_or_else(|| format!("`{other}` is not an interval")),
    }
}

fn interval_us(argument: &Expr) -> Result<i64, String> {
    let literal = constant(argument).ok_or_else(|| format!("`{argument}` is not a constant interval"))?;
    match constant_span(literal)? {
        Span { months: 0, us } => Ok(us),
        _ => Err(months()),
    }
}
