//! What query the state in a checkpoint belongs to, so that another query is refused instead of misreading it.

use std::collections::{BTreeMap, BTreeSet};

use epoch::Message;
use operators::operator::OperatorSpec;
use plan::{Graph, NodeKind, Rows};
use serde::{Deserialize, Serialize};

use crate::error::RunError;

/// Format of the manifest: 1 had neither stores nor tables.
const FORMAT: u32 = 2;

/// Every operator with state, by name, and what its state is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// What the state of an operator is made of.
    operators: BTreeMap<String, Vec<String>>,
    /// What it means besides, by operator. Engines before did not write it: an operator of which the stored manifest says nothing here
    /// is taken for unchanged, so that their checkpoints open, and what it means stands there from the first commit on. It is no part of
    /// `operators` for that reason: there, a line more is another query.
    #[serde(default)]
    meanings: BTreeMap<String, Vec<String>>,
    /// Names under which an operator's blocks are filed.
    #[serde(default)]
    stores: BTreeMap<String, Vec<String>>,
    /// The operators of each table.
    #[serde(default)]
    tables: BTreeMap<String, BTreeSet<String>>,
}

impl Manifest {
    /// The manifest of a job's tables.
    ///
    /// # Errors
    /// If a function does not say what its state is.
    pub fn of(graph: &Graph) -> Result<Manifest, RunError> {
        let mut manifest = Manifest {
            format: FORMAT,
            operators: BTreeMap::new(),
            meanings: BTreeMap::new(),
            stores: BTreeMap::new(),
            tables: BTreeMap::new(),
        };
        for table in &graph.tables {
            let specs = table.nodes.clone().filter_map(|at| match &graph.nodes[at].kind {
                NodeKind::Operator(operator) => Some((at, &operator.spec)),
                _ => None,
            });
            let of_table = manifest.tables.entry(table.name.clone()).or_default();
            for (at, spec) in specs {
                let mut parts = fingerprint(spec.as_ref())?;
                parts.push(format!("mode {:?}", table.mode).to_lowercase());
                of_table.insert(spec.name().to_string());
                let meaning = graph.meaning(at);
                let meaning = meaning.map_err(|error| {
                    RunError::Internal(Message::caused_by(format!("{}: {error}", spec.name()), &error))
                })?;
                manifest.meanings.insert(spec.name().to_string(), meaning);
                manifest.stores.insert(spec.name().to_string(), spec.stores());
                manifest.operators.insert(spec.name().to_string(), parts);
            }
        }
        Ok(manifest)
    }

    /// What it says of one table.
    pub fn of_table(mut self, table: &str) -> Manifest {
        self.tables.retain(|name, _| name == table);
        let kept: BTreeSet<String> = self.tables.values().flatten().cloned().collect();
        self.operators.retain(|operator, _| kept.contains(operator));
        self.meanings.retain(|operator, _| kept.contains(operator));
        self
    }

    /// The bytes that stand in the checkpoint.
    ///
    /// # Errors
    /// Never in practice.
    pub fn encode(&self) -> Result<Vec<u8>, RunError> {
        serde_json::to_vec(self).map_err(|error| {
            RunError::Internal(Message::caused_by(format!("the manifest cannot be written: {error}"), &error))
        })
    }

    /// Reads the manifest of a checkpoint, of this format or an earlier one.
    ///
    /// # Errors
    /// `StateMismatch` if it is damaged, or of an engine that is newer than this one.
    pub fn decode(stored: &[u8], checkpoint: &str) -> Result<Manifest, RunError> {
        let mut manifest: Manifest = serde_json::from_slice(stored).map_err(|error| {
            RunError::StateMismatch(Message::caused_by(
                format!("the manifest of {checkpoint} cannot be read: {error}"),
                &error,
            ))
        })?;
        if manifest.format > FORMAT {
            let format = manifest.format;
            return Err(RunError::StateMismatch(format!(
                "{checkpoint} was written by a newer engine (its manifest has format {format}, this engine knows {FORMAT}); run that engine, or start with a new checkpoint and warehouse"
            ).into()));
        }
        if manifest.format == 1 {
            // An operator was an aggregate, and filed under the name of its table.
            for name in manifest.operators.keys() {
                manifest.stores.insert(name.clone(), vec![name.clone()]);
                manifest.tables.insert(name.clone(), BTreeSet::from([name.clone()]));
            }
        }
        Ok(manifest)
    }

    /// Checks that the stored state still fits the job. Tables may be added and removed; what a table keeps may not change.
    ///
    /// # Errors
    /// `StateMismatch` with every difference.
    pub fn check(&self, stored: &Manifest, checkpoint: &str) -> Result<(), RunError> {
        let mut changes = Vec::new();
        for (table, before) in &stored.tables {
            let Some(now) = self.tables.get(table) else { continue };
            changes.extend(now.difference(before).map(|operator| {
                format!(
                    "  {table}: the query keeps something ({operator}) that the state has not: {}",
                    self.what(operator)
                )
            }));
            changes.extend(before.difference(now).map(|operator| {
                format!(
                    "  {table}: the state has something ({operator}) that the query does not keep: {}",
                    stored.what(operator)
                )
            }));
        }
        for (operator, before) in &stored.operators {
            match self.operators.get(operator) {
                Some(now) if now != before => changes.extend(differences(operator, before, now)),
                _ => {}
            }
            if let (Some(before), Some(now)) = (stored.meanings.get(operator), self.meanings.get(operator))
                && before != now
            {
                changes.extend(differences(operator, before, now));
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        let kept_for_ever = |(operator, before): (&String, &Vec<String>)| {
            self.operators.get(operator).is_some_and(|now| evicts_now(before, now))
        };
        if stored.operators.iter().any(kept_for_ever) {
            changes.push(
                "  an older engine kept all rows of such a query in update mode; this one evicts them".to_string(),
            );
        }
        Err(RunError::StateMismatch(format!(
            "the job's SQL does not fit the state in {checkpoint} any more:\n{}\n  change the SQL back, give the changed table another name, or start with a new checkpoint and warehouse (docs/changing-a-job.md)",
            changes.join("\n")
        ).into()))
    }

    /// Tables that the stored manifest has and this one has not, each with the stores of its operators.
    pub fn gone(&self, stored: &Manifest) -> Vec<(String, Vec<String>)> {
        let gone = stored.tables.iter().filter(|(table, _)| !self.tables.contains_key(*table));
        gone.map(|(table, operators)| {
            let stores = operators.iter().filter_map(|operator| stored.stores.get(operator)).flatten();
            (table.clone(), stores.cloned().collect())
        })
        .collect()
    }

    /// Tables that this manifest has and the stored one has not. One of format 1 does not name those without state.
    pub fn new_tables(&self, stored: &Manifest) -> Vec<String> {
        let known = stored.format > 1;
        self.tables.keys().filter(|table| known && !stored.tables.contains_key(*table)).cloned().collect()
    }

    /// Checks that no new table reads an old one that retracts rows: it would have to retract what it never had.
    ///
    /// # Errors
    /// `StateMismatch` with every such table.
    pub fn check_readers(&self, graph: &Graph, stored: &Manifest, checkpoint: &str) -> Result<(), RunError> {
        let new_tables = self.new_tables(stored);
        let retracts = |name: &String| {
            let table = graph.tables.iter().find(|table| table.name.eq_ignore_ascii_case(name))?;
            let is_old = stored.tables.contains_key(&table.name);
            matches!(table.rows, Rows::Nodes { are_changing: true, .. }).then_some(&table.name).filter(|_| is_old)
        };
        let readers = graph.tables.iter().filter(|table| new_tables.contains(&table.name));
        let lines: Vec<String> = readers
            .flat_map(|table| table.inputs.iter().filter_map(retracts).map(|read| (&table.name, read)))
            .map(|(reader, read)| {
                format!("  {reader} is new and reads {read}, which retracts rows that {reader} has never had")
            })
            .collect();
        if lines.is_empty() {
            return Ok(());
        }
        Err(RunError::StateMismatch(format!(
            "the job does not fit the state in {checkpoint}:\n{}\n  give the table that is read another name too (both begin with the records from then on), or start with a new checkpoint and warehouse (docs/changing-a-job.md)",
            lines.join("\n")
        ).into()))
    }

    fn what(&self, operator: &str) -> String {
        self.operators.get(operator).map(|parts| parts.join(", ")).unwrap_or_default()
    }
}

fn fingerprint(spec: &dyn OperatorSpec) -> Result<Vec<String>, RunError> {
    spec.fingerprint()
        .map_err(|error| RunError::Internal(Message::caused_by(format!("{}: {error}", spec.name()), &error)))
}

/// True if the query is the same, but what it keeps goes by a time by which it did not go before.
fn evicts_now(before: &[String], now: &[String]) -> bool {
    let goes = |parts: &[String]| parts.iter().any(|part| part.contains(" goes by column ") || part.contains(" µs"));
    let query = |parts: &[String]| parts.iter().find(|part| part.starts_with("plan ")).cloned();
    !goes(before) && goes(now) && query(before) == query(now)
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
