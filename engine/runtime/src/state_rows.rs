//! What a job's operators keep, read from its checkpoint as of the last committed epoch, also while the job runs.

use std::path::Path;
use std::sync::Arc;

use job::Job;
use operators::operator::Stored;
use operators::state_rows::StateRows;
use plan::{Graph, NodeKind, OperatorNode, TablePlan};
use state::{Checkpoint, CheckpointReader, OperatorId};

use crate::error::{RunError, of_table};
use crate::manifest::Manifest;
use crate::topology::table_time;

/// The names that [`state_rows`] knows: every store of every operator, table by table.
pub fn states(graph: &Graph) -> Vec<(String, Vec<String>)> {
    let of = |table: &TablePlan| operators(graph, table).flat_map(|operator| operator.spec.stores()).collect();
    graph.tables.iter().map(|table| (table.name.clone(), of(table))).collect()
}

/// What a table's operators keep, store by store. Empty if the table keeps nothing.
///
/// # Errors
/// The checkpoint's; `StateMismatch` if the state is not that of the job's queries; `Plan` if there is no such table.
pub fn state_rows(job: &Job, graph: &Graph, table: &str) -> Result<Vec<StateRows>, RunError> {
    let plan = graph.plan_of(table).ok_or_else(|| {
        let names: Vec<&str> = graph.tables.iter().map(|table| table.name.as_str()).collect();
        RunError::Plan(format!("the job {} has no table {table}; its tables are {}", job.name, names.join(", ")))
    })?;
    let checkpoint = Checkpoint::open_read_only(Path::new(&job.checkpoint))?;
    if let Some(stored) = checkpoint.manifest()? {
        let own = Manifest::of(graph)?.of_table(&plan.name);
        own.check(&Manifest::decode(&stored, &job.checkpoint)?, &job.checkpoint)?;
    }
    let mut all = Vec::new();
    for operator in operators(graph, plan) {
        let stored = stored(job, plan, operator, &checkpoint)?;
        all.extend(Arc::clone(&operator.spec).state_rows(stored, &checkpoint).map_err(of_table(&plan.name))?);
    }
    Ok(all)
}

fn operators<'a>(graph: &'a Graph, table: &TablePlan) -> impl Iterator<Item = &'a OperatorNode> {
    graph.nodes[table.nodes.clone()].iter().filter_map(|node| match &node.kind {
        NodeKind::Operator(operator) => Some(operator),
        _ => None,
    })
}

fn stored(
    job: &Job,
    table: &TablePlan,
    operator: &OperatorNode,
    checkpoint: &CheckpointReader,
) -> Result<Stored, RunError> {
    let blocks_of = |name: &String| checkpoint.bucket_index(OperatorId::of(name))?.collect::<Result<Vec<_>, _>>();
    let blocks = operator.spec.stores().iter().map(blocks_of).collect::<Result<Vec<_>, _>>()?;
    let last = checkpoint.newest_commit()?.map(|commit| {
        let time = table_time(table, job.watermark_policy, &commit.plan);
        operators::operator::EpochTime {
            epoch: commit.plan.epoch,
            batch_time_us: commit.plan.state_time_us(&table.name),
            watermark_us: operator.behind(time.watermark_us),
            late_us: operator.behind(time.late_us),
        }
    });
    Ok(Stored { blocks, last, partitioning: checkpoint.key_partitioning(), ..Stored::default() })
}
