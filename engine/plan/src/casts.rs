//! Casts between timestamps and numbers as Spark defines them: seconds since 1970, and instants in microseconds.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, ExprSchema};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, LogicalPlan, ScalarUDF, lit};
use operators::aggregate::instant;

use crate::functions::seconds::EpochSeconds;

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
    let (inner, target) = match &expr {
        Expr::Cast(cast) => (&cast.expr, cast.field.data_type()),
        Expr::TryCast(cast) => (&cast.expr, cast.field.data_type()),
        _ => return Ok(Transformed::no(expr)),
    };
    let source = inner.get_type(schema)?;
    let rewritten = match (&source, target) {
        (DataType::Timestamp(..), target) if target.is_integer() || target.is_floating() => {
            let seconds = ScalarUDF::new_from_impl(EpochSeconds::default()).call(vec![to_instant(inner.as_ref().clone())]);
            if target.is_floating() {
                let micros = Expr::Cast(Cast::new(Box::new(to_instant(inner.as_ref().clone())), DataType::Int64));
                Expr::Cast(Cast::new(Box::new(micros), DataType::Float64)) / lit(1e6)
            } else {
                Expr::Cast(Cast::new(Box::new(seconds), target.clone()))
            }
        }
        (source, DataType::Timestamp(..)) if source.is_integer() || source.is_floating() => {
            let micros = Expr::Cast(Cast::new(Box::new(inner.as_ref().clone()), DataType::Float64)) * lit(1e6);
            let exact = Expr::Cast(Cast::new(Box::new(inner.as_ref().clone()), DataType::Int64)) * lit(1_000_000_i64);
            let value = if source.is_integer() { exact } else { Expr::Cast(Cast::new(Box::new(micros), DataType::Int64)) };
            to_instant(value)
        }
        (_, DataType::Timestamp(TimeUnit::Nanosecond, None)) => to_instant(inner.as_ref().clone()),
        _ => return Ok(Transformed::no(expr)),
    };
    Ok(Transformed::yes(rewritten))
}

fn to_instant(expr: Expr) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), instant()))
}
