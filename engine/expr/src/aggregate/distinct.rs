//! Distinct values by group, in the order in which they were first seen: the state is the same bytes on every run, where
//! DataFusion's own hash sets are not. `count(DISTINCT a, b)`, `collect_set(x)` and every other `f(DISTINCT x)`.

use std::fmt::{Debug, Formatter};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, StructArray, UInt32Array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{SortOptions, filter, sort_to_indices, take};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema};
use datafusion::error::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;

use super::single::{Groups, by_group, passes, present, state_of_rows};
use crate::group_key::normalized;

/// What is made of the distinct values of a group.
pub enum Finish {
    /// Their number.
    Count,
    /// An array of them.
    List,
    /// An array of them in order.
    Sorted(SortOptions),
    /// What another function makes of them.
    Other(Box<dyn Fn() -> Result<Box<dyn GroupsAccumulator>> + Send>),
}

/// The distinct values of groups. Rows with a null among them do not count.
pub struct Distinct {
    kinds: Vec<DataType>,
    finish: Finish,
    /// Group and values of each pair, in the order of their first appearance.
    pairs: Option<Box<dyn GroupValues>>,
    groups: Vec<u32>,
    group_count: usize,
    scratch: Vec<usize>,
}

impl Debug for Distinct {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "Distinct({} values of {} groups)", self.groups.len(), self.group_count)
    }
}

/// The one state column of distinct values of these types.
pub fn state_type(kinds: &[DataType]) -> DataType {
    DataType::List(element(kinds))
}

fn element(kinds: &[DataType]) -> FieldRef {
    let kind = match kinds {
        [one] => one.clone(),
        several => DataType::Struct(parts(several)),
    };
    Arc::new(Field::new_list_field(kind, true))
}

fn parts(kinds: &[DataType]) -> Fields {
    kinds.iter().enumerate().map(|(at, kind)| Field::new(format!("c{at}"), kind.clone(), true)).collect()
}

impl Distinct {
    /// No values yet.
    pub fn new(kinds: Vec<DataType>, finish: Finish) -> Distinct {
        Distinct { kinds, finish, pairs: None, groups: Vec::new(), group_count: 0, scratch: Vec::new() }
    }

    fn pairs(&mut self) -> Result<&mut Box<dyn GroupValues>> {
        if self.pairs.is_none() {
            let group = Field::new("group", DataType::UInt32, false);
            let values =
                self.kinds.iter().enumerate().map(|(at, kind)| Field::new(format!("v{at}"), kind.clone(), true));
            let schema = Arc::new(Schema::new(std::iter::once(group).chain(values).collect::<Vec<_>>()));
            self.pairs = Some(new_group_values(schema, &GroupOrdering::None)?);
        }
        self.pairs.as_mut().ok_or_else(|| datafusion::error::DataFusionError::Internal("no group values".to_string()))
    }

    fn insert(&mut self, values: &[ArrayRef], groups: UInt32Array, wanted: Option<&BooleanArray>) -> Result<()> {
        let mut columns: Vec<ArrayRef> = vec![Arc::new(groups)];
        columns.extend(values.iter().take(self.kinds.len()).map(normalized));
        if let Some(mask) = mask(&columns, wanted) {
            for column in &mut columns {
                *column = filter(column, &mask)?;
            }
        }
        if columns[0].is_empty() {
            return Ok(());
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        self.pairs()?.intern(&columns, &mut scratch)?;
        let groups = columns[0].as_primitive::<arrow::datatypes::UInt32Type>();
        for (row, pair) in scratch.iter().enumerate() {
            if *pair == self.groups.len() {
                self.groups.push(groups.value(row));
            }
        }
        self.scratch = scratch;
        Ok(())
    }

    /// The values in order of group, and how many each group has; nothing is left.
    fn take_all(&mut self) -> Result<(Vec<ArrayRef>, Vec<usize>)> {
        let count = std::mem::take(&mut self.group_count);
        let groups = std::mem::take(&mut self.groups);
        let columns = match &mut self.pairs {
            Some(pairs) => pairs.emit(EmitTo::All)?.split_off(1),
            None => self.kinds.iter().map(arrow::array::new_empty_array).collect(),
        };
        self.pairs = None;
        let (order, lengths) = by_group(&groups, count);
        let in_order = order.values().iter().enumerate().all(|(at, position)| at == *position as usize);
        if in_order {
            return Ok((columns, lengths));
        }
        let ordered = columns.iter().map(|column| take(column, &order, None));
        Ok((ordered.collect::<std::result::Result<_, _>>()?, lengths))
    }

    fn lists(&mut self) -> Result<ListArray> {
        let (columns, lengths) = self.take_all()?;
        let element = element(&self.kinds);
        let values: ArrayRef = match columns.as_slice() {
            [one] => Arc::clone(one),
            _ => Arc::new(StructArray::try_new(parts(&self.kinds), columns, None)?),
        };
        Ok(ListArray::try_new(element, OffsetBuffer::from_lengths(lengths), values, None)?)
    }

    /// Keeps the groups after the first ones.
    fn keep_rest(&mut self, lists: &ListArray, emit_to: EmitTo) -> Result<ListArray> {
        let EmitTo::First(first) = emit_to else { return Ok(lists.clone()) };
        let rest = lists.slice(first, lists.len() - first);
        let groups: Vec<usize> = (0..rest.len()).collect();
        self.merge_batch(&[Arc::new(rest)], &groups, lists.len() - first)?;
        Ok(lists.slice(0, first))
    }

    fn finished(&self, lists: &ListArray) -> Result<ArrayRef> {
        match &self.finish {
            Finish::Count => {
                let lengths = lists.value_offsets().windows(2).map(|pair| i64::from(pair[1] - pair[0]));
                Ok(Arc::new(Int64Array::from_iter_values(lengths)))
            }
            Finish::List => Ok(Arc::new(lists.clone())),
            Finish::Sorted(options) => {
                let (mut places, mut lengths) =
                    (Vec::with_capacity(lists.values().len()), Vec::with_capacity(lists.len()));
                for row in 0..lists.len() {
                    let start = lists.value_offsets()[row] as u32;
                    let order = sort_to_indices(&lists.value(row), Some(*options), None)?;
                    places.extend(order.values().iter().map(|at| at + start));
                    lengths.push(order.len());
                }
                let values = take(lists.values(), &UInt32Array::from(places), None)?;
                let offsets = OffsetBuffer::from_lengths(lengths);
                Ok(Arc::new(ListArray::try_new(element(&self.kinds), offsets, values, None)?))
            }
            Finish::Other(make) => {
                let mut other = make()?;
                let (values, groups) = flatten(lists, &(0..lists.len()).collect::<Vec<_>>(), self.kinds.len());
                let mut groups: Vec<usize> = groups.values().iter().map(|group| *group as usize).collect();
                let empty: Vec<usize> = (0..lists.len()).filter(|row| lists.value_length(*row) == 0).collect();
                if empty.is_empty() {
                    other.update_batch(&values, &groups, None, lists.len())?;
                    return other.evaluate(EmitTo::All);
                }
                // DataFusion takes a group to have a value unless a row of it is filtered: sum() of none would be 0, not NULL.
                let wanted: BooleanArray =
                    groups.iter().map(|_| Some(true)).chain(empty.iter().map(|_| Some(false))).collect();
                let padded = values.iter().map(|values| {
                    arrow::compute::concat(&[values, &arrow::array::new_null_array(values.data_type(), empty.len())])
                });
                let padded: Vec<ArrayRef> = padded.collect::<std::result::Result<_, _>>()?;
                groups.extend(empty);
                other.update_batch(&padded, &groups, Some(&wanted), lists.len())?;
                other.evaluate(EmitTo::All)
            }
        }
    }
}

/// The elements of lists and the group of each.
fn flatten(lists: &ListArray, group_indices: &[usize], width: usize) -> (Vec<ArrayRef>, UInt32Array) {
    let mut groups = Vec::with_capacity(lists.values().len());
    for (row, group) in group_indices.iter().enumerate() {
        groups.extend(std::iter::repeat_n(*group as u32, lists.value_length(row) as usize));
    }
    let (first, last) = (lists.value_offsets()[0] as usize, lists.value_offsets()[lists.len()] as usize);
    let values = lists.values().slice(first, last - first);
    let values = match (width, values.as_struct_opt()) {
        (1, _) | (_, None) => vec![values],
        (_, Some(structs)) => structs.columns().to_vec(),
    };
    (values, UInt32Array::from(groups))
}

/// The rows that count: those that a filter lets through, without a null among the values.
fn mask(columns: &[ArrayRef], wanted: Option<&BooleanArray>) -> Option<BooleanArray> {
    if wanted.is_none() && columns.iter().all(|column| column.null_count() == 0) {
        return None;
    }
    let nulls: Vec<_> = columns.iter().map(|column| column.logical_nulls()).collect();
    let holds = |row: usize| passes(wanted, row) && nulls.iter().flatten().all(|nulls| nulls.is_valid(row));
    Some((0..columns[0].len()).map(|row| Some(holds(row))).collect())
}

impl Groups for Distinct {
    fn grow(&mut self, groups: usize) {
        self.group_count = self.group_count.max(groups);
    }
}

impl GroupsAccumulator for Distinct {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.group_count = total_num_groups;
        let groups = UInt32Array::from_iter_values(group_indices.iter().map(|group| *group as u32));
        self.insert(values, groups, opt_filter)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        if matches!((&self.finish, emit_to), (Finish::Count, EmitTo::All)) {
            // The values themselves need not be put in order.
            let count = std::mem::take(&mut self.group_count);
            let (_, lengths) = by_group(&std::mem::take(&mut self.groups), count);
            self.pairs = None;
            return Ok(Arc::new(Int64Array::from_iter_values(lengths.into_iter().map(|length| length as i64))));
        }
        let lists = self.lists()?;
        let emitted = self.keep_rest(&lists, emit_to)?;
        self.finished(&emitted)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let lists = self.lists()?;
        Ok(vec![Arc::new(self.keep_rest(&lists, emit_to)?)])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.group_count = total_num_groups;
        let lists = values[0].as_list::<i32>();
        if lists.null_count() > 0 {
            let (lists, groups) = present(lists, group_indices)?;
            return self.merge_batch(&[lists], &groups, total_num_groups);
        }
        let (values, groups) = flatten(lists, group_indices, self.kinds.len());
        self.insert(&values, groups, None)
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        state_of_rows(Distinct::new(self.kinds.clone(), Finish::List), values, opt_filter)
    }

    fn size(&self) -> usize {
        let pairs = self.pairs.as_ref().map_or(0, |pairs| pairs.size());
        pairs + self.groups.capacity() * 4 + self.scratch.capacity() * 8
    }
}

#[cfg(test)]
mod tests;
