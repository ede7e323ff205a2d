//! Sessions as a batch finds them: rows in order of time, a new session wherever no row before reaches as far.

use datafusion::common::Column;
use datafusion::functions::core::expr_fn::named_struct;
use datafusion::functions_aggregate::expr_fn::{max, min};
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    Aggregate, Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowFunctionDefinition, col, lit, when,
};
use datafusion::scalar::ScalarValue;
use expr::casts::to_instant;
use expr::scalar::time_windows::{session_call, session_end};

use super::late::place_of;
use crate::fault::Result;
use crate::logical::with_columns;

const START: &str = "__start";
const END: &str = "__end";
const REACH: &str = "__reach";
const IS_NEW: &str = "__is_new";
const SESSION: &str = "__session";

/// The aggregate by sessions, and the rows of which only their order of arrival says where they belong.
pub fn of(aggregate: &Aggregate, by: Option<&Column>) -> Result<(LogicalPlan, Option<LogicalPlan>)> {
    let mut further = Vec::new();
    let mut keys = Vec::new();
    for (at, expr) in aggregate.group_expr.iter().enumerate() {
        match session_call(expr).map(|call| call.args.as_slice()) {
            Some([time, gap]) => {
                let time = to_instant(time.clone());
                further.push(time.clone().alias(START));
                further.push(session_end(time, gap.clone()).alias(END));
            }
            _ => {
                keys.push(col(format!("__key{at}")));
                further.push(expr.clone().unalias().alias(format!("__key{at}")));
            }
        }
    }
    let rows = with_columns(&aggregate.input, further)?;
    let rows = LogicalPlanBuilder::from(rows).filter(col(END).gt(col(START)))?.build()?;
    let (rows, doubtful) = match by.map(|by| place_of(&rows, by)) {
        None => (rows, None),
        Some(by) => {
            let on_time = by.clone().is_null().or(col(END).gt(by.clone()));
            let rows = LogicalPlanBuilder::from(rows).filter(on_time)?.build()?;
            let behind = LogicalPlanBuilder::from(rows.clone()).filter(col(START).lt_eq(by))?.build()?;
            (rows, Some(behind))
        }
    };
    // A row begins a session if no row before it, in order of time, reaches as far: the largest end so far is less than its start.
    let before = WindowFrameBound::Preceding(ScalarValue::UInt64(Some(1)));
    let rows = LogicalPlanBuilder::from(rows).window([over(max_function(), col(END), &keys, before)?.alias(REACH)])?;
    let is_new = when(col(REACH).is_null().or(col(START).gt(col(REACH))), lit(1_i64)).otherwise(lit(0_i64))?;
    let rows = with_columns(&rows.build()?, [is_new.alias(IS_NEW)])?;
    let count = over(sum_function(), col(IS_NEW), &keys, WindowFrameBound::CurrentRow)?.alias(SESSION);
    let rows = LogicalPlanBuilder::from(rows).window([count])?.build()?;
    let mut group = keys.clone();
    group.push(col(SESSION));
    let mut calls = vec![min(col(START)).alias(START), max(col(END)).alias(END)];
    let names: Vec<String> = (0..aggregate.aggr_expr.len()).map(|at| format!("__call{at}")).collect();
    let own = aggregate.aggr_expr.iter().zip(&names);
    calls.extend(own.map(|(call, name)| call.clone().unalias().alias(name)));
    let grouped = LogicalPlanBuilder::from(rows).aggregate(group, calls)?;
    let window = named_struct(vec![lit("start"), col(START), lit("end"), col(END)]);
    let of_group = aggregate.group_expr.iter().enumerate().map(|(at, expr)| match session_call(expr) {
        Some(_) => window.clone().alias("__window"),
        None => col(format!("__key{at}")),
    });
    let columns: Vec<Expr> = of_group.chain(names.iter().map(col)).collect();
    Ok((grouped.project(columns)?.build()?, doubtful))
}

/// A function over all rows of a key up to here, by start.
fn over(function: WindowFunctionDefinition, of: Expr, keys: &[Expr], until: WindowFrameBound) -> Result<Expr> {
    let from = WindowFrameBound::Preceding(ScalarValue::UInt64(None));
    let call = Expr::WindowFunction(Box::new(WindowFunction::new(function, vec![of])));
    let call = call
        .partition_by(keys.to_vec())
        .order_by(vec![col(START).sort(true, false), col(END).sort(true, false)])
        .window_frame(WindowFrame::new_bounds(WindowFrameUnits::Rows, from, until));
    Ok(call.build()?)
}

fn max_function() -> WindowFunctionDefinition {
    WindowFunctionDefinition::AggregateUDF(datafusion::functions_aggregate::min_max::max_udaf())
}

fn sum_function() -> WindowFunctionDefinition {
    WindowFunctionDefinition::AggregateUDF(datafusion::functions_aggregate::sum::sum_udaf())
}
