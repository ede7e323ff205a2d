//! `sum` and `avg` of doubles by exact sums: neither the order of the rows, nor how they are spread over lanes and blocks, changes a
//! result. The states of older engines, which rounded, are read as well.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float64Array, UInt64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, UInt64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};
use datafusion::scalar::ScalarValue;

use super::exact_sum::{ExactSum, KeptSum};
use super::later_column::later_column;
use super::single::{Groups, passes, state_of_rows};

/// A function of doubles that is computed from their exact sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExactFunction {
    /// The sum, rounded once.
    Sum,
    /// The sum, rounded, divided by the number of values.
    Average,
}

impl ExactFunction {
    /// The function of this name over values of this type, if it is one.
    pub fn of(name: &str, kind: Option<&DataType>) -> Option<ExactFunction> {
        match (name, kind) {
            ("sum", Some(DataType::Float64)) => Some(ExactFunction::Sum),
            ("avg", Some(DataType::Float64)) => Some(ExactFunction::Average),
            _ => None,
        }
    }

    /// The columns of its state: those that DataFusion's function has, then what makes the sum exact.
    pub fn state_fields(self) -> Vec<FieldRef> {
        let count = (self == ExactFunction::Average).then(|| Field::new("count", DataType::UInt64, true));
        let sum = [Field::new("sum", DataType::Float64, true)];
        count.into_iter().chain(sum).chain(exact_fields()).map(Arc::new).collect()
    }

    fn result(self, sum: &ExactSum, count: u64) -> Option<f64> {
        match self {
            ExactFunction::Sum => sum.value(),
            ExactFunction::Average => sum.value().filter(|_| count > 0).map(|sum| sum / count as f64),
        }
    }
}

/// The columns that stand beside a rounded sum in a state.
pub fn exact_fields() -> [Field; 2] {
    [("sum_low", DataType::Float64), ("sum_rest", DataType::Binary)].map(|(name, kind)| later_column(name, kind))
}

/// The columns of sums: rounded, and what stands beside it.
pub fn kept_columns(sums: &[ExactSum]) -> [ArrayRef; 3] {
    let kept: Vec<Option<KeptSum>> = sums.iter().map(ExactSum::keep).collect();
    let high: Float64Array = kept.iter().map(|sum| sum.as_ref().map(|sum| sum.high)).collect();
    let low: Float64Array = kept.iter().map(|sum| sum.as_ref().and_then(|sum| sum.low)).collect();
    let rest: BinaryArray = kept.iter().map(|sum| sum.as_ref().and_then(|sum| sum.rest.as_deref())).collect();
    [Arc::new(high), Arc::new(low), Arc::new(rest)]
}

/// The sums of such columns, row by row.
///
/// # Errors
/// If a row holds no sum.
pub fn restored<'a>(
    high: &'a ArrayRef,
    low: &'a ArrayRef,
    rest: &'a ArrayRef,
) -> impl Iterator<Item = Result<ExactSum>> + 'a {
    let (high, low) = (high.as_primitive::<Float64Type>(), low.as_primitive::<Float64Type>());
    let parts = high.iter().zip(low).zip(rest.as_binary::<i32>());
    let damaged = || DataFusionError::Execution("the state of a sum is damaged".to_string());
    parts.map(move |((high, low), rest)| match high {
        Some(high) => ExactSum::restore(high, low, rest).ok_or_else(damaged),
        None => Ok(ExactSum::default()),
    })
}

/// Sums of groups.
#[derive(Debug)]
pub struct ExactGroups {
    function: ExactFunction,
    sums: Vec<ExactSum>,
    /// Values of each group.
    counts: Vec<u64>,
    heap_bytes: usize,
}

impl ExactGroups {
    /// No group yet.
    pub fn new(function: ExactFunction) -> ExactGroups {
        ExactGroups { function, sums: Vec::new(), counts: Vec::new(), heap_bytes: 0 }
    }

    #[inline]
    fn add(&mut self, group: usize, value: f64) {
        self.counts[group] += 1;
        let sum = &mut self.sums[group];
        if !sum.add_quickly(value) {
            let before = sum.heap_bytes();
            sum.add_slowly(value);
            self.heap_bytes = (self.heap_bytes + sum.heap_bytes()).saturating_sub(before);
        }
    }

    fn take(&mut self, emit_to: EmitTo) -> (Vec<ExactSum>, Vec<u64>) {
        let taken = (emit_to.take_needed(&mut self.sums), emit_to.take_needed(&mut self.counts));
        self.heap_bytes = self.sums.iter().map(ExactSum::heap_bytes).sum();
        taken
    }
}

impl Groups for ExactGroups {
    fn grow(&mut self, groups: usize) {
        self.sums.resize(groups.max(self.sums.len()), ExactSum::default());
        self.counts.resize(groups.max(self.counts.len()), 0);
    }
}

impl GroupsAccumulator for ExactGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let values = values[0].as_primitive::<Float64Type>();
        if values.null_count() == 0 && opt_filter.is_none() {
            group_indices.iter().zip(values.values()).for_each(|(group, value)| self.add(*group, *value));
            return Ok(());
        }
        for (row, group) in group_indices.iter().enumerate() {
            if values.is_valid(row) && passes(opt_filter, row) {
                self.add(*group, values.value(row));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (sums, counts) = self.take(emit_to);
        let results = sums.iter().zip(counts).map(|(sum, count)| self.function.result(sum, count));
        Ok(Arc::new(results.collect::<Float64Array>()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (sums, counts) = self.take(emit_to);
        let count: Option<ArrayRef> = match self.function {
            ExactFunction::Sum => None,
            ExactFunction::Average => Some(Arc::new(UInt64Array::from(counts))),
        };
        Ok(count.into_iter().chain(kept_columns(&sums)).collect())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        let (counts, sums) = parts(self.function, values)?;
        let [high, low, rest] = sums else { return Err(no_state()) };
        for ((row, sum), group) in restored(high, low, rest).enumerate().zip(group_indices) {
            // An older engine may have left a sum of 0 for a group without values.
            let count = counts.map_or(1, |counts| if counts.is_valid(row) { counts.value(row) } else { 0 });
            let sum = sum?;
            if count > 0 && !sum.is_empty() {
                self.counts[*group] += count;
                let own = &mut self.sums[*group];
                let before = own.heap_bytes();
                own.merge(sum);
                self.heap_bytes = (self.heap_bytes + own.heap_bytes()).saturating_sub(before);
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        state_of_rows(ExactGroups::new(self.function), values, opt_filter)
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<ExactSum>() + self.counts.capacity() * size_of::<u64>() + self.heap_bytes
    }
}

/// The counts of a state, if it has some, and the columns of its sums.
fn parts(function: ExactFunction, values: &[ArrayRef]) -> Result<(Option<&UInt64Array>, &[ArrayRef])> {
    match (function, values) {
        (ExactFunction::Sum, sums) => Ok((None, sums)),
        (ExactFunction::Average, [counts, sums @ ..]) => Ok((Some(counts.as_primitive::<UInt64Type>()), sums)),
        (ExactFunction::Average, []) => Err(no_state()),
    }
}

fn no_state() -> DataFusionError {
    DataFusionError::Internal("a sum is merged with what is no state of one".to_string())
}

/// The sum of one group, from which values can be taken out again: a window that moves on.
#[derive(Debug)]
pub struct ExactOne {
    function: ExactFunction,
    sum: ExactSum,
    count: u64,
}

impl ExactOne {
    /// No value yet.
    pub fn new(function: ExactFunction) -> ExactOne {
        ExactOne { function, sum: ExactSum::default(), count: 0 }
    }
}

impl Accumulator for ExactOne {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values[0].as_primitive::<Float64Type>().iter().flatten() {
            self.sum.add(value);
            self.count += 1;
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values[0].as_primitive::<Float64Type>().iter().flatten() {
            self.sum.subtract(value);
            self.count = self.count.saturating_sub(1);
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let result = self.function.result(&self.sum, self.count);
        Ok(ScalarValue::Float64(result.filter(|_| self.count > 0)))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.sum.heap_bytes()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let kept = self.sum.keep().filter(|_| self.count > 0);
        let count = match self.function {
            ExactFunction::Sum => None,
            ExactFunction::Average => Some(ScalarValue::UInt64(Some(self.count))),
        };
        let sum = [
            ScalarValue::Float64(kept.as_ref().map(|sum| sum.high)),
            ScalarValue::Float64(kept.as_ref().and_then(|sum| sum.low)),
            ScalarValue::Binary(kept.and_then(|sum| sum.rest)),
        ];
        Ok(count.into_iter().chain(sum).collect())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (counts, sums) = parts(self.function, states)?;
        let [high, low, rest] = sums else { return Err(no_state()) };
        for (row, sum) in restored(high, low, rest).enumerate() {
            let count = counts.map_or(1, |counts| if counts.is_valid(row) { counts.value(row) } else { 0 });
            let sum = sum?;
            if count > 0 && !sum.is_empty() {
                self.count += count;
                self.sum.merge(sum);
            }
        }
        Ok(())
    }
}
