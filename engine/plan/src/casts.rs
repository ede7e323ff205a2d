//! Casts and divisions as Spark defines them: timestamps are seconds since 1970 as numbers, whole numbers divide to doubles.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, ExprSchema};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, Operator, ScalarUDF, lit};
use operators::aggregate::instant;

use crate::functions::seconds::EpochSeconds;
use crate::functions::to_timestamp::ToTimestamp;

/// Rewrites every cast of a plan.
///
/// # Errors
/// If a column's type cannot be told.
pub fn rewrite(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|node| {
        let schema = merged_schema(&node);
        let names = NamePreserver::new(&node);
        let rewritten = node.map_expressions(|expr| {
            let name = names.save(&expr);
            Ok(expr.transform_up(|expr| cast(expr, &schema))?.update_data(|expr| name.restore(expr)))
        })?;
        match rewritten.transformed {
            true => Ok(Transformed::yes(rewritten.data.recompute_schema()?)),
            false => Ok(rewritten),
        }
    })
    .data()
}

fn merged_schema(node: &LogicalPlan) -> DFSchema {
    let mut schema = DFSchema::empty();
    node.inputs().iter().for_each(|input| schema.merge(input.schema()));
    if let LogicalPlan::TableScan(scan) = node {
        schema.merge(&scan.projected_schema);
    }
    schema
}

fn cast(expr: Expr, schema: &dyn ExprSchema) -> Result<Transformed<Expr>> {
    let (inner, target, is_trying) = match &expr {
        Expr::Cast(cast) => (&cast.expr, cast.field.data_type(), false),
        Expr::TryCast(cast) => (&cast.expr, cast.field.data_type(), true),
        Expr::BinaryExpr(division) if division.op == Operator::Divide => return divide(expr, schema),
        _ => return Ok(Transformed::no(expr)),
    };
    let source = inner.get_type(schema)?;
    let rewritten = match (&source, target) {
        (DataType::Timestamp(..), target) if target.is_integer() || target.is_floating() => {
            let seconds =
                ScalarUDF::new_from_impl(EpochSeconds::default()).call(vec![to_instant(inner.as_ref().clone())]);
            if target.is_floating() {
                let micros = Expr::Cast(Cast::new(Box::new(to_instant(inner.as_ref().clone())), DataType::Int64));
                Expr::Cast(Cast::new(Box::new(micros), DataType::Float64)) / lit(1e6)
            } else {
                Expr::Cast(Cast::new(Box::new(seconds), target.clone()))
            }
        }
        (source, DataType::Timestamp(..)) if source.is_integer() || source.is_floating() => {
            ScalarUDF::new_from_impl(ToTimestamp::default()).call(vec![inner.as_ref().clone()])
        }
        (DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View, DataType::Timestamp(..)) if is_trying => {
            ScalarUDF::new_from_impl(ToTimestamp::default()).call(vec![inner.as_ref().clone()])
        }
        (_, DataType::Timestamp(TimeUnit::Nanosecond, None)) => to_instant(inner.as_ref().clone()),
        _ => return Ok(Transformed::no(expr)),
    };
    Ok(Transformed::yes(rewritten))
}

/// Spark's `/` of two whole numbers gives a double: `5 / 2` is 2.5.
fn divide(expr: Expr, schema: &dyn ExprSchema) -> Result<Transformed<Expr>> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expr else { return Ok(Transformed::no(expr)) };
    let whole = left.get_type(schema)?.is_integer() && right.get_type(schema)?.is_integer();
    let double = |side: Box<Expr>| match whole {
        true => Box::new(Expr::Cast(Cast::new(side, DataType::Float64))),
        false => side,
    };
    let (left, right) = (double(left), double(right));
    Ok(Transformed::new_transformed(Expr::BinaryExpr(BinaryExpr { left, op, right }), whole))
}

/// The instant that a date or a timestamp of another unit is.
pub fn to_instant(expr: Expr) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), instant()))
}
