//! Conditions that guard others, where rules have put them together anew.
//!
//! DataFusion makes one condition of several that stood one above the other, in an order of its own: that of `10 / q > 1` over the rows
//! of a subquery with `WHERE q <> 0` comes first then, and is computed for all rows (apache/datafusion 8909).

use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::{Filter, Join, LogicalPlan};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use expr::typing::guards::reordered;

/// The rule.
#[derive(Debug)]
pub struct Guarded;

impl OptimizerRule for Guarded {
    fn name(&self) -> &str {
        "guarded_conditions"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        match plan {
            LogicalPlan::Filter(Filter { predicate, input, .. }) => {
                let predicate = reordered(predicate, input.schema())?;
                let filter = Filter::try_new(predicate.data, input)?;
                Ok(Transformed::new_transformed(LogicalPlan::Filter(filter), predicate.transformed))
            }
            LogicalPlan::Join(join) if join.filter.is_some() => in_join(join),
            other => Ok(Transformed::no(other)),
        }
    }
}

fn in_join(mut join: Join) -> Result<Transformed<LogicalPlan>> {
    let schema = join.left.schema().join(join.right.schema())?;
    let filter = join.filter.take().map(|filter| reordered(filter, &schema)).transpose()?;
    let is_other = filter.as_ref().is_some_and(|filter| filter.transformed);
    join.filter = filter.map(|filter| filter.data);
    Ok(Transformed::new_transformed(LogicalPlan::Join(join), is_other))
}
