//! What a table holds of a query: each VARIANT as its JSON, which the tables that read it parse again if they want.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder};
use expr::scalar::variants::as_json;
use expr::variant::has_variant;

/// The plan with such columns as texts.
pub fn with_json(plan: LogicalPlan) -> Result<LogicalPlan> {
    if !plan.schema().fields().iter().any(|field| has_variant(field.data_type())) {
        return Ok(plan);
    }
    match plan {
        LogicalPlan::Projection(projection) => {
            let input = projection.input;
            let shown =
                projection.expr.into_iter().map(|expr| shown(expr, input.schema())).collect::<Result<Vec<_>>>()?;
            LogicalPlanBuilder::new(input.as_ref().clone()).project(shown)?.build()
        }
        // What stands above the columns of a SELECT, and gives them as they are.
        LogicalPlan::Sort(_) | LogicalPlan::Limit(_) | LogicalPlan::SubqueryAlias(_) | LogicalPlan::Union(_) => {
            let below = plan.map_children(|input| with_json(input).map(Transformed::yes))?;
            below.data.recompute_schema()
        }
        other => {
            let columns = other.schema().columns().into_iter().map(Expr::Column);
            let shown = columns.map(|column| shown(column, other.schema())).collect::<Result<Vec<_>>>()?;
            LogicalPlanBuilder::new(other).project(shown)?.build()
        }
    }
}

fn shown(expr: Expr, schema: &datafusion::common::DFSchema) -> Result<Expr> {
    if !has_variant(&expr.get_type(schema)?) {
        return Ok(expr);
    }
    let (relation, name) = expr.qualified_name();
    Ok(as_json(expr.clone().unalias()).map_or(expr, |json| json.alias_qualified(relation, name)))
}
