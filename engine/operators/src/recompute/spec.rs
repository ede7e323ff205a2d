//! What the operator keeps and computes.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use expr::types::instant;

use super::batch_plan::BatchPlan;
use crate::OperatorError;
use crate::emission::Emission;
use crate::keyed::EventTime;
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
    /// for input that is never retracted.
    pub prune: Option<BatchPlan>,
    /// Schema of the rows that it emits.
    pub output: SchemaRef,
    /// [`Emission::Changes`], or [`Emission::Append`]: once, when the rows of the partition are evicted. Input is never retracted then.
    pub emission: Emission,
    /// True if the plan has a result over no rows at all, as a global aggregate has. It is emitted in the first epoch.
    pub emits_when_empty: bool,
    /// Time after which a partition is evicted that no port brings rows for, by the epochs' time, microseconds; what was emitted
    /// of it stands, and a row of it that is retracted later is passed over. `None`: rows stay until they expire.
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
    /// What decides that a row is late; `None` if no row is.
    pub event_time: Option<EventTime>,
    /// Column with the watermark at which a row is evicted: an instant, or a window (then its end). All rows of a partition are
    /// evicted at once, or one is when the plan makes the same change without it from then on, whatever comes: else what was
    /// emitted no longer fits what is left. A null stays.
    pub expires: Option<usize>,
}

impl RecomputeSpec {
    /// # Errors
    /// If its parts do not fit together.
    pub(super) fn check(&self) -> Result<(), OperatorError> {
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
            return Err(self.fault("the column that says when rows are evicted is neither an instant nor a window"));
        }
        if !matches!(self.emission, Emission::Append | Emission::Changes) {
            return Err(self.fault("its results have no buckets that could be replaced"));
        }
        if self.emission == Emission::Append && self.ports.iter().any(|port| port.expires.is_none()) {
            return Err(self.fault("nothing says when its results are final"));
        }
        if self.forgotten_after_us.is_some() && (self.emission == Emission::Append || self.emits_when_empty) {
            return Err(self.fault("only partitions that bring changes are forgotten"));
        }
        if self.emits_when_empty && (self.emission == Emission::Append || !first.keys.is_empty()) {
            return Err(self.fault("only a global result in update mode is there without any row"));
        }
        Ok(())
    }

    /// A fault of whoever made the spec.
    pub(super) fn fault(&self, what: &str) -> OperatorError {
        OperatorError::fault(&self.name, what)
    }

    /// What is filed, port by port.
    pub(super) fn store_specs(&self) -> Vec<StoreSpec> {
        let ports = self.ports.iter().enumerate();
        let is_forgotten = self.forgotten_after_us.is_some();
        ports.map(|(number, port)| port.store_spec(is_forgotten, format!("{}/port{number}", self.name))).collect()
    }
}

impl RecomputePort {
    /// Input columns in the order of the state: key columns first, as a store wants them.
    pub(super) fn state_order(&self) -> Vec<usize> {
        let others = (0..self.input.fields().len()).filter(|column| !self.keys.contains(column));
        self.keys.iter().copied().chain(others).collect()
    }

    /// The column that says when rows are evicted, if it is a window: the state then has a column more, with its end.
    pub(super) fn ends(&self) -> Option<usize> {
        self.expires.filter(|column| matches!(self.input.field(*column).data_type(), DataType::Struct(_)))
    }

    /// What is filed, under this name.
    fn store_spec(&self, is_forgotten: bool, name: String) -> StoreSpec {
        let to_state = self.state_order();
        let mut fields: Vec<Arc<Field>> =
            to_state.iter().map(|column| Arc::clone(&self.input.fields()[*column])).collect();
        let mut expires = self.expires.and_then(|column| to_state.iter().position(|other| *other == column));
        if self.ends().is_some() {
            expires = Some(fields.len());
            fields.push(Arc::new(Field::new("_expires", instant(), true)));
        }
        let forgotten = is_forgotten.then_some(fields.len());
        fields.extend(is_forgotten.then(|| Arc::new(Field::new("_forgotten", instant(), true))));
        StoreSpec {
            name,
            schema: Arc::new(Schema::new(fields)),
            keys: self.keys.len(),
            expires,
            expires_at_batch_time: forgotten,
            keeps_rows: true,
        }
    }
}
