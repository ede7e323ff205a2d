//! A batch plan that is run again and again over the rows of an operator's ports, with the same result for the same rows of a partition.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::partial_sort::PartialSortExec;
use datafusion::physical_plan::sorts::partitioned_topk::PartitionedTopKExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{ExecutionPlan, displayable};

use super::gather::GatherExec;
use crate::slot::{SlotExec, run_plan};

/// A plan over the rows of one port or several. It holds no rows between runs and can be run side by side.
///
/// What a partition's rows come to does not depend on the other rows of a run: rows of equal rank stay as they came, and
/// sums of doubles are added up in the order of the rows.
#[derive(Debug, Clone)]
pub struct BatchPlan {
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    ports: usize,
}

impl BatchPlan {
    /// Prepares a physical plan whose leaves are [`SlotExec`]s; each is filled with the rows of its port.
    ///
    /// # Errors
    /// If the plan has a leaf of another kind, or a node whose result depends on how rows are cut into batches.
    pub fn compile(plan: Arc<dyn ExecutionPlan>, context: Arc<TaskContext>) -> Result<BatchPlan> {
        let ports = ports_of(&plan)?;
        let plan = plan.transform_up(steady).data()?;
        Ok(BatchPlan { plan, context, ports })
    }

    /// Schema of the result.
    pub fn schema(&self) -> SchemaRef {
        self.plan.schema()
    }

    /// Number of ports: one more than the highest that it reads.
    pub fn ports(&self) -> usize {
        self.ports
    }

    /// The plan as an indented text, for `engine explain`.
    pub fn describe(&self) -> String {
        displayable(self.plan.as_ref()).indent(false).to_string()
    }

    /// The result over these rows, port by port, in columns of the schema `output`.
    ///
    /// # Errors
    /// If a function fails on a row.
    pub fn run(&self, ports: &[&RecordBatch], output: &SchemaRef) -> Result<RecordBatch> {
        let rows = run_plan(&self.plan, ports, &self.context)?;
        Ok(RecordBatch::try_new(Arc::clone(output), rows.columns().to_vec())?)
    }
}

/// One more than the highest port that the plan reads.
fn ports_of(plan: &Arc<dyn ExecutionPlan>) -> Result<usize> {
    if let Some(slot) = plan.downcast_ref::<SlotExec>() {
        return Ok(slot.port() + 1);
    }
    let children = plan.children();
    if children.is_empty() && !plan.is::<EmptyExec>() && !plan.is::<PlaceholderRowExec>() {
        return Err(DataFusionError::Plan(format!("{} does not read the operator's input", plan.name())));
    }
    children.into_iter().try_fold(0, |ports, child| Ok(ports.max(ports_of(child)?)))
}

/// Puts a [`GatherExec`] in the place of each node that orders or spreads rows as it likes, and below each that would notice
/// where batches end.
fn steady(node: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let input = || {
        let children = node.children();
        children
            .first()
            .map(|child| Arc::clone(child))
            .ok_or_else(|| DataFusionError::Internal(node.name().to_string()))
    };
    let gathered = if let Some(sort) = node.downcast_ref::<SortExec>() {
        GatherExec::over(input()?, Some(sort.expr().clone()), sort.fetch())?
    } else if let Some(sort) = node.downcast_ref::<PartialSortExec>() {
        GatherExec::over(input()?, Some(sort.expr().clone()), sort.fetch())?
    } else if let Some(merge) = node.downcast_ref::<SortPreservingMergeExec>() {
        GatherExec::over(input()?, Some(merge.expr().clone()), merge.fetch())?
    } else if node.is::<CoalescePartitionsExec>() || node.is::<RepartitionExec>() {
        GatherExec::over(input()?, None, node.fetch())?
    } else if node.is::<AggregateExec>() || node.is::<BoundedWindowAggExec>() || node.is::<WindowAggExec>() {
        let child = input()?;
        if child.is::<GatherExec>() || child.is::<SlotExec>() {
            return Ok(Transformed::no(node));
        }
        let children = vec![GatherExec::over(child, None, None)?];
        node.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))?
    } else if node.is::<PartitionedTopKExec>() {
        let what = "a plan with PartitionedTopKExec picks among equal rows as it likes: plan with optimizer.enable_window_topn = false";
        return Err(DataFusionError::Plan(what.to_string()));
    } else {
        return Ok(Transformed::no(node));
    };
    Ok(Transformed::yes(gathered))
}
