//! What a run is made of, opened and checked: checkpoint, tables, lanes, operators with their state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use connector::{ReaderOptions, TableDefinition, Tables, Warehouse, WriterId};
use epoch::paths;
use expr::scalar::time_text::{TextPattern, Zone};
use formats::{ReadTime, TimeText};
use futures::future::try_join_all;
use job::{Job, OnError};
use operators::operator::{OperatorSpec, Stored};
use operators::store::Budget;
use plan::Graph;
use state::{Checkpoint, KeyPartitioning, OperatorId};
use tokio::runtime::Handle;

use crate::backends::Backends;
use crate::batch_builder::SourceSetup;
use crate::compute::Compute;
use crate::error::{RunError, of_table};
use crate::files::OpenFiles;
use crate::operate::Running;
use crate::reader::Reader;
use crate::rejected::{rejected_rows_schema, rejected_schema};
use crate::topology::Topology;

/// Fetched bytes that wait to be decoded, over all lanes and sources.
const FETCH_BUFFER_BYTES: usize = 48 << 20;

/// All tables of a job: its own, then those for rejected and late rows.
pub fn table_definitions(job: &Job, graph: &Graph) -> Vec<TableDefinition> {
    let mut wanted: Vec<TableDefinition> = Vec::new();
    for table in &graph.tables {
        wanted.push(TableDefinition { name: table.name.clone(), schema: Arc::clone(&table.schema), key: Vec::new() });
        if table.keeps_rejected() {
            let name = paths::rejected_rows_table(&table.name);
            wanted.push(TableDefinition { name, schema: rejected_rows_schema(), key: Vec::new() });
        }
        if let Some(schema) = table.late_schema.clone() {
            wanted.push(TableDefinition { name: paths::late_table(&table.name), schema, key: Vec::new() });
        }
    }
    for source in job.sources.values().filter(|source| source.on_error == OnError::DeadLetter) {
        wanted.push(TableDefinition {
            name: paths::rejected_table(&source.name),
            schema: rejected_schema(),
            key: Vec::new(),
        });
    }
    wanted
}

/// All tables of a job, by name, opened side by side.
///
/// # Errors
/// The warehouse's errors; columns that do not fit an existing table.
async fn tables(warehouse: &dyn Warehouse, job: &Job, graph: &Graph, writer: &WriterId) -> Result<Tables, RunError> {
    let wanted = table_definitions(job, graph);
    let opened = wanted.into_iter().map(|definition| async move {
        let table = warehouse.open_table(&definition, writer).await?;
        Ok::<_, RunError>((definition.name, table))
    });
    Ok(try_join_all(opened).await?.into_iter().collect())
}

/// The graph as the lanes see it.
///
/// # Errors
/// Never in practice: every table was opened.
pub fn topology(graph: &Graph, job: &Job, tables: &Tables) -> Result<Topology, RunError> {
    let find = |name: &str| {
        tables.get(name).cloned().ok_or_else(|| RunError::Internal(format!("table {name} was not opened").into()))
    };
    let dead_letters = job.sources.values().filter(|source| source.on_error == OnError::DeadLetter);
    let rejected = dead_letters.map(|source| Ok((source.name.clone(), find(&paths::rejected_table(&source.name))?)));
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
    let lane = |lane: u32| {
        setups.iter().map(move |setup| {
            let options = ReaderOptions { lane, buffer_bytes, stop: Arc::clone(stop) };
            let reader = backends.registry.source(&setup.source, job)?.reader(&options)?;
            Ok(Reader::new(Arc::clone(setup), reader))
        })
    };
    (0..backends.lanes).map(|number| lane(number).collect()).collect()
}

fn source_setup(source: &job::Source, graph: &Graph) -> Option<SourceSetup> {
    let relation = graph.sources.get(&source.name)?;
    let event_time = relation.event_time();
    let (computed, times) = (graph.computed.get(&source.name).cloned(), read_times(source));
    Some(SourceSetup { source: source.clone(), schema: Arc::clone(&relation.schema), event_time, computed, times })
}

/// How the times of a source's columns are written. What is wrong with a pattern or a zone was said when the job was planned.
fn read_times(source: &job::Source) -> BTreeMap<String, ReadTime> {
    let of_column = |form: &job::TimeForm| {
        let zone = form.time_zone.as_ref().and_then(|zone| Zone::parse(&zone.text).ok());
        let pattern = form.format.as_ref().and_then(|text| TextPattern::parse(&text.text, zone).ok());
        let text = match (pattern, zone) {
            (Some(pattern), _) => TimeText::Pattern(Arc::new(move |text| pattern.read(text))),
            (None, Some(zone)) => TimeText::IsoAt(Arc::new(move |local_us| zone.instant_us(local_us))),
            (None, None) => TimeText::Iso,
        };
        ReadTime { unit: form.unit, text }
    };
    source.times.iter().map(|(name, form)| (name.clone(), of_column(form))).collect()
}

/// The lanes' computing halves.
///
/// # Errors
/// If an aggregate cannot be set up.
pub fn computes(topology: &Arc<Topology>, lanes: u32, partitioning: KeyPartitioning) -> Result<Vec<Compute>, RunError> {
    (0..lanes).map(|lane| Compute::new(Arc::clone(topology), lane, partitioning)).collect()
}

/// Every operator with the state that the checkpoint has for it.
///
/// # Errors
/// If the checkpoint cannot be read.
pub fn operators(topology: &Topology, checkpoint: &Checkpoint, memory_bytes: u64) -> Result<Vec<Running>, RunError> {
    let budget = Arc::new(Budget::new(usize::try_from(memory_bytes).unwrap_or(usize::MAX)));
    let last = checkpoint.newest_commit()?.map(|commit| topology.times(&commit.plan));
    let open = |(node, spec): (usize, &Arc<dyn OperatorSpec>)| {
        let of_store = |name: &String| checkpoint.bucket_index(OperatorId::of(name))?.collect::<Result<Vec<_>, _>>();
        let blocks = spec.stores().iter().map(of_store).collect::<Result<Vec<_>, _>>()?;
        let last = last.as_ref().map(|times| times[node]);
        let name = &topology.tables[topology.nodes[node].table].plan.name;
        let stored = Stored { blocks, last, partitioning: checkpoint.key_partitioning(), budget: Arc::clone(&budget) };
        let operator = Arc::clone(spec).open(stored).map_err(of_table(name))?;
        Ok(Running { node, operator })
    };
    topology.operators().map(open).collect()
}

/// The open files of every table whose rows are replaced.
///
/// # Errors
/// If the checkpoint cannot be read.
pub fn open_files(
    replaced: &BTreeSet<String>,
    checkpoint: &Checkpoint,
) -> Result<BTreeMap<String, OpenFiles>, RunError> {
    replaced.iter().map(|table| Ok((table.clone(), OpenFiles::open(checkpoint, table)?))).collect()
}

/// A warehouse and the tables of a job in it.
pub type Opened = (Arc<dyn Warehouse>, Tables);

/// Opens the warehouse and its tables while the sources are still being asked.
pub fn open_tables(
    runtime: &Handle,
    job: &Job,
    graph: &Arc<Graph>,
    writer: &WriterId,
    backends: &Backends,
) -> tokio::task::JoinHandle<Result<Opened, RunError>> {
    let (job, graph, writer) = (job.clone(), Arc::clone(graph), writer.clone());
    let registry = backends.registry.clone();
    runtime.spawn(async move {
        let warehouse = registry.warehouse(&job.warehouse).await?;
        let tables = tables(warehouse.as_ref(), &job, &graph, &writer).await?;
        Ok((warehouse, tables))
    })
}
