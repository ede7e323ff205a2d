//! Casts, times and types as Spark has them, put into a whole plan.

use datafusion::common::ExprSchema;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan};

use crate::casts::cast;
use crate::node_schema::merged_schema;
use crate::times::{aligned, aligned_union};
use crate::typing::{self, TypeRules};

/// Rewrites every cast of a plan, and gives it the types that the rules have.
///
/// # Errors
/// If a column's type is not known.
pub fn rewrite(plan: LogicalPlan, rules: TypeRules) -> Result<LogicalPlan> {
    let mut has_other_types = false;
    plan.transform_up_with_subqueries(|node| {
        let mut node = aligned_union(match rules {
            TypeRules::Spark { .. } => typing::rewrite::with_written_cells(node),
            TypeRules::Before => node,
        })?;
        has_other_types |= node.transformed;
        if has_other_types && !node.transformed {
            // What stands above a UNION with other types has other types too.
            node = Transformed::yes(node.data.recompute_schema()?);
        }
        let Transformed { data: node, transformed, .. } = node;
        let schema = merged_schema(&node);
        let names = NamePreserver::new(&node);
        // The number of rows that a LIMIT takes is no value of the query.
        let ansi = match rules {
            TypeRules::Spark { ansi } if !matches!(node, LogicalPlan::Limit(_)) => Some(ansi),
            _ => None,
        };
        let rewritten = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let mut expr = expr.transform_up(|expr| match ansi {
                Some(ansi) => {
                    typing::rewrite::typed(expr, &schema, ansi)?.transform_data(|expr| with_aligned(expr, &schema))
                }
                None => with_aligned(expr, &schema),
            })?;
            if expr.data.exists(|expr| Ok(matches!(expr, Expr::HigherOrderFunction(_))))? {
                // What a lambda gives may have another type now, and so may what is made of it.
                expr = expr.transform_data(|expr| expr.resolve_lambda_variables(&schema))?;
            }
            Ok(expr.update_data(|expr| name.restore(expr)))
        })?;
        match rewritten.transformed {
            // Columns of what is below may have other types now.
            _ if ansi.is_some() => Ok(Transformed::yes(typing::rewrite::node(rewritten.data)?)),
            true => Ok(Transformed::yes(rewritten.data.recompute_schema()?)),
            false => Ok(Transformed::new_transformed(rewritten.data, transformed)),
        }
    })
    .data()
}

/// An expression over times of one type, with its cast.
fn with_aligned(expr: Expr, schema: &dyn ExprSchema) -> Result<Transformed<Expr>> {
    let aligned = aligned(expr, schema);
    let mut made = cast(aligned.data, schema)?;
    made.transformed |= aligned.transformed;
    Ok(made)
}
