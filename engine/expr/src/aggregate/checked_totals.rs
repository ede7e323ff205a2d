//! `sum` of whole numbers and decimals, `avg` of decimals: exact, in any order of the rows, and never a number that wrapped around.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{AggregateUDF, EmitTo, GroupsAccumulator};

use super::aggregate_def::{AggregateDef, into_udaf, kinds};
use super::exact_whole::ExactWhole;
use super::single::{Groups, passes, state_of_rows};
use super::with_distinct::with_distinct;
use crate::display::type_name;
use crate::interval::fields::IntervalType;
use crate::row_fault::{GroupFault, RowFault};
use crate::scalar::arithmetic::quotient;
use crate::scalar::intervals::{of_raw, raw};
use crate::typing::decimals::{Digits, PRECISION_MAX};
use crate::typing::meeting::is_whole;

/// `sum` or `avg` as Spark has it of values of this type, if it is not of doubles; `ansi`: what is too large is an error.
pub fn checked(name: &str, kind: &DataType, ansi: bool) -> Option<AggregateUDF> {
    let total = match (name, kind) {
        ("sum", kind) if is_whole(kind) => Total::Sum,
        ("sum", DataType::Decimal128(..)) => Total::Sum,
        ("sum", kind) if is_interval(kind) => Total::Sum,
        ("avg", kind) if is_interval(kind) => Total::Average,
        ("avg", DataType::Decimal128(..)) => Total::Average,
        _ => return None,
    };
    Some(with_distinct(Arc::new(into_udaf(Checked { total, ansi }))))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Total {
    Sum,
    Average,
}

#[derive(Debug, Clone, Copy)]
struct Checked {
    total: Total,
    ansi: bool,
}

impl AggregateDef for Checked {
    type Accumulator = Totals;

    fn name(&self) -> &'static str {
        match self.total {
            Total::Sum => "sum",
            Total::Average => "avg",
        }
    }

    fn arity(&self) -> (usize, usize) {
        (1, 1)
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        let more = |digits: u8, more: u8| digits.saturating_add(more).min(PRECISION_MAX);
        Ok(match (self.total, &kinds[0]) {
            (Total::Sum, kind) if is_whole(kind) => DataType::Int64,
            // Ten digits more, so that ten billion values fit.
            (Total::Sum, DataType::Decimal128(digits, scale)) => DataType::Decimal128(more(*digits, 10), *scale),
            (Total::Average, DataType::Decimal128(digits, scale)) => {
                DataType::Decimal128(more(*digits, 4), (*scale + 4).min(PRECISION_MAX as i8))
            }
            (_, kind) if is_interval(kind) => kind.clone(),
            (_, kind) => return plan_err!("{} takes a number, not {}", self.name(), type_name(kind)),
        })
    }

    fn state_types(&self, kinds: &[DataType], _: &DataType) -> Vec<DataType> {
        let mut types = vec![kept_type(&kinds[0]), DataType::Boolean];
        if self.total == Total::Average {
            types.push(DataType::Int64);
        }
        types
    }

    fn accumulator(&self, args: &AccumulatorArgs<'_>) -> Result<Totals> {
        let kind = kinds(args).first().cloned().unwrap_or(DataType::Int64);
        Ok(Totals::new(*self, args.return_type().clone(), kept_type(&kind)))
    }
}

/// True for intervals that have one length.
fn is_interval(kind: &DataType) -> bool {
    IntervalType::of_data_type(kind).is_some()
}

/// An interval, if the type can hold it.
fn in_range(kind: &DataType, value: i128) -> Option<i128> {
    let is_of_months = matches!(kind, DataType::Interval(_));
    Some(value).filter(|value| if is_of_months { i32::try_from(*value).is_ok() } else { i64::try_from(*value).is_ok() })
}

/// The type in which a total of such values is kept.
fn kept_type(kind: &DataType) -> DataType {
    match kind {
        DataType::Decimal128(_, scale) => DataType::Decimal128(PRECISION_MAX, *scale),
        _ => DataType::Decimal128(PRECISION_MAX, 0),
    }
}

/// Totals of groups.
#[derive(Debug)]
struct Totals {
    function: Checked,
    gives: DataType,
    kept: DataType,
    sums: Vec<ExactWhole>,
    /// Values of each group, for averages.
    counts: Vec<i64>,
}

impl Totals {
    fn new(function: Checked, gives: DataType, kept: DataType) -> Totals {
        Totals { function, gives, kept, sums: Vec::new(), counts: Vec::new() }
    }

    fn add(&mut self, group: usize, value: i128) {
        self.sums[group] = self.sums[group].plus(ExactWhole::Sum(value));
        self.counts[group] += 1;
    }

    fn result(&self, sum: ExactWhole, count: i64) -> Result<Option<i128>, RowFault> {
        let fitting = match (sum, self.function.total) {
            (ExactWhole::Empty, _) => return Ok(None),
            (ExactWhole::TooLarge, _) => None,
            (ExactWhole::Sum(sum), Total::Average) => {
                let digits =
                    |kind: &DataType| Digits::of(kind).unwrap_or(Digits { precision: PRECISION_MAX, scale: 0 });
                quotient((sum, digits(&self.kept)), count, digits(&self.gives))
            }
            (ExactWhole::Sum(sum), Total::Sum) => match &self.gives {
                DataType::Decimal128(digits, _) => {
                    Some(sum).filter(|sum| sum.unsigned_abs() < 10_u128.pow(u32::from(*digits)))
                }
                kind if is_interval(kind) => in_range(kind, sum),
                _ if self.function.ansi => i64::try_from(sum).ok().map(i128::from),
                // Without ANSI whole numbers wrap around.
                _ => Some(i128::from(sum as i64)),
            },
        };
        match (fitting, self.function.ansi, &self.gives) {
            (Some(value), _, _) => Ok(Some(value)),
            (None, _, kind) if is_interval(kind) => Err(RowFault::overflow("interval")),
            (None, true, DataType::Int64) => Err(RowFault::sum_overflow()),
            (None, true, kind) => Err(RowFault::out_of_range(&type_name(kind))),
            (None, false, _) => Ok(None),
        }
    }

    fn take(&mut self, emit_to: EmitTo) -> (Vec<ExactWhole>, Vec<i64>) {
        (emit_to.take_needed(&mut self.sums), emit_to.take_needed(&mut self.counts))
    }
}

impl Groups for Totals {
    fn grow(&mut self, groups: usize) {
        self.sums.resize(groups.max(self.sums.len()), ExactWhole::Empty);
        self.counts.resize(groups.max(self.counts.len()), 0);
    }
}

impl GroupsAccumulator for Totals {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let wanted = |row: usize| passes(opt_filter, row);
        match values[0].data_type() {
            DataType::Decimal128(..) => {
                let values = values[0].as_primitive::<Decimal128Type>();
                for (row, group) in group_indices.iter().enumerate().filter(|(row, _)| wanted(*row)) {
                    if values.is_valid(row) {
                        self.add(*group, values.value(row));
                    }
                }
            }
            _ => {
                let values = match values[0].data_type() {
                    kind if is_interval(kind) => raw(&values[0])?,
                    _ => cast(&values[0], &DataType::Int64)?.as_primitive::<Int64Type>().clone(),
                };
                for (row, group) in group_indices.iter().enumerate().filter(|(row, _)| wanted(*row)) {
                    if values.is_valid(row) {
                        self.add(*group, i128::from(values.value(row)));
                    }
                }
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (sums, counts) = self.take(emit_to);
        let results =
            sums.into_iter().zip(counts).enumerate().map(|(group, (sum, count))| {
                self.result(sum, count).map_err(|fault| GroupFault { group, fault }.into())
            });
        let results = results.collect::<Result<Vec<Option<i128>>>>()?;
        Ok(match &self.gives {
            DataType::Decimal128(..) => Arc::new(Decimal128Array::from(results).with_data_type(self.gives.clone())),
            // Each was found to fit.
            kind if is_interval(kind) => {
                let values = results.into_iter().map(|value| value.map(|value| value as i64)).collect::<Int64Array>();
                of_raw(&values, kind)?
            }
            _ => Arc::new(results.into_iter().map(|value| value.map(|value| value as i64)).collect::<Int64Array>()),
        })
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (sums, counts) = self.take(emit_to);
        let kept: Decimal128Array = sums.iter().map(|sum| sum.kept()).collect();
        let too_large: BooleanArray = sums.iter().map(|sum| Some(*sum == ExactWhole::TooLarge)).collect();
        let mut state: Vec<ArrayRef> = vec![Arc::new(kept.with_data_type(self.kept.clone())), Arc::new(too_large)];
        if self.function.total == Total::Average {
            state.push(Arc::new(Int64Array::from(counts)));
        }
        Ok(state)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        let (sums, too_large) = (values[0].as_primitive::<Decimal128Type>(), values[1].as_boolean());
        let counts = values.get(2).map(|counts| counts.as_primitive::<Int64Type>());
        for (row, group) in group_indices.iter().enumerate() {
            let part = match sums.is_valid(row) {
                true => ExactWhole::Sum(sums.value(row)),
                false if too_large.is_valid(row) && too_large.value(row) => ExactWhole::TooLarge,
                false => continue,
            };
            self.sums[*group] = self.sums[*group].plus(part);
            self.counts[*group] += counts.map_or(1, |counts| counts.value(row));
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        state_of_rows(Totals::new(self.function, self.gives.clone(), self.kept.clone()), values, opt_filter)
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<ExactWhole>() + self.counts.capacity() * size_of::<i64>()
    }
}

#[cfg(test)]
mod tests;
