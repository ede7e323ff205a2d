//! One table: SQL text to a plan that runs.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::physical_expr::aggregate::LoweredAggregateBuilder;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement as DataFusionStatement;
use datafusion::sql::sqlparser::ast::Statement;
use futures::executor::block_on;
use job::{Late, OutputMode};
use operators::Pipeline;
use operators::aggregate::{AggregateCall, AggregateSpec, instant, window_type};

use crate::casts;
use crate::error::to_problem;
use crate::problem::SqlProblem;
use crate::relation::Relation;
use crate::rewrite::rewrite;
use crate::rules::{self, Subject};
use crate::split::{Above, lineage, plain_schema, split};
use crate::window::{window_call, window_spec};
use crate::words::words;

/// A table that runs: a pipeline over its input, and an aggregate if it has one.
#[derive(Debug, Clone)]
pub struct TablePlan {
    /// Name of the table.
    pub name: String,
    /// The source or table it reads.
    pub input: String,
    /// What a reader sees when.
    pub mode: OutputMode,
    /// What happens to late rows.
    pub late: Late,
    /// The part without memory; the whole query if there is no aggregate.
    pub front: Pipeline,
    /// The part with memory.
    pub aggregate: Option<AggregateStage>,
    /// Schema of the table.
    pub schema: SchemaRef,
    /// Column of the table that carries the input's event time, if one does.
    pub event_time: Option<String>,
}

/// The part of a table with memory.
#[derive(Debug, Clone)]
pub struct AggregateStage {
    /// What it computes over the front's rows.
    pub spec: Arc<AggregateSpec>,
    /// What runs on its result.
    pub back: Pipeline,
    /// First column of the front's rows that only passes the input row on; the rest of a late row's table.
    pub passed_from: usize,
    /// Schema of `<table>__late`, if late rows are kept.
    pub late_schema: Option<SchemaRef>,
}

/// Compiles a table's query.
///
/// # Errors
/// All problems that can be told apart.
pub fn compile_table(
    context: &SessionContext,
    table: &job::Table,
    mut statement: Statement,
    relations: &HashMap<String, Relation>,
    input: &Relation,
) -> std::result::Result<TablePlan, Vec<SqlProblem>> {
    rewrite(&mut statement, &table.sql, relations).map_err(|problem| vec![problem])?;
    let state = context.state();
    let plan = analyze(&state, statement).map_err(|error| vec![to_problem(&error, &table.sql)])?;
    let problems = rules::check(&Subject { plan: &plan, sql: &table.sql, mode: table.mode, input });
    if !problems.is_empty() {
        return Err(problems);
    }
    build(&state, table, plan, input).map_err(|error| vec![to_problem(&error, &table.sql)])
}

fn analyze(state: &SessionState, statement: Statement) -> Result<LogicalPlan> {
    let plan = block_on(state.statement_to_plan(DataFusionStatement::Statement(Box::new(statement))))?;
    let plan = casts::rewrite(plan)?;
    state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})
}

fn build(state: &SessionState, table: &job::Table, plan: LogicalPlan, input: &Relation) -> Result<TablePlan> {
    let event_time = event_time_column(&plan, input);
    let keep_input = table.late == Late::Table;
    let pieces = split(plan, keep_input)?;
    let front = pipeline(state, &pieces.below)?;
    let (aggregate, schema) = match &pieces.above {
        Some(above) => {
            let stage = aggregate_stage(state, table, above, &pieces.below, &front, keep_input)?;
            let schema = Arc::clone(stage.back.schema());
            (Some(stage), schema)
        }
        None => (None, Arc::clone(front.schema())),
    };
    Ok(TablePlan {
        name: table.name.clone(),
        input: input.name.clone(),
        mode: table.mode,
        late: table.late,
        front,
        aggregate,
        schema,
        event_time,
    })
}

fn pipeline(state: &SessionState, plan: &LogicalPlan) -> Result<Pipeline> {
    Pipeline::compile(block_on(state.create_physical_plan(plan))?, state.task_ctx())
}

fn aggregate_stage(
    state: &SessionState,
    table: &job::Table,
    above: &Above,
    below: &LogicalPlan,
    front: &Pipeline,
    keep_input: bool,
) -> Result<AggregateStage> {
    let calls = calls(state, above, below.schema(), front.schema())?;
    let call = above.aggregate.group_expr.iter().find_map(window_call);
    let window = call
        .map(|call| window_spec(call, &table.sql).map_err(|problem| DataFusionError::Plan(problem.message)))
        .transpose()?;
    let spec = AggregateSpec {
        operator: table.name.clone(),
        window,
        time: above.time,
        keys: above.keys.clone(),
        key_names: above.key_names.clone(),
        calls,
        group: above.group.clone(),
        input: Arc::clone(front.schema()),
        output: output_schema(above, window.is_some()),
    };
    let late_schema = keep_input.then(|| late_schema(above, front.schema()));
    Ok(AggregateStage {
        spec: Arc::new(spec),
        back: pipeline(state, &above.plan)?,
        passed_from: above.passed_from,
        late_schema,
    })
}

fn calls(state: &SessionState, above: &Above, logical: &DFSchema, physical: &SchemaRef) -> Result<Vec<AggregateCall>> {
    let planning = PhysicalPlanningContext::default();
    let lowered = above.calls.iter().enumerate().map(|(at, call)| {
        let lowered = LoweredAggregateBuilder::new(call, logical, physical, state.execution_props(), &planning)
            .with_name(above.aggregate.aggr_expr[at].schema_name().to_string())
            .build()?;
        Ok(AggregateCall {
            name: words(&above.aggregate.aggr_expr[at]),
            function: lowered.aggregate,
            filter: lowered.filter,
        })
    });
    lowered.collect()
}

fn output_schema(above: &Above, has_window: bool) -> SchemaRef {
    let fields = above.aggregate.schema.fields().iter().enumerate().map(|(at, field)| {
        let is_window =
            has_window && above.aggregate.group_expr.get(at).is_some_and(|expr| window_call(expr).is_some());
        let kind = if is_window { window_type() } else { field.data_type().clone() };
        Field::new(format!("c{at}"), kind, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Late rows keep the columns of the aggregate's input, and say which watermark they missed in which epoch.
fn late_schema(above: &Above, front: &SchemaRef) -> SchemaRef {
    let names = plain_schema(above.aggregate.input.schema());
    let mut fields: Vec<Field> = names
        .fields()
        .iter()
        .enumerate()
        .map(|(at, field)| Field::new(field.name(), front.field(above.passed_from + at).data_type().clone(), true))
        .collect();
    fields.push(Field::new("_watermark", instant(), true));
    fields.push(Field::new("_epoch", DataType::Int64, true));
    Arc::new(Schema::new(fields))
}

fn event_time_column(plan: &LogicalPlan, input: &Relation) -> Option<String> {
    let event_time = input.event_time.as_ref()?;
    plan.schema()
        .columns()
        .into_iter()
        .find(|column| lineage(plan, column).as_ref() == Some(event_time))
        .map(|column| column.name)
}
