//! What a session aggregate computes, when its groups end, and the shape of its state and its result.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::error::Result;
use expr::types::instant;

use crate::aggregate::{AggregateCall, GroupColumn, key_fields, state_fields};
use crate::emission::Emission;
use crate::store::StoreSpec;

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
    /// Time after which a group is forgotten that no row came for, by the epochs' time, microseconds; its result stands. `None`: it
    /// is kept until its own time has come. Only for [`Emission::Changes`].
    pub forgotten_after_us: Option<i64>,
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
        let times = match self.time {
            GroupTime::Session { .. } => 2,
            GroupTime::Key(position) if !self.is_instant(position) => 1,
            GroupTime::Key(_) | GroupTime::Never => 0,
        };
        self.keys.len() + times + usize::from(self.forgotten_after_us.is_some())
    }

    /// Column of a state row with the time of the epochs at which the group is forgotten.
    fn forgotten_column(&self) -> Option<usize> {
        self.forgotten_after_us.map(|_| self.head() - 1)
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

    /// Schema of a state row: the keys, start and end of a session or the instant of the group, when it is forgotten, the functions'
    /// states.
    ///
    /// # Errors
    /// If a function does not say what its state is.
    pub fn state_schema(&self) -> Result<SchemaRef> {
        let mut fields = key_fields(&self.keys, &self.input);
        match self.time {
            GroupTime::Session { .. } => {
                fields.extend([Field::new("start", instant(), true), Field::new("end", instant(), true)]);
            }
            GroupTime::Key(position) if !self.is_instant(position) => fields.push(Field::new("end", instant(), true)),
            GroupTime::Key(_) | GroupTime::Never => {}
        }
        fields.extend(self.forgotten_after_us.map(|_| Field::new("_forgotten", instant(), true)));
        fields.extend(state_fields(&self.calls)?);
        Ok(Arc::new(Schema::new(fields)))
    }

    /// What its store keeps.
    pub(super) fn store(&self) -> Result<StoreSpec> {
        Ok(StoreSpec {
            name: self.operator.clone(),
            schema: self.state_schema()?,
            keys: self.keys.len(),
            expires: self.end_column().filter(|_| self.emission != Emission::Complete),
            expires_at_batch_time: self.forgotten_column(),
            keeps_rows: true,
        })
    }
}
