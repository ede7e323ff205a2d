//! `schema_of_variant_agg(v)`: the one schema of all variants of a group.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::{exec_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::AggregateUDF;

use super::folds::{Fold, Folding};
use crate::display::type_name;
use crate::variant::{Shape, is_variant, read, shape_of};

/// The function.
pub fn variant_shapes() -> AggregateUDF {
    Folding {
        name: "schema_of_variant_agg",
        arity: (1, 1),
        takes: |kinds| match &kinds[0] {
            kind if is_variant(kind) => Ok(kinds.to_vec()),
            kind => plan_err!("schema_of_variant_agg takes a variant, not {}; see parse_json", type_name(kind)),
        },
        gives: |_| Ok(DataType::Utf8),
        fold: |_| Ok(Shapes),
    }
    .into_udaf()
}

#[derive(Debug, Clone)]
struct Shapes;

impl Fold for Shapes {
    type State = Shape;

    fn empty(&self) -> Result<Shape> {
        Ok(Shape::Void)
    }

    fn add(&self, state: &mut Shape, columns: &[ArrayRef], row: usize) -> Result<()> {
        for item in read(&columns[0].slice(row, 1))?.into_iter().flatten() {
            *state = std::mem::replace(state, Shape::Void).with(shape_of(&item));
        }
        Ok(())
    }

    fn write(&self, state: &Shape) -> Vec<u8> {
        state.text().into_bytes()
    }

    fn merge(&self, state: &mut Shape, bytes: &[u8]) -> Result<()> {
        let text = String::from_utf8_lossy(bytes);
        let other = Shape::parse(&text)
            .ok_or_else(|| exec_datafusion_err!("the state of schema_of_variant_agg is damaged: '{text}'"))?;
        *state = std::mem::replace(state, Shape::Void).with(other);
        Ok(())
    }

    fn finish(&self, states: Vec<Shape>) -> Result<ArrayRef> {
        Ok(Arc::new(StringArray::from_iter_values(states.iter().map(Shape::text))))
    }

    fn heap_bytes(&self, state: &Shape) -> usize {
        state.text().len()
    }
}
