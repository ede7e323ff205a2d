//! `min(x)` and `max(x)` of structs and arrays in Spark's order, in which NULL is less than any value. To DataFusion 55 it is the largest
//! in an array, and equal to all in a struct.

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::extremes::Extremes;
use super::single::{Groups, state_of_rows};

/// The smallest or largest value of each group.
#[derive(Debug)]
pub struct ExtremeValues {
    kind: DataType,
    is_largest: bool,
    by: Extremes,
}

impl ExtremeValues {
    /// No group yet, for values of this type.
    ///
    /// # Errors
    /// If they have no order.
    pub fn new(kind: DataType, is_largest: bool) -> Result<ExtremeValues> {
        Ok(ExtremeValues { by: Extremes::new(kind.clone(), kind.clone(), is_largest)?, kind, is_largest })
    }
}

/// Each value is its own key.
fn pairs(values: &[ArrayRef]) -> Vec<ArrayRef> {
    values.iter().take(1).chain(values.iter().take(1)).cloned().collect()
}

impl Groups for ExtremeValues {
    fn grow(&mut self, groups: usize) {
        self.by.grow(groups);
    }
}

impl GroupsAccumulator for ExtremeValues {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.by.update_batch(&pairs(values), group_indices, opt_filter, total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.by.evaluate(emit_to)
    }

    /// The value, as DataFusion's function keeps it.
    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.by.evaluate(emit_to)?])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.by.merge_batch(&pairs(values), group_indices, total_num_groups)
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        state_of_rows(ExtremeValues::new(self.kind.clone(), self.is_largest)?, values, opt_filter)
    }

    fn size(&self) -> usize {
        self.by.size()
    }
}
