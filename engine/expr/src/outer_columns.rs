//! Columns of the query around a subquery: DataFusion notes their types before those of FROM are Spark's.

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::logical_plan::Subquery;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// A node whose subqueries name its columns with the types that they have now; `again` gives a changed subquery its types.
///
/// # Errors
/// Those of `again`, and if a column's type is not known.
pub fn with_own_types(
    node: LogicalPlan,
    schema: &DFSchema,
    again: impl Fn(LogicalPlan) -> Result<LogicalPlan>,
) -> Result<Transformed<LogicalPlan>> {
    node.map_subqueries(|plan| {
        let LogicalPlan::Subquery(Subquery { subquery, outer_ref_columns, spans }) = plan else {
            return Ok(Transformed::no(plan));
        };
        let changed = Arc::unwrap_or_clone(subquery)
            .transform_up_with_subqueries(|inner| inner.map_expressions(|expr| renewed(expr, schema)))?;
        let named = outer_ref_columns.into_iter().map(|column| renewed(column, schema).data());
        let outer_ref_columns = named.collect::<Result<_>>()?;
        let subquery = Arc::new(if changed.transformed { again(changed.data)? } else { changed.data });
        let plan = LogicalPlan::Subquery(Subquery { subquery, outer_ref_columns, spans });
        Ok(Transformed::new_transformed(plan, changed.transformed))
    })
}

/// An expression with the types that columns of the schema have, where it names them as those of a query around it.
fn renewed(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| match expr {
        Expr::OuterReferenceColumn(field, column) => match schema.qualified_field_from_column(&column) {
            Ok((_, now)) if now.data_type() != field.data_type() => {
                Ok(Transformed::yes(Expr::OuterReferenceColumn(Arc::clone(now), column)))
            }
            _ => Ok(Transformed::no(Expr::OuterReferenceColumn(field, column))),
        },
        other => Ok(Transformed::no(other)),
    })
}
