//! Merging blocks: the one thing that emission, compaction and recovery do with state.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::util::display::array_value_to_string;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;

use expr::row_fault::GroupFault;

use super::call::{accumulators, state_widths};
use super::group::GroupColumn;
use super::spec::AggregateSpec;
use crate::OperatorError;
use crate::sized_batch::sized_batch;

/// Merges the state rows of any number of blocks.
pub struct Merger<'a> {
    spec: &'a AggregateSpec,
    keys: usize,
    widths: Vec<usize>,
    groups: Option<Box<dyn GroupValues>>,
    accumulators: Vec<Box<dyn GroupsAccumulator>>,
    group_indices: Vec<usize>,
    count: usize,
}

impl<'a> Merger<'a> {
    /// An empty merger.
    ///
    /// # Errors
    /// If the functions or key types cannot be grouped.
    pub fn new(spec: &'a AggregateSpec) -> Result<Merger<'a>> {
        let keys: Vec<_> = spec.keys.iter().map(|key| spec.input.field(*key).clone().with_nullable(true)).collect();
        let groups = match keys.is_empty() {
            true => None,
            false => Some(new_group_values(Arc::new(Schema::new(keys)), &GroupOrdering::None)?),
        };
        Ok(Merger {
            spec,
            keys: spec.keys.len(),
            widths: state_widths(&spec.calls)?,
            groups,
            accumulators: accumulators(&spec.calls)?,
            group_indices: Vec::new(),
            count: 0,
        })
    }

    /// Number of groups.
    pub fn groups(&self) -> usize {
        self.count
    }

    /// Takes rows of a block.
    ///
    /// # Errors
    /// If the state is not what the functions wrote.
    pub fn push(&mut self, rows: &RecordBatch) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        match &mut self.groups {
            Some(groups) => {
                groups.intern(&rows.columns()[..self.keys], &mut self.group_indices)?;
                self.count = groups.len();
            }
            None => {
                self.group_indices.clear();
                self.group_indices.resize(rows.num_rows(), 0);
                self.count = 1;
            }
        }
        let mut from = self.keys;
        for (accumulator, width) in self.accumulators.iter_mut().zip(&self.widths) {
            accumulator.merge_batch(&rows.columns()[from..from + width], &self.group_indices, self.count)?;
            from += width;
        }
        debug_assert_eq!(from, rows.num_columns(), "every column of a state is a key or a function's");
        Ok(())
    }

    /// The merged state as rows of a block.
    ///
    /// # Errors
    /// If a function fails.
    pub fn into_state(mut self, schema: &SchemaRef) -> Result<RecordBatch> {
        let mut columns = self.take_keys()?;
        for accumulator in &mut self.accumulators {
            columns.extend(accumulator.state(EmitTo::All)?);
        }
        Ok(sized_batch(schema, columns, self.count)?)
    }

    /// The result: grouping columns and values. A global aggregate without rows has its one row of empty-group values.
    ///
    /// # Errors
    /// If a function fails.
    pub fn into_result(mut self, group: i64) -> Result<RecordBatch, OperatorError> {
        if self.spec.is_global() && self.count == 0 {
            return Ok(self.empty_group()?);
        }
        let keys = self.take_keys()?;
        let mut columns = Vec::with_capacity(self.spec.output.fields().len());
        for column in &self.spec.group {
            columns.push(match (column, &self.spec.window) {
                (GroupColumn::Key(position), _) => Arc::clone(&keys[*position]),
                (GroupColumn::Window, Some(window)) => self.spec.window_column(window, group, self.count)?,
                (GroupColumn::Window, None) => {
                    return Err(OperatorError::Compute("a window column without a window".to_string()));
                }
            });
        }
        for accumulator in &mut self.accumulators {
            let values = accumulator.evaluate(EmitTo::All);
            columns.push(values.map_err(|error| of_group(error, &columns[..self.spec.group.len()]))?);
        }
        Ok(sized_batch(&self.spec.output, columns, self.count)?)
    }

    /// The values of a group without rows. The grouped forms of the functions cannot distinguish it from one with rows whose
    /// values they never saw (sum 0 instead of null, min the largest number), the plain forms can.
    fn empty_group(&self) -> Result<RecordBatch> {
        let values =
            self.spec.calls.iter().map(|call| call.function.create_accumulator()?.evaluate()?.to_array_of_size(1));
        Ok(sized_batch(&self.spec.output, values.collect::<Result<_>>()?, 1)?)
    }

    fn take_keys(&mut self) -> Result<Vec<ArrayRef>> {
        match &mut self.groups {
            Some(groups) => groups.emit(EmitTo::All),
            None => Ok(Vec::new()),
        }
    }
}

/// What a function says of a group, with the group's key. `keys` are the first columns of the result.
fn of_group(error: DataFusionError, keys: &[ArrayRef]) -> OperatorError {
    let group = match error.find_root() {
        DataFusionError::External(inner) => inner.downcast_ref::<GroupFault>().map(|fault| fault.group),
        _ => None,
    };
    let error = OperatorError::from(error);
    let Some(group) = group.filter(|_| !keys.is_empty()) else { return error };
    // The operator's columns have no names of the query's.
    let values = keys.iter().map(|key| array_value_to_string(key, group).unwrap_or_default());
    let what = format!("the group ({}): {error}", values.collect::<Vec<_>>().join(", "));
    // A value that a group cannot have is no fault of the query.
    if matches!(error, OperatorError::Row(_)) { OperatorError::Row(what) } else { OperatorError::Compute(what) }
}
