//! Spread and linear relation of numbers (`stddev`, `variance`, `corr`, `covar_pop`, `regr_slope` and their kin) to Spark's last digit.
//!
//! The steps are those of Spark's `CentralMomentAgg`, `Covariance` and `PearsonCorrelation`. The states have the columns that DataFusion's
//! functions of these names have, with the same meaning, so that a checkpoint made with those is gone on with.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, UInt64Array};
use arrow::datatypes::{DataType, Float64Type, UInt64Type};
use datafusion::error::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{AggregateUDF, EmitTo, GroupsAccumulator};

use super::aggregate_def::{AggregateDef, into_udaf};
use super::single::{Groups, passes, state_of_rows};

/// The functions, to be registered over DataFusion's own.
pub fn statistics() -> Vec<AggregateUDF> {
    ALL.iter().map(|statistic| into_udaf(*statistic)).collect()
}

/// A function: what it computes of the sums over its rows.
#[derive(Debug, Clone, Copy)]
pub struct Statistic {
    name: &'static str,
    aliases: &'static [&'static str],
    kind: Kind,
    value: fn(&Sums) -> Option<f64>,
}

/// Which sums a function keeps, and in which order they stand in its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Of one argument: count, mean, squares.
    Spread,
    /// count, mean of the first, mean of the second, products.
    Covariance,
    /// count, mean of the first, squares of the first, mean of the second, squares of the second, products.
    Correlation,
    /// count, mean of the second, mean of the first, squares of the second, squares of the first, products: `y` comes first, and is named
    /// behind `x`. The squares are those of a spread, not those of a correlation: both are the same number, but for its last digits.
    Regression,
    /// As `Regression`, with the squares of a correlation.
    Determination,
}

const ALL: &[Statistic] = &[
    Statistic {
        name: "stddev",
        aliases: &["stddev_samp", "std"],
        kind: Kind::Spread,
        value: |sums| sums.sample(sums.first.squares).map(f64::sqrt),
    },
    Statistic {
        name: "stddev_pop",
        aliases: &[],
        kind: Kind::Spread,
        value: |sums| sums.population(sums.first.squares).map(f64::sqrt),
    },
    Statistic {
        name: "var",
        aliases: &["variance", "var_samp", "var_sample"],
        kind: Kind::Spread,
        value: |sums| sums.sample(sums.first.squares),
    },
    Statistic {
        name: "var_pop",
        aliases: &["var_population"],
        kind: Kind::Spread,
        value: |sums| sums.population(sums.first.squares),
    },
    Statistic {
        name: "covar_samp",
        aliases: &["covar"],
        kind: Kind::Covariance,
        value: |sums| sums.sample(sums.products),
    },
    Statistic { name: "covar_pop", aliases: &[], kind: Kind::Covariance, value: |sums| sums.population(sums.products) },
    Statistic { name: "corr", aliases: &[], kind: Kind::Correlation, value: Sums::correlation },
    Statistic { name: "regr_slope", aliases: &[], kind: Kind::Regression, value: Sums::slope },
    Statistic {
        name: "regr_intercept",
        aliases: &[],
        kind: Kind::Regression,
        value: |sums| sums.slope().map(|slope| sums.first.mean - slope * sums.second.mean),
    },
    Statistic { name: "regr_r2", aliases: &[], kind: Kind::Determination, value: Sums::determination },
    Statistic { name: "regr_sxx", aliases: &[], kind: Kind::Regression, value: |sums| sums.whole(sums.second.squares) },
    Statistic { name: "regr_syy", aliases: &[], kind: Kind::Regression, value: |sums| sums.whole(sums.first.squares) },
    Statistic { name: "regr_sxy", aliases: &[], kind: Kind::Determination, value: |sums| sums.whole(sums.products) },
];

impl Kind {
    fn arguments(self) -> usize {
        if self == Kind::Spread { 1 } else { 2 }
    }

    /// True if the squares are kept as a correlation keeps them.
    fn is_correlation(self) -> bool {
        matches!(self, Kind::Correlation | Kind::Determination)
    }

    fn columns(self, sums: &Sums) -> Vec<f64> {
        let Sums { first, second, products, .. } = *sums;
        match self {
            Kind::Spread => vec![first.mean, first.squares],
            Kind::Covariance => vec![first.mean, second.mean, products],
            Kind::Correlation => vec![first.mean, first.squares, second.mean, second.squares, products],
            Kind::Regression | Kind::Determination => {
                vec![second.mean, first.mean, second.squares, first.squares, products]
            }
        }
    }

    fn sums(self, count: f64, columns: &[f64]) -> Sums {
        let at = |at: usize| columns.get(at).copied().unwrap_or_default();
        let of = |mean: usize, squares: usize| Side { mean: at(mean), squares: at(squares) };
        let nothing = columns.len();
        let (first, second, products) = match self {
            Kind::Spread => (of(0, 1), Side::default(), 0.0),
            Kind::Covariance => (of(0, nothing), of(1, nothing), at(2)),
            Kind::Correlation => (of(0, 1), of(2, 3), at(4)),
            Kind::Regression | Kind::Determination => (of(1, 3), of(0, 2), at(4)),
        };
        Sums { count, first, second, products }
    }
}

/// One argument: its mean, and the sum of the squares of the distances from it.
#[derive(Debug, Clone, Copy, Default)]
struct Side {
    mean: f64,
    squares: f64,
}

/// What is known of a group's rows.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    count: f64,
    first: Side,
    second: Side,
    /// The sum of the products of both distances.
    products: f64,
}

impl Sums {
    /// With one more row.
    fn with(self, kind: Kind, x: f64, y: f64) -> Sums {
        let count = self.count + 1.0;
        let (dx, dy) = (x - self.first.mean, y - self.second.mean);
        let (step_x, step_y) = (dx / count, dy / count);
        let (mean_x, mean_y) = (self.first.mean + step_x, self.second.mean + step_y);
        let (squares_x, squares_y) = match kind.is_correlation() {
            true => (dx * (x - mean_x), dy * (y - mean_y)),
            false => (dx * (dx - step_x), dy * (dy - step_y)),
        };
        let product = if kind == Kind::Regression { dy * (x - mean_x) } else { dx * (y - mean_y) };
        Sums {
            count,
            first: Side { mean: mean_x, squares: self.first.squares + squares_x },
            second: Side { mean: mean_y, squares: self.second.squares + squares_y },
            products: self.products + product,
        }
    }

    /// Of the rows of both.
    fn merged(self, other: Sums) -> Sums {
        if self.count == 0.0 || other.count == 0.0 {
            return if self.count == 0.0 { other } else { self };
        }
        let count = self.count + other.count;
        let side = |left: Side, right: Side| {
            let distance = right.mean - left.mean;
            let step = distance / count;
            let squares = left.squares + right.squares + distance * step * self.count * other.count;
            (Side { mean: left.mean + step * other.count, squares }, distance, step)
        };
        let (first, distance, _) = side(self.first, other.first);
        let (second, _, step) = side(self.second, other.second);
        let products = self.products + other.products + distance * step * self.count * other.count;
        Sums { count, first, second, products }
    }

    fn whole(&self, sum: f64) -> Option<f64> {
        (self.count > 0.0).then_some(sum)
    }

    fn population(&self, sum: f64) -> Option<f64> {
        (self.count > 0.0).then(|| sum / self.count)
    }

    fn sample(&self, sum: f64) -> Option<f64> {
        (self.count > 1.0).then(|| sum / (self.count - 1.0))
    }

    fn correlation(&self) -> Option<f64> {
        let spread = (self.first.squares * self.second.squares).sqrt();
        (self.count > 1.0 && spread != 0.0).then(|| self.products / spread)
    }

    fn slope(&self) -> Option<f64> {
        (self.count > 1.0 && self.second.squares != 0.0).then(|| self.products / self.second.squares)
    }

    /// How much of `y` is explained by `x`: all, where `y` is the same everywhere.
    fn determination(&self) -> Option<f64> {
        if self.count < 2.0 || self.second.squares == 0.0 {
            return None;
        }
        if self.first.squares == 0.0 {
            return Some(1.0);
        }
        self.correlation().map(|correlation| correlation * correlation)
    }
}

impl AggregateDef for Statistic {
    type Accumulator = Statistics;

    fn name(&self) -> &'static str {
        self.name
    }

    fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    fn arity(&self) -> (usize, usize) {
        (self.kind.arguments(), self.kind.arguments())
    }

    fn coerce_types(&self, kinds: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![DataType::Float64; kinds.len()])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn state_types(&self, _: &[DataType], _: &DataType) -> Vec<DataType> {
        let sums = self.kind.columns(&Sums::default()).len();
        std::iter::once(DataType::UInt64).chain(vec![DataType::Float64; sums]).collect()
    }

    fn accumulator(&self, _: &AccumulatorArgs<'_>) -> Result<Statistics> {
        Ok(Statistics { statistic: *self, groups: Vec::new() })
    }
}

/// The sums of each group.
#[derive(Debug)]
pub struct Statistics {
    statistic: Statistic,
    groups: Vec<Sums>,
}

impl Groups for Statistics {
    fn grow(&mut self, groups: usize) {
        self.groups.resize(groups.max(self.groups.len()), Sums::default());
    }
}

impl GroupsAccumulator for Statistics {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let kind = self.statistic.kind;
        let first = values[0].as_primitive::<Float64Type>();
        let second = values.get(1).map_or(first, |values| values.as_primitive::<Float64Type>());
        for (row, group) in group_indices.iter().enumerate() {
            if first.is_valid(row) && second.is_valid(row) && passes(opt_filter, row) {
                self.groups[*group] = self.groups[*group].with(kind, first.value(row), second.value(row));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let value = self.statistic.value;
        let taken = emit_to.take_needed(&mut self.groups);
        Ok(Arc::new(taken.iter().map(value).collect::<Float64Array>()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let taken = emit_to.take_needed(&mut self.groups);
        let counts = UInt64Array::from_iter_values(taken.iter().map(|sums| sums.count as u64));
        let rows: Vec<Vec<f64>> = taken.iter().map(|sums| self.statistic.kind.columns(sums)).collect();
        let width = self.statistic.kind.columns(&Sums::default()).len();
        let column =
            |at: usize| -> ArrayRef { Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row[at]))) };
        let counts: ArrayRef = Arc::new(counts);
        Ok(std::iter::once(counts).chain((0..width).map(column)).collect())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        let counts = values[0].as_primitive::<UInt64Type>();
        let sums: Vec<&Float64Array> = values[1..].iter().map(|part| part.as_primitive()).collect();
        for (row, group) in group_indices.iter().enumerate().filter(|(row, _)| counts.is_valid(*row)) {
            let columns: Vec<f64> = sums.iter().map(|column| column.value(row)).collect();
            let other = self.statistic.kind.sums(counts.value(row) as f64, &columns);
            self.groups[*group] = self.groups[*group].merged(other);
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        state_of_rows(Statistics { statistic: self.statistic, groups: Vec::new() }, values, opt_filter)
    }

    fn size(&self) -> usize {
        self.groups.capacity() * size_of::<Sums>()
    }
}
