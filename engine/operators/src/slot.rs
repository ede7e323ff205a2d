//! The leaf of a plan: hands out the batches that were put into it; and running such a plan.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions, SchedulingType};
use datafusion::physical_plan::memory::MemoryStream;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, SendableRecordBatchStream, common,
};

/// Runs a plan whose leaves are [`SlotExec`]s over the rows of each port. The leaves get the rows, and every other node is made
/// anew without what it remembers of the run before (a sort with a limit keeps the bound that it reached, and would leave rows
/// out), so nothing is kept between runs.
///
/// # Errors
/// If an expression fails on a row, or the plan reads a port that has no rows here.
pub fn run_plan(
    plan: &Arc<dyn ExecutionPlan>,
    ports: &[&RecordBatch],
    context: &Arc<TaskContext>,
) -> Result<RecordBatch> {
    let filled = Arc::clone(plan).transform_up(|node| fill(node, ports).map(Transformed::yes)).data()?;
    let schema = filled.schema();
    let mut parts = Vec::new();
    for partition in 0..filled.properties().partitioning.partition_count() {
        let stream = filled.execute(partition, Arc::clone(context))?;
        parts.extend(futures::executor::block_on(common::collect(stream))?);
    }
    Ok(concat_batches(&schema, &parts)?)
}

fn fill(node: Arc<dyn ExecutionPlan>, ports: &[&RecordBatch]) -> Result<Arc<dyn ExecutionPlan>> {
    let Some(slot) = node.downcast_ref::<SlotExec>() else { return node.reset_state() };
    match ports.get(slot.port) {
        Some(rows) => Ok(Arc::new(slot.filled(rows)?)),
        None => Err(DataFusionError::Internal(format!("a plan reads port {} of {}", slot.port, ports.len()))),
    }
}

/// A leaf that streams given batches. While a plan is made it holds none and only stands for its place.
#[derive(Debug)]
pub struct SlotExec {
    port: usize,
    schema: SchemaRef,
    projection: Option<Vec<usize>>,
    batches: Vec<RecordBatch>,
    properties: Arc<PlanProperties>,
}

impl SlotExec {
    /// An empty place for rows of `input`, of which the plan wants `projection`.
    ///
    /// # Errors
    /// If the projection names a column that is not there.
    pub fn place(input: &SchemaRef, projection: Option<&Vec<usize>>) -> Result<Self> {
        let schema = match projection {
            Some(columns) => Arc::new(input.project(columns)?),
            None => Arc::clone(input),
        };
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        // A leaf that never waits: the planner need not wrap it to make it yield.
        .with_scheduling_type(SchedulingType::Cooperative);
        let projection = projection.cloned();
        Ok(SlotExec { port: 0, schema, projection, batches: Vec::new(), properties: Arc::new(properties) })
    }

    /// The same place for the rows of another port of the operator that runs the plan; a place is for port 0 at first.
    pub fn at_port(self, port: usize) -> Self {
        SlotExec { port, ..self }
    }

    /// The port whose rows belong here.
    pub fn port(&self) -> usize {
        self.port
    }

    /// The same place with rows of the unprojected input in it.
    ///
    /// # Errors
    /// If the rows are not of the input's schema.
    pub fn filled(&self, input: &RecordBatch) -> Result<Self> {
        let rows = match &self.projection {
            Some(columns) => input.project(columns)?,
            None => input.clone(),
        };
        // The properties stay the same object, so that the nodes above see that they need not derive theirs again.
        Ok(SlotExec {
            port: self.port,
            schema: Arc::clone(&self.schema),
            projection: self.projection.clone(),
            batches: vec![rows],
            properties: Arc::clone(&self.properties),
        })
    }

    /// The columns of the input that the plan reads; `None` for all.
    pub fn projection(&self) -> Option<&Vec<usize>> {
        self.projection.as_ref()
    }
}

impl DisplayAs for SlotExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        match self.port {
            0 => write!(f, "SlotExec: [{}]", columns.join(", ")),
            port => write!(f, "SlotExec: port {port} [{}]", columns.join(", ")),
        }
    }
}

impl ExecutionPlan for SlotExec {
    fn name(&self) -> &'static str {
        "SlotExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        Ok(Box::pin(MemoryStream::try_new(self.batches.clone(), Arc::clone(&self.schema), None)?))
    }
}
