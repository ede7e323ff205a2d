//! Puts Spark's types into expressions: constants, operands, and values that meet.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue, plan_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{AggregateFunction, Case, InList, InSubquery, ScalarFunction, WindowFunction};
use datafusion::logical_expr::{
    Between, BinaryExpr, Cast, Expr, ExprSchemable, Like, Operator, ScalarUDF, Subquery, TryCast,
    WindowFunctionDefinition,
};

use super::calls;
use super::casting::{cast_to, constant};
use super::decimals::{Digits, Operation};
use super::meeting::{common_type_of, is_float, is_number, is_text, is_whole};
use super::missing::Missing;
use super::nodes::with_casts;
use super::{compared, frames, guards, literal_arguments, of_times, ordering};
use crate::aggregate::checked_totals::checked;
use crate::aggregate::inputs;
use crate::refusal::{BINARY_OP_WRONG_TYPE, refused};
use crate::scalar::arithmetic::{Arithmetic, typed as operand_types};
use crate::scalar::wrapping::{wrapping, wraps};
use crate::window_numbers;

/// Functions whose arguments meet in one type, and which of them do: those from this place on.
const MEETING: &[(&str, usize)] = &[
    ("coalesce", 0),
    ("nvl", 0),
    ("ifnull", 0),
    ("nvl2", 1),
    ("greatest", 0),
    ("least", 0),
    ("array", 0),
    ("make_array", 0),
];

/// Functions of an array and of one more element, which stands at this place: both meet in one type.
const ELEMENTS: &[(&str, usize)] = &[("array_remove", 1), ("array_insert", 2)];

/// An expression with Spark's types, its parts having theirs already.
///
/// # Errors
/// If a column is not known.
pub fn typed(expr: Expr, schema: &DFSchema, ansi: bool) -> Result<Transformed<Expr>> {
    match expr {
        Expr::Literal(value, metadata) => Ok(match narrowed(&value) {
            Some(narrow) => Transformed::yes(Expr::Literal(narrow, metadata)),
            None => Transformed::no(Expr::Literal(value, metadata)),
        }),
        Expr::Cast(cast) => Ok(match constant(&cast.expr, cast.field.data_type()) {
            Some(value) => Transformed::yes(Expr::Literal(value, None)),
            None => match calls::of_interval(&cast.expr, cast.field.data_type(), false, schema)? {
                Some(converted) => Transformed::yes(converted),
                None if !ansi => lenient(cast, schema)?,
                None => Transformed::no(Expr::Cast(cast)),
            },
        }),
        Expr::InSubquery(found) => in_subquery(found, schema),
        Expr::TryCast(cast) => Ok(match calls::of_interval(&cast.expr, cast.field.data_type(), true, schema)? {
            Some(converted) => Transformed::yes(converted),
            None => Transformed::no(Expr::TryCast(cast)),
        }),
        Expr::Negative(inner) => Ok(match inner.as_ref() {
            Expr::Literal(value, _) if is_number(&value.data_type()) => match value.arithmetic_negate() {
                Ok(negative) => Transformed::yes(Expr::Literal(negative, None)),
                Err(_) => Transformed::no(Expr::Negative(inner)),
            },
            _ => Transformed::no(Expr::Negative(inner)),
        }),
        Expr::ScalarFunction(call) => function(call, schema, ansi),
        Expr::WindowFunction(call) => over(call, schema, ansi),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if op.supports_propagation() || is_distinction(op) => {
            let common = meeting_type([left.as_ref(), right.as_ref()], schema)?;
            if !matches!(op, Operator::And | Operator::Or) {
                ordering::check(&op.to_string(), &[left.get_type(schema)?, right.get_type(schema)?])?;
            }
            let (left, right) = (side(*left, &common, schema)?, side(*right, &common, schema)?);
            let compared = Expr::BinaryExpr(BinaryExpr { left, op, right });
            Ok(Transformed::new_transformed(compared, common.is_some()))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let sides = (*left, *right);
            let done = match of_times::operation_of(op) {
                Some(operation) => of_times::operation(operation, Missing::of(ansi), sides, schema)?,
                None => Err(sides),
            };
            Ok(match done {
                Ok(computed) => Transformed::yes(computed),
                Err((left, right)) => {
                    let (left, right) = (Box::new(left), Box::new(right));
                    Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))
                }
            })
        }
        Expr::Like(like) => self::like(like, schema),
        Expr::Between(between) => self::between(between, schema),
        Expr::InList(InList { expr, list, negated }) => {
            ordering::check("IN", &[expr.get_type(schema)?])?;
            let (mut all, changed) = meet(std::iter::once(*expr).chain(list).collect(), schema)?;
            let expr = Box::new(all.remove(0));
            Ok(Transformed::new_transformed(Expr::InList(InList { expr, list: all, negated }), changed))
        }
        Expr::Case(case) => self::case(case, schema),
        Expr::AggregateFunction(call) => aggregate(call, schema, ansi),
        other => Ok(Transformed::no(other)),
    }
}

/// A cast without ANSI: NULL where there is no value, low bits where a whole number is too large.
fn lenient(cast: Cast, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let (from, to) = (cast.expr.get_type(schema)?, cast.field.data_type());
    if wraps(&from, to) {
        return Ok(Transformed::yes(wrapping(*cast.expr, to.clone())));
    }
    Ok(match guards::cast_can_fail(&from, to) {
        true => Transformed::yes(Expr::TryCast(TryCast::new(cast.expr, to.clone()))),
        false => Transformed::no(Expr::Cast(cast)),
    })
}

/// `x IN (SELECT …)` with both sides in the type in which they meet.
fn in_subquery(found: InSubquery, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let InSubquery { expr, subquery, negated } = found;
    let column = subquery.subquery.schema().columns().into_iter().next().map(Expr::Column);
    let kinds = [expr.get_type(schema)?, subquery.subquery.schema().field(0).data_type().clone()];
    let common = common_type_of(&kinds).filter(|common| kinds[0] != kinds[1] && !is_text(common));
    let Some((common, column)) = common.zip(column) else {
        return Ok(Transformed::no(Expr::InSubquery(InSubquery { expr, subquery, negated })));
    };
    let expr = Box::new(cast_to(*expr, &common, schema)?);
    let plan = with_casts(&subquery.subquery, |own| (*own == column).then_some(&common))?;
    let subquery = Subquery { subquery: Arc::new(plan), ..subquery };
    Ok(Transformed::yes(Expr::InSubquery(InSubquery { expr, subquery, negated })))
}

fn is_distinction(op: Operator) -> bool {
    matches!(op, Operator::IsDistinctFrom | Operator::IsNotDistinctFrom)
}

/// A whole constant is an INT if it fits; one beyond BIGINT is a decimal of as many digits.
fn narrowed(value: &ScalarValue) -> Option<ScalarValue> {
    match value {
        ScalarValue::Int64(Some(value)) => i32::try_from(*value).ok().map(|value| ScalarValue::Int32(Some(value))),
        ScalarValue::UInt64(Some(value)) => {
            let digits = value.checked_ilog10().map_or(1, |log| log + 1) as u8;
            Some(ScalarValue::Decimal128(Some(i128::from(*value)), digits, 0))
        }
        _ => None,
    }
}

/// The type in which these meet, if one of them is cast for that. Times, and what Spark has no type for, are DataFusion's.
fn meeting_type<'a>(all: impl IntoIterator<Item = &'a Expr>, schema: &DFSchema) -> Result<Option<DataType>> {
    let all: Vec<&Expr> = all.into_iter().collect();
    let kinds = all.iter().map(|expr| expr.get_type(schema)).collect::<Result<Vec<_>>>()?;
    let is_ours = |kind: &DataType| {
        let is_time = matches!(kind, DataType::Date32 | DataType::Timestamp(TimeUnit::Microsecond, _));
        is_number(kind) || is_time || is_text(kind) || kind.is_nested() || kind.is_null() || *kind == DataType::Boolean
    };
    let is_same = kinds.windows(2).all(|pair| pair[0] == pair[1]);
    if is_same || !kinds.iter().all(is_ours) {
        return Ok(None);
    }
    let common = common_type_of(&kinds);
    Ok(common.filter(|common| !is_text(common) && common != &DataType::Null))
}

/// A whole constant that is computed with a decimal has the digits that it has, and not those that its type may have. A TINYINT is none
/// to Spark.
fn beside_decimal(expr: &Expr, kind: DataType) -> DataType {
    match expr {
        Expr::Literal(value, _) if is_whole(&kind) && kind != DataType::Int8 => {
            whole_value(value).map_or(kind, |value| Digits::of_constant(value).data_type())
        }
        _ => kind,
    }
}

/// Values in the type in which they meet, and whether that changed one.
fn meet(all: Vec<Expr>, schema: &DFSchema) -> Result<(Vec<Expr>, bool)> {
    Ok(match meeting_type(&all, schema)? {
        Some(common) => (all.into_iter().map(|expr| cast_to(expr, &common, schema)).collect::<Result<_>>()?, true),
        None => (all, false),
    })
}

fn whole_value(value: &ScalarValue) -> Option<i64> {
    match value.cast_to(&DataType::Int64) {
        Ok(ScalarValue::Int64(value)) => value,
        _ => None,
    }
}

fn function(mut call: ScalarFunction, schema: &DFSchema, ansi: bool) -> Result<Transformed<Expr>> {
    if let Some(case) = compared::as_case(&call) {
        return typed_case(case, schema, ansi).map(|typed| Transformed::yes(typed.data));
    }
    if let Some(own) = calls::own(&mut call, schema, ansi)? {
        return Ok(Transformed::yes(own));
    }
    if let Some(operation) = calls::as_arithmetic(&call, ansi) {
        call.func = Arc::new(operation);
    }
    if let Some(arithmetic) = call.func.inner().downcast_ref::<Arithmetic>()
        && call.args.len() == 2
    {
        let mut operands = std::mem::take(&mut call.args).into_iter();
        if let (Some(left), Some(right)) = (operands.next(), operands.next()) {
            if ansi {
                check_operands(arithmetic, &left.get_type(schema)?, &right.get_type(schema)?)?;
            }
            return self::arithmetic(arithmetic, (left, right), &call.func, schema);
        }
    }
    if let Some((_, at)) = ELEMENTS.iter().find(|(name, _)| *name == call.func.name()) {
        let is_changed = with_element(&mut call.args, *at, schema)?;
        return Ok(Transformed::new_transformed(Expr::ScalarFunction(call), is_changed));
    }
    let kinds = call.args.iter().map(|arg| arg.get_type(schema)).collect::<Result<Vec<_>>>()?;
    ordering::check_call(call.func.name(), &kinds)?;
    let Some((_, from)) = MEETING.iter().find(|(name, _)| *name == call.func.name()) else {
        return Ok(Transformed::no(Expr::ScalarFunction(call)));
    };
    let meeting = call.args.split_off((*from).min(call.args.len()));
    let (meeting, changed) = meet(meeting, schema)?;
    call.args.extend(meeting);
    Ok(Transformed::new_transformed(Expr::ScalarFunction(call), changed))
}

/// An array and an element for it in the type in which they meet, and whether that changed one.
fn with_element(args: &mut [Expr], at: usize, schema: &DFSchema) -> Result<bool> {
    if args.len() <= at {
        return Ok(false);
    }
    let (array, element) = (args[0].get_type(schema)?, args[at].get_type(schema)?);
    let DataType::List(field) = &array else { return Ok(false) };
    let kinds = [field.data_type().clone(), element.clone()];
    let is_scalar = |kind: &DataType| {
        is_whole(kind) || is_float(kind) || kind.is_null() || matches!(kind, DataType::Date32 | DataType::Timestamp(..))
    };
    if kinds[0] == kinds[1] || !kinds.iter().all(is_scalar) {
        return Ok(false);
    }
    let Some(common) = common_type_of(&kinds) else { return Ok(false) };
    let list = DataType::List(Arc::new(field.as_ref().clone().with_data_type(common.clone())));
    args[0] = cast_to(std::mem::take(&mut args[0]), &list, schema)?;
    args[at] = cast_to(std::mem::take(&mut args[at]), &common, schema)?;
    Ok(true)
}

/// A CASE whose conditions were made here, and have no types yet.
fn typed_case(mut case: Case, schema: &DFSchema, ansi: bool) -> Result<Transformed<Expr>> {
    for (when, _) in &mut case.when_then_expr {
        **when = typed(std::mem::take(when.as_mut()), schema, ansi)?.data;
    }
    self::case(case, schema)
}

/// A text beside a number is one; of two texts nobody knows which.
fn check_operands(arithmetic: &Arithmetic, left: &DataType, right: &DataType) -> Result<()> {
    if !is_text(left) || !is_text(right) {
        return Ok(());
    }
    let error = plan_datafusion_err!("{} takes numbers, and both sides are texts", arithmetic.operator());
    Err(refused(error, BINARY_OP_WRONG_TYPE, "cast one of them, for example CAST(x AS DOUBLE)"))
}

/// Operands in the types in which they are computed. What is no operation on numbers is DataFusion's; so are sums, differences and
/// products of doubles, which it computes no otherwise.
fn arithmetic(
    arithmetic: &Arithmetic,
    (left, right): (Expr, Expr),
    function: &ScalarUDF,
    schema: &DFSchema,
) -> Result<Transformed<Expr>> {
    let (left_kind, right_kind) = (left.get_type(schema)?, right.get_type(schema)?);
    let is_decimal = |kind: &DataType| matches!(kind, DataType::Decimal128(..));
    let (left_kind, right_kind) = match (is_decimal(&left_kind), is_decimal(&right_kind)) {
        (true, false) => (left_kind, beside_decimal(&right, right_kind)),
        (false, true) => (beside_decimal(&left, left_kind), right_kind),
        _ => (left_kind, right_kind),
    };
    let operator = arithmetic.operator();
    let Some(types) = operand_types(arithmetic.operation(), &left_kind, &right_kind) else {
        let sides = (left, right);
        let (left, right) = match of_times::operation(arithmetic.operation(), arithmetic.missing(), sides, schema)? {
            Ok(computed) => return Ok(Transformed::yes(computed)),
            Err(sides) => sides,
        };
        let plain = Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op: operator, right: Box::new(right) });
        return Ok(Transformed::yes(plain));
    };
    let (left, right) = (cast_to(left, &types.left, schema)?, cast_to(right, &types.right, schema)?);
    let is_exact = matches!(arithmetic.operation(), Operation::Add | Operation::Subtract | Operation::Multiply);
    Ok(Transformed::yes(match is_exact && is_float(&types.result) {
        true => Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op: operator, right: Box::new(right) }),
        false => function.call(vec![left, right]),
    }))
}

/// The numbers of OVER are signed, and its sums as exact as those of groups.
fn over(mut call: Box<WindowFunction>, schema: &DFSchema, ansi: bool) -> Result<Transformed<Expr>> {
    let mut is_changed = match &call.fun {
        WindowFunctionDefinition::AggregateUDF(function) => {
            with_inputs(function.name(), &mut call.params.args, schema)?
        }
        WindowFunctionDefinition::WindowUDF(_) => false,
    };
    let kind = call.params.args.first().map(|arg| arg.get_type(schema)).transpose()?;
    let own = match (&call.fun, kind) {
        (WindowFunctionDefinition::AggregateUDF(function), Some(kind)) => checked(function.name(), &kind, ansi)
            .map(|function| WindowFunctionDefinition::AggregateUDF(Arc::new(function))),
        (function, _) => window_numbers::signed(function),
    };
    is_changed |= own.is_some();
    if let Some(function) = own {
        call.fun = function;
    }
    is_changed |= frames::of_peers(&mut call.params, schema)?;
    Ok(Transformed::new_transformed(Expr::WindowFunction(call), is_changed))
}

/// `sum` and `avg` of whole numbers and decimals are exact.
fn aggregate(mut call: AggregateFunction, schema: &DFSchema, ansi: bool) -> Result<Transformed<Expr>> {
    let is_joined = ["listagg", "string_agg"].contains(&call.func.name()) && joined(&mut call, schema)?;
    let is_cast = with_inputs(call.func.name(), &mut call.params.args, schema)?;
    let kinds = call.params.args.iter().map(|arg| arg.get_type(schema)).collect::<Result<Vec<_>>>()?;
    ordering::check_call(call.func.name(), &kinds)?;
    let kind = call.params.args.first().map(|arg| arg.get_type(schema)).transpose()?;
    let checked = kind.and_then(|kind| checked(call.func.name(), &kind, ansi));
    let is_changed = literal_arguments::known(&mut call) || checked.is_some() || is_cast || is_joined;
    if let Some(function) = checked {
        call.func = Arc::new(function);
    }
    let has_filter = call.params.filter.is_some();
    let call = guards::filtered(call, schema)?;
    Ok(Transformed::new_transformed(Expr::AggregateFunction(call), is_changed || has_filter))
}

/// Values that are joined to one text, as texts; true if they were none.
fn joined(call: &mut AggregateFunction, schema: &DFSchema) -> Result<bool> {
    let Some(value) = call.params.args.first_mut() else { return Ok(false) };
    if let Some(text) = calls::of_interval(value, &DataType::Utf8, false, schema)? {
        *value = text;
        return Ok(true);
    }
    let kind = value.get_type(schema)?;
    let is_other = is_number(&kind) || matches!(kind, DataType::Boolean | DataType::Date32 | DataType::Timestamp(..));
    if is_other {
        *value = cast_to(std::mem::take(value), &DataType::Utf8, schema)?;
    }
    Ok(is_other)
}

/// Arguments as an aggregate function takes them, and whether that changed one.
fn with_inputs(name: &str, args: &mut [Expr], schema: &DFSchema) -> Result<bool> {
    let kinds = args.iter().map(|arg| arg.get_type(schema)).collect::<Result<Vec<_>>>()?;
    let mut is_changed = false;
    for (arg, (before, wanted)) in args.iter_mut().zip(kinds.iter().zip(inputs::taken(name, &kinds)?)) {
        if *before != wanted {
            *arg = cast_to(std::mem::take(arg), &wanted, schema)?;
            is_changed = true;
        }
    }
    Ok(is_changed)
}

/// `123 LIKE '1%'`: what is no text is looked at as its text.
fn like(mut like: Like, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let mut is_changed = false;
    for side in [&mut like.expr, &mut like.pattern] {
        let kind = side.get_type(schema)?;
        if is_number(&kind) || matches!(kind, DataType::Boolean | DataType::Date32 | DataType::Timestamp(..)) {
            **side = cast_to(std::mem::take(side.as_mut()), &DataType::Utf8, schema)?;
            is_changed = true;
        }
    }
    Ok(Transformed::new_transformed(Expr::Like(like), is_changed))
}

fn between(between: Between, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Between { expr, negated, low, high } = between;
    let common = meeting_type([expr.as_ref(), low.as_ref(), high.as_ref()], schema)?;
    ordering::check("BETWEEN", &[expr.get_type(schema)?])?;
    let (low, high) = (side(*low, &common, schema)?, side(*high, &common, schema)?);
    let between = Between { expr: side(*expr, &common, schema)?, negated, low, high };
    Ok(Transformed::new_transformed(Expr::Between(between), common.is_some()))
}

/// One of several values that meet in a type.
fn side(expr: Expr, common: &Option<DataType>, schema: &DFSchema) -> Result<Box<Expr>> {
    Ok(Box::new(match common {
        Some(kind) => cast_to(expr, kind, schema)?,
        None => expr,
    }))
}

fn case(case: Case, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Case { expr, when_then_expr, else_expr } = case;
    let (mut whens, mut thens): (Vec<Expr>, Vec<Expr>) =
        when_then_expr.into_iter().map(|(when, then)| (*when, *then)).unzip();
    let has_else = else_expr.is_some();
    thens.extend(else_expr.map(|other| *other));
    let (mut thens, mut changed) = meet(thens, schema)?;
    let mut base = None;
    if let Some(compared) = expr {
        ordering::check("CASE", &[compared.get_type(schema)?])?;
        whens.insert(0, *compared);
        let (mut met, is_other) = meet(whens, schema)?;
        base = Some(Box::new(met.remove(0)));
        (whens, changed) = (met, changed || is_other);
    }
    let else_expr = if has_else { thens.pop().map(Box::new) } else { None };
    let when_then_expr = whens.into_iter().zip(thens).map(|(when, then)| (Box::new(when), Box::new(then))).collect();
    Ok(Transformed::new_transformed(Expr::Case(Case { expr: base, when_then_expr, else_expr }), changed))
}
