//! A recomputed query as the runtime and `engine explain` ask for it.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use expr::window::duration;
use state::KeyPartitioning;

use super::operator::Recompute;
use super::spec::{RecomputePort, RecomputeSpec};
use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::emission::Emission;
use crate::first_emission::FirstEmission;
use crate::keyed::{KeyedLane, KeyedPort};
use crate::operator::{Bound, Operator, OperatorLane, OperatorSpec};
use crate::plain_rows::{null_row, plain_row};
use crate::state_rows::StateRows;
use crate::store;
use crate::stored::Stored;

impl OperatorSpec for RecomputeSpec {
    fn name(&self) -> &str {
        &self.name
    }

    fn input(&self, port: usize) -> &SchemaRef {
        &self.ports[port].input
    }

    fn output(&self) -> &SchemaRef {
        &self.output
    }

    fn stores(&self) -> Vec<String> {
        let mut names: Vec<String> = self.store_specs().into_iter().map(|store| store.name).collect();
        names.extend(self.emits_when_empty.then(|| FirstEmission::name(&self.name)));
        names
    }

    fn lane(self: Arc<Self>, partitioning: KeyPartitioning) -> Result<Box<dyn OperatorLane>, OperatorError> {
        let port = |port: &RecomputePort| KeyedPort { keys: port.keys.clone(), event_time: port.event_time };
        Ok(Box::new(KeyedLane::new(self.ports.iter().map(port).collect(), partitioning)))
    }

    fn open(self: Arc<Self>, stored: Stored) -> Result<Box<dyn Operator>, OperatorError> {
        self.check()?;
        Ok(Box::new(Recompute::open(self, stored)))
    }

    // The words are part of every checkpoint: state of a query that stays the same is read back only if they do.
    fn fingerprint(&self) -> Result<Vec<String>, OperatorError> {
        let mut parts = Vec::new();
        for (number, store) in self.store_specs().iter().enumerate() {
            for (column, field) in store.schema.fields().iter().enumerate() {
                let kind = if column < store.keys { "key" } else { "column" };
                parts.push(format!("input {number} {kind} {} {}", field.name(), field.data_type()));
            }
            parts.extend(store.expires.map(|column| format!("input {number} goes by column {column}")));
        }
        parts
            .extend(self.forgotten_after_us.map(|us| format!("keys go {} after they were last written", duration(us))));
        parts.push(format!("plan {}", self.definition));
        Ok(parts)
    }

    fn describe(&self) -> String {
        let when = match self.emission {
            Emission::Append => "emits what is final",
            _ => "emits what changed",
        };
        let by = self.ports.first().map(key_names).unwrap_or_default();
        let by = if by.is_empty() { "all rows".to_string() } else { format!("the rows of each ({by})") };
        let pruned = if self.prune.is_some() { " that a later result can need" } else { "" };
        let until = self.forgotten_after_us.map(|us| format!(" until none has come for {}", duration(us)));
        let until = until.unwrap_or_default();
        format!("recompute: keeps {by}{pruned}{until}, runs the query over them again when they change, {when}")
    }

    fn bound(&self) -> Bound {
        let expires =
            |port: &RecomputePort| port.expires.map(|column| in_words(port.input.field(column).name()).to_string());
        if let Some(columns) = self.ports.iter().map(expires).collect::<Option<Vec<String>>>() {
            return Bound::Watermark(format!("rows are evicted when the watermark reaches {}", columns.join(" and ")));
        }
        if let Some(us) = self.forgotten_after_us {
            return Bound::KeyTimeToLive(us);
        }
        match (self.ports.first(), &self.prune) {
            (Some(port), Some(_)) if port.keys.is_empty() && self.ports.len() == 1 => Bound::Constant,
            (Some(port), Some(_)) if self.ports.len() == 1 => {
                Bound::Unbounded(format!("the first rows of each ({})", key_names(port)))
            }
            _ => Bound::Unbounded("all rows of the input".to_string()),
        }
    }

    fn rehearse(&self) -> Result<(), OperatorError> {
        let ports: Vec<RecordBatch> =
            self.ports.iter().map(|port| RecordBatch::new_empty(Arc::clone(&port.input))).collect();
        let ports: Vec<&RecordBatch> = ports.iter().collect();
        self.plan.run(&ports, &self.output)?;
        if let (Some(prune), Some(first)) = (&self.prune, self.ports.first()) {
            prune.run(&ports[..1], &first.input)?;
        }
        self.rehearse_a_row()
    }

    fn state_rows(
        self: Arc<Self>,
        stored: Stored,
        committed: &dyn BlockSource,
    ) -> Result<Vec<StateRows>, OperatorError> {
        store::state_rows(self.store_specs(), stored, committed)
    }
}

fn key_names(port: &RecomputePort) -> String {
    port.keys.iter().map(|key| in_words(port.input.field(*key).name())).collect::<Vec<_>>().join(", ")
}

/// A column's name: a key that the planner made is called `key 1 …`.
fn in_words(name: &str) -> &str {
    let words = name.strip_prefix("key ").and_then(|rest| rest.split_once(' '));
    words.filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit())).map_or(name, |(_, words)| words)
}

impl RecomputeSpec {
    /// A row of NULLs, and one of plain values, show what only rows show: DataFusion makes what computes a frame (OVER …) when the first row of a partition
    /// comes, and finds then that it cannot. A function that does not take NULL says so of a row, not of the query.
    fn rehearse_a_row(&self) -> Result<(), OperatorError> {
        for row in [null_row, plain_row] {
            let ports: Vec<RecordBatch> = self.ports.iter().map(|port| row(&port.input)).collect();
            match self.plan.run(&ports.iter().collect::<Vec<_>>(), &self.output).map_err(OperatorError::from) {
                Err(error) if error.is_of_every_row() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}
