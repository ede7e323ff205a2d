//! Puts Spark's types into a plan: constants, operands, and values that meet.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{AggregateFunction, Case, InList, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::coerce_plan_expr_for_schema;
use datafusion::logical_expr::{
    Between, BinaryExpr, Cast, Expr, ExprSchemable, Filter, LogicalPlan, LogicalPlanBuilder, Operator, ScalarUDF,
    Union, Values,
};

use super::decimals::{Digits, Operation};
use super::meeting::{common_type_of, is_float, is_number, is_text, is_whole};
use super::{guards, literal_arguments};
use crate::aggregate::checked_totals::checked;
use crate::casts;
use crate::scalar::arithmetic::{Arithmetic, typed as operand_types};

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
            None => Transformed::no(Expr::Cast(cast)),
        }),
        Expr::Negative(inner) => Ok(match inner.as_ref() {
            Expr::Literal(value, _) if is_number(&value.data_type()) => match value.arithmetic_negate() {
                Ok(negative) => Transformed::yes(Expr::Literal(negative, None)),
                Err(_) => Transformed::no(Expr::Negative(inner)),
            },
            _ => Transformed::no(Expr::Negative(inner)),
        }),
        Expr::ScalarFunction(call) => function(call, schema),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if op.supports_propagation() || is_distinction(op) => {
            let common = meeting_type([left.as_ref(), right.as_ref()], schema)?;
            let (left, right) = (side(*left, &common, schema)?, side(*right, &common, schema)?);
            let compared = Expr::BinaryExpr(BinaryExpr { left, op, right });
            Ok(Transformed::new_transformed(compared, common.is_some()))
        }
        Expr::Between(between) => self::between(between, schema),
        Expr::InList(InList { expr, list, negated }) => {
            let (mut all, changed) = meet(std::iter::once(*expr).chain(list).collect(), schema)?;
            let expr = Box::new(all.remove(0));
            Ok(Transformed::new_transformed(Expr::InList(InList { expr, list: all, negated }), changed))
        }
        Expr::Case(case) => self::case(case, schema),
        Expr::AggregateFunction(call) => aggregate(call, schema, ansi),
        other => Ok(Transformed::no(other)),
    }
}

fn is_distinction(op: Operator) -> bool {
    matches!(op, Operator::IsDistinctFrom | Operator::IsNotDistinctFrom)
}

/// A whole constant is an INT if it fits; one beyond BIGINT is a decimal.
fn narrowed(value: &ScalarValue) -> Option<ScalarValue> {
    match value {
        ScalarValue::Int64(Some(value)) => i32::try_from(*value).ok().map(|value| ScalarValue::Int32(Some(value))),
        ScalarValue::UInt64(Some(value)) => Some(ScalarValue::Decimal128(Some(i128::from(*value)), 20, 0)),
        _ => None,
    }
}

/// A constant as another type, if it is one there; numbers only, for what a text means depends on the type.
fn constant(expr: &Expr, kind: &DataType) -> Option<ScalarValue> {
    let Expr::Literal(value, _) = expr else { return None };
    let is_text_of_number = matches!(value, ScalarValue::Utf8(Some(text)) if text.trim() == text);
    match is_number(kind) && (is_text_of_number || is_number(&value.data_type())) {
        true => value.cast_to(kind).ok().filter(|cast| !cast.is_null()),
        false => None,
    }
}

/// An expression as another type; a constant is one of that type.
///
/// # Errors
/// If a column is not known.
pub fn cast_to(expr: Expr, kind: &DataType, schema: &DFSchema) -> Result<Expr> {
    if expr.get_type(schema)? == *kind {
        return Ok(expr);
    }
    if let Expr::Literal(value, metadata) = &expr
        && value.is_null()
    {
        return Ok(Expr::Literal(ScalarValue::try_new_null(kind)?, metadata.clone()));
    }
    match constant(&expr, kind) {
        Some(value) => Ok(Expr::Literal(value, None)),
        None => Ok(casts::cast(Expr::Cast(Cast::new(Box::new(expr), kind.clone())), schema)?.data),
    }
}

/// The type in which these meet, if one of them is cast for that. Times, and what Spark has no type for, are DataFusion's.
fn meeting_type<'a>(all: impl IntoIterator<Item = &'a Expr>, schema: &DFSchema) -> Result<Option<DataType>> {
    let all: Vec<&Expr> = all.into_iter().collect();
    let kinds = all.iter().map(|expr| expr.get_type(schema)).collect::<Result<Vec<_>>>()?;
    let is_ours = |kind: &DataType| is_number(kind) || kind == &DataType::Null || is_text(kind) || kind.is_nested();
    let is_same = kinds.windows(2).all(|pair| pair[0] == pair[1]);
    if is_same || !kinds.iter().all(is_ours) {
        return Ok(None);
    }
    let has_decimal = kinds.iter().any(|kind| matches!(kind, DataType::Decimal128(..)));
    let met = all.iter().zip(kinds).map(|(expr, kind)| if has_decimal { beside_decimal(expr, kind) } else { kind });
    let common = common_type_of(&met.collect::<Vec<_>>());
    Ok(common.filter(|common| !is_text(common) && common != &DataType::Null))
}

/// A whole constant beside a decimal has the digits that it has, and not those that its type may have.
fn beside_decimal(expr: &Expr, kind: DataType) -> DataType {
    match expr {
        Expr::Literal(value, _) if is_whole(&kind) => {
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

fn function(mut call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    if let Some(arithmetic) = call.func.inner().downcast_ref::<Arithmetic>()
        && call.args.len() == 2
    {
        let mut operands = std::mem::take(&mut call.args).into_iter();
        if let (Some(left), Some(right)) = (operands.next(), operands.next()) {
            return self::arithmetic(arithmetic, (left, right), &call.func, schema);
        }
    }
    let Some((_, from)) = MEETING.iter().find(|(name, _)| *name == call.func.name()) else {
        return Ok(Transformed::no(Expr::ScalarFunction(call)));
    };
    let meeting = call.args.split_off((*from).min(call.args.len()));
    let (meeting, changed) = meet(meeting, schema)?;
    call.args.extend(meeting);
    Ok(Transformed::new_transformed(Expr::ScalarFunction(call), changed))
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

/// `sum` and `avg` of whole numbers and decimals are exact.
fn aggregate(mut call: AggregateFunction, schema: &DFSchema, ansi: bool) -> Result<Transformed<Expr>> {
    let kind = call.params.args.first().map(|arg| arg.get_type(schema)).transpose()?;
    let checked = kind.and_then(|kind| checked(call.func.name(), &kind, ansi));
    let is_changed = literal_arguments::known(&mut call) || checked.is_some();
    if let Some(function) = checked {
        call.func = Arc::new(function);
    }
    let has_filter = call.params.filter.is_some();
    let call = guards::filtered(call, schema)?;
    Ok(Transformed::new_transformed(Expr::AggregateFunction(call), is_changed || has_filter))
}

fn between(between: Between, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Between { expr, negated, low, high } = between;
    let common = meeting_type([expr.as_ref(), low.as_ref(), high.as_ref()], schema)?;
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
        whens.insert(0, *compared);
        let (mut met, is_other) = meet(whens, schema)?;
        base = Some(Box::new(met.remove(0)));
        (whens, changed) = (met, changed || is_other);
    }
    let else_expr = if has_else { thens.pop().map(Box::new) } else { None };
    let when_then_expr = whens.into_iter().zip(thens).map(|(when, then)| (Box::new(when), Box::new(then))).collect();
    Ok(Transformed::new_transformed(Expr::Case(Case { expr: base, when_then_expr, else_expr }), changed))
}

/// A plan whose inputs and expressions have Spark's types, with the columns that follow from them.
///
/// # Errors
/// If columns that are put together have no common type.
pub fn node(plan: LogicalPlan) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Values(Values { values, .. }) => self::values(values),
        LogicalPlan::Union(union) => self::union(union)?.recompute_schema(),
        LogicalPlan::Filter(Filter { predicate, input, .. }) => {
            let predicate = guards::guarded(predicate, input.schema())?;
            Ok(LogicalPlan::Filter(Filter::try_new(predicate, input)?))
        }
        other => other.recompute_schema(),
    }
}

fn values(rows: Vec<Vec<Expr>>) -> Result<LogicalPlan> {
    let empty = DFSchema::empty();
    let width = rows.first().map_or(0, Vec::len);
    let mut columns: Vec<std::vec::IntoIter<Expr>> = Vec::with_capacity(width);
    for at in 0..width {
        let column = rows.iter().filter_map(|row| row.get(at).cloned()).collect();
        columns.push(meet(column, &empty)?.0.into_iter());
    }
    let rows = rows.iter().map(|_| columns.iter_mut().filter_map(Iterator::next).collect()).collect();
    LogicalPlanBuilder::values(rows)?.build()
}

fn union(union: Union) -> Result<LogicalPlan> {
    let Some(first) = union.inputs.first() else { return Ok(LogicalPlan::Union(union)) };
    let mut fields = Vec::new();
    for (at, field) in first.schema().fields().iter().enumerate() {
        let kinds: Vec<&DataType> = union
            .inputs
            .iter()
            .filter_map(|input| input.schema().fields().get(at))
            .map(|field| field.data_type())
            .collect();
        let is_ours = kinds.iter().all(|kind| is_number(kind) || **kind == DataType::Null);
        let common = if is_ours { common_type_of(kinds) } else { None };
        fields.push(match common {
            Some(kind) => field.as_ref().clone().with_data_type(kind).with_nullable(true),
            None => field.as_ref().clone(),
        });
    }
    let is_ours = |input: &LogicalPlan| {
        input
            .schema()
            .fields()
            .iter()
            .zip(&fields)
            .any(|(has, wanted)| has.data_type() != wanted.data_type() && is_number(wanted.data_type()))
    };
    let mut inputs = Vec::with_capacity(union.inputs.len());
    for input in &union.inputs {
        if !is_ours(input) || input.schema().fields().len() != fields.len() {
            inputs.push(Arc::clone(input));
            continue;
        }
        let own =
            input.schema().fields().iter().zip(&fields).map(|(has, wanted)| match is_number(wanted.data_type()) {
                true => has.as_ref().clone().with_data_type(wanted.data_type().clone()),
                false => has.as_ref().clone(),
            });
        let schema = Schema::new(own.collect::<Vec<_>>());
        let schema = DFSchema::try_from(schema)?;
        inputs.push(Arc::new(coerce_plan_expr_for_schema(input.as_ref().clone(), &schema)?));
    }
    Ok(LogicalPlan::Union(Union { inputs, ..union }))
}
