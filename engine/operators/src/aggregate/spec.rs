//! What an aggregate computes, and the shape of its state and its result.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StructArray, TimestampMicrosecondArray};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::error::Result;
use expr::types::window_fields;
use expr::window::WindowSpec;

use super::call::{AggregateCall, state_fields};
use super::group::{GroupColumn, key_fields};

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
