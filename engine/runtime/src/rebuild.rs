//! `engine checkpoint rebuild`: a lost checkpoint of a job without state, made anew from what its warehouse says.

use std::collections::BTreeMap;
use std::path::Path;

use connector::{Message, Pointer, ReadByThen, SinkPosition, TableDefinition, Warehouse, WriterId};
use epoch::{
    Commit, CommitId, Contradiction, EpochId, Owner, Position, SinkLink, SourcePlan, SplitRange, WatermarkState, paths,
};
use job::Job;
use plan::{Graph, NodeKind, plan_job};
use state::{Checkpoint, CheckpointSettings, StateError};
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
    let runtime = Runtime::new()
        .map_err(|error| RunError::Internal(Message::caused_by(format!("no async runtime: {error}"), &error)))?;
    let statics = StaticSchemas::find(job, &backends.registry, runtime.handle())?;
    let capabilities = backends.registry.capabilities(&job.warehouse);
    let graph = plan_job(job, &schemas(job, &statics.schemas), &capabilities).map_err(problems)?;
    refuse_state(&graph)?;
    let folder = Path::new(&job.checkpoint);
    refuse_checkpoint(folder)?;
    let found = runtime.block_on(async {
        let warehouse = backends.registry.warehouse(&job.warehouse).await?;
        let pointer = newest_pointer(warehouse.as_ref(), job).await?;
        common(warehouse.as_ref(), job, &graph, &pointer).await
    })?;
    let settings = CheckpointSettings { memory_bytes: usize::try_from(job.state_memory_bytes).unwrap_or(usize::MAX) };
    let commit = commit_of(&found);
    Checkpoint::rebuild(folder, &job.name, &found.job_id, &settings, &commit)?.close()?;
    let of_source = |(source, positions): (&String, &epoch::Positions)| {
        positions
            .iter()
            .map(|(split, position)| (source.clone(), split.to_string(), position.clone()))
            .collect::<Vec<_>>()
    };
    Ok(Rebuilt {
        epoch: found.read.commit.epoch,
        job_id: found.job_id.clone(),
        positions: found.read.positions.iter().flat_map(of_source).collect(),
    })
}

/// A checkpoint without epochs does not count: a start that was refused leaves it.
fn refuse_checkpoint(folder: &Path) -> Result<(), RunError> {
    let there = match Checkpoint::open_read_only(folder) {
        Ok(there) => there,
        Err(StateError::NotACheckpoint { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if there.newest_commit()?.is_some() {
        return Err(RunError::Plan(format!(
            "{} is a checkpoint already; move it away first if it is to be rebuilt",
            folder.display()
        )));
    }
    Ok(())
}

/// What all tables have.
struct Common {
    job_id: String,
    owner: Owner,
    /// The newest epoch that all tables have which it touched.
    read: ReadByThen,
    links: BTreeMap<String, SinkLink>,
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

/// The newest epoch that every table has which it touched, as the tables themselves say; the pointer may be an epoch behind.
async fn common(warehouse: &dyn Warehouse, job: &Job, graph: &Graph, pointer: &Pointer) -> Result<Common, RunError> {
    let writer = WriterId { job: job.name.clone(), job_id: pointer.job_id.clone() };
    let (mut links, mut newest) = (BTreeMap::new(), None::<ReadByThen>);
    for TableDefinition { name, .. } in table_definitions(job, graph) {
        let pointed = pointer.versions.get(&name).copied();
        let table = warehouse.find_table(&name, &writer).await?;
        let position = match &table {
            Some(table) => table.position().await?,
            None => SinkPosition::default(),
        };
        if let Some(version) = position.restored {
            return Err(RunError::Contradiction(Contradiction::Restored { sink: name, version }));
        }
        if let Some(pointed) = pointed.filter(|pointed| position.version < *pointed) {
            return Err(behind(&name, &position, pointed));
        }
        let (Some(held), Some(table)) = (position.published, table) else { continue };
        let read = table.read_by_then().await?;
        if read.is_none() && held.epoch > pointer.epoch {
            return Err(unsaid(&name, held));
        }
        links.insert(name, SinkLink::found(held));
        newest = newest.into_iter().chain(read).max_by_key(|read| read.commit.epoch);
    }
    let of_pointer = ReadByThen {
        commit: CommitId { epoch: pointer.epoch, nonce: pointer.nonce },
        touched: Vec::new(),
        positions: pointer.positions.clone(),
        identities: pointer.identities.clone(),
        watermarks_us: pointer.watermarks_us.clone(),
    };
    let read = newest.filter(|newest| newest.commit.epoch > pointer.epoch).unwrap_or(of_pointer);
    for name in &read.touched {
        let held = links.get(name).map(|link| link.last);
        if held != Some(read.commit) {
            return Err(not_everywhere(name, held, &read, &links));
        }
    }
    Ok(Common { job_id: pointer.job_id.clone(), owner: pointer.owner, read, links })
}

/// A table that is ahead of the pointer, and of which nobody knows what its newest epoch had read.
fn unsaid(name: &str, held: CommitId) -> RunError {
    RunError::Plan(format!(
        "{name} holds epoch {held}, and no entry of its log says any more what was read by then. Restore a copy of the checkpoint, or \
         start with a new checkpoint and warehouse"
    ))
}

/// A table that lacks what it had: going on from where the others stand would leave a gap in it.
fn behind(name: &str, position: &SinkPosition, pointed: i64) -> RunError {
    let holds = position.published.map_or("nothing of this job".to_string(), |held| held.to_string());
    RunError::Plan(format!(
        "{name} was set back or deleted: it is at version {}, it was at {pointed}, and holds {holds}. Restore it, or start with a new \
         checkpoint and warehouse",
        position.version
    ))
}

fn not_everywhere(
    name: &str,
    held: Option<CommitId>,
    read: &ReadByThen,
    links: &BTreeMap<String, SinkLink>,
) -> RunError {
    let ahead: Vec<&str> =
        links.iter().filter(|(_, link)| link.last == read.commit).map(|(name, _)| name.as_str()).collect();
    RunError::Plan(format!(
        "{} is in {} and not in {name}, which holds {}. Nobody can tell the rest of it without the checkpoint: delete the last entry of \
         _delta_log in each of {}, then rebuild again, and its records are read once more",
        read.commit,
        ahead.join(", "),
        held.map_or("nothing of this job".to_string(), |held| held.to_string()),
        ahead.iter().map(|name| paths::table_folder(name)).collect::<Vec<_>>().join(", ")
    ))
}

/// The commit that the checkpoint begins with: nothing was read in it, and it stands where the tables say.
fn commit_of(found: &Common) -> Commit {
    let mut commit = Commit::bare(found.read.commit);
    for (source, positions) in &found.read.positions {
        let stands = |position: &Position| SplitRange { from: position.clone(), until: position.clone() };
        let planned = SourcePlan {
            ranges: positions.iter().map(|(split, position)| (split, stands(position))).collect(),
            latest: positions.clone(),
            identity: found.read.identities.get(source).cloned().unwrap_or_default(),
            ..SourcePlan::default()
        };
        commit.plan.sources.insert(source.clone(), planned);
    }
    for (source, watermark_us) in &found.read.watermarks_us {
        let state = WatermarkState { watermark_us: Some(*watermark_us), ..WatermarkState::default() };
        commit.watermarks.insert(source.clone(), state);
    }
    let least = found.read.watermarks_us.values().min().copied();
    (commit.plan.watermark_us, commit.next_watermark_us) = (least, least);
    commit.owner = found.owner;
    commit.sinks = found.links.clone();
    commit
}
