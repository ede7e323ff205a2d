//! A stateless task of a query, compiled once and run chunk by chunk: projections and filters directly, the rest by DataFusion.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{filter, filter_record_batch, prep_null_mask_filter};
use arrow::datatypes::{SchemaRef, UInt32Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;

use crate::sized_batch::sized_batch;
use crate::slot::{SlotExec, run_plan};

/// A compiled stateless task. It holds no rows between chunks and can be shared by lanes.
#[derive(Debug, Clone)]
pub struct Pipeline {
    steps: Arc<Vec<Step>>,
    schema: SchemaRef,
    context: Arc<TaskContext>,
}

/// Rows that a pipeline passed on, and the number that its conditions left out.
#[derive(Debug)]
pub struct PipelineOutput {
    /// The rows.
    pub rows: RecordBatch,
    /// Input rows that met every condition (an unnest may make several rows, or none, of one).
    pub taken: u64,
    /// Input rows left out by a condition.
    pub filtered: u64,
}

#[derive(Debug)]
enum Step {
    Select(Vec<usize>),
    Filter {
        predicate: Arc<dyn PhysicalExpr>,
        columns: Option<Vec<usize>>,
    },
    Project {
        columns: Vec<Arc<dyn PhysicalExpr>>,
        schema: SchemaRef,
    },
    Plan(Arc<dyn ExecutionPlan>),
    /// The conditions can never be met.
    Nothing(SchemaRef),
}

impl Pipeline {
    /// Compiles a physical plan whose leaves are [`SlotExec`]s over one input.
    ///
    /// # Errors
    /// If the plan has a leaf of another kind.
    pub fn compile(plan: Arc<dyn ExecutionPlan>, context: Arc<TaskContext>) -> Result<Pipeline> {
        let schema = plan.schema();
        let steps = Arc::new(compile_steps(plan)?);
        Ok(Pipeline { steps, schema, context })
    }

    /// Schema of the rows passed on.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The same task with its rows under another schema of the same types.
    pub fn with_schema(self, schema: SchemaRef) -> Pipeline {
        Pipeline { schema, ..self }
    }

    /// What it does, in words, for `engine explain`.
    pub fn describe(&self) -> String {
        let names: Vec<&str> = self
            .steps
            .iter()
            .map(|step| match step {
                Step::Select(_) => "read",
                Step::Filter { .. } => "filter",
                Step::Project { .. } => "project",
                Step::Plan(plan) => plan.name(),
                Step::Nothing(_) => "filter (no row can meet the conditions)",
            })
            .collect();
        if names.is_empty() { "pass on".to_string() } else { names.join(" -> ") }
    }

    /// Runs one chunk.
    ///
    /// # Errors
    /// If an expression fails on a row.
    pub fn run(&self, input: &RecordBatch) -> Result<PipelineOutput> {
        let mut rows = input.clone();
        let mut taken = input.num_rows() as u64;
        let mut filtered = 0;
        let mut one_to_one = true;
        for step in self.steps.iter() {
            let before = rows.num_rows();
            rows = step.run(rows, &self.context)?;
            match step {
                Step::Filter { .. } | Step::Nothing(_) if one_to_one => filtered += (before - rows.num_rows()) as u64,
                Step::Plan(_) => one_to_one = false,
                _ => {}
            }
        }
        taken -= filtered;
        if one_to_one && taken != rows.num_rows() as u64 {
            return Err(DataFusionError::Internal("a projection changed the number of rows".to_string()));
        }
        let rows = sized_batch(&self.schema, rows.columns().to_vec(), rows.num_rows())?;
        Ok(PipelineOutput { rows, taken, filtered })
    }
}

impl Pipeline {
    /// True if it makes no more than one row of each.
    pub fn is_row_by_row(&self) -> bool {
        !self.steps.iter().any(|step| matches!(step, Step::Plan(_)))
    }

    /// Runs one chunk, row by row; returns the rows and the input row that each comes from.
    ///
    /// # Errors
    /// If an expression fails on a row, or a step makes several rows of one.
    pub fn run_traced(&self, input: &RecordBatch) -> Result<(RecordBatch, Vec<u32>)> {
        let mut rows = input.clone();
        let mut origins = UInt32Array::from_iter_values(0..input.num_rows() as u32);
        for step in self.steps.iter() {
            match step {
                Step::Filter { predicate, columns } => {
                    let mask = met(&rows, predicate)?;
                    origins = filter(&origins, &mask)?.as_primitive::<UInt32Type>().clone();
                    rows = filtered(rows, &mask, columns.as_deref())?;
                }
                Step::Nothing(schema) => {
                    rows = RecordBatch::new_empty(Arc::clone(schema));
                    origins = origins.slice(0, 0);
                }
                Step::Plan(plan) => {
                    let what = format!("{} does not say which row it makes of which", plan.name());
                    return Err(DataFusionError::Internal(what));
                }
                Step::Select(_) | Step::Project { .. } => rows = step.run(rows, &self.context)?,
            }
        }
        let rows = sized_batch(&self.schema, rows.columns().to_vec(), rows.num_rows())?;
        Ok((rows, origins.values().to_vec()))
    }
}

fn compile_steps(plan: Arc<dyn ExecutionPlan>) -> Result<Vec<Step>> {
    if let Some(slot) = plan.downcast_ref::<SlotExec>() {
        return Ok(slot.projection().cloned().map(Step::Select).into_iter().collect());
    }
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        let mut steps = compile_steps(Arc::clone(projection.input()))?;
        let columns = projection.expr().iter().map(|column| Arc::clone(&column.expr)).collect();
        steps.push(Step::Project { columns, schema: plan.schema() });
        return Ok(steps);
    }
    if let Some(filter) = plan.downcast_ref::<FilterExec>().filter(|filter| filter.fetch().is_none()) {
        let mut steps = compile_steps(Arc::clone(filter.input()))?;
        let columns = filter.projection().as_ref().map(|columns| columns.to_vec());
        steps.push(Step::Filter { predicate: Arc::clone(filter.predicate()), columns });
        return Ok(steps);
    }
    if plan.is::<EmptyExec>() {
        return Ok(vec![Step::Nothing(plan.schema())]);
    }
    let children: Vec<Arc<dyn ExecutionPlan>> = plan.children().into_iter().map(Arc::clone).collect();
    match children.as_slice() {
        [] => Err(DataFusionError::Plan(format!("{} does not read the table's input", plan.name()))),
        [child] => {
            let place = SlotExec::place(&child.schema(), None)?;
            let mut steps = compile_steps(Arc::clone(child))?;
            steps.push(Step::Plan(plan.replace_children(
                vec![Arc::new(place)],
                ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
            )?));
            Ok(steps)
        }
        _ => Ok(vec![Step::Plan(plan)]),
    }
}

impl Step {
    fn run(&self, rows: RecordBatch, context: &Arc<TaskContext>) -> Result<RecordBatch> {
        match self {
            Step::Select(columns) => Ok(rows.project(columns)?),
            Step::Filter { predicate, columns } => {
                let mask = met(&rows, predicate)?;
                filtered(rows, &mask, columns.as_deref())
            }
            Step::Project { columns, schema } => project(&rows, columns, schema),
            Step::Plan(plan) => run_plan(plan, &[&rows], context),
            Step::Nothing(schema) => Ok(RecordBatch::new_empty(Arc::clone(schema))),
        }
    }
}

/// Which rows meet a condition; one for which it is null does not.
fn met(rows: &RecordBatch, predicate: &Arc<dyn PhysicalExpr>) -> Result<BooleanArray> {
    let mask = predicate.evaluate(rows)?.into_array(rows.num_rows())?;
    let mask = mask
        .as_any()
        .downcast_ref::<BooleanArray>()
        .ok_or_else(|| DataFusionError::Internal("a condition is not a boolean".to_string()))?;
    Ok(if mask.null_count() > 0 { prep_null_mask_filter(mask) } else { mask.clone() })
}

fn filtered(rows: RecordBatch, mask: &BooleanArray, columns: Option<&[usize]>) -> Result<RecordBatch> {
    let rows = match columns {
        Some(columns) => rows.project(columns)?,
        None => rows,
    };
    if mask.true_count() == rows.num_rows() { Ok(rows) } else { Ok(filter_record_batch(&rows, mask)?) }
}

fn project(rows: &RecordBatch, columns: &[Arc<dyn PhysicalExpr>], schema: &SchemaRef) -> Result<RecordBatch> {
    let count = rows.num_rows();
    let arrays = columns.iter().map(|column| column.evaluate(rows)?.into_array(count)).collect::<Result<Vec<_>>>()?;
    Ok(sized_batch(schema, arrays, count)?)
}
