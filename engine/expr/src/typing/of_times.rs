//! Operations on dates, instants and intervals, as Spark has them.

use datafusion::arrow::datatypes::{DataType, IntervalMonthDayNano};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, Operator};

use super::casting::cast_to;
use super::decimals::Operation;
use super::meeting::is_text;
use super::missing::Missing;
use crate::interval::fields::{IntervalField, IntervalType};
use crate::scalar::interval_arithmetic::{computed, result_type};
use crate::scalar::intervals::{Step, step};
use crate::times::to_instant;
use crate::types::instant;

/// The operation that an operator of DataFusion's is.
pub fn operation_of(op: Operator) -> Option<Operation> {
    Some(match op {
        Operator::Plus => Operation::Add,
        Operator::Minus => Operation::Subtract,
        Operator::Multiply => Operation::Multiply,
        Operator::Divide => Operation::Divide,
        _ => return None,
    })
}

/// True for dates, instants and intervals.
pub fn is_of_time(kind: &DataType) -> bool {
    is_point(kind) || is_interval(kind)
}

fn is_point(kind: &DataType) -> bool {
    matches!(kind, DataType::Date32 | DataType::Timestamp(..))
}

fn is_interval(kind: &DataType) -> bool {
    matches!(kind, DataType::Interval(_)) || IntervalType::of_data_type(kind).is_some()
}

/// The operation in Spark's types, if it is one on times that Spark has.
///
/// # Errors
/// If a column is not known.
pub fn operation(
    operation: Operation,
    missing: Missing,
    (left, right): (Expr, Expr),
    schema: &DFSchema,
) -> Result<std::result::Result<Expr, (Expr, Expr)>> {
    let (left_kind, right_kind) = (left.get_type(schema)?, right.get_type(schema)?);
    let is_known = |kind: &DataType| is_of_time(kind) || matches!(kind, DataType::Time64(_));
    if !is_known(&left_kind) && !is_known(&right_kind) {
        return Ok(Err((left, right)));
    }
    let adds = matches!(operation, Operation::Add | Operation::Subtract);
    if operation == Operation::Subtract && (is_point(&left_kind) && is_text(&right_kind)) {
        let right = cast_to(right, &left_kind, schema)?;
        return Ok(Ok(difference((left, &left_kind), (right, &left_kind))));
    }
    if adds && matches!(left_kind, DataType::Time64(_)) {
        let op = if operation == Operation::Add { Operator::Plus } else { Operator::Minus };
        return Ok(match constant(&right) {
            Some(constant) => Ok(binary(op, left, constant)),
            None => Err((left, right)),
        });
    }
    if is_point(&left_kind) && is_point(&right_kind) && operation == Operation::Subtract {
        return Ok(Ok(difference((left, &left_kind), (right, &right_kind))));
    }
    if adds && is_point(&left_kind) && is_interval(&right_kind) {
        return Ok(Ok(moved(operation, left, right, schema)?));
    }
    if operation == Operation::Add && is_interval(&left_kind) && is_point(&right_kind) {
        return Ok(Ok(moved(operation, right, left, schema)?));
    }
    let partner = |own: &DataType, other: &DataType| match other {
        DataType::Null if adds => Some(own.clone()),
        DataType::Null => Some(DataType::Int32),
        other if is_text(other) && !adds => Some(DataType::Float64),
        _ => None,
    };
    let (left, left_kind) = match partner(&right_kind, &left_kind) {
        Some(kind) if is_interval(&right_kind) => (cast_to(left, &kind, schema)?, kind),
        _ => (left, left_kind),
    };
    let (right, right_kind) = match partner(&left_kind, &right_kind) {
        Some(kind) if is_interval(&left_kind) => (cast_to(right, &kind, schema)?, kind),
        _ => (right, right_kind),
    };
    Ok(match result_type(operation, &left_kind, &right_kind) {
        Some(_) => Ok(computed(operation, missing, left, right)),
        None => Err((left, right)),
    })
}

fn binary(op: Operator, left: Expr, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) })
}

/// Microseconds from one time to another; of two days it has days only.
fn difference((left, left_kind): (Expr, &DataType), (right, right_kind): (Expr, &DataType)) -> Expr {
    let both_are = |kind: &DataType| left_kind == kind && right_kind == kind;
    let is_of_days = both_are(&DataType::Date32);
    let as_instant = |expr: Expr, kind: &DataType| if *kind == instant() { expr } else { to_instant(expr) };
    let us = binary(Operator::Minus, as_instant(left, left_kind), as_instant(right, right_kind));
    let days = IntervalType { from: IntervalField::Day, to: IntervalField::Day };
    if is_of_days { step(Step::Fields(days), false, vec![us]) } else { us }
}

/// A time that an interval is added to, or taken from.
fn moved(operation: Operation, time: Expr, interval: Expr, schema: &DFSchema) -> Result<Expr> {
    let op = if operation == Operation::Add { Operator::Plus } else { Operator::Minus };
    let is_date = time.get_type(schema)? == DataType::Date32;
    let field = interval.to_field(schema)?.1;
    let Some(kind) = IntervalType::of_field(&field).filter(|kind| !kind.is_of_months()) else {
        return Ok(binary(op, time, interval));
    };
    let stays_date = is_date && kind.to == IntervalField::Day;
    let time = if is_date && !stays_date { to_instant(time) } else { time };
    Ok(match (constant(&interval), stays_date) {
        (Some(constant), _) => binary(op, time, constant),
        (None, false) => binary(op, time, interval),
        (None, true) => {
            let later = binary(op, to_instant(time), interval);
            Expr::Cast(Cast::new(Box::new(later), DataType::Date32))
        }
    })
}

/// A constant as DataFusion's own constants are: plans, and what is read from them, know those.
fn constant(interval: &Expr) -> Option<Expr> {
    let Expr::Literal(ScalarValue::DurationMicrosecond(us), _) = interval else { return None };
    let span = match us {
        None => None,
        Some(us) => {
            let (days, rest) = (us / IntervalField::Day.length(), us % IntervalField::Day.length());
            let nanoseconds = rest.checked_mul(1000)?;
            Some(IntervalMonthDayNano { months: 0, days: i32::try_from(days).ok()?, nanoseconds })
        }
    };
    Some(Expr::Literal(ScalarValue::IntervalMonthDayNano(span), None))
}
