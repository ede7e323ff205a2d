//! What a session aggregate computes, when its groups end, and the shape of its state and its result.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::error::Result;

use super::fold::evaluate;
use super::lane::SessionLane;
use super::operator::Session;
use crate::OperatorError;
use crate::aggregate::{AggregateCall, GroupColumn, instant};
use crate::block_source::BlockSource;
use crate::emission::Emission;
use crate::operator::{Bound, Operator, OperatorLane, OperatorSpec};
use crate::state_rows::{self, StateRows};
use crate::store::StoreSpec;
use crate::stored::Stored;

/// A grouped aggregate with one state row per group, over the rows of a pipeline whose columns it names by position.
#[derive(Debug, Clone)]
pub struct SessionSpec {
    /// Stable name of the operator: its state stays its own when the query around it changes.
    pub operator: String,
    /// What makes a group end.
    pub time: GroupTime,
    /// Columns with the grouping keys (a session is none of them).
    pub keys: Vec<usize>,
    /// The grouping keys as the user wrote them, for people to read.
    pub key_names: Vec<String>,
    /// Aggregate functions, in the order of the result.
    pub calls: Vec<AggregateCall>,
    /// Grouping columns in the order of the result; [`GroupColumn::Window`] is the session.
    pub group: Vec<GroupColumn>,
    /// What it emits, and when: not by bucket, its groups have none.
    pub emission: Emission,
    /// Schema of the rows that come in.
    pub input: SchemaRef,
    /// Schema of the result: grouping columns, then aggregates.
    pub output: SchemaRef,
}

/// What makes a group end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupTime {
    /// The gap after its last row. Rows of one key whose times overlap or touch are one session.
    Session {
        /// Column with the event time of the row.
        start: usize,
        /// Column with the event time plus the gap of the row.
        end: usize,
    },
    /// The key with this position in [`SessionSpec::keys`]: an instant, or a window (then its end).
    Key(usize),
    /// Nothing.
    Never,
}

impl SessionSpec {
    /// Number of columns of a state row before the states of the functions.
    pub(super) fn head(&self) -> usize {
        self.keys.len()
            + match self.time {
                GroupTime::Session { .. } => 2,
                GroupTime::Key(position) if !self.is_instant(position) => 1,
                GroupTime::Key(_) | GroupTime::Never => 0,
            }
    }

    /// True if a key is an instant as the store wants it: then it stands for its own end.
    pub(super) fn is_instant(&self, position: usize) -> bool {
        let key = self.input.field(self.keys[position]).data_type();
        matches!(key, DataType::Timestamp(TimeUnit::Microsecond, _))
    }

    /// Column of a state row with the instant at which the group ends.
    pub(super) fn end_column(&self) -> Option<usize> {
        match self.time {
            GroupTime::Session { .. } => Some(self.keys.len() + 1),
            GroupTime::Key(position) if self.is_instant(position) => Some(position),
            GroupTime::Key(_) => Some(self.keys.len()),
            GroupTime::Never => None,
        }
    }

    /// Schema of a state row: the keys, start and end of a session or the instant of the group, the functions' states.
    ///
    /// # Errors
    /// If a function does not say what its state is.
    pub fn state_schema(&self) -> Result<SchemaRef> {
        let key = |(position, column): (usize, &usize)| {
            Field::new(format!("key_{position}"), self.input.field(*column).data_type().clone(), true)
        };
        let mut fields: Vec<Field> = self.keys.iter().enumerate().map(key).collect();
        match self.time {
            GroupTime::Session { .. } => {
                fields.extend([Field::new("start", instant(), true), Field::new("end", instant(), true)]);
            }
            GroupTime::Key(position) if !self.is_instant(position) => fields.push(Field::new("end", instant(), true)),
            GroupTime::Key(_) | GroupTime::Never => {}
        }
        for (position, call) in self.calls.iter().enumerate() {
            for (part, field) in call.function.state_fields()?.iter().enumerate() {
                fields.push(field.as_ref().clone().with_name(format!("state_{position}_{part}")).with_nullable(true));
            }
        }
        Ok(Arc::new(Schema::new(fields)))
    }

    /// Number of state columns of each function, in order.
    ///
    /// # Errors
    /// If a function does not say what its state is.
    pub(super) fn state_widths(&self) -> Result<Vec<usize>> {
        self.calls.iter().map(|call| Ok(call.function.state_fields()?.len())).collect()
    }

    /// What its store keeps.
    pub(super) fn store(&self) -> Result<StoreSpec> {
        Ok(StoreSpec {
            name: self.operator.clone(),
            schema: self.state_schema()?,
            keys: self.keys.len(),
            expires: self.end_column().filter(|_| self.emission != Emission::Complete),
            expires_at_batch_time: None,
            keeps_rows: true,
        })
    }

    fn what(&self) -> String {
        match self.time {
            GroupTime::Session { .. } => "session window".to_string(),
            GroupTime::Key(position) => format!("group that ends with {}", self.key_names[position]),
            GroupTime::Never => "group by key".to_string(),
        }
    }
}

impl OperatorSpec for SessionSpec {
    fn name(&self) -> &str {
        &self.operator
    }

    fn input(&self, _: usize) -> &SchemaRef {
        &self.input
    }

    fn output(&self) -> &SchemaRef {
        &self.output
    }

    fn stores(&self) -> Vec<String> {
        vec![self.operator.clone()]
    }

    fn lane(self: Arc<Self>) -> Result<Box<dyn OperatorLane>, OperatorError> {
        Ok(Box::new(SessionLane::new(self)))
    }

    fn open(self: Arc<Self>, stored: Stored) -> Result<Box<dyn Operator>, OperatorError> {
        Ok(Box::new(Session::open(self, stored)?))
    }

    fn fingerprint(&self) -> Result<Vec<String>, OperatorError> {
        let mut parts = vec![self.what()];
        for (column, name) in self.keys.iter().zip(&self.key_names) {
            parts.push(format!("key {name} {}", self.input.field(*column).data_type()));
        }
        for call in &self.calls {
            let fields = call.function.state_fields()?;
            let types: Vec<String> = fields.iter().map(|field| field.data_type().to_string()).collect();
            parts.push(format!("aggregate {} [{}]", call.name, types.join(", ")));
        }
        Ok(parts)
    }

    fn describe(&self) -> String {
        let calls: Vec<&str> = self.calls.iter().map(|call| call.name.as_str()).collect();
        let by = match self.key_names.is_empty() {
            true => String::new(),
            false => format!(" by {}", self.key_names.join(", ")),
        };
        format!("{}{by}: {}", self.what(), calls.join(", "))
    }

    fn bound(&self) -> Bound {
        match (self.emission, self.time) {
            (Emission::Complete, _) => {
                Bound::Unbounded("one row per group for ever: complete mode lets nothing go".to_string())
            }
            (_, GroupTime::Session { .. }) => {
                Bound::Watermark("a session goes when the watermark has reached its end".to_string())
            }
            (_, GroupTime::Key(position)) => {
                Bound::Watermark(format!("a group goes when the watermark has reached {}", self.key_names[position]))
            }
            (_, GroupTime::Never) => Bound::Unbounded("one row per group for ever".to_string()),
        }
    }

    fn state_rows(
        self: Arc<Self>,
        stored: Stored,
        committed: &dyn BlockSource,
    ) -> Result<Vec<StateRows>, OperatorError> {
        let mut all = state_rows::of_stores(vec![self.store()?], stored, committed)?;
        let Some(StateRows { rows: states, .. }) = all.pop() else { return Ok(all) };
        let calls: Vec<String> = self.calls.iter().map(|call| call.name.clone()).collect();
        let names = state_rows::result_names(&self.group, "session_window", &self.key_names, &calls);
        let rows = state_rows::renamed(evaluate(&self, &states)?, &names)?;
        Ok(vec![StateRows { name: self.operator.clone(), rows }])
    }
}
