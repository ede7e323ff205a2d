//! `approx_count_distinct(x)`: Spark's name; exact for small groups, within 1.6 % (one standard error) for large ones.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Int64Array};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::plan_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, TypeSignature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::aggregate_def::constant;
use super::single::{passes, state_of_rows};
use super::sketch::Sketch;
use crate::group_key::key_hashes;

/// The function, to be registered.
pub fn approx_count_distinct() -> AggregateUDF {
    let forms = vec![TypeSignature::Any(1), TypeSignature::Any(2)];
    AggregateUDF::new_from_impl(ApproxCountDistinct { signature: Signature::one_of(forms, Volatility::Immutable) })
}

/// The standard error of a sketch of 4,096 registers.
const ERROR: f64 = 0.01625;

/// A second argument is the largest standard error that is allowed; it is held if it is no smaller than [`ERROR`].
fn check_error(args: &AccumulatorArgs<'_>) -> Result<()> {
    if args.exprs.len() < 2 {
        return Ok(());
    }
    let allowed = match constant(args, 1).map(|value| value.cast_to(&DataType::Float64)) {
        Some(Ok(ScalarValue::Float64(Some(allowed)))) => allowed,
        _ => return plan_err!("the allowed error of approx_count_distinct must be a constant such as 0.05"),
    };
    match allowed {
        allowed if (ERROR..1.0).contains(&allowed) => Ok(()),
        allowed => plan_err!(
            "the standard error of approx_count_distinct is 0.017, so {allowed} cannot be asked for; count(DISTINCT …) is exact"
        ),
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ApproxCountDistinct {
    signature: Signature,
}

impl AggregateUDFImpl for ApproxCountDistinct {
    fn name(&self) -> &str {
        "approx_count_distinct"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn default_value(&self, _: &DataType) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(0)))
    }

    fn state_fields(&self, _: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new("sketch", DataType::Binary, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        check_error(&args)?;
        Ok(Box::new(OneSketch(Sketch::default())))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        check_error(&args)?;
        Ok(Box::new(SketchGroups::default()))
    }
}

/// True for NULL, also of type void, whose column has no marks for it.
fn is_null(values: &ArrayRef, row: usize) -> bool {
    values.is_null(row) || values.data_type() == &DataType::Null
}

#[derive(Debug)]
struct OneSketch(Sketch);

impl Accumulator for OneSketch {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for (row, hash) in key_hashes(&values[..1], values[0].len())?.into_iter().enumerate() {
            if !is_null(&values[0], row) {
                self.0.insert(hash);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(self.0.estimate() as i64)))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.heap_bytes()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Binary(Some(self.0.encode()))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for bytes in states[0].as_binary::<i32>().iter().flatten() {
            self.0.merge(&decode(bytes)?);
        }
        Ok(())
    }
}

#[derive(Default)]
struct SketchGroups {
    sketches: Vec<Sketch>,
    heap_bytes: usize,
}

impl SketchGroups {
    fn change(&mut self, group: usize, change: impl FnOnce(&mut Sketch)) {
        let sketch = &mut self.sketches[group];
        let before = sketch.heap_bytes();
        change(sketch);
        self.heap_bytes = self.heap_bytes + sketch.heap_bytes() - before;
    }

    fn take(&mut self, emit_to: EmitTo) -> Vec<Sketch> {
        let taken = emit_to.take_needed(&mut self.sketches);
        self.heap_bytes = self.sketches.iter().map(Sketch::heap_bytes).sum();
        taken
    }
}

impl GroupsAccumulator for SketchGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.sketches.resize_with(total_num_groups, Sketch::default);
        let hashes = key_hashes(&values[..1], values[0].len())?;
        for (row, (hash, group)) in hashes.into_iter().zip(group_indices).enumerate() {
            let wanted = passes(opt_filter, row);
            if wanted && !is_null(&values[0], row) {
                self.change(*group, |sketch| sketch.insert(hash));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let estimates = self.take(emit_to).into_iter().map(|mut sketch| sketch.estimate() as i64);
        Ok(Arc::new(Int64Array::from_iter_values(estimates)))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let encoded = self.take(emit_to).into_iter().map(|mut sketch| sketch.encode());
        Ok(vec![Arc::new(BinaryArray::from_iter_values(encoded))])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.sketches.resize_with(total_num_groups, Sketch::default);
        for (bytes, group) in values[0].as_binary::<i32>().iter().zip(group_indices) {
            let Some(bytes) = bytes else { continue };
            let other = decode(bytes)?;
            self.change(*group, |sketch| sketch.merge(&other));
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        state_of_rows(SketchGroups::default(), values, opt_filter)
    }

    fn size(&self) -> usize {
        self.sketches.capacity() * size_of::<Sketch>() + self.heap_bytes
    }
}

fn decode(bytes: &[u8]) -> Result<Sketch> {
    Sketch::decode(bytes)
        .ok_or_else(|| DataFusionError::Execution("the state of approx_count_distinct is damaged".to_string()))
}
