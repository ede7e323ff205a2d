//! What query the state in a checkpoint belongs to, so that another query is refused instead of misreading it.

use std::collections::BTreeMap;

use operators::operator::OperatorSpec;
use plan::{Graph, NodeKind};
use serde::{Deserialize, Serialize};

use crate::error::RunError;

/// Format of the manifest.
const FORMAT: u32 = 1;

/// Every operator with state, by name, and what its state is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    operators: BTreeMap<String, Vec<String>>,
}

impl Manifest {
    /// The manifest of a job's tables.
    ///
    /// # Errors
    /// If a function does not say what its state is.
    pub fn of(graph: &Graph) -> Result<Manifest, RunError> {
        let mut operators = BTreeMap::new();
        for table in &graph.tables {
            let nodes = graph.nodes[table.nodes.clone()].iter();
            let specs = nodes.filter_map(|node| match &node.kind {
                NodeKind::Operator(operator) => Some(&operator.spec),
                _ => None,
            });
            for spec in specs {
                let mut parts = fingerprint(spec.as_ref())?;
                parts.push(format!("mode {:?}", table.mode).to_lowercase());
                operators.insert(spec.name().to_string(), parts);
            }
        }
        Ok(Manifest { format: FORMAT, operators })
    }

    /// The bytes that stand in the checkpoint.
    ///
    /// # Errors
    /// Never in practice.
    pub fn encode(&self) -> Result<Vec<u8>, RunError> {
        serde_json::to_vec(self).map_err(|error| RunError::Internal(format!("the manifest cannot be written: {error}")))
    }

    /// Checks that the stored state still fits the job. Tables may be added and removed; what a table keeps may not change.
    ///
    /// # Errors
    /// `StateMismatch` with every difference.
    pub fn check(&self, stored: Option<&[u8]>, checkpoint: &str) -> Result<(), RunError> {
        let Some(stored) = stored else { return Ok(()) };
        let stored: Manifest = serde_json::from_slice(stored).map_err(|error| {
            RunError::StateMismatch(format!("the manifest of {checkpoint} cannot be read: {error}"))
        })?;
        let mut changes = Vec::new();
        for (operator, before) in &stored.operators {
            match self.operators.get(operator) {
                Some(now) if now != before => changes.extend(differences(operator, before, now)),
                _ => {}
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        Err(RunError::StateMismatch(format!(
            "the job's SQL does not fit the state in {checkpoint} any more:\n{}\n  change the SQL back, give the changed table another name, or start with a new checkpoint and warehouse",
            changes.join("\n")
        )))
    }
}

impl Manifest {
    /// Operators that the stored manifest has and this one has not.
    pub fn gone(&self, stored: Option<&[u8]>) -> Vec<String> {
        let stored: Option<Manifest> = stored.and_then(|stored| serde_json::from_slice(stored).ok());
        let operators = stored.map(|stored| stored.operators).unwrap_or_default();
        operators.into_keys().filter(|operator| !self.operators.contains_key(operator)).collect()
    }
}

fn fingerprint(spec: &dyn OperatorSpec) -> Result<Vec<String>, RunError> {
    spec.fingerprint().map_err(|error| RunError::Internal(format!("{}: {error}", spec.name())))
}

fn differences(operator: &str, before: &[String], now: &[String]) -> Vec<String> {
    let gone = before
        .iter()
        .filter(|part| !now.contains(part))
        .map(|part| format!("  {operator}: the state has {part}, the query has not"));
    let new = now
        .iter()
        .filter(|part| !before.contains(part))
        .map(|part| format!("  {operator}: the query has {part}, the state has not"));
    let changes: Vec<String> = gone.chain(new).collect();
    if changes.is_empty() {
        vec![format!("  {operator}: the order of keys or aggregates has changed")]
    } else {
        changes
    }
}

#[cfg(test)]
mod tests;
