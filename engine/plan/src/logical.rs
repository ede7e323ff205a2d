//! Questions that are asked of logical plans, and small changes to them.

use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

/// The columns of a plan, as expressions over it.
pub fn columns_of(plan: &LogicalPlan) -> Vec<Expr> {
    plan.schema().columns().into_iter().map(Expr::Column).collect()
}

/// The plan with further columns behind its own.
pub fn with_columns(plan: &LogicalPlan, further: impl IntoIterator<Item = Expr>) -> Result<LogicalPlan> {
    let columns: Vec<Expr> = columns_of(plan).into_iter().chain(further).collect();
    LogicalPlanBuilder::from(plan.clone()).project(columns)?.build()
}

/// The plan with its columns under the names of others, which may be fewer.
pub fn under_names_of(plan: LogicalPlan, named: &DFSchema) -> Result<LogicalPlan> {
    let columns = columns_of(&plan).into_iter().zip(named.iter());
    let columns: Vec<Expr> =
        columns.map(|(column, (qualifier, field))| column.alias_qualified(qualifier.cloned(), field.name())).collect();
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

/// True if there is such an expression in a plan, at any depth; in its subqueries too.
pub fn any_expr(plan: &LogicalPlan, is_such: impl Fn(&Expr) -> bool) -> Result<bool> {
    any_node(plan, |node| node.expressions().iter().any(|expr| expr.exists(|expr| Ok(is_such(expr))).unwrap_or(false)))
}

/// True if there is such a node in a plan; in its subqueries too.
pub fn any_node(plan: &LogicalPlan, is_such: impl Fn(&LogicalPlan) -> bool) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found |= is_such(node);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// True for a query inside of an expression.
pub fn is_subquery(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) | Expr::SetComparison(_))
}
