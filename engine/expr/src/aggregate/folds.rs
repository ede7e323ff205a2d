//! An aggregate whose state of a group is one value that is written as bytes: sketches, bitmaps, sums of vectors.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{AggregateUDF, EmitTo, GroupsAccumulator};

use super::aggregate_def::{AggregateDef, into_udaf};
use super::single::{Groups, passes, state_of_rows};

/// How the rows of a group become one value.
pub trait Fold: Clone + Debug + Send + Sync + 'static {
    /// What is kept of a group.
    type State: Debug + Send + 'static;

    /// What is kept of a group without rows.
    fn empty(&self) -> Result<Self::State>;

    /// Takes a row in.
    fn add(&self, state: &mut Self::State, columns: &[ArrayRef], row: usize) -> Result<()>;

    /// The bytes in a checkpoint: the same for the same rows.
    fn write(&self, state: &Self::State) -> Vec<u8>;

    /// Takes in what another part of the group has written.
    fn merge(&self, state: &mut Self::State, bytes: &[u8]) -> Result<()>;

    /// The results.
    fn finish(&self, states: Vec<Self::State>) -> Result<ArrayRef>;

    /// The memory of a state, beside itself.
    fn heap_bytes(&self, state: &Self::State) -> usize;
}

/// The function, to be defined.
pub struct Folding<F> {
    /// Its name.
    pub name: &'static str,
    /// Fewest and most arguments.
    pub arity: (usize, usize),
    /// What the arguments are converted to.
    pub takes: fn(&[DataType]) -> Result<Vec<DataType>>,
    /// The type of the result.
    pub gives: fn(&[DataType]) -> Result<DataType>,
    /// How rows are taken together, by the constants of the call.
    pub fold: fn(&AccumulatorArgs<'_>) -> Result<F>,
}

impl<F: Fold> Folding<F> {
    /// The function, to be registered.
    pub fn into_udaf(self) -> AggregateUDF {
        into_udaf(self)
    }
}

impl<F: Fold> AggregateDef for Folding<F> {
    type Accumulator = Folded<F>;

    fn name(&self) -> &'static str {
        self.name
    }

    fn arity(&self) -> (usize, usize) {
        self.arity
    }

    fn coerce_types(&self, kinds: &[DataType]) -> Result<Vec<DataType>> {
        (self.takes)(kinds)
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        (self.gives)(kinds)
    }

    fn state_types(&self, _: &[DataType], _: &DataType) -> Vec<DataType> {
        vec![DataType::Binary]
    }

    fn accumulator(&self, args: &AccumulatorArgs<'_>) -> Result<Folded<F>> {
        Ok(Folded { fold: (self.fold)(args)?, states: Vec::new(), heap_bytes: 0 })
    }
}

/// What is kept of each group; none of those that no row has come for.
#[derive(Debug)]
pub struct Folded<F: Fold> {
    fold: F,
    states: Vec<Option<F::State>>,
    heap_bytes: usize,
}

impl<F: Fold> Folded<F> {
    fn change(&mut self, group: usize, change: impl FnOnce(&F, &mut F::State) -> Result<()>) -> Result<()> {
        let place = &mut self.states[group];
        let state = match place {
            Some(state) => state,
            None => place.insert(self.fold.empty()?),
        };
        let before = self.fold.heap_bytes(state);
        change(&self.fold, state)?;
        self.heap_bytes = (self.heap_bytes + self.fold.heap_bytes(state)).saturating_sub(before);
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Vec<Option<F::State>> {
        let taken = emit_to.take_needed(&mut self.states);
        self.heap_bytes = self.states.iter().flatten().map(|state| self.fold.heap_bytes(state)).sum();
        taken
    }
}

impl<F: Fold> Groups for Folded<F> {
    fn grow(&mut self, groups: usize) {
        self.states.resize_with(groups.max(self.states.len()), || None);
    }
}

impl<F: Fold> GroupsAccumulator for Folded<F> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        for (row, group) in group_indices.iter().enumerate() {
            if passes(opt_filter, row) && values[0].is_valid(row) {
                self.change(*group, |fold, state| fold.add(state, values, row))?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let states = self.take(emit_to).into_iter();
        let states = states.map(|state| state.map_or_else(|| self.fold.empty(), Ok)).collect::<Result<Vec<_>>>()?;
        self.fold.finish(states)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let written: Vec<Option<Vec<u8>>> =
            self.take(emit_to).iter().map(|state| state.as_ref().map(|state| self.fold.write(state))).collect();
        Ok(vec![Arc::new(written.iter().map(Option::as_deref).collect::<BinaryArray>())])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        for (bytes, group) in values[0].as_binary::<i32>().iter().zip(group_indices) {
            if let Some(bytes) = bytes {
                self.change(*group, |fold, state| fold.merge(state, bytes))?;
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let fresh = Folded { fold: self.fold.clone(), states: Vec::new(), heap_bytes: 0 };
        state_of_rows(fresh, values, opt_filter)
    }

    fn size(&self) -> usize {
        self.states.capacity() * size_of::<Option<F::State>>() + self.heap_bytes
    }
}
