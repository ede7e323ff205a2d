//! Puts a place for rows where a part of a plan stood.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use crate::relation::StreamTable;

/// The plan with `bottom`, one of its nodes, replaced by a place for rows of `schema`, which are the columns of `bottom` in their order.
pub fn cut(plan: LogicalPlan, bottom: &LogicalPlan, schema: &SchemaRef) -> Result<LogicalPlan> {
    replace(plan, bottom, &place(bottom, schema, 0)?)
}

/// The plan with `bottom`, one of its nodes, replaced by a node with the same columns.
pub fn replace(plan: LogicalPlan, bottom: &LogicalPlan, by: &LogicalPlan) -> Result<LogicalPlan> {
    let mut is_done = false;
    let cut = plan.transform_down(|node| {
        if !is_done && node == *bottom {
            is_done = true;
            return Ok(Transformed::new(by.clone(), true, TreeNodeRecursion::Jump));
        }
        Ok(Transformed::no(node))
    });
    // Nullability below has changed, so every node's schema is made anew.
    cut.data()?.transform_up(|node| Ok(Transformed::yes(node.recompute_schema()?))).data()
}

/// A place for rows of `schema` under the names that the columns of `plan` have.
pub fn place(plan: &LogicalPlan, schema: &SchemaRef, port: usize) -> Result<LogicalPlan> {
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(at, field)| field.as_ref().clone().with_name(format!("c{at}")).with_nullable(true))
        .collect();
    let name = format!("port{port}");
    let scan = LogicalPlanBuilder::from(scan(&name, Arc::new(Schema::new(fields)), port)?);
    let names = plan.schema().iter().enumerate().map(|(at, (qualifier, field))| {
        let column = Expr::Column(Column::new(Some(name.clone()), format!("c{at}")));
        column.alias_qualified(qualifier.cloned(), field.name())
    });
    scan.project(names.collect::<Vec<_>>())?.build()
}

/// A place for rows of `schema`, under a name.
pub fn scan(name: &str, schema: SchemaRef, port: usize) -> Result<LogicalPlan> {
    LogicalPlanBuilder::scan(name, provider_as_source(Arc::new(StreamTable { schema, port })), None)?.build()
}
