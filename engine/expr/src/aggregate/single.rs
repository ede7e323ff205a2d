//! A grouped accumulator as a plain one, of one group; and what all grouped accumulators here do with rows and groups.

use std::sync::{Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, BooleanArray, ListArray, UInt32Array};
use arrow::compute::{filter, is_not_null};
use datafusion::error::Result;
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};
use datafusion::scalar::ScalarValue;

/// A grouped accumulator to which it can be said how many groups there are.
pub trait Groups: GroupsAccumulator {
    /// There are at least so many groups from now on.
    fn grow(&mut self, groups: usize);
}

/// One group. The lock is never waited for: it only makes shareable what is used by one thread at a time.
#[derive(Debug)]
pub struct Single<G>(Mutex<G>);

impl<G: Groups> Single<G> {
    /// One group of this accumulator.
    pub fn new(groups: G) -> Single<G> {
        Single(Mutex::new(groups))
    }

    fn groups(&mut self) -> &mut G {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<G: Groups + std::fmt::Debug> Accumulator for Single<G> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, |values| values.len());
        self.groups().update_batch(values, &vec![0; rows], None, 1)
    }

    /// What is asked for may be asked for again (a window that grows row by row), so the state is put back.
    fn evaluate(&mut self) -> Result<ScalarValue> {
        let state = self.arrays()?;
        let result = self.groups().evaluate(EmitTo::All)?;
        self.groups().merge_batch(&state, &[0], 1)?;
        ScalarValue::try_from_array(&result, 0)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.lock().unwrap_or_else(PoisonError::into_inner).size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.arrays()?.iter().map(|part| ScalarValue::try_from_array(part, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states.first().map_or(0, |states| states.len());
        self.groups().merge_batch(states, &vec![0; rows], 1)
    }
}

impl<G: Groups> Single<G> {
    fn arrays(&mut self) -> Result<Vec<ArrayRef>> {
        self.groups().grow(1);
        let state = self.groups().state(EmitTo::All)?;
        self.groups().merge_batch(&state, &[0], 1)?;
        Ok(state)
    }
}

/// True if a filter lets a row through, as does none.
#[inline]
pub fn passes(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

/// The state of each row as if it were a group of its own, by an accumulator without groups.
pub fn state_of_rows(
    mut fresh: impl GroupsAccumulator,
    values: &[ArrayRef],
    filter: Option<&BooleanArray>,
) -> Result<Vec<ArrayRef>> {
    let count = values[0].len();
    fresh.update_batch(values, &(0..count).collect::<Vec<_>>(), filter, count)?;
    fresh.state(EmitTo::All)
}

/// Those of the lists that are not null, with their groups: a group without a list has no values in this state.
pub fn present(lists: &ListArray, groups: &[usize]) -> Result<(ArrayRef, Vec<usize>)> {
    let present = is_not_null(lists)?;
    let groups = groups.iter().enumerate().filter(|(row, _)| present.value(*row)).map(|(_, group)| *group);
    Ok((filter(lists, &present)?, groups.collect()))
}

/// Values of groups `0..count`, in the order in which they came, as positions that put them in order of group;
/// and how many each group has.
pub fn by_group(groups: &[u32], count: usize) -> (UInt32Array, Vec<usize>) {
    let mut lengths = vec![0_usize; count];
    groups.iter().for_each(|group| lengths[*group as usize] += 1);
    let mut next: Vec<usize> = Vec::with_capacity(count);
    let mut start = 0;
    for length in &lengths {
        next.push(start);
        start += length;
    }
    debug_assert_eq!(start, groups.len(), "a value belongs to one group");
    let mut order = vec![0_u32; groups.len()];
    for (position, group) in groups.iter().enumerate() {
        let at = &mut next[*group as usize];
        order[*at] = position as u32;
        *at += 1;
    }
    (UInt32Array::from(order), lengths)
}
