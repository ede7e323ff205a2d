//! What an aggregate computes, and the shape of its state and its result.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StructArray, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::error::Result;
use datafusion::logical_expr::GroupsAccumulator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::GroupsAccumulatorAdapter;
use expr::types::window_fields;
use expr::window::WindowSpec;

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

/// One grouping column of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupColumn {
    /// The window, as a struct of start and end.
    Window,
    /// The key with this position in [`AggregateSpec::keys`].
    Key(usize),
}

/// One call of an aggregate function.
#[derive(Debug, Clone)]
pub struct AggregateCall {
    /// The call as the user wrote it, for people to read.
    pub name: String,
    /// The function with its arguments as columns of the input.
    pub function: Arc<AggregateFunctionExpr>,
    /// `FILTER (WHERE …)`.
    pub filter: Option<Arc<dyn PhysicalExpr>>,
}

impl AggregateCall {
    /// What the function is given of these rows: its arguments, then the terms of its ORDER BY.
    ///
    /// # Errors
    /// If an expression fails on a row.
    pub(crate) fn values(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let order = self.function.order_bys().iter().map(|term| Arc::clone(&term.expr));
        let arguments = self.function.expressions().into_iter().chain(order);
        arguments.map(|argument| argument.evaluate(rows)?.into_array(rows.num_rows())).collect()
    }
}

impl AggregateSpec {
    /// Schema of a state block: the keys, then every function's intermediate state.
    ///
    /// # Errors
    /// If a function does not say what its state is.
    pub fn state_schema(&self) -> Result<SchemaRef> {
        let keys = self.keys.iter().enumerate().map(|(position, column)| {
            Field::new(format!("key_{position}"), self.input.field(*column).data_type().clone(), true)
        });
        let mut fields: Vec<Field> = keys.collect();
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
    pub fn state_widths(&self) -> Result<Vec<usize>> {
        self.calls.iter().map(|call| Ok(call.function.state_fields()?.len())).collect()
    }

    /// A fresh accumulator for each function.
    ///
    /// # Errors
    /// If a function cannot make one.
    pub fn accumulators(&self) -> Result<Vec<Box<dyn GroupsAccumulator>>> {
        self.calls.iter().map(|call| accumulator(&call.function)).collect()
    }

    /// True if all rows fall into one group.
    pub fn is_global(&self) -> bool {
        self.window.is_none() && self.keys.is_empty()
    }

    /// What a state block must match to be read back: keys, functions, window and types. Changing it changes the state.
    ///
    /// # Errors
    /// If a function does not say what its state is.
    pub fn fingerprint(&self) -> Result<Vec<String>> {
        let mut parts = Vec::new();
        if let Some(window) = &self.window {
            parts.push(format!(
                "window size {} µs, slide {} µs, offset {} µs",
                window.size_us, window.slide_us, window.offset_us
            ));
        }
        for (column, name) in self.keys.iter().zip(&self.key_names) {
            parts.push(format!("key {name} {}", self.input.field(*column).data_type()));
        }
        for call in &self.calls {
            let types: Vec<String> =
                call.function.state_fields()?.iter().map(|field| field.data_type().to_string()).collect();
            parts.push(format!("aggregate {} [{}]", call.name, types.join(", ")));
        }
        Ok(parts)
    }

    /// What it computes, in words, for `engine explain`.
    pub fn describe(&self) -> String {
        let window = self.window.map(|window| format!("{}, ", window.describe())).unwrap_or_default();
        let keys = match self.key_names.as_slice() {
            [] => "no key".to_string(),
            [name] => format!("key {name}"),
            names => format!("keys {}", names.join(", ")),
        };
        let calls: Vec<&str> = self.calls.iter().map(|call| call.name.as_str()).collect();
        format!("aggregate ({window}{keys}: {})", calls.join(", "))
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

/// The grouped form of a function, or many of its plain form.
///
/// # Errors
/// If the function cannot make one.
pub(crate) fn accumulator(function: &Arc<AggregateFunctionExpr>) -> Result<Box<dyn GroupsAccumulator>> {
    if function.groups_accumulator_supported() {
        return function.create_groups_accumulator();
    }
    let function = Arc::clone(function);
    Ok(Box::new(GroupsAccumulatorAdapter::new(move || function.create_accumulator())))
}
