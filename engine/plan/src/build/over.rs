//! OVER (…): window functions, and the first n rows of each key that are chosen with them.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::logical_expr::{
    BinaryExpr, Expr, Filter, LogicalPlan, LogicalPlanBuilder, Operator, Window, WindowFunctionDefinition,
};
use datafusion::scalar::ScalarValue;
use expr::display::{expr_text, key_name};
use job::OutputMode;
use operators::recompute::BatchPlan;

use super::cut::{place, replace};
use super::{Builder, Stream};
use crate::bounds::conjuncts;
use crate::fault::Result;
use crate::logical::{columns_of, with_columns};
use crate::made::words_of;
use crate::problem::SqlProblem;

impl Builder<'_> {
    /// `plan` down to `window`, its first node with memory, over the rows below it.
    pub(super) fn over(&mut self, plan: &LogicalPlan, window: &Window) -> Result<Stream> {
        let lowest = lowest(window);
        self.check_timed_window(window)?;
        let partition = partition_by(window);
        let input = with_keys(&lowest.input, &partition)?;
        let stream = self.stream(&input, false)?;
        let passed = lowest.input.schema().fields().len();
        let keys: Vec<usize> = (passed..passed + partition.len()).collect();
        if self.table.mode == OutputMode::Append && !keys.iter().any(|key| stream.times[*key].is_some()) {
            let message = "Window functions (OVER …) over a stream are final only if PARTITION BY names a window of the event time";
            let help = "add the window to PARTITION BY, or set mode = \"update\"";
            let problem = SqlProblem::new(message, help).code("NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING");
            return Err(problem.at_text(&self.table.sql, "OVER").into());
        }
        let below = place(&lowest.input, &stream.schema, 0)?;
        let whole = replace(plan.clone(), &lowest.input, &below)?;
        let prune = match stream.is_changing {
            true => None,
            false => self.prune(plan, window, lowest, &below, &stream)?,
        };
        let times = crate::times::event_times_over(plan, &lowest.input, &stream.times);
        let words: Vec<String> = window.window_expr.iter().map(expr_text).collect();
        let definition = format!("{}{}", words.join(", "), limit_words(plan, window));
        let batch = self.batch_plan(&whole)?;
        let stream = self.recompute(vec![(stream, keys)], batch, prune, times, (definition, false))?;
        // What was emitted is computed anew when rows of its key come: all that is run over them is part of what the state means.
        self.means(words_of(&whole, None)?.lines("a result", true));
        Ok(stream)
    }

    /// The rows that any later result can still need, if the query asks for the first n of each key.
    fn prune(
        &self,
        plan: &LogicalPlan,
        window: &Window,
        lowest: &Window,
        below: &LogicalPlan,
        stream: &Stream,
    ) -> Result<Option<BatchPlan>> {
        let Some(limit) = first_rows(plan, window).filter(|_| std::ptr::eq(window, lowest)) else { return Ok(None) };
        // The place gives the query's columns only; what is pruned are the rows as they are kept, keys and all.
        let kept = keep_all(&window.input, stream)?;
        let numbered = Window::try_new(window.window_expr.clone(), Arc::new(kept))?;
        let number = numbered.schema.qualified_field(numbered.schema.fields().len() - 1);
        let limit = ScalarValue::UInt64(Some(limit)).cast_to(number.1.data_type())?;
        let number = Expr::Column(Column::from(number));
        let condition = number.lt_eq(Expr::Literal(limit, None));
        let columns = columns_of(&numbered.input);
        let filtered = Filter::try_new(condition, Arc::new(LogicalPlan::Window(numbered)))?;
        let plan = LogicalPlanBuilder::from(LogicalPlan::Filter(filtered)).project(columns)?.build()?;
        debug_assert!(below.schema().fields().len() <= stream.schema.fields().len());
        Ok(Some(self.batch_plan(&plan)?))
    }
}

/// The lowest of window nodes that stand directly on each other.
fn lowest(window: &Window) -> &Window {
    match window.input.as_ref() {
        LogicalPlan::Window(inner) => lowest(inner),
        _ => window,
    }
}

/// What all window functions partition by.
fn partition_by(window: &Window) -> Vec<Expr> {
    let mut common: Option<Vec<Expr>> = None;
    let mut at = Some(window);
    while let Some(window) = at {
        for expr in &window.window_expr {
            let Expr::WindowFunction(function) = expr.clone().unalias() else { continue };
            let own = function.params.partition_by;
            common = Some(match common {
                None => own,
                Some(before) => before.into_iter().filter(|key| own.contains(key)).collect(),
            });
        }
        at = match window.input.as_ref() {
            LogicalPlan::Window(inner) => Some(inner),
            _ => None,
        };
    }
    common.unwrap_or_default()
}

/// The plan with the keys as further columns.
fn with_keys(plan: &LogicalPlan, keys: &[Expr]) -> Result<LogicalPlan> {
    Ok(with_columns(plan, keys.iter().enumerate().map(|(at, key)| key.clone().alias(key_name(at, key))))?)
}

/// A place for the rows as they are kept: the query's columns under their names, then the keys.
fn keep_all(plan: &LogicalPlan, stream: &Stream) -> Result<LogicalPlan> {
    let extra = stream.schema.fields().iter().skip(plan.schema().fields().len());
    let nulls = extra.map(|field| Expr::Literal(ScalarValue::Null, None).alias(field.name()));
    Ok(place(&with_columns(plan, nulls)?, &stream.schema, 0)?)
}

/// n, if a condition above the window says that its last column, a row_number(), is at most n.
fn first_rows(plan: &LogicalPlan, window: &Window) -> Option<u64> {
    let [call] = window.window_expr.as_slice() else { return None };
    let Expr::WindowFunction(function) = call.clone().unalias() else { return None };
    let is_row_number = matches!(&function.fun, WindowFunctionDefinition::WindowUDF(udf) if udf.name() == "row_number");
    if !is_row_number {
        return None;
    }
    let number = window.schema.fields().len() - 1;
    limit_above(plan, number)
}

/// Walks down to the window; gives the least bound that a filter puts on its column `number`.
fn limit_above(plan: &LogicalPlan, number: usize) -> Option<u64> {
    match plan {
        LogicalPlan::Filter(filter) => {
            let below = limit_above(&filter.input, number);
            let own = conjuncts(&filter.predicate)
                .into_iter()
                .filter_map(|conjunct| bound(conjunct, &filter.input, number))
                .min();
            own.into_iter().chain(below).min()
        }
        LogicalPlan::Projection(projection) => limit_above(&projection.input, number),
        LogicalPlan::SubqueryAlias(alias) => limit_above(&alias.input, number),
        _ => None,
    }
}

/// The bound n of `number <= n`, `number < n + 1` or `number = n`.
fn bound(expr: &Expr, input: &LogicalPlan, number: usize) -> Option<u64> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expr else { return None };
    if origin(left, input)? != number {
        return None;
    }
    let Expr::Literal(value, _) = uncast(right) else { return None };
    let value = value.cast_to(&arrow::datatypes::DataType::Int64).ok()?;
    let ScalarValue::Int64(Some(n)) = value else { return None };
    let n = match op {
        Operator::LtEq | Operator::Eq => n,
        Operator::Lt => n - 1,
        _ => return None,
    };
    u64::try_from(n).ok()
}

fn uncast(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast(cast) => uncast(&cast.expr),
        other => other,
    }
}

/// The column of the window below that an expression is.
fn origin(expr: &Expr, input: &LogicalPlan) -> Option<usize> {
    let Expr::Column(column) = uncast(expr) else { return None };
    let at = input.schema().maybe_index_of_column(column)?;
    match input {
        LogicalPlan::Window(_) => Some(at),
        LogicalPlan::Projection(projection) => origin(&projection.expr[at].clone().unalias(), &projection.input),
        LogicalPlan::SubqueryAlias(alias) => {
            let (qualifier, field) = alias.input.schema().qualified_field(at);
            origin(&Expr::Column(Column::new(qualifier.cloned(), field.name())), &alias.input)
        }
        LogicalPlan::Filter(filter) => origin(expr, &filter.input),
        _ => None,
    }
}

fn limit_words(plan: &LogicalPlan, window: &Window) -> String {
    first_rows(plan, window).map_or_else(String::new, |limit| format!(", the first {limit}"))
}
