//! The leaf of a plan: hands out the batches that were put into it.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions, SchedulingType};
use datafusion::physical_plan::memory::MemoryStream;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, SendableRecordBatchStream,
};

/// A leaf that streams given batches. While a plan is made it holds none and only stands for its place.
#[derive(Debug)]
pub struct SlotExec {
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
        Ok(Self::new(schema, projection.cloned(), Vec::new()))
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
        Ok(Self::new(Arc::clone(&self.schema), self.projection.clone(), vec![rows]))
    }

    /// The columns of the input that the plan reads; `None` for all.
    pub fn projection(&self) -> Option<&Vec<usize>> {
        self.projection.as_ref()
    }

    fn new(schema: SchemaRef, projection: Option<Vec<usize>>, batches: Vec<RecordBatch>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        // A leaf that never waits: the planner need not wrap it to make it yield.
        .with_scheduling_type(SchedulingType::Cooperative);
        SlotExec { schema, projection, batches, properties: Arc::new(properties) }
    }
}

impl DisplayAs for SlotExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "SlotExec: [{}]", columns.join(", "))
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
