//! `count_if(condition)`: the rows for which it is true.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::error::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{AggregateUDF, EmitTo, GroupsAccumulator};
use datafusion::scalar::ScalarValue;

use super::aggregate_def::{AggregateDef, into_udaf};
use super::single::{Groups, passes, state_of_rows};

/// The function, to be registered.
pub fn count_if() -> AggregateUDF {
    into_udaf(CountIf)
}

struct CountIf;

impl AggregateDef for CountIf {
    type Accumulator = Counts;

    fn name(&self) -> &'static str {
        "count_if"
    }

    fn arity(&self) -> (usize, usize) {
        (1, 1)
    }

    fn coerce_types(&self, _: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![DataType::Boolean])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn state_types(&self, _: &[DataType], _: &DataType) -> Vec<DataType> {
        vec![DataType::Int64]
    }

    fn accumulator(&self, _: &AccumulatorArgs<'_>) -> Result<Counts> {
        Ok(Counts(Vec::new()))
    }

    fn default_value(&self, _: &DataType) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(0)))
    }
}

/// The count of each group.
#[derive(Debug)]
pub struct Counts(Vec<i64>);

impl Groups for Counts {
    fn grow(&mut self, groups: usize) {
        self.0.resize(groups.max(self.0.len()), 0);
    }
}

impl GroupsAccumulator for Counts {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let holds = values[0].as_boolean();
        for (row, group) in group_indices.iter().enumerate() {
            let is_wanted = passes(opt_filter, row);
            self.0[*group] += i64::from(is_wanted && holds.is_valid(row) && holds.value(row));
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from(emit_to.take_needed(&mut self.0))))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit_to)?])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        for (count, group) in values[0].as_primitive::<Int64Type>().iter().zip(group_indices) {
            self.0[*group] += count.unwrap_or(0);
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        state_of_rows(Counts(Vec::new()), values, opt_filter)
    }

    fn size(&self) -> usize {
        self.0.capacity() * 8
    }
}
