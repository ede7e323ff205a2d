//! What an aggregate computes, and the shape of its state and its result.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StructArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use datafusion::error::Result;

use super::call::{AggregateCall, state_fields};
use super::group::{GroupColumn, key_fields};
use crate::window::WindowSpec;

/// An aggregate over the rows of a pipeline, whose columns it names by position.
#[derive(Debug, Clone)]
pub struct AggregateSpec {
    /// Stable name of the operator: its state stays its own when the query around it changes.
    pub operator: String,
    /// Time window of the groups, if they have one.
    pub window: Option<WindowSpec>,
    /// Column with the time that decides the window.
    pub time: Option<usize>,
    /// Columns with the other grouping keys.
    pub keys: Vec<usize>,
    /// The grouping keys as the user wrote them, for people to read.
    pub key_names: Vec<String>,
    /// Aggregate functions, in the order of the result.
    pub calls: Vec<AggregateCall>,
    /// Grouping columns in the order of the result.
    pub group: Vec<GroupColumn>,
    /// Schema of the rows that come in.
    pub input: SchemaRef,
    /// Schema of the result: grouping columns, then aggregates.
    pub output: SchemaRef,
}

/// The type of an instant: microseconds, UTC.
pub fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The type of a window: a struct of its start (inclusive) and end (exclusive).
pub fn window_type() -> DataType {
    DataType::Struct(window_fields())
}

/// The fields of a window.
pub(crate) fn window_fields() -> Fields {
    Fields::from(vec![Field::new("start", instant(), true), Field::new("end", instant(), true)])
}

impl AggregateSpec {
    /// Schema of a state block: the keys, then every function's intermediate state.
    ///
    /// # Errors
    /// If a function does not say what its state is.
    pub fn state_schema(&self) -> Result<SchemaRef> {
        let mut fields = key_fields(&self.keys, &self.input);
        fields.extend(state_fields(&self.calls)?);
        Ok(Arc::new(Schema::new(fields)))
    }

    /// True if all rows fall into one group.
    pub fn is_global(&self) -> bool {
        self.window.is_none() && self.keys.is_empty()
    }

    /// The window column of a result of `rows` rows that all belong to the window starting at `start_us`.
    pub(super) fn window_column(&self, window: &WindowSpec, start_us: i64, rows: usize) -> Result<ArrayRef> {
        let column =
            |us: i64| -> ArrayRef { Arc::new(TimestampMicrosecondArray::from_value(us, rows).with_timezone("UTC")) };
        let columns = vec![column(start_us), column(start_us.saturating_add(window.size_us))];
        let array = StructArray::try_new_with_length(window_fields(), columns, None, rows)?;
        debug_assert_eq!(array.len(), rows);
        Ok(Arc::new(array))
    }
}
