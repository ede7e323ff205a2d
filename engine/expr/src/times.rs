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

use crate::types::{common_time, instant};

/// Functions that give one of their arguments, or compare them.
const OF_ONE_TYPE: &[&str] =
    &["array", "make_array", "coalesce", "nvl", "ifnull", "greatest", "least", "nullif", "equal_null"];

/// An expression with what it compares or chooses from in one type of time.
pub fn aligned(expr: Expr, schema: &dyn ExprSchema) -> Transformed<Expr> {
    let kind = |expr: &Expr| expr.get_type(schema).ok();
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(op) => {
            let Some(common) = mixed([&*left, &*right].map(kind)) else {
                return Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }));
            };
            let (left, right) = (boxed(*left, &common, schema), boxed(*right, &common, schema));
            Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right }))
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            let Some(common) = mixed([&*expr, &*low, &*high].map(kind)) else {
                return Transformed::no(Expr::Between(Between { expr, negated, low, high }));
            };
            let side = |expr: Box<Expr>| boxed(*expr, &common, schema);
            Transformed::yes(Expr::Between(Between { expr: side(expr), negated, low: side(low), high: side(high) }))
        }
        Expr::InList(InList { expr, list, negated }) => {
            let Some(common) = mixed(list.iter().chain([&*expr]).map(kind)) else {
                return Transformed::no(Expr::InList(InList { expr, list, negated }));
            };
            let list = list.into_iter().map(|item| *boxed(item, &common, schema)).collect();
            Transformed::yes(Expr::InList(InList { expr: boxed(*expr, &common, schema), list, negated }))
        }
        Expr::Case(case) => aligned_case(case, schema).update_data(Expr::Case),
        Expr::ScalarFunction(mut call) if OF_ONE_TYPE.contains(&call.func.name()) => {
            let Some(common) = mixed(call.args.iter().map(kind)) else {
                return Transformed::no(Expr::ScalarFunction(call));
            };
            call.args = call.args.into_iter().map(|argument| *boxed(argument, &common, schema)).collect();
            Transformed::yes(Expr::ScalarFunction(call))
        }
        other => Transformed::no(other),
    }
}

fn aligned_case(case: Case, schema: &dyn ExprSchema) -> Transformed<Case> {
    let kind = |expr: &Expr| expr.get_type(schema).ok();
    let Case { mut expr, mut when_then_expr, mut else_expr } = case;
    let whens = when_then_expr.iter().map(|(when, _)| kind(when));
    let compared = mixed(whens.chain(expr.iter().map(|operand| kind(operand)))).filter(|_| expr.is_some());
    if let Some(common) = &compared {
        expr = expr.map(|operand| boxed(*operand, common, schema));
        when_then_expr = when_then_expr.into_iter().map(|(when, then)| (boxed(*when, common, schema), then)).collect();
    }
    let thens = when_then_expr.iter().map(|(_, then)| kind(then));
    let chosen = mixed(thens.chain(else_expr.iter().map(|otherwise| kind(otherwise))));
    if let Some(common) = &chosen {
        when_then_expr = when_then_expr.into_iter().map(|(when, then)| (when, boxed(*then, common, schema))).collect();
        else_expr = else_expr.map(|otherwise| boxed(*otherwise, common, schema));
    }
    Transformed::new_transformed(Case { expr, when_then_expr, else_expr }, compared.is_some() || chosen.is_some())
}

/// A UNION with each column in one type of time.
///
/// # Errors
/// If an input cannot be planned anew.
pub fn aligned_union(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Union(union) = &plan else { return Ok(Transformed::no(plan)) };
    let kinds = |at: usize| union.inputs.iter().map(move |input| Some(input.schema().field(at).data_type().clone()));
    let width = union.inputs.iter().map(|input| input.schema().fields().len()).min().unwrap_or(0);
    let commons: Vec<Option<DataType>> = (0..width).map(|at| mixed(kinds(at))).collect();
    if commons.iter().all(Option::is_none) {
        return Ok(Transformed::no(plan));
    }
    let inputs = union.inputs.iter().map(|input| {
        let columns = input.schema().columns().into_iter().enumerate().map(|(at, column)| {
            let (relation, name) = (column.relation.clone(), column.name.clone());
            match commons.get(at).cloned().flatten() {
                Some(common) => to_time(Expr::Column(column), common).alias_qualified(relation, name),
                None => Expr::Column(column),
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

/// The type in which the times of these types meet, if there is another than a day among them, and they are of several types.
fn mixed(kinds: impl IntoIterator<Item = Option<DataType>>) -> Option<DataType> {
    let times: Vec<DataType> = kinds.into_iter().flatten().filter(is_time).collect();
    let is_mixed = times.iter().any(|kind| *kind != DataType::Date32) && times.iter().any(|kind| *kind != times[0]);
    is_mixed.then(|| times.iter().skip(1).fold(times[0].clone(), |common, kind| common_time(&common, kind)))
}

fn is_time(kind: &DataType) -> bool {
    matches!(kind, DataType::Date32 | DataType::Timestamp(..))
}

/// A time in the common type; what is none, such as NULL or a text, stays as it is.
fn boxed(expr: Expr, common: &DataType, schema: &dyn ExprSchema) -> Box<Expr> {
    let kind = expr.get_type(schema);
    Box::new(match kind.is_ok_and(|kind| is_time(&kind) && kind != *common) {
        true => to_time(expr, common.clone()),
        false => expr,
    })
}

fn to_time(expr: Expr, kind: DataType) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), kind))
}

/// The instant that a date or a timestamp of another unit is.
pub fn to_instant(expr: Expr) -> Expr {
    to_time(expr, instant())
}
