//! `min_by(x, y)` and `max_by(x, y)`: the `x` of the row with the smallest or largest `y`; of equal ones the last, as in Spark.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::compute::SortOptions;
use arrow::datatypes::DataType;
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::error::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{AggregateUDF, EmitTo, GroupsAccumulator};
use datafusion::scalar::ScalarValue;

use super::aggregate_def::{AggregateDef, into_udaf, kinds};
use super::first_last::scalars;
use super::single::{Groups, passes, state_of_rows};
use crate::group_key::normalized;

/// The functions, to be registered.
pub fn extremes() -> Vec<AggregateUDF> {
    let by = |name, is_largest| into_udaf(By { name, is_largest });
    vec![by("min_by", false), by("max_by", true)]
}

struct By {
    name: &'static str,
    is_largest: bool,
}

impl AggregateDef for By {
    type Accumulator = Extremes;

    fn name(&self) -> &'static str {
        self.name
    }

    fn arity(&self) -> (usize, usize) {
        (2, 2)
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        Ok(kinds[0].clone())
    }

    fn state_types(&self, kinds: &[DataType], _: &DataType) -> Vec<DataType> {
        kinds.to_vec()
    }

    fn accumulator(&self, args: &AccumulatorArgs<'_>) -> Result<Extremes> {
        let kinds = kinds(args);
        Extremes::new(kinds[0].clone(), kinds[1].clone(), self.is_largest)
    }
}

#[derive(Debug)]
struct Best {
    value: ScalarValue,
    key: ScalarValue,
    row: OwnedRow,
}

/// The best row of each group.
#[derive(Debug)]
pub struct Extremes {
    value_kind: DataType,
    key_kind: DataType,
    is_largest: bool,
    rows: RowConverter,
    best: Vec<Option<Best>>,
    heap_bytes: usize,
}

impl Extremes {
    /// No group yet.
    ///
    /// # Errors
    /// If the keys have no order.
    pub fn new(value_kind: DataType, key_kind: DataType, is_largest: bool) -> Result<Extremes> {
        // The smaller row is always the better one; inside of a key NULL is less than any value.
        let options = SortOptions { descending: is_largest, nulls_first: !is_largest };
        let rows = RowConverter::new(vec![SortField::new_with_options(key_kind.clone(), options)])?;
        Ok(Extremes { value_kind, key_kind, is_largest, rows, best: Vec::new(), heap_bytes: 0 })
    }

    fn offer(&mut self, columns: &[ArrayRef], groups: &[usize], filter: Option<&BooleanArray>) -> Result<()> {
        let keys = normalized(&columns[1]);
        let rows = self.rows.convert_columns(std::slice::from_ref(&keys))?;
        let nulls = keys.logical_nulls();
        let mut chosen: Vec<(usize, usize)> = Vec::new();
        let mut at: HashMap<usize, usize> = HashMap::new();
        for (row, group) in groups.iter().enumerate() {
            let is_wanted = passes(filter, row) && nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
            if !is_wanted || self.best[*group].as_ref().is_some_and(|best| best.row.row() < rows.row(row)) {
                continue;
            }
            let place = *at.entry(*group).or_insert_with(|| {
                chosen.push((row, *group));
                chosen.len() - 1
            });
            if rows.row(row) <= rows.row(chosen[place].0) {
                chosen[place].0 = row;
            }
        }
        for (row, group) in chosen {
            let mut value = ScalarValue::try_from_array(&columns[0], row)?;
            value.compact();
            let best = Best { value, key: ScalarValue::try_from_array(&columns[1], row)?, row: rows.row(row).owned() };
            // The key stands twice: as a value, and as a row that can be compared, which is about as large.
            self.heap_bytes += best.value.size() + best.key.size() * 2;
            self.best[group] = Some(best);
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Result<[ArrayRef; 2]> {
        let taken = emit_to.take_needed(&mut self.best);
        self.heap_bytes = self.best.iter().flatten().map(|best| best.value.size() + best.key.size() * 2).sum();
        let (values, keys) = taken.into_iter().map(|best| best.map(|best| (best.value, best.key)).unzip()).unzip();
        Ok([scalars(&self.value_kind, values)?, scalars(&self.key_kind, keys)?])
    }
}

impl Groups for Extremes {
    fn grow(&mut self, groups: usize) {
        self.best.resize_with(groups.max(self.best.len()), || None);
    }
}

impl GroupsAccumulator for Extremes {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        self.offer(values, group_indices, opt_filter)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let [values, _] = self.take(emit_to)?;
        Ok(values)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(self.take(emit_to)?.to_vec())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        self.offer(values, group_indices, None)
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        state_of_rows(
            Extremes::new(self.value_kind.clone(), self.key_kind.clone(), self.is_largest)?,
            values,
            opt_filter,
        )
    }

    fn size(&self) -> usize {
        self.best.capacity() * size_of::<Option<Best>>() + self.heap_bytes
    }
}
