//! Dates and instants beside each other: all are instants, in microseconds, as in Spark.
//!
//! DataFusion 55 makes nanoseconds of them, in which no year after 2262 has a place: `day >= t` stops on the first 9999-12-31.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ExprSchema;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Between, InList};
use datafusion::logical_expr::{
    BinaryExpr, Case, Cast, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator, Union,
};

use crate::types::instant;

/// Functions that give one of their arguments, or compare them.
const OF_ONE_TYPE: &[&str] =
    &["array", "make_array", "coalesce", "nvl", "ifnull", "greatest", "least", "nullif", "equal_null"];

/// An expression with what it compares or chooses from in one type of time.
pub fn aligned(expr: Expr, schema: &dyn ExprSchema) -> Transformed<Expr> {
    let kind = |expr: &Expr| expr.get_type(schema).ok();
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if is_comparison(op) && are_mixed([&*left, &*right].map(kind)) =>
        {
            let (left, right) = (boxed(*left, schema), boxed(*right, schema));
            Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right }))
        }
        Expr::Between(Between { expr, negated, low, high }) if are_mixed([&*expr, &*low, &*high].map(kind)) => {
            let (expr, low, high) = (boxed(*expr, schema), boxed(*low, schema), boxed(*high, schema));
            Transformed::yes(Expr::Between(Between { expr, negated, low, high }))
        }
        Expr::InList(InList { expr, list, negated }) if are_mixed(list.iter().chain([&*expr]).map(kind)) => {
            let list = list.into_iter().map(|item| *boxed(item, schema)).collect();
            Transformed::yes(Expr::InList(InList { expr: boxed(*expr, schema), list, negated }))
        }
        Expr::Case(case) => aligned_case(case, schema).update_data(Expr::Case),
        Expr::ScalarFunction(mut call)
            if OF_ONE_TYPE.contains(&call.func.name()) && are_mixed(call.args.iter().map(kind)) =>
        {
            call.args = call.args.into_iter().map(|argument| *boxed(argument, schema)).collect();
            Transformed::yes(Expr::ScalarFunction(call))
        }
        other => Transformed::no(other),
    }
}

fn aligned_case(case: Case, schema: &dyn ExprSchema) -> Transformed<Case> {
    let kind = |expr: &Expr| expr.get_type(schema).ok();
    let Case { mut expr, mut when_then_expr, mut else_expr } = case;
    let whens = when_then_expr.iter().map(|(when, _)| kind(when));
    let compares = expr.is_some() && are_mixed(whens.chain(expr.iter().map(|operand| kind(operand))));
    if compares {
        expr = expr.map(|operand| boxed(*operand, schema));
        when_then_expr = when_then_expr.into_iter().map(|(when, then)| (boxed(*when, schema), then)).collect();
    }
    let thens = when_then_expr.iter().map(|(_, then)| kind(then));
    let chooses = are_mixed(thens.chain(else_expr.iter().map(|otherwise| kind(otherwise))));
    if chooses {
        when_then_expr = when_then_expr.into_iter().map(|(when, then)| (when, boxed(*then, schema))).collect();
        else_expr = else_expr.map(|otherwise| boxed(*otherwise, schema));
    }
    Transformed::new_transformed(Case { expr, when_then_expr, else_expr }, compares || chooses)
}

/// A UNION with each column in one type of time.
///
/// # Errors
/// If an input cannot be planned anew.
pub fn aligned_union(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Union(union) = &plan else { return Ok(Transformed::no(plan)) };
    let kinds = |at: usize| union.inputs.iter().map(move |input| Some(input.schema().field(at).data_type().clone()));
    let width = union.inputs.iter().map(|input| input.schema().fields().len()).min().unwrap_or(0);
    let mixed: Vec<usize> = (0..width).filter(|at| are_mixed(kinds(*at))).collect();
    if mixed.is_empty() {
        return Ok(Transformed::no(plan));
    }
    let inputs = union.inputs.iter().map(|input| {
        let columns = input.schema().columns().into_iter().enumerate().map(|(at, column)| {
            let (relation, name) = (column.relation.clone(), column.name.clone());
            match mixed.contains(&at) {
                true => to_instant(Expr::Column(column)).alias_qualified(relation, name),
                false => Expr::Column(column),
            }
        });
        Ok(Arc::new(LogicalPlanBuilder::from(input.as_ref().clone()).project(columns)?.build()?))
    });
    let union = Union::try_new_with_loose_types(inputs.collect::<Result<Vec<_>>>()?)?;
    Ok(Transformed::yes(LogicalPlan::Union(union)))
}

fn is_comparison(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// True if there is an instant among the types, and another kind of time.
fn are_mixed(kinds: impl IntoIterator<Item = Option<DataType>>) -> bool {
    let times: Vec<DataType> = kinds.into_iter().flatten().filter(is_time).collect();
    times.iter().any(|kind| *kind != DataType::Date32) && times.iter().any(|kind| *kind != times[0])
}

fn is_time(kind: &DataType) -> bool {
    matches!(kind, DataType::Date32 | DataType::Timestamp(..))
}

/// A time as an instant; what is none, such as NULL or a text, stays as it is.
fn boxed(expr: Expr, schema: &dyn ExprSchema) -> Box<Expr> {
    let kind = expr.get_type(schema);
    Box::new(match kind.is_ok_and(|kind| is_time(&kind) && kind != instant()) {
        true => to_instant(expr),
        false => expr,
    })
}

/// The instant that a date or a timestamp of another unit is.
pub fn to_instant(expr: Expr) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), instant()))
}
