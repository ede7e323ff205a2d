//! `skewness` and `kurtosis` (of the population), from running central moments (Pébay, 2008) in the steps of Spark's `CentralMomentAgg`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::error::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{AggregateUDF, EmitTo, GroupsAccumulator};

use super::aggregate_def::{AggregateDef, into_udaf};
use super::single::{Groups, passes, state_of_rows};

/// The functions, to be registered.
pub fn moments() -> Vec<AggregateUDF> {
    vec![into_udaf(Shape { is_kurtosis: false }), into_udaf(Shape { is_kurtosis: true })]
}

struct Shape {
    is_kurtosis: bool,
}

impl AggregateDef for Shape {
    type Accumulator = Moments;

    fn name(&self) -> &'static str {
        if self.is_kurtosis { "kurtosis" } else { "skewness" }
    }

    fn arity(&self) -> (usize, usize) {
        (1, 1)
    }

    fn coerce_types(&self, _: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![DataType::Float64])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn state_types(&self, _: &[DataType], _: &DataType) -> Vec<DataType> {
        vec![DataType::Float64; 5]
    }

    fn accumulator(&self, _: &AccumulatorArgs<'_>) -> Result<Moments> {
        Ok(Moments { is_kurtosis: self.is_kurtosis, groups: Vec::new() })
    }
}

/// Count, mean, and sums of the second to fourth powers of the distance from the mean.
type Sums = [f64; 5];

/// The moments of each group.
#[derive(Debug)]
pub struct Moments {
    is_kurtosis: bool,
    groups: Vec<Sums>,
}

fn merged(a: Sums, b: Sums) -> Sums {
    let [na, mean_a, a2, a3, a4] = a;
    let [nb, mean_b, b2, b3, b4] = b;
    if na == 0.0 || nb == 0.0 {
        return if na == 0.0 { b } else { a };
    }
    let n = na + nb;
    let delta = mean_b - mean_a;
    let step = delta / n;
    let m2 = a2 + b2 + delta * step * na * nb;
    let m3 = a3 + b3 + step * step * delta * na * nb * (na - nb) + 3.0 * step * (na * b2 - nb * a2);
    let m4 = a4
        + b4
        + step * step * step * delta * na * nb * (na * na - na * nb + nb * nb)
        + 6.0 * step * step * (na * na * b2 + nb * nb * a2)
        + 4.0 * step * (na * b3 - nb * a3);
    [n, mean_a + step * nb, m2, m3, m4]
}

/// With one more row.
fn with(sums: Sums, value: f64) -> Sums {
    let [count, mean, m2, m3, m4] = sums;
    let n = count + 1.0;
    let delta = value - mean;
    let step = delta / n;
    let (delta_2, step_2) = (delta * delta, step * step);
    let m2 = m2 + delta * (delta - step);
    let m3 = m3 - 3.0 * step * m2 + delta * (delta_2 - step_2);
    let m4 = m4 - 4.0 * step * m3 - 6.0 * step_2 * m2 + delta * (delta * delta_2 - step * step_2);
    [n, mean + step, m2, m3, m4]
}

impl Groups for Moments {
    fn grow(&mut self, groups: usize) {
        self.groups.resize(groups.max(self.groups.len()), [0.0; 5]);
    }
}

impl GroupsAccumulator for Moments {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let values = values[0].as_primitive::<Float64Type>();
        for (row, group) in group_indices.iter().enumerate() {
            if values.is_valid(row) && passes(opt_filter, row) {
                self.groups[*group] = with(self.groups[*group], values.value(row));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let is_kurtosis = self.is_kurtosis;
        let shapes = emit_to.take_needed(&mut self.groups).into_iter().map(|[n, _, m2, m3, m4]| {
            // Of equal values there is none; NaN among them makes it NaN.
            (n > 0.0 && m2 != 0.0).then(|| match is_kurtosis {
                true => n * m4 / (m2 * m2) - 3.0,
                false => n.sqrt() * m3 / (m2 * m2 * m2).sqrt(),
            })
        });
        Ok(Arc::new(shapes.collect::<Float64Array>()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let taken = emit_to.take_needed(&mut self.groups);
        let part =
            |at: usize| -> ArrayRef { Arc::new(Float64Array::from_iter_values(taken.iter().map(|sums| sums[at]))) };
        Ok((0..5).map(part).collect())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        let parts: Vec<&Float64Array> = values.iter().map(|part| part.as_primitive()).collect();
        for (row, group) in group_indices.iter().enumerate().filter(|(row, _)| parts[0].is_valid(*row)) {
            let sums = std::array::from_fn(|at| parts[at].value(row));
            self.groups[*group] = merged(self.groups[*group], sums);
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        state_of_rows(Moments { is_kurtosis: self.is_kurtosis, groups: Vec::new() }, values, opt_filter)
    }

    fn size(&self) -> usize {
        self.groups.capacity() * size_of::<Sums>()
    }
}
