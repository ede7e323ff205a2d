//! What a run is made of, opened and checked: checkpoint, tables, lanes, operators with their state.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::datatypes::SchemaRef;
use delta::{Table, Warehouse};
use futures::future::try_join_all;
use job::{Job, OnError};
use operators::operator::{Operator, OperatorSpec, Stored};
use operators::store::Budget;
use plan::Graph;
use state::{Checkpoint, OperatorId};
use tokio::runtime::Handle;

use crate::backends::Backends;
use crate::compute::{Compute, rejected_schema};
use crate::error::{RunError, of_table};
use crate::files::OpenFiles;
use crate::reader::{Reader, SourceSetup};
use crate::topology::{TableSetup, Topology};

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
        if let Some(schema) = table.late_schema.clone() {
            wanted.push((epoch::paths::late_table(&table.name), schema));
        }
    }
    for source in job.sources.values().filter(|source| source.on_error == OnError::DeadLetter) {
        wanted.push((epoch::paths::rejected_table(&source.name), rejected_schema()));
    }
    let opened = wanted.into_iter().map(|(name, schema)| async move {
        let table = Table::open(warehouse, &name, schema, &job.name, job_id).await?;
        Ok::<_, RunError>((name, table))
    });
    Ok(try_join_all(opened).await?.into_iter().collect())
}

/// The graph as the lanes see it.
///
/// # Errors
/// Never in practice: every table was opened.
pub fn topology(graph: &Graph, job: &Job, tables: &BTreeMap<String, Table>) -> Result<Topology, RunError> {
    let find = |name: &str| {
        tables.get(name).cloned().ok_or_else(|| RunError::Internal(format!("table {name} was not opened")))
    };
    let dead_letters = job.sources.values().filter(|source| source.on_error == OnError::DeadLetter);
    let rejected =
        dead_letters.map(|source| Ok((source.name.clone(), find(&epoch::paths::rejected_table(&source.name))?)));
    Topology::new(graph, job.watermark_policy, tables, rejected.collect::<Result<_, RunError>>()?)
}

/// One reader a lane and source.
///
/// # Errors
/// Settings that a client does not take.
pub fn readers(
    job: &Job,
    graph: &Graph,
    backends: &Backends,
    stop: &Arc<AtomicBool>,
) -> Result<Vec<Vec<Reader>>, RunError> {
    let setups: Vec<Arc<SourceSetup>> =
        job.sources.values().filter_map(|source| source_setup(source, graph)).map(Arc::new).collect();
    let buffer_bytes = FETCH_BUFFER_BYTES / (backends.lanes as usize * setups.len().max(1));
    let lane = |number: u32| {
        setups.iter().map(move |setup| {
            let lane = backends.lane(job, &setup.source, number, buffer_bytes, stop)?;
            Ok(Reader::new(Arc::clone(setup), lane))
        })
    };
    (0..backends.lanes).map(|number| lane(number).collect()).collect()
}

fn source_setup(source: &job::Source, graph: &Graph) -> Option<SourceSetup> {
    let relation = graph.sources.get(&source.name)?;
    let event_time = relation.event_time();
    Some(SourceSetup { source: source.clone(), schema: Arc::clone(&relation.schema), event_time })
}

/// The lanes' computing halves.
///
/// # Errors
/// If an aggregate cannot be set up.
pub fn computes(topology: &Arc<Topology>, lanes: u32) -> Result<Vec<Compute>, RunError> {
    (0..lanes).map(|lane| Compute::new(Arc::clone(topology), lane)).collect()
}

/// An operator with its state.
pub struct Running {
    /// Its node in the topology.
    pub node: usize,
    /// Its state.
    pub operator: Box<dyn Operator>,
}

/// Every operator with the state that the checkpoint has for it.
///
/// # Errors
/// If the checkpoint cannot be read.
pub fn operators(topology: &Topology, checkpoint: &Checkpoint, memory_bytes: u64) -> Result<Vec<Running>, RunError> {
    let budget = Arc::new(Budget::new(usize::try_from(memory_bytes).unwrap_or(usize::MAX)));
    let last = checkpoint.newest_records()?.commit.map(|commit| topology.moments(&commit.plan));
    let open = |(node, spec): (usize, &Arc<dyn OperatorSpec>)| {
        let of_store = |name: &String| checkpoint.bucket_index(OperatorId::of(name))?.collect::<Result<Vec<_>, _>>();
        let blocks = spec.stores().iter().map(of_store).collect::<Result<Vec<_>, _>>()?;
        let last = last.as_ref().map(|moments| moments[node]);
        let name = &topology.tables[topology.nodes[node].table].plan.name;
        let stored = Stored { blocks, last, budget: Arc::clone(&budget) };
        let operator = Arc::clone(spec).open(stored).map_err(of_table(name))?;
        Ok(Running { node, operator })
    };
    topology.operators().map(open).collect()
}

/// The open files of every table whose rows are replaced.
///
/// # Errors
/// If the checkpoint cannot be read.
pub fn open_files(topology: &Topology, checkpoint: &Checkpoint) -> Result<Vec<Option<OpenFiles>>, RunError> {
    let open = |table: &TableSetup| match table.plan.is_replaced {
        true => OpenFiles::open(checkpoint, &table.plan.name).map(Some),
        false => Ok(None),
    };
    topology.tables.iter().map(open).collect()
}

/// A warehouse and the tables of a job in it, by name.
pub type Opened = (Warehouse, BTreeMap<String, Table>);

/// Opens the warehouse and its tables while the sources are still being asked.
pub fn open_tables(
    runtime: &Handle,
    job: &Job,
    graph: &Arc<Graph>,
    job_id: &str,
    backends: &Backends,
) -> tokio::task::JoinHandle<Result<Opened, RunError>> {
    let (job, graph, job_id, backends) = (job.clone(), Arc::clone(graph), job_id.to_string(), backends.clone());
    runtime.spawn(async move {
        let warehouse = backends.warehouse(&job).await?;
        let tables = tables(&warehouse, &job, &graph, &job_id).await?;
        Ok((warehouse, tables))
    })
}
