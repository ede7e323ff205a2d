//! `try_sum(x)`: a sum that is NULL where its type cannot hold it. All are summed exactly, so that the order of the rows changes
//! nothing.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Field, Float64Type};
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{AggregateUDF, EmitTo, GroupsAccumulator};

use super::aggregate_def::{AggregateDef, into_udaf};
use super::exact_function::{exact_fields, kept_columns, restored};
use super::exact_sum::ExactSum;
use super::exact_whole::ExactWhole;
use super::single::{Groups, passes, state_of_rows};

/// The function, to be registered.
pub fn try_sum() -> AggregateUDF {
    into_udaf(TrySum)
}

/// The most digits of a decimal.
const DIGITS_MAX: u8 = 38;

struct TrySum;

impl AggregateDef for TrySum {
    type Accumulator = Sums;

    fn name(&self) -> &'static str {
        "try_sum"
    }

    fn arity(&self) -> (usize, usize) {
        (1, 1)
    }

    fn coerce_types(&self, kinds: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![match &kinds[0] {
            kind if kind.is_integer() => DataType::Int64,
            DataType::Decimal128(..) => kinds[0].clone(),
            kind if kind.is_floating() || matches!(kind, DataType::Null | DataType::Utf8) => DataType::Float64,
            kind => return plan_err!("try_sum takes a number, not {kind}"),
        }])
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        Ok(match &kinds[0] {
            DataType::Decimal128(digits, scale) => {
                // Spark's: ten digits more, so that ten billion values fit.
                DataType::Decimal128(digits.saturating_add(10).min(DIGITS_MAX), *scale)
            }
            kind => kind.clone(),
        })
    }

    fn state_types(&self, _: &[DataType], gives: &DataType) -> Vec<DataType> {
        vec![exact_type(gives), DataType::Boolean]
    }

    fn later_state_fields(&self, gives: &DataType) -> Vec<Field> {
        if *gives == DataType::Float64 { exact_fields().to_vec() } else { Vec::new() }
    }

    fn accumulator(&self, args: &AccumulatorArgs<'_>) -> Result<Sums> {
        Ok(Sums { gives: args.return_type().clone(), exact: Vec::new(), doubles: Vec::new() })
    }
}

/// The type in which a sum is kept.
fn exact_type(gives: &DataType) -> DataType {
    match gives {
        DataType::Float64 => DataType::Float64,
        DataType::Decimal128(_, scale) => DataType::Decimal128(DIGITS_MAX, *scale),
        _ => DataType::Decimal128(DIGITS_MAX, 0),
    }
}

/// The sums of groups: of one of the two kinds.
#[derive(Debug)]
pub struct Sums {
    gives: DataType,
    exact: Vec<ExactWhole>,
    doubles: Vec<ExactSum>,
}

impl Sums {
    fn is_double(&self) -> bool {
        self.gives == DataType::Float64
    }

    fn add(&mut self, values: &ArrayRef, groups: &[usize], is_wanted: impl Fn(usize) -> bool) -> Result<()> {
        let values = cast(values, &exact_type(&self.gives))?;
        let wanted = groups.iter().enumerate().filter(|(row, _)| values.is_valid(*row) && is_wanted(*row));
        if self.is_double() {
            let values = values.as_primitive::<Float64Type>();
            wanted.for_each(|(row, group)| self.doubles[*group].add(values.value(row)));
            return Ok(());
        }
        let values = values.as_primitive::<Decimal128Type>();
        wanted
            .for_each(|(row, group)| self.exact[*group] = self.exact[*group].plus(ExactWhole::Sum(values.value(row))));
        Ok(())
    }

    /// The sums of whole numbers or decimals, and which of them are too large.
    fn take(&mut self, emit_to: EmitTo) -> (ArrayRef, BooleanArray) {
        let sums = emit_to.take_needed(&mut self.exact);
        let too_large = sums.iter().map(|sum| Some(*sum == ExactWhole::TooLarge)).collect();
        let kept = sums.iter().map(|sum| sum.kept());
        let kept = kept.collect::<Decimal128Array>().with_data_type(exact_type(&self.gives));
        (Arc::new(kept), too_large)
    }

    fn fits(&self, sum: i128) -> bool {
        match self.gives {
            DataType::Decimal128(digits, _) => sum.unsigned_abs() < 10_u128.pow(u32::from(digits)),
            _ => i64::try_from(sum).is_ok(),
        }
    }
}

impl Groups for Sums {
    fn grow(&mut self, groups: usize) {
        if self.is_double() {
            self.doubles.resize(groups.max(self.doubles.len()), ExactSum::default());
        } else {
            self.exact.resize(groups.max(self.exact.len()), ExactWhole::Empty);
        }
    }
}

impl GroupsAccumulator for Sums {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let is_wanted = |row: usize| passes(opt_filter, row);
        self.add(&values[0], group_indices, is_wanted)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        if self.is_double() {
            let sums = emit_to.take_needed(&mut self.doubles);
            return Ok(Arc::new(sums.iter().map(ExactSum::value).collect::<Float64Array>()));
        }
        let (sums, _) = self.take(emit_to);
        let sums = sums.as_primitive::<Decimal128Type>().iter();
        let fitting: Decimal128Array = sums.map(|sum| sum.filter(|sum| self.fits(*sum))).collect();
        Ok(match &self.gives {
            DataType::Decimal128(..) => Arc::new(fitting.with_data_type(self.gives.clone())),
            gives => cast(&fitting.with_data_type(exact_type(gives)), gives)?,
        })
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        if self.is_double() {
            let [high, low, rest] = kept_columns(&emit_to.take_needed(&mut self.doubles));
            let none_too_large = Arc::new(BooleanArray::from(vec![false; high.len()]));
            return Ok(vec![high, none_too_large, low, rest]);
        }
        let (sums, too_large) = self.take(emit_to);
        Ok(vec![sums, Arc::new(too_large)])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        if let (true, [high, _, low, rest]) = (self.is_double(), values) {
            for (sum, group) in restored(high, low, rest).zip(group_indices) {
                self.doubles[*group].merge(sum?);
            }
            return Ok(());
        }
        self.add(&values[0], group_indices, |_| true)?;
        let too_large = values[1].as_boolean();
        for (row, group) in group_indices.iter().enumerate() {
            if too_large.is_valid(row) && too_large.value(row) {
                self.exact[*group] = ExactWhole::TooLarge;
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        state_of_rows(Sums { gives: self.gives.clone(), exact: Vec::new(), doubles: Vec::new() }, values, opt_filter)
    }

    fn size(&self) -> usize {
        self.exact.capacity() * size_of::<ExactWhole>() + self.doubles.capacity() * size_of::<ExactSum>()
    }
}
