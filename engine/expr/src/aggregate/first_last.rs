//! `first`, `last`, `any_value`: the first or last value of a group in the order in which rows come.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{AggregateUDF, EmitTo, GroupsAccumulator};
use datafusion::scalar::ScalarValue;

use super::aggregate_def::{AggregateDef, constant, into_udaf};
use super::single::{Groups, passes, state_of_rows};

/// The functions, to be registered.
pub fn first_last() -> Vec<AggregateUDF> {
    let function = |name, aliases, is_last| into_udaf(FirstLast { name, aliases, is_last });
    vec![
        function("first_value", &["first"], false),
        function("last_value", &["last"], true),
        function("any_value", &[], false),
    ]
}

struct FirstLast {
    name: &'static str,
    aliases: &'static [&'static str],
    is_last: bool,
}

impl AggregateDef for FirstLast {
    type Accumulator = FirstLastGroups;

    fn name(&self) -> &'static str {
        self.name
    }

    fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    fn arity(&self) -> (usize, usize) {
        (1, 2)
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        Ok(kinds[0].clone())
    }

    fn state_types(&self, _: &[DataType], gives: &DataType) -> Vec<DataType> {
        vec![gives.clone(), DataType::Boolean]
    }

    fn accumulator(&self, args: &AccumulatorArgs<'_>) -> Result<FirstLastGroups> {
        let by_argument = matches!(constant(args, 1), Some(ScalarValue::Boolean(Some(true))));
        Ok(FirstLastGroups {
            kind: args.return_type().clone(),
            is_last: self.is_last,
            ignores_nulls: args.ignore_nulls || by_argument,
            values: Vec::new(),
            heap_bytes: 0,
        })
    }

    fn ordered(&self) -> Option<Arc<AggregateUDF>> {
        use datafusion::functions_aggregate::first_last::{first_value_udaf, last_value_udaf};
        Some(if self.is_last { last_value_udaf() } else { first_value_udaf() })
    }
}

/// The value of each group, if it has one.
#[derive(Debug)]
pub struct FirstLastGroups {
    kind: DataType,
    is_last: bool,
    ignores_nulls: bool,
    values: Vec<Option<ScalarValue>>,
    heap_bytes: usize,
}

impl FirstLastGroups {
    fn offer(&mut self, values: &ArrayRef, rows: impl Iterator<Item = (usize, usize)>) -> Result<()> {
        // Of a batch only one row of each group matters.
        let mut chosen: Vec<(usize, usize)> = Vec::new();
        let mut at = std::collections::HashMap::new();
        for (row, group) in rows {
            if !self.is_last && self.values[group].is_some() {
                continue;
            }
            match at.entry(group) {
                std::collections::hash_map::Entry::Vacant(entry) => {
                    entry.insert(chosen.len());
                    chosen.push((row, group));
                }
                std::collections::hash_map::Entry::Occupied(entry) if self.is_last => chosen[*entry.get()].0 = row,
                std::collections::hash_map::Entry::Occupied(_) => {}
            }
        }
        for (row, group) in chosen {
            let mut value = ScalarValue::try_from_array(values, row)?;
            value.compact();
            self.heap_bytes += value.size();
            self.values[group] = Some(value);
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Result<(ArrayRef, BooleanArray)> {
        let taken = emit_to.take_needed(&mut self.values);
        self.heap_bytes = self.values.iter().flatten().map(ScalarValue::size).sum();
        let is_set: BooleanArray = taken.iter().map(|value| Some(value.is_some())).collect();
        Ok((scalars(&self.kind, taken)?, is_set))
    }
}

/// Values as a column of a type.
pub fn scalars(kind: &DataType, values: Vec<Option<ScalarValue>>) -> Result<ArrayRef> {
    if values.is_empty() {
        return Ok(arrow::array::new_empty_array(kind));
    }
    let null = ScalarValue::try_from(kind)?;
    ScalarValue::iter_to_array(values.into_iter().map(|value| value.unwrap_or_else(|| null.clone())))
}

impl Groups for FirstLastGroups {
    fn grow(&mut self, groups: usize) {
        self.values.resize(groups.max(self.values.len()), None);
    }
}

impl GroupsAccumulator for FirstLastGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let ignores_nulls = self.ignores_nulls;
        let nulls = values[0].logical_nulls();
        let wanted = |row: usize| {
            (!ignores_nulls || nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))) && passes(opt_filter, row)
        };
        self.offer(&values[0], group_indices.iter().copied().enumerate().filter(|(row, _)| wanted(*row)))
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(self.take(emit_to)?.0)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (values, is_set) = self.take(emit_to)?;
        Ok(vec![values, Arc::new(is_set)])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        let is_set = values[1].as_boolean().clone();
        let wanted = |row: usize| is_set.is_valid(row) && is_set.value(row);
        self.offer(&values[0], group_indices.iter().copied().enumerate().filter(|(row, _)| wanted(*row)))
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let fresh = FirstLastGroups {
            kind: self.kind.clone(),
            is_last: self.is_last,
            ignores_nulls: self.ignores_nulls,
            values: Vec::new(),
            heap_bytes: 0,
        };
        state_of_rows(fresh, values, opt_filter)
    }

    fn size(&self) -> usize {
        self.values.capacity() * size_of::<Option<ScalarValue>>() + self.heap_bytes
    }
}
