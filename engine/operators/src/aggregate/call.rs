//! Calls of aggregate functions: what they read of rows, and the columns of their states.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::Field;
use datafusion::error::Result;
use datafusion::logical_expr::GroupsAccumulator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::GroupsAccumulatorAdapter;
use expr::aggregate::is_later_column;

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
    /// What the function reads of these rows: its arguments, then the terms of its ORDER BY.
    ///
    /// # Errors
    /// If an expression fails on a row.
    pub(crate) fn values(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let order = self.function.order_bys().iter().map(|term| Arc::clone(&term.expr));
        let arguments = self.function.expressions().into_iter().chain(order);
        arguments.map(|argument| argument.evaluate(rows)?.into_array(rows.num_rows())).collect()
    }

    /// Which of these rows its FILTER lets in; `None` if it has none.
    ///
    /// # Errors
    /// If the condition fails on a row.
    pub(crate) fn mask(&self, rows: &RecordBatch) -> Result<Option<BooleanArray>> {
        let Some(filter) = &self.filter else { return Ok(None) };
        Ok(Some(filter.evaluate(rows)?.into_array(rows.num_rows())?.as_boolean().clone()))
    }
}

/// A fresh accumulator for each call.
///
/// # Errors
/// If a function cannot make one.
pub(crate) fn accumulators(calls: &[AggregateCall]) -> Result<Vec<Box<dyn GroupsAccumulator>>> {
    calls.iter().map(|call| accumulator(&call.function)).collect()
}

/// The columns of the calls' intermediate states.
///
/// # Errors
/// If a function does not say what its state is.
pub(crate) fn state_fields(calls: &[AggregateCall]) -> Result<Vec<Field>> {
    let mut fields = Vec::new();
    for (position, call) in calls.iter().enumerate() {
        for (part, field) in call.function.state_fields()?.iter().enumerate() {
            fields.push(field.as_ref().clone().with_name(format!("state_{position}_{part}")).with_nullable(true));
        }
    }
    Ok(fields)
}

/// Number of state columns of each call, in order.
///
/// # Errors
/// If a function does not say what its state is.
pub(crate) fn state_widths(calls: &[AggregateCall]) -> Result<Vec<usize>> {
    calls.iter().map(|call| Ok(call.function.state_fields()?.len())).collect()
}

/// What the states of the calls must match to be read back. The words are part of every checkpoint: never change them. Columns that
/// came with a later engine are not among them: states without them are read all the same.
///
/// # Errors
/// If a function does not say what its state is.
pub(crate) fn fingerprints(calls: &[AggregateCall]) -> Result<Vec<String>> {
    let of_call = |call: &AggregateCall| {
        let fields = call.function.state_fields()?;
        let fields = fields.iter().filter(|field| !is_later_column(field));
        let types: Vec<String> = fields.map(|field| field.data_type().to_string()).collect();
        Ok(format!("aggregate {} [{}]", call.name, types.join(", ")))
    };
    calls.iter().map(of_call).collect()
}

/// The grouped form of a function, or many of its plain form.
///
/// # Errors
/// If the function cannot make one.
fn accumulator(function: &Arc<AggregateFunctionExpr>) -> Result<Box<dyn GroupsAccumulator>> {
    if function.groups_accumulator_supported() {
        return function.create_groups_accumulator();
    }
    let function = Arc::clone(function);
    Ok(Box::new(GroupsAccumulatorAdapter::new(move || function.create_accumulator())))
}
