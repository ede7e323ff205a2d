//! Calls of functions whose types, or whose results where there is none, go by Spark's rules.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, IntervalUnit};
use datafusion::common::{DFSchema, ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, ScalarUDF};

use super::casting::cast_to;
use super::meeting::{is_number, is_text, is_whole};
use crate::display::field_type_name;
use crate::interval::fields::{IntervalField, IntervalType};
use crate::scalar;
use crate::scalar::arithmetic::Arithmetic;
use crate::scalar::arithmetic::unary::Unary;
use crate::scalar::ceil_floor::rounded_type;
use crate::scalar::intervals::{EXTRACT, INTERVAL, Step, TRY_INTERVAL, step};

/// Functions of one double, which DataFusion computes of a FLOAT as a FLOAT.
const OF_DOUBLES: &[&str] = &[
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cos", "cosh", "cot", "degrees", "radians", "sin",
    "sinh", "tan", "tanh",
];

/// Functions that take any value as its text, for which DataFusion has another of intervals.
const OF_TEXTS: &[&str] =
    &["char_length", "character_length", "concat", "concat_ws", "length", "make_valid_utf8", "quote"];

/// A call in Spark's types, if it has some of its own.
///
/// # Errors
/// If a column is not known.
pub fn own(call: &mut ScalarFunction, schema: &DFSchema, ansi: bool) -> Result<Option<Expr>> {
    let name = call.func.name();
    if let Some(unary) = Unary::of_function(name, ansi) {
        return Ok(Some(negated(unary, std::mem::take(&mut call.args), schema)?));
    }
    if OF_DOUBLES.contains(&name) {
        return as_kinds(call, schema, |kind| {
            matches!(kind, DataType::Float32 | DataType::Null).then_some(DataType::Float64)
        });
    }
    if name.starts_with("shift") {
        return as_kinds(call, schema, |kind| match kind {
            DataType::Int8 | DataType::Int16 | DataType::Null => Some(DataType::Int32),
            _ => None,
        });
    }
    if OF_TEXTS.contains(&name) {
        return with_texts(call, schema);
    }
    match (name, call.args.as_slice()) {
        ("date_part", [_, value]) if IntervalType::of_data_type(&value.get_type(schema)?).is_some() => {
            plan_err!("an interval has no such field; it has YEAR and MONTH, or DAY, HOUR, MINUTE and SECOND")
        }
        ("round" | "bround", _) => rounded(call, schema),
        (EXTRACT, [Expr::Literal(ScalarValue::Utf8(Some(field)), _), value]) => match part(field, value, schema)? {
            Some(part) => Ok(Some(part)),
            None if IntervalType::of_data_type(&value.get_type(schema)?).is_some() => {
                plan_err!("an interval has no such field; it has YEAR and MONTH, or DAY, HOUR, MINUTE and SECOND")
            }
            None => match scalar::named(field) {
                Some(function) => {
                    let mut of_time = ScalarFunction::new_udf(Arc::new(function), vec![value.clone()]);
                    Ok(Some(own(&mut of_time, schema, ansi)?.unwrap_or(Expr::ScalarFunction(of_time))))
                }
                None => plan_err!("there is no part of a time called {field}"),
            },
        },
        ("typeof", [value]) => {
            let name = field_type_name(&value.to_field(schema)?.1);
            Ok(Some(Expr::Literal(ScalarValue::Utf8(Some(name)), None)))
        }
        (INTERVAL | TRY_INTERVAL, [Expr::Literal(words, _), Expr::Literal(value, _)]) => Ok(interval(words, value)),
        (name, [value]) => part(name, value, schema),
        _ => Ok(None),
    }
}

fn with_texts(call: &mut ScalarFunction, schema: &DFSchema) -> Result<Option<Expr>> {
    let mut is_changed = false;
    for arg in &mut call.args {
        if let Some(kind) = IntervalType::of_field(&arg.to_field(schema)?.1) {
            *arg = step(Step::Text(kind), false, vec![std::mem::take(arg)]);
            is_changed = true;
        }
    }
    Ok(is_changed.then(|| Expr::ScalarFunction(call.clone())))
}

/// A constant interval; none if the text is no such interval, which is told when it is computed.
fn interval(words: &ScalarValue, value: &ScalarValue) -> Option<Expr> {
    let ScalarValue::Utf8(Some(words)) = words else { return None };
    let kind = IntervalType::parse(words)?;
    let value = match value {
        value if value.is_null() => None,
        ScalarValue::Utf8(Some(text)) => Some(kind.parse_value(text)?),
        _ => return None,
    };
    let constant = match kind.is_of_months() {
        true => ScalarValue::IntervalYearMonth(value.map(|months| months as i32)),
        false => ScalarValue::DurationMicrosecond(value),
    };
    Some(Expr::Literal(constant, kind.metadata()))
}

/// A field of an interval, or its sign: functions of times and numbers that also take intervals.
fn part(name: &str, value: &Expr, schema: &DFSchema) -> Result<Option<Expr>> {
    let field = match name {
        "year" => IntervalField::Year,
        "month" => IntervalField::Month,
        "day" | "dayofmonth" => IntervalField::Day,
        "hour" => IntervalField::Hour,
        "minute" => IntervalField::Minute,
        "second_with_fraction" => IntervalField::Second,
        "signum" | "sign" => {
            let own = IntervalType::of_data_type(&value.get_type(schema)?);
            return Ok(own.map(|_| step(Step::Sign, false, vec![value.clone()])));
        }
        _ => return Ok(None),
    };
    let kind = value.get_type(schema)?;
    let is_calendar = kind == DataType::Interval(IntervalUnit::MonthDayNano);
    let has_field = IntervalType::of_data_type(&kind).is_some_and(|own| IntervalType::new(own.from, field).is_some());
    Ok((is_calendar || has_field).then(|| step(Step::Part(field), false, vec![value.clone()])))
}

/// A cast of an interval to a number or a text, which depends on its fields.
///
/// # Errors
/// If a column is not known.
pub fn of_interval(value: &Expr, target: &DataType, is_trying: bool, schema: &DFSchema) -> Result<Option<Expr>> {
    let Some(kind) = IntervalType::of_field(&value.to_field(schema)?.1) else { return Ok(None) };
    let step_of = match target {
        target if is_text(target) => Step::Text(kind),
        target if is_whole(target) || matches!(target, DataType::Decimal128(..)) => Step::Number(kind, target.clone()),
        _ => return Ok(None),
    };
    Ok(Some(step(step_of, is_trying, vec![value.clone()])))
}

/// The operation that a call is, if it is one by its name.
pub fn as_arithmetic(call: &ScalarFunction, ansi: bool) -> Option<ScalarUDF> {
    let is_pair = call.args.len() == 2;
    Arithmetic::of_function(call.func.name(), ansi).filter(|_| is_pair).map(ScalarUDF::new_from_impl)
}

/// Of a constant its counterpart, if it has one.
fn negated(unary: Unary, mut args: Vec<Expr>, schema: &DFSchema) -> Result<Expr> {
    if let [arg] = args.as_mut_slice()
        && matches!(arg.get_type(schema)?, DataType::Utf8 | DataType::Null)
    {
        *arg = cast_to(std::mem::take(arg), &DataType::Float64, schema)?;
    }
    if let [Expr::Literal(value, metadata)] = args.as_slice()
        && is_number(&value.data_type())
        && !unary.is_absolute()
        && let Ok(negative) = value.arithmetic_negate()
    {
        return Ok(Expr::Literal(negative, metadata.clone()));
    }
    Ok(ScalarUDF::new_from_impl(unary).call(args))
}

fn as_kinds(
    call: &mut ScalarFunction,
    schema: &DFSchema,
    wanted: impl Fn(&DataType) -> Option<DataType>,
) -> Result<Option<Expr>> {
    let mut is_changed = false;
    for arg in &mut call.args {
        if let Some(kind) = wanted(&arg.get_type(schema)?) {
            *arg = cast_to(std::mem::take(arg), &kind, schema)?;
            is_changed = true;
        }
    }
    Ok(is_changed.then(|| Expr::ScalarFunction(call.clone())))
}

/// `round` of a decimal has the digits that are left.
fn rounded(call: &mut ScalarFunction, schema: &DFSchema) -> Result<Option<Expr>> {
    let Some(value) = call.args.first() else { return Ok(None) };
    let DataType::Decimal128(precision, scale) = value.get_type(schema)? else { return Ok(None) };
    let digits = match call.args.get(1) {
        None => 0,
        Some(Expr::Literal(digits, _)) => match digits.cast_to(&DataType::Int32) {
            Ok(ScalarValue::Int32(Some(digits))) => digits,
            _ => return Ok(None),
        },
        Some(_) => return Ok(None),
    };
    let kind = rounded_type(precision, scale, digits);
    Ok(Some(Expr::Cast(Cast::new(Box::new(Expr::ScalarFunction(call.clone())), kind))))
}
