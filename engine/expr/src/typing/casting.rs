//! Casts that the types of a query ask for.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::{Cast, Expr, ExprSchemable};

use super::meeting::{is_float, is_number};
use crate::casts;

/// A constant as another type, if it is one there; numbers only, for what a text means depends on the type.
pub(super) fn constant(expr: &Expr, kind: &DataType) -> Option<ScalarValue> {
    let Expr::Literal(value, _) = expr else { return None };
    let is_text_of_number = matches!(value, ScalarValue::Utf8(Some(text)) if text.trim() == text);
    // Between doubles and decimals arrow's cast has other last digits than Spark's, which the expression itself computes.
    let from = value.data_type();
    let is_inexact = is_float(&from) != is_float(kind)
        && matches!((&from, kind), (DataType::Decimal128(..), _) | (_, DataType::Decimal128(..)));
    match is_number(kind) && !is_inexact && (is_text_of_number || is_number(&from)) {
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
