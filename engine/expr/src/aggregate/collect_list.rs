//! `collect_list(x)`: the non-null values of a group in the order in which they came (Spark's `collect_list`).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, new_empty_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{concat, filter, take};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::single::{by_group, passes, present, state_of_rows};

/// The function, to be registered.
pub fn collect_list() -> AggregateUDF {
    AggregateUDF::new_from_impl(CollectList { signature: Signature::any(1, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CollectList {
    signature: Signature,
}

impl AggregateUDFImpl for CollectList {
    fn name(&self) -> &str {
        "collect_list"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new_list_field(arguments[0].clone(), true))))
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new("values", arguments.return_type().clone(), true))])
    }

    fn accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OneList(ListGroups::new(arguments.return_type())?)))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(ListGroups::new(arguments.return_type())?))
    }
}

/// Values as they came, in chunks, and the group of each. They are put in order of group only when they are asked for.
#[derive(Debug)]
pub struct ListGroups {
    element: DataType,
    chunks: Vec<ArrayRef>,
    groups: Vec<u32>,
    group_count: usize,
    value_bytes: usize,
}

impl ListGroups {
    /// No values yet, for lists of this type.
    ///
    /// # Errors
    /// If it is no list type.
    pub fn new(list: &DataType) -> Result<ListGroups> {
        let DataType::List(field) = list else {
            return Err(DataFusionError::Internal(format!("collect_list of type {list}")));
        };
        Ok(ListGroups::of(field.data_type().clone()))
    }

    fn of(element: DataType) -> ListGroups {
        ListGroups { element, chunks: Vec::new(), groups: Vec::new(), group_count: 0, value_bytes: 0 }
    }

    /// There are at least so many groups from now on.
    pub fn grow(&mut self, groups: usize) {
        self.group_count = self.group_count.max(groups);
    }

    fn push(&mut self, values: ArrayRef) -> Result<()> {
        if !values.is_empty() {
            self.value_bytes += values.to_data().get_slice_memory_size()?;
            self.chunks.push(values);
        }
        Ok(())
    }

    /// OneList list a group, in group order, values in the order of arrival.
    fn lists(&mut self) -> Result<ListArray> {
        let chunks: Vec<&dyn Array> = self.chunks.iter().map(AsRef::as_ref).collect();
        let values = if chunks.is_empty() { new_empty_array(&self.element) } else { concat(&chunks)? };
        let (order, lengths) = by_group(&self.groups, self.group_count);
        let in_order = order.values().iter().enumerate().all(|(at, position)| at == *position as usize);
        let values = if in_order { values } else { take(&values, &order, None)? };
        let field = Arc::new(Field::new_list_field(self.element.clone(), true));
        Ok(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), values, None)?)
    }

    fn emit(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let lists = self.lists()?;
        self.chunks.clear();
        self.groups.clear();
        self.value_bytes = 0;
        let count = std::mem::take(&mut self.group_count);
        match emit_to {
            EmitTo::All => Ok(Arc::new(lists)),
            EmitTo::First(first) => {
                let rest = lists.slice(first, count - first);
                let rest_groups: Vec<usize> = (0..rest.len()).collect();
                self.merge_batch(&[Arc::new(rest)], &rest_groups, count - first)?;
                Ok(Arc::new(lists.slice(0, first)))
            }
        }
    }
}

impl GroupsAccumulator for ListGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.group_count = total_num_groups;
        // A column of type void has no marks for its NULLs.
        let nulls = values[0].logical_nulls();
        let wanted = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) && passes(opt_filter, row);
        if values[0].logical_null_count() == 0 && opt_filter.is_none() {
            self.groups.extend(group_indices.iter().map(|group| *group as u32));
            return self.push(Arc::clone(&values[0]));
        }
        let mask: BooleanArray = (0..values[0].len()).map(|row| Some(wanted(row))).collect();
        self.groups.extend(
            group_indices.iter().enumerate().filter(|(row, _)| mask.value(*row)).map(|(_, group)| *group as u32),
        );
        self.push(filter(&values[0], &mask)?)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.emit(emit_to)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.emit(emit_to)?])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.group_count = total_num_groups;
        let lists = values[0].as_list::<i32>();
        if lists.null_count() > 0 {
            let (lists, groups) = present(lists, group_indices)?;
            return self.merge_batch(&[lists], &groups, total_num_groups);
        }
        for (row, group) in group_indices.iter().enumerate() {
            let length = lists.value_length(row) as usize;
            self.groups.extend(std::iter::repeat_n(*group as u32, length));
        }
        let (first, last) = (lists.value_offsets()[0] as usize, lists.value_offsets()[lists.len()] as usize);
        self.push(lists.values().slice(first, last - first))
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        state_of_rows(ListGroups::of(self.element.clone()), values, opt_filter)
    }

    fn size(&self) -> usize {
        self.value_bytes + self.groups.capacity() * 4
    }
}

#[derive(Debug)]
struct OneList(ListGroups);

impl Accumulator for OneList {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        GroupsAccumulator::update_batch(&mut self.0, values, &vec![0; values[0].len()], None, 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.group_count = 1;
        let lists = self.0.lists()?;
        ScalarValue::try_from_array(&lists, 0)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + GroupsAccumulator::size(&self.0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![Accumulator::evaluate(self)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        GroupsAccumulator::merge_batch(&mut self.0, states, &vec![0; states[0].len()], 1)
    }
}
