//! A value that a query over static tables gives, such as an average to compare with, becomes a column of every row.

use std::collections::HashMap;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, JoinType};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};

use crate::logical::columns_of;
use crate::relation::{Relation, is_static};

/// The plan with each such subquery joined to the rows that are compared with it. Others stay as they are.
pub fn joined(plan: LogicalPlan, relations: &HashMap<String, Relation>) -> Result<LogicalPlan> {
    let mut count = 0;
    plan.transform_up(|node| {
        if is_static(&node, relations) {
            return Ok(Transformed::no(node));
        }
        let found = values(&node, relations)?;
        match (&node, found.is_empty()) {
            (LogicalPlan::Filter(filter), false) => {
                let (input, predicate) = (filter.input.as_ref(), vec![filter.predicate.clone()]);
                let columns = columns_of(input);
                let (input, mut predicate) = with_values(input, predicate, &found, &mut count)?;
                let filtered = predicate.pop().map(|predicate| input.clone().filter(predicate)).unwrap_or(Ok(input))?;
                Ok(Transformed::yes(filtered.project(columns)?.build()?))
            }
            (LogicalPlan::Projection(projection), false) => {
                let names: Vec<_> =
                    projection.schema.iter().map(|(table, field)| (table.cloned(), field.name().clone())).collect();
                let (input, exprs) = with_values(&projection.input, projection.expr.clone(), &found, &mut count)?;
                let exprs = exprs.into_iter().zip(names).map(|(expr, (table, name))| match &expr {
                    Expr::Column(column) if column.relation == table && column.name == name => expr,
                    _ => expr.unalias().alias_qualified(table, name),
                });
                Ok(Transformed::yes(input.project(exprs.collect::<Vec<_>>())?.build()?))
            }
            _ => Ok(Transformed::no(node)),
        }
    })
    .data()
}

/// The subqueries in a node's expressions that give one value of static tables.
fn values(node: &LogicalPlan, relations: &HashMap<String, Relation>) -> Result<Vec<Expr>> {
    let mut found = Vec::new();
    for expr in node.expressions() {
        expr.apply(|expr| {
            if let Expr::ScalarSubquery(subquery) = expr {
                let gives_one = subquery.outer_ref_columns.is_empty() && subquery.subquery.max_rows() == Some(1);
                if gives_one && is_static(&subquery.subquery, relations) && !found.contains(expr) {
                    found.push(expr.clone());
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    Ok(found)
}

/// The input with each value as a further column, and the expressions with those columns in place of the subqueries.
fn with_values(
    input: &LogicalPlan,
    exprs: Vec<Expr>,
    found: &[Expr],
    count: &mut usize,
) -> Result<(LogicalPlanBuilder, Vec<Expr>)> {
    let mut input = LogicalPlanBuilder::from(input.clone());
    let mut exprs = exprs;
    for value in found {
        let Expr::ScalarSubquery(subquery) = value else { continue };
        *count += 1;
        let (table, name) = (format!("__static{count}"), format!("__value{count}"));
        let query = subquery.subquery.as_ref().clone();
        let columns = query.schema().columns();
        let value_of = columns.into_iter().map(|column| Expr::Column(column).alias(&name));
        let query = LogicalPlanBuilder::from(query).project(value_of.collect::<Vec<_>>())?.alias(table.as_str())?;
        // A query without a row gives NULL.
        input = input.join_on(query.build()?, JoinType::Left, [lit(true)])?;
        let column = Expr::Column(Column::new(Some(table), name));
        exprs = exprs.into_iter().map(|expr| replaced(expr, value, &column)).collect::<Result<_>>()?;
    }
    Ok((input, exprs))
}

fn replaced(expr: Expr, what: &Expr, by: &Expr) -> Result<Expr> {
    let replace = |expr: Expr| match expr == *what {
        true => Ok(Transformed::new(by.clone(), true, TreeNodeRecursion::Jump)),
        false => Ok(Transformed::no(expr)),
    };
    expr.transform_down(replace).data()
}
