//! One table: SQL text to nodes that run.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use connector::{Capabilities, Delivery, WriteMode};
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement as DataFusionStatement;
use datafusion::sql::sqlparser::ast::Statement;
use expr::plan_types;
use expr::typing::{TypeRules, guards};
use futures::executor::block_on;
use job::{Late, OnError, OutputMode, StateTtl};
use operators::operator::Bound;

use crate::build::{Builder, Stream, only_static, place};
use crate::fault::{Fault, Result};
use crate::job_function::inline::inlined;
use crate::node::{Edge, Node, NodeKind, Origin};
use crate::normalize::normalize;
use crate::precheck;
use crate::problem::SqlProblem;
use crate::rehearsal::Rehearsal;
use crate::relation::{Relation, Rows, is_static};
use crate::rewrite::rewrite;
use crate::rules::{self, Subject};
use crate::stored::with_json;
use crate::times::EventTime;

/// A table as the runtime sees it; its nodes stand in the graph.
#[derive(Debug, Clone)]
pub struct TablePlan {
    /// Name of the table.
    pub name: String,
    /// The sources, tables and static tables it reads.
    pub inputs: Vec<String>,
    /// What a reader sees when.
    pub mode: OutputMode,
    /// What happens to late rows.
    pub late: Late,
    /// Its nodes in the graph.
    pub nodes: Range<usize>,
    /// Schema of the table.
    pub schema: SchemaRef,
    /// Columns of the table that carry event time.
    pub times: Vec<Option<EventTime>>,
    /// Sources that it reads in the end, directly or through other tables.
    pub sources: BTreeSet<String>,
    /// How its rows are written: as its sink can take them.
    pub write_mode: WriteMode,
    /// How often its rows reach the sink, if the job dies on the way.
    pub delivery: Delivery,
    /// Schema of `<table>__late`, if late rows are kept.
    pub late_schema: Option<SchemaRef>,
    /// What happens to rows that the query has no value for.
    pub on_error: OnError,
    /// True if there may be rows that it has no value for.
    pub can_fail: bool,
    /// Where other tables find its rows.
    pub rows: Rows,
}

impl TablePlan {
    /// True if rows that the query has no value for are told apart from the others. Where they were to be kept, and none was expected, the
    /// job stops: a row is not lost in silence.
    pub fn rejects_rows(&self) -> bool {
        self.on_error == OnError::Drop || self.keeps_rejected()
    }

    /// True if rows that the query has no value for are kept in a table of their own.
    pub fn keeps_rejected(&self) -> bool {
        self.can_fail && self.on_error == OnError::DeadLetter
    }

    /// True if its rows are replaced: whole buckets of them in each epoch that changes them.
    pub fn is_replaced(&self) -> bool {
        self.write_mode == WriteMode::ReplaceBuckets
    }

    /// The table as others read it.
    pub fn relation(&self) -> Relation {
        Relation {
            name: self.name.clone(),
            schema: Arc::clone(&self.schema),
            times: self.times.clone(),
            hidden: Vec::new(),
            rows: self.rows.clone(),
        }
    }
}

/// Where a table stands in the graph.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Its position among the tables.
    pub position: usize,
    /// Number of nodes before its own.
    pub first: usize,
    /// True if other tables read it.
    pub has_readers: bool,
}

/// Compiles a table's query.
///
/// # Errors
/// All problems that are apart from each other.
pub fn compile_table(
    context: &SessionContext,
    table: &job::Table,
    mut statement: Statement,
    relations: &HashMap<String, Relation>,
    inputs: &[String],
    at: Place,
    capabilities: &Capabilities,
) -> Result<(TablePlan, Vec<Node>), Vec<SqlProblem>> {
    let state = context.state();
    rewrite(&mut statement, &table.sql, relations, &state).map_err(|problem| vec![problem])?;
    precheck::check(&statement, &table.sql, &state).map_err(|problem| vec![problem])?;
    let one = |fault: Fault| vec![fault.into_problem(&table.sql)];
    let plan = analyze(&state, statement, &table.sql).map_err(one)?;
    if let (true, Some(name)) = (is_static(&plan, relations), inputs.first()) {
        return Err(vec![only_static(table, name)]);
    }
    let problems = rules::check(&Subject { plan: &plan, sql: &table.sql, mode: table.mode, relations });
    if !problems.is_empty() {
        return Err(problems);
    }
    let plan = normalize(&state, plan, relations, &table.sql).map_err(one)?;
    let builder = Builder::new(&state, table, relations, (at.position, at.first, at.has_readers));
    finish(builder, &plan, inputs, capabilities).map_err(one)
}

/// The plan of a query whose names and forms are DataFusion's, with the types that the rules have.
///
/// # Errors
/// If it means nothing.
pub fn analyze(state: &SessionState, statement: Statement, sql: &str) -> Result<LogicalPlan> {
    let plan = block_on(::batch::plan(state, DataFusionStatement::Statement(Box::new(statement))))?;
    analyzed(state, inlined(plan, sql)?)
}

/// A plan as DataFusion's planner makes it, with the types that the rules have.
///
/// # Errors
/// If it means nothing.
pub fn analyzed(state: &SessionState, plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = with_json(plan_types::rewrite(plan, TypeRules::of(state))?)?;
    Ok(state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})?)
}

fn finish(
    mut builder: Builder<'_>,
    plan: &LogicalPlan,
    inputs: &[String],
    capabilities: &Capabilities,
) -> Result<(TablePlan, Vec<Node>)> {
    let table = builder.table;
    let stream = match table.mode {
        OutputMode::Complete => builder.whole(plan)?,
        _ => builder.stream(plan, true)?,
    };
    let stream = named(&mut builder, plan, stream)?;
    let stream = builder.deduplicate(stream)?;
    let shown = match (stream.is_changing && !stream.is_replacing, builder.shown.take()) {
        (true, Some(shown)) => shown,
        (true, None) => builder.materialize(&stream)?,
        (false, _) => stream.clone(),
    };
    let edges = shown.from.iter().map(|from| Edge { from: from.clone(), port: 0 }).collect();
    let sink = Node { table: builder.position, inputs: edges, kind: NodeKind::Sink, is_entry: false, made: None };
    builder.nodes.push(sink);
    let late_schema = builder.nodes.iter().find_map(|node| match &node.kind {
        NodeKind::Operator(operator) => operator.late.as_ref().map(|late| Arc::clone(&late.schema)),
        _ => None,
    });
    check_late(table, &builder.nodes, late_schema.is_some())?;
    check_ttl(table, &builder.nodes, builder.forgets)?;
    Rehearsal { nodes: &builder.nodes, first: builder.first, relations: builder.relations }.run()?;
    let rules = TypeRules::of(builder.state);
    let readable = stream.from.iter().filter_map(|origin| match origin {
        Origin::Node(node) => Some(*node),
        Origin::Source(_) => None,
    });
    let rows = match table.mode {
        OutputMode::Complete => Rows::Whole,
        _ => Rows::Nodes {
            nodes: readable.collect(),
            are_changing: stream.is_changing,
            sources: builder.sources.clone(),
        },
    };
    let plan = TablePlan {
        name: table.name.clone(),
        inputs: inputs.to_vec(),
        mode: table.mode,
        late: table.late,
        nodes: builder.first..builder.first + builder.nodes.len(),
        schema: stream.schema,
        times: stream.times,
        sources: builder.sources,
        write_mode: write_mode(table, capabilities, shown.is_replacing)?,
        delivery: capabilities.delivery,
        late_schema,
        // Without Spark's types a row that the query has no value for stops the job, as it always did.
        on_error: if rules == TypeRules::Before { OnError::Fail } else { table.on_error },
        can_fail: rules != TypeRules::Before && guards::plan_can_fail(plan)?,
        rows,
    };
    Ok((plan, builder.nodes))
}

/// How the table is written. `is_changing`: its rows are replaced by later ones. A sink that takes rows by key alone would need
/// the changes themselves, which no table emits to a sink yet.
fn write_mode(table: &job::Table, capabilities: &Capabilities, is_changing: bool) -> Result<WriteMode> {
    match capabilities.write_mode(table.mode, is_changing) {
        Some(mode @ (WriteMode::Append | WriteMode::ReplaceBuckets)) => Ok(mode),
        Some(WriteMode::Upsert) | None => {
            let message = "the rows of this table change, and its warehouse cannot replace rows in files or buckets";
            let help =
                "write mode = \"append\", so that rows are emitted once they are final; or choose another warehouse";
            Err(SqlProblem::new(message, help).code("STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION").into())
        }
    }
}

/// `late = "table"` is a promise: a table whose late rows nothing keeps is refused.
fn check_late(table: &job::Table, nodes: &[Node], are_kept: bool) -> Result<()> {
    let mut operators = nodes.iter().filter_map(|node| match &node.kind {
        NodeKind::Operator(operator) => Some(operator),
        _ => None,
    });
    let has_join = operators.clone().any(|operator| operator.spec.name().contains("/join"));
    if table.late != Late::Table || are_kept && !has_join || operators.next().is_none() {
        return Ok(());
    }
    let what = if has_join { "a join of streams" } else { "this query" };
    let message = format!("late = \"table\": the late rows of {what} cannot be kept, they are only counted");
    let help = "leave `late` out; or read the source in a table of its own that aggregates or deduplicates it, with late = \"table\" there";
    Err(SqlProblem::new(message, help).into())
}

/// `state_ttl` is a promise too: it bounds every operator of the table that nothing else bounds, or the table is refused.
fn check_ttl(table: &job::Table, nodes: &[Node], forgets: bool) -> Result<()> {
    if !matches!(table.state_ttl, Some(StateTtl::After(_))) {
        return Ok(());
    }
    let unbounded = nodes.iter().find_map(|node| match &node.kind {
        NodeKind::Operator(operator) => match operator.bound() {
            Bound::Unbounded(what) => Some(what),
            _ => None,
        },
        _ => None,
    });
    let (message, help) = match (unbounded, table.mode) {
        (Some(_), OutputMode::Complete) => (
            "state_ttl cannot bound a table in complete mode: it shows every group there ever was".to_string(),
            "set mode = \"update\", in which rows that are forgotten stand; or write state_ttl = \"unbounded\"",
        ),
        (Some(what), _) => (
            format!("state_ttl cannot bound this query, a part of which needs all of its rows at once: {what}"),
            "write state_ttl = \"unbounded\"; or make that part a table of its own, and set state_ttl on the tables that it reads",
        ),
        (None, _) if !forgets => (
            "state_ttl has nothing to do here: the query keeps no state, or a watermark bounds it".to_string(),
            "take state_ttl away",
        ),
        (None, _) => return Ok(()),
    };
    Err(SqlProblem::new(message, help).into())
}

/// The stream under the names of the query's columns, whatever its last node is.
fn named(builder: &mut Builder<'_>, plan: &LogicalPlan, stream: Stream) -> Result<Stream> {
    let is_named = matches!(builder.nodes.last().map(|node| &node.kind), Some(NodeKind::Pipeline(_)));
    if is_named && stream.from.len() == 1 {
        return Ok(stream);
    }
    let place = place(plan, &stream.schema, 0)?;
    builder.pipeline(&place, stream)
}
