//! The columns that the expressions of a plan's node can name.

use datafusion::common::DFSchema;
use datafusion::logical_expr::LogicalPlan;

/// The columns that a node's expressions can name.
pub fn merged_schema(node: &LogicalPlan) -> DFSchema {
    let mut schema = DFSchema::empty();
    node.inputs().iter().for_each(|input| schema.merge(input.schema()));
    if let LogicalPlan::TableScan(scan) = node {
        schema.merge(&scan.projected_schema);
    }
    schema
}
