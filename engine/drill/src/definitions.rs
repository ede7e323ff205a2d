//! Which epochs of a table its definition in the job file has made: only those can be held against what it gives again.

use std::collections::BTreeMap;

use epoch::definition::Before;
use epoch::{Commit, EpochId};
use job::OutputMode;
use plan::{Graph, NodeKind, TablePlan};

/// Since when a table has had the definition of the job file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InForce {
    /// The first epoch; `None`: it is not on record.
    pub since: Option<EpochId>,
    /// What was before that.
    pub before: Before,
}

impl InForce {
    /// As the newest commit says. `fingerprints`: those of the job file.
    ///
    /// # Errors
    /// Why no epoch can be held against the job file: it has another definition than the newest.
    pub fn of(
        table: &str,
        newest: Option<&Commit>,
        fingerprints: &BTreeMap<String, String>,
    ) -> Result<InForce, String> {
        let unknown = InForce { since: None, before: Before::Unknown };
        let Some(commit) = newest.filter(|commit| !commit.definitions.is_empty()) else { return Ok(unknown) };
        let Some(definition) = commit.definitions.get(table) else {
            return Err(format!(
                "it is new in the job file, and no epoch up to {} was made with it: run the job first",
                commit.plan.epoch
            ));
        };
        match fingerprints.get(table) == Some(&definition.fingerprint) {
            true => Ok(InForce { since: Some(definition.since), before: definition.before }),
            false => Err(format!(
                "its definition in the job file is not the one that made epochs {} to {}; run the job, and its epochs from then on count",
                definition.since, commit.plan.epoch
            )),
        }
    }

    /// The epoch from which on the rows are of this definition, if there are or may be others before it.
    pub fn changed_in(&self) -> Option<EpochId> {
        self.since.filter(|_| self.before == Before::Another)
    }
}

/// True if a table's rows are written in the epoch that reads their records.
pub fn is_as_it_came(graph: &Graph, table: &TablePlan) -> bool {
    let inputs = table.inputs.iter().filter_map(|input| graph.plan_of(input));
    table.mode == OutputMode::Append
        && !keeps_state(graph, table)
        && inputs.into_iter().all(|input| is_as_it_came(graph, input))
}

/// True if something in a table's query has memory.
pub fn keeps_state(graph: &Graph, table: &TablePlan) -> bool {
    graph.nodes[table.nodes.clone()].iter().any(|node| matches!(node.kind, NodeKind::Operator(_)))
}

#[cfg(test)]
mod tests;
