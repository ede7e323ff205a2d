//! Casts to and from types that DataFusion has not, or reads in another way: VARIANT and TIME.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{ExprSchema, plan_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator};

use crate::display::{expr_text, type_name};
use crate::refusal::{UNEXPECTED_INPUT_TYPE, refused};
use crate::scalar::clock_time::cast_time;
use crate::scalar::read::is_text;
use crate::scalar::variants::{from_variant, to_variant};
use crate::variant::{has_variant, is_variant};

/// What a cast of or to such a type is instead; none if the expression is another.
///
/// # Errors
/// If a column's type is not known, or variants are compared.
pub fn own_cast(expr: &Expr, schema: &dyn ExprSchema) -> Result<Option<Expr>> {
    let (inner, target, is_trying) = match expr {
        Expr::Cast(cast) => (&cast.expr, cast.field.data_type(), false),
        Expr::TryCast(cast) => (&cast.expr, cast.field.data_type(), true),
        Expr::BinaryExpr(binary) if is_comparison(binary.op) => {
            let is_variant =
                |side: &Expr| Ok::<_, datafusion::error::DataFusionError>(is_variant(&side.get_type(schema)?));
            return match is_variant(&binary.left)? || is_variant(&binary.right)? {
                true => Err(uncomparable(expr)),
                false => Ok(None),
            };
        }
        Expr::Case(case) => {
            let operand = case.expr.as_ref().map(|operand| operand.get_type(schema)).transpose()?;
            return if operand.as_ref().is_some_and(is_variant) { Err(uncomparable(expr)) } else { Ok(None) };
        }
        Expr::ScalarFunction(call) if COMPARING.contains(&call.func.name()) => {
            // Of a map only the keys are compared.
            let compared = if call.func.name() == "map" { call.args.get(..1).unwrap_or_default() } else { &call.args };
            for argument in compared {
                if has_variant(&argument.get_type(schema)?) {
                    return Err(uncomparable(expr));
                }
            }
            return Ok(None);
        }
        _ => return Ok(None),
    };
    let is_clock = |kind: &DataType| matches!(kind, DataType::Time64(_));
    let source = inner.get_type(schema)?;
    let plain = || inner.as_ref().clone();
    Ok(match (&source, target) {
        (source, target) if source == target => None,
        (_, target) if is_variant(target) => to_variant(plain()),
        (source, target) if is_variant(source) => Some(from_variant(plain(), target, is_trying)),
        (DataType::Null, _) => None,
        (source, target) if is_clock(source) && (target.is_numeric() || is_clock(target)) => {
            Some(cast_time(plain(), target, is_trying))
        }
        (source, target) if is_clock(target) && (is_text(source) || source.is_numeric() || is_instant(source)) => {
            Some(cast_time(plain(), &crate::scalar::clock_time::clock(), is_trying))
        }
        _ => None,
    })
}

/// Functions that compare, order or hash what they are given.
const COMPARING: [&str; 13] = [
    "xxhash64",
    "map",
    "sort_array",
    "array_sort",
    "array_max",
    "array_min",
    "array_distinct",
    "array_contains",
    "array_position",
    "greatest",
    "least",
    "nullif",
    "equal_null",
];

fn is_instant(kind: &DataType) -> bool {
    matches!(kind, DataType::Timestamp(..))
}

fn is_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

fn uncomparable(expr: &Expr) -> datafusion::error::DataFusionError {
    let error = plan_datafusion_err!(
        "{}: values of type {} are not compared",
        expr_text(expr),
        type_name(&crate::variant::variant())
    );
    refused(error, UNEXPECTED_INPUT_TYPE, "take a part of a type with variant_get(v, '$.a', 'int'), and compare that")
}
