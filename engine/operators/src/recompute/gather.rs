//! A node that makes one batch of all its input, in order: so that results do not hang on where other rows cut the batches.
//!
//! DataFusion's own sort leaves it open which of two equal rows comes first, and that changes with the rows around them. Here
//! rows of equal rank keep the order in which they came, so each partition's result depends on its own rows alone.

use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::row::{RowConverter, SortField};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{LexOrdering, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions, SchedulingType,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
    SendableRecordBatchStream, common,
};

/// Collects all partitions of its input one after the other, sorts them if it is asked to, and hands out one batch.
#[derive(Debug)]
pub(super) struct GatherExec {
    input: Arc<dyn ExecutionPlan>,
    order: Option<LexOrdering>,
    fetch: Option<usize>,
    properties: Arc<PlanProperties>,
}

impl GatherExec {
    /// Gathers `input`, sorted by `order`, and the first `fetch` rows only.
    pub(super) fn over(
        input: Arc<dyn ExecutionPlan>,
        order: Option<LexOrdering>,
        fetch: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut equivalence = input.equivalence_properties().clone();
        match &order {
            Some(order) => {
                equivalence.reorder(order.iter().cloned())?;
            }
            None if input.properties().partitioning.partition_count() > 1 => equivalence.clear_orderings(),
            None => {}
        }
        let properties = PlanProperties::new(
            equivalence,
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        Ok(Arc::new(GatherExec { input, order, fetch, properties: Arc::new(properties) }))
    }
}

impl DisplayAs for GatherExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GatherExec:")?;
        if let Some(order) = &self.order {
            write!(f, " order=[{order}]")?;
        }
        self.fetch.map_or(Ok(()), |fetch| write!(f, " fetch={fetch}"))
    }
}

impl ExecutionPlan for GatherExec {
    fn name(&self) -> &'static str {
        "GatherExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for sort in self.order.iter().flatten() {
            if f(&sort.expr)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.pop().ok_or_else(|| DataFusionError::Internal("a gather without an input".to_string()))?;
        let (order, fetch) = (self.order.clone(), self.fetch);
        match options.children_properties {
            ChildrenPropertiesMode::Recompute => GatherExec::over(input, order, fetch),
            ChildrenPropertiesMode::Keep => {
                Ok(Arc::new(GatherExec { input, order, fetch, properties: Arc::clone(&self.properties) }))
            }
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let partitions = self.input.properties().partitioning.partition_count();
        let streams =
            (0..partitions).map(|partition| self.input.execute(partition, Arc::clone(&context))).collect::<Result<_>>();
        let streams: Vec<SendableRecordBatchStream> = streams?;
        let schema = self.input.schema();
        let (order, fetch) = (self.order.clone(), self.fetch);
        let gathered = async move {
            let mut parts = Vec::new();
            for stream in streams {
                parts.extend(common::collect(stream).await?);
            }
            let rows = match parts.len() {
                1 => parts.remove(0),
                _ => concat_batches(&schema, &parts)?,
            };
            let rows = match &order {
                Some(order) => sorted(rows, order)?,
                None => rows,
            };
            let kept = rows.num_rows().min(fetch.unwrap_or(usize::MAX));
            Ok((kept > 0).then(|| rows.slice(0, kept)))
        };
        // No rows are no batch: not every node above takes an empty one.
        let batches = futures::stream::once(gathered);
        let batches = futures::TryStreamExt::try_filter_map(batches, |rows| std::future::ready(Ok(rows)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.input.schema(), batches)))
    }
}

/// The rows in this order; rows of equal rank stay as they came.
fn sorted(rows: RecordBatch, order: &LexOrdering) -> Result<RecordBatch> {
    if rows.num_rows() < 2 {
        return Ok(rows);
    }
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for sort in order.iter() {
        let column = sort.expr.evaluate(&rows)?.into_array(rows.num_rows())?;
        fields.push(SortField::new_with_options(column.data_type().clone(), sort.options));
        columns.push(column);
    }
    let ranks = RowConverter::new(fields)?.convert_columns(&columns)?;
    let mut positions: Vec<u32> = (0..rows.num_rows() as u32).collect();
    positions.sort_by(|left, right| ranks.row(*left as usize).cmp(&ranks.row(*right as usize)));
    Ok(take_record_batch(&rows, &UInt32Array::from(positions))?)
}
