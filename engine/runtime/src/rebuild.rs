//! `engine checkpoint rebuild`: a lost checkpoint of a job without state, made anew from what its warehouse says.

use std::collections::BTreeMap;
use std::path::Path;

use connector::{Pointer, TableDefinition, Warehouse, WriterId};
use epoch::{Commit, CommitId, EpochId, Position, SinkLink, SourcePlan, SplitRange, WatermarkState, paths};
use job::Job;
use plan::{Graph, NodeKind, plan_job};
use state::{Checkpoint, CheckpointSettings};
use tokio::runtime::Runtime;

use crate::backends::Backends;
use crate::error::RunError;
use crate::schemas::{problems, schemas};
use crate::start::table_definitions;
use crate::statics::StaticSchemas;

/// What was rebuilt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The epoch that the checkpoint stands at.
    pub epoch: EpochId,
    /// Id of the checkpoint: that of the lost one.
    pub job_id: String,
    /// What the job goes on from, for people: source, split, position.
    pub positions: Vec<(String, String, Position)>,
}

/// Makes a checkpoint where there is none, from the pointer and the records that the job's tables hold.
///
/// # Errors
/// `Plan` if the job keeps state, which is nowhere else, if there is a checkpoint already, or if nothing was published;
/// `Contradiction`-like refusals in `Plan` if a table has epochs that not every table has.
pub fn rebuild(job: &Job, backends: &Backends) -> Result<Rebuilt, RunError> {
    let runtime = Runtime::new().map_err(|error| RunError::Internal(format!("no async runtime: {error}")))?;
    let statics = StaticSchemas::find(job, &backends.registry, runtime.handle())?;
    let capabilities = backends.registry.capabilities(&job.warehouse);
    let graph = plan_job(job, &schemas(job, &statics.schemas), &capabilities).map_err(problems)?;
    refuse_state(&graph)?;
    let folder = Path::new(&job.checkpoint);
    if Checkpoint::open_read_only(folder).is_ok() {
        return Err(RunError::Plan(format!(
            "{} is a checkpoint already; move it away first if it is to be rebuilt",
            folder.display()
        )));
    }
    let (pointer, links) = runtime.block_on(async {
        let warehouse = backends.registry.warehouse(&job.warehouse).await?;
        let pointer = newest_pointer(warehouse.as_ref(), job).await?;
        let links = links(warehouse.as_ref(), job, &graph, &pointer).await?;
        Ok::<_, RunError>((pointer, links))
    })?;
    let commit = commit_of(&pointer, links);
    let settings = CheckpointSettings { memory_bytes: usize::try_from(job.state_memory_bytes).unwrap_or(usize::MAX) };
    Checkpoint::rebuild(folder, &job.name, &pointer.job_id, &settings, &commit)?.close()?;
    let of_source = |(source, positions): (&String, &epoch::Positions)| {
        positions
            .iter()
            .map(|(split, position)| (source.clone(), split.to_string(), position.clone()))
            .collect::<Vec<_>>()
    };
    Ok(Rebuilt {
        epoch: pointer.epoch,
        job_id: pointer.job_id.clone(),
        positions: pointer.positions.iter().flat_map(of_source).collect(),
    })
}

fn refuse_state(graph: &Graph) -> Result<(), RunError> {
    let keeps = graph.nodes.iter().find(|node| matches!(node.kind, NodeKind::Operator(_)));
    let Some(table) = keeps.and_then(|node| graph.tables.get(node.table)) else { return Ok(()) };
    Err(RunError::Plan(format!(
        "{} keeps state, which was in the lost checkpoint and nowhere else; restore a copy of the checkpoint, or start with a new \
         checkpoint and warehouse",
        table.name
    )))
}

async fn newest_pointer(warehouse: &dyn Warehouse, job: &Job) -> Result<Pointer, RunError> {
    let pointer = warehouse.pointers().await?.into_iter().find(|pointer| pointer.job == job.name);
    let refused =
        |what: &str| RunError::Plan(format!("{what} in {}; start the job with a new checkpoint", job.warehouse));
    let pointer = pointer.ok_or_else(|| refused(&format!("the job {} has published nothing", job.name)))?;
    match pointer.job_id.is_empty() {
        true => Err(refused(&format!("an engine that kept no offsets published the job {}", job.name))),
        false => Ok(pointer),
    }
}

/// Where each table stands; all of them have the pointer's epoch, or none after it that another lacks.
async fn links(
    warehouse: &dyn Warehouse,
    job: &Job,
    graph: &Graph,
    pointer: &Pointer,
) -> Result<BTreeMap<String, SinkLink>, RunError> {
    let writer = WriterId { job: job.name.clone(), job_id: pointer.job_id.clone() };
    let mut links = BTreeMap::new();
    for TableDefinition { name, .. } in table_definitions(job, graph) {
        let Some(table) = warehouse.find_table(&name, &writer).await? else { continue };
        let Some(held) = table.position().await?.published else { continue };
        if held.epoch > pointer.epoch {
            let (pointed, version) = (pointer.epoch, pointer.versions.get(&name));
            let version = version.map_or("before it had any".to_string(), |version| format!("at version {version}"));
            return Err(RunError::Plan(format!(
                "{name} ({}) holds {held}, which not every table has: the newest that all have is epoch {pointed}. Restore {name} as it \
                 was {version}, then rebuild again",
                paths::table_folder(&name)
            )));
        }
        links.insert(name, SinkLink::found(held));
    }
    Ok(links)
}

/// The commit that the checkpoint begins with: nothing was read in it, and it stands where the pointer says.
fn commit_of(pointer: &Pointer, links: BTreeMap<String, SinkLink>) -> Commit {
    let mut commit = Commit::bare(CommitId { epoch: pointer.epoch, nonce: pointer.nonce });
    for (source, positions) in &pointer.positions {
        let stands = |position: &Position| SplitRange { from: position.clone(), until: position.clone() };
        let planned = SourcePlan {
            ranges: positions.iter().map(|(split, position)| (split, stands(position))).collect(),
            latest: positions.clone(),
            ..SourcePlan::default()
        };
        commit.plan.sources.insert(source.clone(), planned);
    }
    for (source, watermark_us) in &pointer.watermarks_us {
        let state = WatermarkState { watermark_us: Some(*watermark_us), ..WatermarkState::default() };
        commit.watermarks.insert(source.clone(), state);
    }
    let least = pointer.watermarks_us.values().min().copied();
    (commit.plan.watermark_us, commit.next_watermark_us) = (least, least);
    commit.owner = pointer.owner;
    commit.sinks = links;
    commit
}
