//! What a run is made of, opened and checked: checkpoint, tables, lanes, operators with their state.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::datatypes::SchemaRef;
use futures::future::try_join_all;
use job::{Job, OnError, OutputMode};
use operators::Aggregate;
use plan::{Graph, TablePlan};
use sink::{Table, Warehouse};
use state::{Checkpoint, OperatorId};
use tokio::runtime::Handle;

use crate::compute::{Compute, Layout, TableSetup, rejected_schema};
use crate::error::{RunError, of_table};
use crate::files::OpenFiles;
use crate::reader::{Reader, SourceSetup};
use crate::world::World;

/// Fetched bytes that wait to be decoded, over all lanes and sources.
const FETCH_BUFFER_BYTES: usize = 48 << 20;

/// All Delta tables of a job, by name: its own, then those for rejected and late rows. Opened side by side.
///
/// # Errors
/// The warehouse's errors; columns that do not fit an existing table.
pub async fn tables(
    warehouse: &Warehouse,
    job: &Job,
    graph: &Graph,
    job_id: &str,
) -> Result<BTreeMap<String, Table>, RunError> {
    let mut wanted: Vec<(String, SchemaRef)> = Vec::new();
    for table in &graph.tables {
        wanted.push((table.name.clone(), Arc::clone(&table.schema)));
        if let Some(schema) = late_schema(table) {
            wanted.push((epoch::layout::late_table(&table.name), schema));
        }
    }
    for source in job.sources.values().filter(|source| source.on_error == OnError::DeadLetter) {
        wanted.push((epoch::layout::rejected_table(&source.name), rejected_schema()));
    }
    let opened = wanted.into_iter().map(|(name, schema)| async move {
        let table = Table::open(warehouse, &name, schema, &job.name, job_id).await?;
        Ok::<_, RunError>((name, table))
    });
    Ok(try_join_all(opened).await?.into_iter().collect())
}

fn late_schema(table: &TablePlan) -> Option<SchemaRef> {
    table.aggregate.as_ref()?.late_schema.clone()
}

/// The graph as the lanes see it.
///
/// # Errors
/// Never in practice: every table was opened.
pub fn layout(graph: &Graph, job: &Job, tables: &BTreeMap<String, Table>) -> Result<Layout, RunError> {
    let find = |name: &str| {
        tables.get(name).cloned().ok_or_else(|| RunError::Internal(format!("table {name} was not opened")))
    };
    let position = |name: &str| graph.tables.iter().position(|table| table.name == name);
    let mut setups = Vec::new();
    let mut roots: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, table) in graph.tables.iter().enumerate() {
        let late = late_schema(table).map(|_| find(&epoch::layout::late_table(&table.name))).transpose()?;
        let children = graph
            .tables
            .iter()
            .enumerate()
            .filter(|(_, other)| position(&other.input) == Some(at))
            .map(|(child, _)| child);
        setups.push(TableSetup { plan: table.clone(), sink: find(&table.name)?, late, children: children.collect() });
        if graph.sources.contains_key(&table.input) {
            roots.entry(table.input.clone()).or_default().push(at);
        }
    }
    let dead_letters = job.sources.values().filter(|source| source.on_error == OnError::DeadLetter);
    let rejected =
        dead_letters.map(|source| Ok((source.name.clone(), find(&epoch::layout::rejected_table(&source.name))?)));
    Ok(Layout { tables: setups, roots, rejected: rejected.collect::<Result<_, RunError>>()? })
}

/// One reader a lane and source.
///
/// # Errors
/// Settings that a client does not take.
pub fn readers(job: &Job, graph: &Graph, world: &World, stop: &Arc<AtomicBool>) -> Result<Vec<Vec<Reader>>, RunError> {
    let setups: Vec<Arc<SourceSetup>> =
        job.sources.values().filter_map(|source| source_setup(source, graph)).map(Arc::new).collect();
    let buffer_bytes = FETCH_BUFFER_BYTES / (world.lanes as usize * setups.len().max(1));
    let lane = |number: u32| {
        setups.iter().map(move |setup| {
            let lane = world.lane(job, &setup.source, number, buffer_bytes, stop)?;
            Ok(Reader::new(Arc::clone(setup), lane))
        })
    };
    (0..world.lanes).map(|number| lane(number).collect()).collect()
}

fn source_setup(source: &job::Source, graph: &Graph) -> Option<SourceSetup> {
    let relation = graph.sources.get(&source.name)?;
    let event_time = relation.event_time.as_ref().and_then(|column| relation.schema.index_of(column).ok());
    Some(SourceSetup { source: source.clone(), schema: Arc::clone(&relation.schema), event_time })
}

/// The lanes' computing halves.
///
/// # Errors
/// If an aggregate cannot be set up.
pub fn computes(layout: &Arc<Layout>, lanes: u32) -> Result<Vec<Compute>, RunError> {
    (0..lanes).map(|lane| Compute::new(Arc::clone(layout), lane)).collect()
}

/// An aggregated table with its state.
pub struct Operator {
    /// Position of the table in the layout.
    pub at: usize,
    /// Its state.
    pub aggregate: Aggregate,
    /// Its open files, if its rows are replaced.
    pub files: Option<OpenFiles>,
}

/// Every aggregate with the state that the checkpoint has for it.
///
/// # Errors
/// If the checkpoint cannot be read.
pub fn operators(layout: &Layout, checkpoint: &Checkpoint) -> Result<Vec<Operator>, RunError> {
    let mut operators = Vec::new();
    for (at, table) in layout.tables.iter().enumerate() {
        let Some(stage) = &table.plan.aggregate else { continue };
        let blocks = checkpoint.bucket_index(OperatorId::of(&stage.spec.operator))?.collect::<Result<Vec<_>, _>>()?;
        let aggregate = Aggregate::open(Arc::clone(&stage.spec), blocks).map_err(of_table(&table.plan.name))?;
        let files = match table.plan.mode {
            OutputMode::Append => None,
            OutputMode::Update | OutputMode::Complete => Some(OpenFiles::open(checkpoint, &table.plan.name)?),
        };
        operators.push(Operator { at, aggregate, files });
    }
    Ok(operators)
}

/// A warehouse and the tables of a job in it, by name.
pub type Opened = (Warehouse, BTreeMap<String, Table>);

/// Opens the warehouse and its tables while the sources are still being asked.
pub fn open_tables(
    runtime: &Handle,
    job: &Job,
    graph: &Arc<Graph>,
    job_id: &str,
    world: &World,
) -> tokio::task::JoinHandle<Result<Opened, RunError>> {
    let (job, graph, job_id, world) = (job.clone(), Arc::clone(graph), job_id.to_string(), world.clone());
    runtime.spawn(async move {
        let warehouse = world.warehouse(&job).await?;
        let tables = tables(&warehouse, &job, &graph, &job_id).await?;
        Ok((warehouse, tables))
    })
}
