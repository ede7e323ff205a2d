//! Casts and divisions as Spark defines them: timestamps are seconds since 1970 as numbers, whole numbers divide to doubles.

mod own_types;

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{ExprSchema, ScalarValue, plan_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::functions::core::expr_fn::get_field;
use datafusion::functions::expr_fn::{btrim, nullif};
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, Operator, ScalarUDF, TryCast, lit};

use crate::display::{expr_text, type_name};
use crate::refusal::{CAST_WITHOUT_SUGGESTION, FILTER_NOT_BOOLEAN, refused};
use crate::scalar::casting::is_castable;
use crate::scalar::conditions::KEEP;
use crate::scalar::fields_of::{FIELD, field};
use crate::scalar::read::is_text;
use crate::scalar::seconds::EpochSeconds;
use crate::scalar::text::is_as_in_arrow;
use crate::scalar::to_timestamp::SparkCast;
pub use crate::times::to_instant;
use crate::types::{instant, local_time};

/// One cast or division, as Spark has it.
///
/// # Errors
/// If a column's type is not known, or if Spark has no such cast.
pub(crate) fn cast(expr: Expr, schema: &dyn ExprSchema) -> Result<Transformed<Expr>> {
    if let Some(own) = own_types::own_cast(&expr, schema)? {
        return Ok(Transformed::yes(own));
    }
    let (inner, target, is_trying) = match &expr {
        Expr::Cast(cast) => (&cast.expr, cast.field.data_type(), false),
        Expr::TryCast(cast) => (&cast.expr, cast.field.data_type(), true),
        _ => return cast_before(expr, schema),
    };
    let source = inner.get_type(schema)?;
    if !is_castable(&source, target) {
        let error = plan_datafusion_err!("{} cannot be cast to {}", type_name(&source), type_name(target));
        return Err(refused(error, CAST_WITHOUT_SUGGESTION, "cast it to STRING first, or use a function of its type"));
    }
    match own_target(&source, target) {
        Some(target) => Ok(Transformed::yes(spark_cast(target, is_trying, inner))),
        None => cast_before(expr, schema),
    }
}

/// The type of a cast that is Spark's and not DataFusion's.
fn own_target(source: &DataType, target: &DataType) -> Option<DataType> {
    let is_instant = |kind: &DataType| {
        matches!(kind, DataType::Timestamp(..)) && kind != &DataType::Timestamp(TimeUnit::Microsecond, None)
    };
    let is_read = match (source, target) {
        (source, target) if is_text(source) => {
            target.is_numeric() || matches!(target, DataType::Boolean | DataType::Date32)
        }
        (source, target) if is_text(target) => !is_as_in_arrow(source) || source == &DataType::Date32,
        (source, target) if is_instant(source) => target.is_numeric() || target == &DataType::Date32,
        (DataType::Decimal128(..), DataType::Float64 | DataType::Boolean) => true,
        (DataType::Boolean, DataType::Decimal128(..)) => true,
        (source, DataType::Decimal128(..)) => source.is_floating(),
        _ => false,
    };
    match target {
        target if is_instant(target) => (source.is_numeric() || is_text(source)).then(instant),
        target if is_text(target) => is_read.then_some(DataType::Utf8),
        target if *target == local_time() => is_text(source).then(local_time),
        target => is_read.then(|| target.clone()),
    }
}

/// One cast or division by the rules of a job that has not Spark's types.
///
/// # Errors
/// If a column's type is not known.
pub(crate) fn cast_before(expr: Expr, schema: &dyn ExprSchema) -> Result<Transformed<Expr>> {
    if let Some(own) = own_types::own_cast(&expr, schema)? {
        return Ok(Transformed::yes(own));
    }
    if let Expr::AggregateFunction(call) = &expr
        && let Some(filter) = &call.params.filter
        && !matches!(filter.get_type(schema)?, DataType::Boolean | DataType::Null)
    {
        let error =
            plan_datafusion_err!("FILTER (WHERE …) takes a condition: non-boolean predicate '{}'", expr_text(filter));
        return Err(refused(error, FILTER_NOT_BOOLEAN, "compare it with something, such as amount > 0"));
    }
    if let Expr::ScalarFunction(call) = &expr
        && ["get", "item_at", "element_at"].contains(&call.func.name())
        && let [of, name] = call.args.as_slice()
        && let kind @ DataType::Struct(_) = of.get_type(schema)?
    {
        let Expr::Literal(ScalarValue::Utf8(Some(field)), _) = name else {
            return plan_err!("a field of {} is found by its name", type_name(&kind));
        };
        if call.func.name() == "element_at" {
            return plan_err!("an array or a map is needed, not {}", type_name(&kind));
        }
        return Ok(Transformed::yes(get_field(of.clone(), field.as_str())));
    }
    if let Expr::ScalarFunction(call) = &expr
        && call.func.name() == FIELD
        && let [of, name] = call.args.as_slice()
    {
        return Ok(Transformed::yes(field(of.clone(), &of.get_type(schema)?, name.clone())));
    }
    let (inner, target, is_trying) = match &expr {
        Expr::Cast(cast) => (&cast.expr, cast.field.data_type(), false),
        Expr::TryCast(cast) => (&cast.expr, cast.field.data_type(), true),
        Expr::BinaryExpr(division) if division.op == Operator::Divide => return divide(expr, schema),
        Expr::AggregateFunction(call) if call.func.name().starts_with("percentile") => return constant_shares(expr),
        Expr::ScalarFunction(call) if call.name() == KEEP => {
            return Ok(call
                .args
                .first()
                .map_or_else(|| Transformed::no(expr.clone()), |kept| Transformed::yes(kept.clone())));
        }
        _ => return Ok(Transformed::no(expr)),
    };
    let source = inner.get_type(schema)?;
    let rewritten = match (&source, target) {
        (DataType::Timestamp(..), target) if target.is_integer() || target.is_floating() => seconds_as(target, inner),
        (source, DataType::Timestamp(..)) if source.is_integer() || source.is_floating() => {
            spark_cast(instant(), true, inner)
        }
        (source, DataType::Timestamp(..)) if is_text(source) => spark_cast(instant(), is_trying, inner),
        (source, DataType::Date32) if is_text(source) => spark_cast(DataType::Date32, is_trying, inner),
        (source, target) if is_text(target) && !is_as_in_arrow(source) => spark_cast(DataType::Utf8, true, inner),
        (source, target) if is_text(source) && (target.is_numeric() || target == &DataType::Boolean) => {
            return Ok(trimmed(expr));
        }
        (_, DataType::Timestamp(TimeUnit::Nanosecond, None)) => to_instant(inner.as_ref().clone()),
        _ => return Ok(Transformed::no(expr)),
    };
    Ok(Transformed::yes(rewritten))
}

/// A timestamp as a number: the seconds since 1970, with a fraction in a floating type.
fn seconds_as(target: &DataType, inner: &Expr) -> Expr {
    if target.is_floating() {
        let micros = Expr::Cast(Cast::new(Box::new(to_instant(inner.clone())), DataType::Int64));
        let seconds = Expr::Cast(Cast::new(Box::new(micros), DataType::Float64)) / lit(1e6);
        match target {
            DataType::Float64 => seconds,
            narrow => Expr::Cast(Cast::new(Box::new(seconds), narrow.clone())),
        }
    } else {
        let seconds = ScalarUDF::new_from_impl(EpochSeconds::default()).call(vec![to_instant(inner.clone())]);
        Expr::Cast(Cast::new(Box::new(seconds), target.clone()))
    }
}

/// `percentile(x, 1)` and `percentile(x, array(0.5, 0.9))`: the share or the array is a constant, so that the function knows it before the first row.
fn constant_shares(expr: Expr) -> Result<Transformed<Expr>> {
    let Expr::AggregateFunction(mut call) = expr else { return Ok(Transformed::no(expr)) };
    if let Some(Expr::Literal(share, _)) = call.params.args.get(1)
        && share.data_type().is_numeric()
    {
        call.params.args[1] = Expr::Literal(share.cast_to(&DataType::Float64)?, None);
        return Ok(Transformed::yes(Expr::AggregateFunction(call)));
    }
    let Some(Expr::ScalarFunction(array)) = call.params.args.get(1) else {
        return Ok(Transformed::no(Expr::AggregateFunction(call)));
    };
    let shares = array.args.iter().map(|share| match share {
        Expr::Literal(value, _) => value.cast_to(&DataType::Float64).ok(),
        _ => None,
    });
    let (true, Some(shares)) = (["array", "make_array"].contains(&array.name()), shares.collect::<Option<Vec<_>>>())
    else {
        return Ok(Transformed::no(Expr::AggregateFunction(call)));
    };
    let list = ScalarValue::List(ScalarValue::new_list(&shares, &DataType::Float64, true));
    call.params.args[1] = Expr::Literal(list, None);
    Ok(Transformed::yes(Expr::AggregateFunction(call)))
}

fn spark_cast(target: DataType, is_trying: bool, inner: &Expr) -> Expr {
    ScalarUDF::new_from_impl(SparkCast::new(target, is_trying)).call(vec![inner.clone()])
}

/// Blanks around a number or a boolean in a text do not matter.
fn trimmed(expr: Expr) -> Transformed<Expr> {
    let trim = |inner: Box<Expr>| match *inner {
        // A constant without blanks stays as it is; so does what was trimmed before.
        Expr::Literal(..) => inner,
        Expr::ScalarFunction(ref call) if call.name() == "btrim" => inner,
        other => Box::new(btrim(vec![other])),
    };
    match expr {
        Expr::Cast(cast) => Transformed::yes(Expr::Cast(Cast { expr: trim(cast.expr), ..cast })),
        Expr::TryCast(cast) => Transformed::yes(Expr::TryCast(TryCast { expr: trim(cast.expr), ..cast })),
        other => Transformed::no(other),
    }
}

/// Spark's `/`: of two whole numbers a double (`5 / 2` is 2.5), and null if the divisor is zero.
fn divide(expr: Expr, schema: &dyn ExprSchema) -> Result<Transformed<Expr>> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expr else { return Ok(Transformed::no(expr)) };
    let whole = left.get_type(schema)?.is_integer() && right.get_type(schema)?.is_integer();
    let double = |side: Box<Expr>| match whole {
        true => Box::new(Expr::Cast(Cast::new(side, DataType::Float64))),
        false => side,
    };
    let is_safe = match right.as_ref() {
        Expr::Literal(value, _) => !is_zero(value),
        Expr::ScalarFunction(call) => call.name() == "nullif",
        _ => !right.get_type(schema)?.is_numeric(),
    };
    let right = match is_safe {
        true => double(right),
        false => Box::new(nullif(*double(right.clone()), zero_of(right.get_type(schema)?, whole)?)),
    };
    let left = double(left);
    Ok(Transformed::new_transformed(Expr::BinaryExpr(BinaryExpr { left, op, right }), whole || !is_safe))
}

fn is_zero(value: &ScalarValue) -> bool {
    ScalarValue::new_zero(&value.data_type()).is_ok_and(|zero| zero == *value)
}

fn zero_of(kind: DataType, whole: bool) -> Result<Expr> {
    let kind = if whole { DataType::Float64 } else { kind };
    Ok(Expr::Literal(ScalarValue::new_zero(&kind)?, None))
}
