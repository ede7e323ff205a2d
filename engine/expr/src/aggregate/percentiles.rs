//! Statistics that keep all values of a group: `percentile`, `percentile_disc`, `median`, `percentile_approx`, `mode`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt32Array, UInt64Array};
use arrow::compute::{SortOptions, cast, sort, take};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{plan_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{AggregateUDF, EmitTo, GroupsAccumulator};
use datafusion::scalar::ScalarValue;

use super::aggregate_def::{AggregateDef, constant, into_udaf, kinds};
use super::collect_list::ListGroups;
use super::first_last::scalars;
use super::single::{Groups, passes};
use crate::display::type_name;
use crate::group_key::normalized;
use crate::refusal::{UNEXPECTED_INPUT_TYPE, refused};
use crate::row_fault::RowFault;

/// The functions, to be registered.
pub fn percentiles() -> Vec<AggregateUDF> {
    let of = |name, aliases, statistic, order| into_udaf(StatisticDef { name, aliases, statistic, order });
    vec![
        of("percentile", &[], Statistic::Percentile, Order::Ascending),
        of("percentile_descending", &[], Statistic::Percentile, Order::Descending),
        of("percentile_disc", &[], Statistic::Discrete, Order::Ascending),
        of("percentile_disc_descending", &[], Statistic::Discrete, Order::Descending),
        of("median", &[], Statistic::Median, Order::Ascending),
        of("percentile_approx", &["approx_percentile"], Statistic::Rank, Order::Ascending),
        of("mode", &[], Statistic::Mode, Order::Arrival),
        of("mode_ascending", &[], Statistic::Mode, Order::Ascending),
        of("mode_descending", &[], Statistic::Mode, Order::Descending),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Statistic {
    /// Between the two nearest values.
    Percentile,
    /// The first value by which that share of the values has passed, as a double.
    Discrete,
    Median,
    /// A value of the group.
    Rank,
    Mode,
}

/// The order of the values, as `WITHIN GROUP (ORDER BY …)` says it; of equally frequent ones `mode` takes the first in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Arrival,
    Ascending,
    Descending,
}

struct StatisticDef {
    name: &'static str,
    aliases: &'static [&'static str],
    statistic: Statistic,
    order: Order,
}

impl AggregateDef for StatisticDef {
    type Accumulator = StatisticGroups;

    fn name(&self) -> &'static str {
        self.name
    }

    fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    fn arity(&self) -> (usize, usize) {
        match self.statistic {
            Statistic::Percentile if self.order == Order::Ascending => (2, 3),
            Statistic::Percentile | Statistic::Discrete => (2, 2),
            Statistic::Rank => (2, 3),
            Statistic::Median => (1, 1),
            Statistic::Mode => (1, 2),
        }
    }

    fn coerce_types(&self, kinds: &[DataType]) -> Result<Vec<DataType>> {
        let mut coerced = kinds.to_vec();
        if let (Statistic::Rank, Some(kind)) = (self.statistic, kinds.first())
            && !has_ranks(kind)
        {
            let error = plan_datafusion_err!("{} takes numbers, dates and times, not {}", self.name, type_name(kind));
            return Err(refused(
                error,
                UNEXPECTED_INPUT_TYPE,
                "rank a number or a time of the values, such as size(x)",
            ));
        }
        if matches!(self.statistic, Statistic::Percentile | Statistic::Discrete | Statistic::Median) {
            coerced[0] = DataType::Float64;
        }
        if self.statistic == Statistic::Mode && kinds.len() > 1 && matches!(kinds[0], DataType::Map(..)) {
            return plan_err!("mode(x, true) takes the smallest of equally frequent values, and maps have no order");
        }
        if self.statistic == Statistic::Mode {
            coerced.iter_mut().skip(1).for_each(|flag| *flag = DataType::Boolean);
        } else if let Some(share) = coerced.get_mut(1) {
            *share = match share {
                DataType::List(_) => DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true))),
                _ => DataType::Float64,
            };
        }
        if self.statistic == Statistic::Percentile
            && let Some(frequency) = coerced.get_mut(2)
        {
            *frequency = DataType::Int64;
        }
        Ok(coerced)
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        let one = match self.statistic {
            Statistic::Percentile | Statistic::Discrete | Statistic::Median => DataType::Float64,
            Statistic::Rank | Statistic::Mode => kinds[0].clone(),
        };
        Ok(match kinds.get(1) {
            Some(DataType::List(_)) => DataType::List(Arc::new(Field::new_list_field(one, true))),
            _ => one,
        })
    }

    fn state_types(&self, kinds: &[DataType], _: &DataType) -> Vec<DataType> {
        vec![DataType::List(Arc::new(Field::new_list_field(kinds[0].clone(), true)))]
    }

    fn accumulator(&self, args: &AccumulatorArgs<'_>) -> Result<StatisticGroups> {
        let shares = match self.statistic {
            Statistic::Median => vec![0.5],
            Statistic::Mode => Vec::new(),
            Statistic::Percentile | Statistic::Discrete | Statistic::Rank => shares(self.name, constant(args, 1))?,
        };
        // `mode(x, true)`: the smallest of equally frequent values.
        let order = match constant(args, 1) {
            Some(ScalarValue::Boolean(Some(true))) if self.order == Order::Arrival => Order::Ascending,
            _ => self.order,
        };
        let kind = kinds(args).swap_remove(0);
        if order != Order::Arrival && has_map(&kind) {
            let error = plan_datafusion_err!("{} orders its values, and {} has no order", self.name, type_name(&kind));
            return Err(refused(
                error,
                UNEXPECTED_INPUT_TYPE,
                "give it the entries in order: array_sort(map_entries(x))",
            ));
        }
        let list = DataType::List(Arc::new(Field::new_list_field(kind, true)));
        let (statistic, gives) = (self.statistic, args.return_type().clone());
        Ok(StatisticGroups { statistic, order, shares, gives, values: ListGroups::new(&list)? })
    }
}

/// True for a type whose values `percentile_approx` ranks.
fn has_ranks(kind: &DataType) -> bool {
    kind.is_numeric() || kind.is_temporal() || matches!(kind, DataType::Null | DataType::Utf8)
}

/// True for maps, and for what has one inside: they have no order.
fn has_map(kind: &DataType) -> bool {
    match kind {
        DataType::Map(..) => true,
        DataType::List(element) => has_map(element.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_map(field.data_type())),
        _ => false,
    }
}

/// The shares that a call asks for, each from 0 to 1.
fn shares(name: &str, given: Option<ScalarValue>) -> Result<Vec<f64>> {
    let needed =
        || plan_datafusion_err!("the percentage of {name} must be a constant between 0 and 1, or an array of such");
    let values: ArrayRef = match given.ok_or_else(needed)? {
        ScalarValue::List(list) if list.len() == 1 => list.value(0),
        other => other.to_array()?,
    };
    let values = cast(&values, &DataType::Float64)?;
    let shares: Vec<f64> = values.as_primitive::<Float64Type>().iter().map(|share| share.unwrap_or(f64::NAN)).collect();
    if shares.iter().all(|share| (0.0..=1.0).contains(share)) { Ok(shares) } else { Err(needed()) }
}

/// The values of each group.
#[derive(Debug)]
pub struct StatisticGroups {
    statistic: Statistic,
    order: Order,
    shares: Vec<f64>,
    gives: DataType,
    values: ListGroups,
}

impl StatisticGroups {
    fn finish(&self, values: &ArrayRef) -> Result<Option<ScalarValue>> {
        if values.is_empty() {
            return Ok(None);
        }
        let sorted = match self.order {
            Order::Arrival => Arc::clone(values),
            order => in_order(&normalized(values), order == Order::Descending)?,
        };
        if self.statistic == Statistic::Mode {
            return Ok(Some(ScalarValue::try_from_array(&sorted, most_frequent(&sorted)?)?));
        }
        let found = self.shares.iter().map(|share| match self.statistic {
            Statistic::Rank | Statistic::Discrete => {
                let rank = (share * sorted.len() as f64).ceil() as usize;
                ScalarValue::try_from_array(&sorted, rank.max(1) - 1)
            }
            _ => Ok(ScalarValue::Float64(Some(between(sorted.as_primitive::<Float64Type>().values(), *share)))),
        });
        let found: Vec<ScalarValue> = found.collect::<Result<_>>()?;
        match &self.gives {
            DataType::List(field) => {
                Ok(Some(ScalarValue::List(ScalarValue::new_list(&found, field.data_type(), true))))
            }
            _ => Ok(found.into_iter().next()),
        }
    }
}

/// Most times that a value stands for itself.
const FREQUENCY_MAX: i64 = 1_000_000;

/// `percentile(x, share, frequency)`: each value as often as it says, with its group.
fn repeated(
    values: &ArrayRef,
    frequencies: &ArrayRef,
    groups: &[usize],
    filter: Option<&BooleanArray>,
) -> Result<(ArrayRef, Vec<usize>)> {
    let frequencies = frequencies.as_primitive::<Int64Type>();
    let (mut places, mut owners) = (Vec::new(), Vec::new());
    for (row, group) in groups.iter().enumerate() {
        if !passes(filter, row) || values.is_null(row) || frequencies.is_null(row) {
            continue;
        }
        let frequency = frequencies.value(row);
        if !(0..=FREQUENCY_MAX).contains(&frequency) {
            let message = format!(
                "the frequency of percentile is from 0 to {FREQUENCY_MAX}, not {frequency}; divide all frequencies by one number"
            );
            return Err(RowFault { condition: "INVALID_PARAMETER_VALUE", message }.into());
        }
        places.extend((0..frequency).map(|_| row as u64));
        owners.extend((0..frequency).map(|_| *group));
    }
    Ok((take(values, &UInt64Array::from(places), None)?, owners))
}

/// Values that are not NULL in Spark's order, in which a NULL inside of one comes first.
fn in_order(values: &ArrayRef, descending: bool) -> Result<ArrayRef> {
    if !values.data_type().is_nested() {
        return Ok(sort(values, Some(SortOptions { descending, nulls_first: false }))?);
    }
    // Arrow 59 does not sort structs, and sorts what is inside of lists in an order of its own.
    let options = SortOptions { descending, nulls_first: !descending };
    let rows = RowConverter::new(vec![SortField::new_with_options(values.data_type().clone(), options)])?;
    let rows = rows.convert_columns(&[Arc::clone(values)])?;
    let mut places: Vec<u32> = (0..values.len() as u32).collect();
    places.sort_by(|one, other| rows.row(*one as usize).cmp(&rows.row(*other as usize)));
    Ok(take(values, &UInt32Array::from(places), None)?)
}

/// The value at a share of the way through sorted values, between two of them if it must be.
fn between(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let (low, high) = (position.floor(), position.ceil());
    let (below, above) = (sorted[low as usize], sorted[high as usize]);
    if low == high || below == above { below } else { below + (above - below) * (position - low) }
}

/// The place of the value that stands most often; of several the one that came first.
fn most_frequent(values: &ArrayRef) -> Result<usize> {
    let rows = RowConverter::new(vec![SortField::new(values.data_type().clone())])?;
    let rows = rows.convert_columns(&[normalized(values)])?;
    let mut counts: HashMap<&[u8], (usize, usize)> = HashMap::new();
    let mut order: Vec<&[u8]> = Vec::new();
    for at in 0..values.len() {
        let bytes = rows.row(at).data();
        let entry = counts.entry(bytes).or_insert_with(|| {
            order.push(bytes);
            (0, at)
        });
        entry.0 += 1;
    }
    let mut best = (0, 0);
    for bytes in order {
        let (count, at) = counts[bytes];
        if count > best.0 {
            best = (count, at);
        }
    }
    Ok(best.1)
}

impl Groups for StatisticGroups {
    fn grow(&mut self, groups: usize) {
        self.values.grow(groups);
    }
}

impl GroupsAccumulator for StatisticGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        if let (Statistic::Percentile, [column, _, frequencies]) = (self.statistic, values) {
            let (column, groups) = repeated(column, frequencies, group_indices, opt_filter)?;
            return self.values.update_batch(&[column], &groups, None, total_num_groups);
        }
        self.values.update_batch(&values[..1], group_indices, opt_filter, total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let lists = self.values.evaluate(emit_to)?;
        let lists = lists.as_list::<i32>();
        let finished = (0..lists.len()).map(|row| self.finish(&lists.value(row))).collect::<Result<Vec<_>>>()?;
        scalars(&self.gives, finished)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        self.values.state(emit_to)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.values.merge_batch(values, group_indices, total_num_groups)
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        if let (Statistic::Percentile, [column, _, frequencies]) = (self.statistic, values) {
            let count = column.len();
            let groups: Vec<usize> = (0..count).collect();
            let (column, groups) = repeated(column, frequencies, &groups, opt_filter)?;
            let mut fresh = ListGroups::new(&DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true))))?;
            fresh.update_batch(&[column], &groups, None, count)?;
            return fresh.state(EmitTo::All);
        }
        self.values.convert_to_state(&values[..1], opt_filter)
    }

    fn size(&self) -> usize {
        self.values.size()
    }
}
