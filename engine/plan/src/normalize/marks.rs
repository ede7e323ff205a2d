//! Subqueries that are not a condition of their own, such as under OR: they become marks, which are true or false and never NULL.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator};

use crate::bounds::conjuncts;
use crate::fault::Result;
use crate::problem::SqlProblem;

/// Refuses what a mark would answer otherwise than SQL: `x IN (subquery)` is NULL where nothing is found and there are NULLs. Under
/// AND and OR of a WHERE that is as good as false; under NOT and elsewhere it is not.
pub fn check(plan: &LogicalPlan, sql: &str) -> Result<()> {
    let mut is_wrong = false;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Filter(filter) = node {
            is_wrong |= conjuncts(&filter.predicate)
                .into_iter()
                .any(|condition| !stands_alone(condition) && !is_same_as_sql(condition));
        }
        Ok(if is_wrong { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if !is_wrong {
        return Ok(());
    }
    let message = "IN (subquery) inside of NOT, or as a value, is not supported: where it finds nothing it may be NULL";
    let help = "write [NOT] EXISTS (SELECT 1 FROM … WHERE … = …), or NOT IN as a condition of its own under AND";
    Err(SqlProblem::new(message, help).at_text(sql, "IN (SELECT").into())
}

/// A condition that is only a subquery becomes a join of its own kind.
fn stands_alone(condition: &Expr) -> bool {
    match condition {
        Expr::InSubquery(_) | Expr::Exists(_) => true,
        Expr::Not(inner) => matches!(inner.as_ref(), Expr::InSubquery(_) | Expr::Exists(_)),
        _ => false,
    }
}

/// True if every `IN (subquery)` in a condition is reached through AND and OR only.
fn is_same_as_sql(condition: &Expr) -> bool {
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) => {
            is_same_as_sql(left) && is_same_as_sql(right)
        }
        Expr::InSubquery(query) => !query.negated,
        other => !other.exists(|expr| Ok(matches!(expr, Expr::InSubquery(_)))).unwrap_or(true),
    }
}
