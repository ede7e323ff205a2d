//! Conditions that keep others from rows for which these have no value: `z <> 0 AND n % z = 1`.
//!
//! DataFusion computes both sides of an AND, and the argument of an aggregate beside its FILTER, for all rows of a batch as long as
//! a few of them need it; whether a query fails would depend on which rows come together.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{AggregateFunction, Case, Cast, ScalarFunction};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator};

use super::decimals::Operation;
use super::meeting::{is_float, is_number, is_text, is_whole};
use crate::node_schema::merged_schema;
use crate::scalar::arithmetic::Arithmetic;
use crate::scalar::arithmetic::unary::Unary;
use crate::scalar::fallible;
use crate::scalar::interval_arithmetic::IntervalArithmetic;
use crate::scalar::intervals::IntervalCast;
use crate::scalar::to_timestamp::SparkCast;
use crate::scalar::typed::Typed;

/// True if there are rows for which an expression is an error.
///
/// # Errors
/// If a column is not known.
pub fn can_fail(expr: &Expr, schema: &DFSchema) -> Result<bool> {
    expr.exists(|part| {
        Ok(match part {
            Expr::Cast(cast) => {
                let (from, to) = (cast.expr.get_type(schema)?, cast.field.data_type());
                let is_literal = matches!(cast.expr.as_ref(), Expr::Literal(..));
                !is_literal && cast_can_fail(&from, to)
            }
            Expr::ScalarFunction(call) => match call.func.inner().downcast_ref::<Arithmetic>() {
                Some(arithmetic) => {
                    let divisor_can_be_zero = match call.args.get(1) {
                        Some(Expr::Literal(value, _)) => ScalarValue::new_zero(&value.data_type())? == *value,
                        _ => true,
                    };
                    let divides =
                        !matches!(arithmetic.operation(), Operation::Add | Operation::Subtract | Operation::Multiply);
                    let is_double = is_float(&part.get_type(schema)?);
                    arithmetic.is_ansi() && if is_double { divides && divisor_can_be_zero } else { true }
                }
                None => function_can_fail(call, schema)?,
            },
            _ => false,
        })
    })
}

fn function_can_fail(call: &ScalarFunction, schema: &DFSchema) -> Result<bool> {
    let inner = call.func.inner();
    if let Some(unary) = inner.downcast_ref::<Unary>() {
        let kind = call.args.first().map(|arg| arg.get_type(schema)).transpose()?;
        return Ok(kind.is_some_and(|kind| unary.can_fail(&kind)));
    }
    if let Some(cast) = inner.downcast_ref::<IntervalCast>() {
        return Ok(cast.can_fail());
    }
    if let Some(operation) = inner.downcast_ref::<IntervalArithmetic>() {
        return Ok(operation.can_fail());
    }
    if let Some(typed) = inner.downcast_ref::<Typed>() {
        let kinds = call.args.iter().map(|arg| arg.get_type(schema)).collect::<Result<Vec<_>>>()?;
        return Ok(typed.can_fail(&kinds));
    }
    let cast = inner.downcast_ref::<SparkCast>();
    Ok(cast.is_some_and(|cast| !cast.is_trying()) || fallible::FALLIBLE.contains(&call.func.name()))
}

/// True if there are rows for which an expression of a plan is an error.
///
/// # Errors
/// If a column is not known.
pub fn plan_can_fail(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        let schema = merged_schema(node);
        node.apply_expressions(|expr| {
            found |= can_fail(expr, &schema)?;
            Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })
    })?;
    Ok(found)
}

/// True if there are values of a type that have none in another.
pub fn cast_can_fail(from: &DataType, to: &DataType) -> bool {
    match to {
        DataType::List(to) => match from {
            DataType::List(from) => cast_can_fail(from.data_type(), to.data_type()),
            _ => is_text(from),
        },
        DataType::Struct(to) => match from {
            DataType::Struct(from) => {
                from.iter().zip(to).any(|(from, to)| cast_can_fail(from.data_type(), to.data_type()))
            }
            _ => is_text(from),
        },
        DataType::Map(to, _) => match from {
            DataType::Map(from, _) => cast_can_fail(from.data_type(), to.data_type()),
            _ => is_text(from),
        },
        to if is_text(from) => {
            is_number(to) || matches!(to, DataType::Date32 | DataType::Timestamp(..) | DataType::Boolean)
        }
        DataType::Decimal128(..) => is_number(from),
        to if is_whole(to) => {
            is_float(from)
                || matches!(from, DataType::Decimal128(..))
                || is_whole(from) && from.primitive_width() > to.primitive_width()
        }
        _ => false,
    }
}

/// A condition each of whose parts is computed only where those before it are not false, if it could be an error there. Parts that are
/// no error stay apart, so that rules can move them.
///
/// # Errors
/// If a column is not known.
pub fn guarded(condition: Expr, schema: &DFSchema) -> Result<Expr> {
    let mut apart: Vec<Expr> = Vec::new();
    // Those that can fail, each with the parts between the one before it and itself.
    let mut fallible: Vec<(Vec<Expr>, Expr)> = Vec::new();
    let mut between: Vec<Expr> = Vec::new();
    for part in split_conjunction_owned(condition) {
        if can_fail(&part, schema)? {
            fallible.push((std::mem::take(&mut between), part));
        } else {
            between.push(part.clone());
            apart.push(part);
        }
    }
    // From the last on, each inside of the one before it: so every part stands here twice at most, however many there are.
    let mut inside: Option<(Vec<Expr>, Expr)> = None;
    for (before, part) in fallible.into_iter().rev() {
        let whole = match inside {
            Some((mut guards, rest)) => {
                guards.insert(0, part.clone());
                part.and(only_where(guards, rest))
            }
            None => part,
        };
        inside = Some((before, whole));
    }
    apart.extend(inside.map(|(guards, rest)| only_where(guards, rest)));
    Ok(conjunction(apart).unwrap_or(Expr::Literal(ScalarValue::Boolean(Some(true)), None)))
}

fn only_where(guards: Vec<Expr>, condition: Expr) -> Expr {
    match conjunction(guards) {
        Some(guard) => lazily(Expr::IsNotFalse(Box::new(guard)), condition, NO),
        None => condition,
    }
}

/// An aggregate whose arguments and order are computed only for the rows that its FILTER lets through.
///
/// # Errors
/// If a column is not known.
pub fn filtered(mut call: AggregateFunction, schema: &DFSchema) -> Result<AggregateFunction> {
    let Some(filter) = call.params.filter.as_deref().cloned() else { return Ok(call) };
    // What stands in ORDER BY too: with DISTINCT both must stay the same expression.
    let order = call.params.order_by.iter_mut().map(|sort| &mut sort.expr);
    for arg in call.params.args.iter_mut().chain(order) {
        if can_fail(arg, schema)? {
            *arg = when(filter.clone(), arg.clone(), None);
        }
    }
    Ok(call)
}

fn when(condition: Expr, then: Expr, otherwise: Option<Expr>) -> Expr {
    let branches = vec![(Box::new(condition), Box::new(then))];
    Expr::Case(Case { expr: None, when_then_expr: branches, else_expr: otherwise.map(Box::new) })
}

const NO: i8 = 0;
const YES: i8 = 1;

/// A condition that is computed only where another holds; elsewhere it is what `otherwise` says. As numbers: of a CASE whose values are
/// flags DataFusion makes an AND or OR, which it computes for all rows.
fn lazily(guard: Expr, condition: Expr, otherwise: i8) -> Expr {
    let number = |value| Expr::Literal(ScalarValue::Int8(Some(value)), None);
    let condition = Expr::Cast(Cast::new(Box::new(condition), DataType::Int8));
    when(guard, condition, Some(number(otherwise))).eq(number(YES))
}

/// The parts of a condition that [`guarded`] may have made, without their guards.
fn parts_of(condition: Expr) -> Vec<Expr> {
    let parts = split_conjunction_owned(condition).into_iter();
    let inner = |part| match unguarded(part) {
        (condition, true) => parts_of(condition),
        (part, false) => vec![part],
    };
    parts.flat_map(inner).collect()
}

/// The condition that [`lazily`] was given; true if it made this.
fn unguarded(condition: Expr) -> (Expr, bool) {
    let number = |value| Expr::Literal(ScalarValue::Int8(Some(value)), None);
    if let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = &condition
        && **right == number(YES)
        && let Expr::Case(Case { expr: None, when_then_expr, else_expr: Some(otherwise) }) = left.as_ref()
        && **otherwise == number(NO)
        && let [(_, then)] = when_then_expr.as_slice()
        && let Expr::Cast(cast) = then.as_ref()
        && cast.field.data_type() == &DataType::Int8
    {
        return (cast.expr.as_ref().clone(), true);
    }
    (condition, false)
}

/// A condition that was put together of several: what cannot be an error is computed first, and guards the rest.
///
/// # Errors
/// If a column is not known.
pub fn reordered(condition: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let (mut safe, mut fallible) = (Vec::new(), Vec::new());
    for part in parts_of(condition.clone()) {
        // A rule that infers conditions infers the same one each time.
        let parts = if can_fail(&part, schema)? { &mut fallible } else { &mut safe };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    if fallible.is_empty() {
        return Ok(Transformed::no(condition));
    }
    safe.extend(fallible);
    let guarded = conjunction(safe).map(|all| guarded(all, schema)).transpose()?.unwrap_or_else(|| condition.clone());
    let is_other = guarded != condition;
    Ok(Transformed::new_transformed(guarded, is_other))
}

/// An expression in which the right side of AND and OR is computed only where the left one leaves it open. The parts of a condition as
/// a whole are left to [`guarded`].
///
/// # Errors
/// If a column is not known.
pub fn connected(expr: Expr, schema: &DFSchema, is_condition: bool) -> Result<Transformed<Expr>> {
    if !is_condition {
        return expr.transform_up(|expr| connective(expr, schema));
    }
    let mut is_other = false;
    let mut parts = Vec::new();
    for part in split_conjunction_owned(expr) {
        let part = part.transform_up(|expr| connective(expr, schema))?;
        is_other |= part.transformed;
        parts.push(part.data);
    }
    let whole = conjunction(parts).unwrap_or(Expr::Literal(ScalarValue::Boolean(Some(true)), None));
    Ok(Transformed::new_transformed(whole, is_other))
}

fn connective(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) = expr else {
        return Ok(Transformed::no(expr));
    };
    if !can_fail(&right, schema)? {
        return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })));
    }
    // Where the left side is NULL both decide.
    let (open, otherwise) = match op {
        Operator::And => (Expr::IsNotFalse(left.clone()), NO),
        _ => (Expr::IsNotTrue(left.clone()), YES),
    };
    let both = Expr::BinaryExpr(BinaryExpr { left, op, right });
    Ok(Transformed::yes(lazily(open, both, otherwise)))
}
