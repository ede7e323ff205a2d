//! What the operator keeps and computes.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef, TimeUnit};
use expr::window::duration;

use super::batch_plan::BatchPlan;
use super::begun::Begun;
use super::operator::Recompute;
use super::port::Port;
use crate::OperatorError;
use crate::keyed::{EventTime, KeyedLane, KeyedPort};
use crate::operator::{BlockSource, Bound, Operator, OperatorLane, OperatorSpec, Stored};
use crate::state_rows::{self, StateRows};
use crate::store::StoreSpec;

/// A batch plan kept up to date: each row of its result depends on rows of one partition only.
#[derive(Debug)]
pub struct RecomputeSpec {
    /// Stable name of the operator.
    pub name: String,
    /// The inputs, one or more.
    pub ports: Vec<RecomputePort>,
    /// The plan over the rows of some partitions.
    pub plan: BatchPlan,
    /// A plan over rows of port 0 that leaves out those that no later result needs, such as all but the first n of a key. Only
    /// for input that is never taken back.
    pub prune: Option<BatchPlan>,
    /// Schema of the rows that go out.
    pub output: SchemaRef,
    /// When results go out.
    pub emission: Emission,
    /// True if the plan gives rows over no rows at all, as a global aggregate does. They go out in the first epoch.
    pub emits_when_empty: bool,
    /// Time after which a partition is forgotten that no port brings rows for, by the epochs' time, microseconds; what was given
    /// out of it stands, and a row of it that is taken back later is passed over. `None`: rows stay until they expire.
    pub forgotten_after_us: Option<i64>,
    /// What the plans compute, in words that change when they do: state of another plan is not read.
    pub definition: String,
}

/// One input.
#[derive(Debug, Clone)]
pub struct RecomputePort {
    /// Schema of the rows.
    pub input: SchemaRef,
    /// Columns of the partition key: as many and of the same types at every port. None: all rows are one partition.
    pub keys: Vec<usize>,
    /// What tells that a row is late; `None` if no row is.
    pub event_time: Option<EventTime>,
    /// Column with the watermark at which a row goes: an instant, or a window (then its end). All rows of a partition go at
    /// once, or one goes when the plan gives the same change without it from then on, whatever comes: else what was given out
    /// no longer fits what is left. A null stays.
    pub expires: Option<usize>,
}

/// When results go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emission {
    /// After each epoch what changed: rows taken back, then rows added. The results of rows that go stand.
    Changes,
    /// Once, when the rows of the partition go. Input is never taken back.
    Final,
}

impl RecomputeSpec {
    fn check(&self) -> Result<(), OperatorError> {
        let types = |schema: &Schema| -> Vec<DataType> {
            schema.fields().iter().map(|field| field.data_type().clone()).collect()
        };
        let keys = |port: &RecomputePort| -> Vec<DataType> {
            port.keys.iter().map(|key| port.input.field(*key).data_type().clone()).collect()
        };
        let is_time = |data_type: &DataType| {
            matches!(data_type, DataType::Timestamp(TimeUnit::Microsecond, _) | DataType::Struct(_))
        };
        let Some(first) = self.ports.first() else { return Err(self.fault("it has no input")) };
        if self.ports.iter().any(|port| keys(port) != keys(first)) {
            return Err(self.fault("its inputs have different partition keys"));
        }
        if self.plan.ports() > self.ports.len() || self.prune.as_ref().is_some_and(|prune| prune.ports() > 1) {
            return Err(self.fault("a plan reads an input that is not there"));
        }
        if types(&self.plan.schema()) != types(&self.output) {
            return Err(self.fault("the plan's columns are not the output's"));
        }
        if self.prune.as_ref().is_some_and(|prune| types(&prune.schema()) != types(&first.input)) {
            return Err(self.fault("the columns of the plan that prunes are not the input's"));
        }
        let expires = |port: &RecomputePort| port.expires.map(|column| is_time(port.input.field(column).data_type()));
        if self.ports.iter().any(|port| expires(port) == Some(false)) {
            return Err(self.fault("the column that tells when rows go is neither an instant nor a window"));
        }
        if self.emission == Emission::Final && self.ports.iter().any(|port| port.expires.is_none()) {
            return Err(self.fault("nothing tells when its results are final"));
        }
        if self.forgotten_after_us.is_some() && (self.emission == Emission::Final || self.emits_when_empty) {
            return Err(self.fault("only partitions that bring changes are forgotten"));
        }
        if self.emits_when_empty && (self.emission == Emission::Final || !first.keys.is_empty()) {
            return Err(self.fault("only a global result in update mode is there without any row"));
        }
        Ok(())
    }

    /// A fault of whoever made the spec.
    pub(super) fn fault(&self, what: &str) -> OperatorError {
        OperatorError::Compute(format!("{}: {what}; this is a fault of the engine, please report it", self.name))
    }

    /// What is filed, port by port.
    pub(super) fn store_specs(&self) -> Vec<StoreSpec> {
        let ports = self.ports.iter().enumerate();
        let is_forgotten = self.forgotten_after_us.is_some();
        ports
            .map(|(number, port)| Port::store_spec(port, is_forgotten, format!("{}/port{number}", self.name)))
            .collect()
    }
}

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
        names.extend(self.emits_when_empty.then(|| Begun::name(&self.name)));
        names
    }

    fn lane(self: Arc<Self>) -> Result<Box<dyn OperatorLane>, OperatorError> {
        let port = |port: &RecomputePort| KeyedPort { keys: port.keys.clone(), event_time: port.event_time };
        Ok(Box::new(KeyedLane::new(self.ports.iter().map(port).collect())))
    }

    fn open(self: Arc<Self>, stored: Stored) -> Result<Box<dyn Operator>, OperatorError> {
        self.check()?;
        Ok(Box::new(Recompute::open(self, stored)))
    }

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
            Emission::Changes => "gives out what changed",
            Emission::Final => "gives out what is final",
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
            return Bound::Watermark(format!("rows go when the watermark reaches {}", columns.join(" and ")));
        }
        if let Some(us) = self.forgotten_after_us {
            return Bound::TimeToLive(us);
        }
        match (self.ports.first(), &self.prune) {
            (Some(port), Some(_)) if port.keys.is_empty() && self.ports.len() == 1 => Bound::Constant,
            (Some(port), Some(_)) if self.ports.len() == 1 => {
                Bound::Unbounded(format!("the first rows of each ({})", key_names(port)))
            }
            _ => Bound::Unbounded("all rows of the input".to_string()),
        }
    }

    fn state_rows(
        self: Arc<Self>,
        stored: Stored,
        committed: &dyn BlockSource,
    ) -> Result<Vec<StateRows>, OperatorError> {
        state_rows::of_stores(self.store_specs(), stored, committed)
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
