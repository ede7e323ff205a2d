//! `array_sort(a, (left, right) -> …)`: in the order that a lambda says.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{exec_datafusion_err, exec_err, plan_datafusion_err};
use datafusion::error::Result;

use super::elements::{at, element_of, listed, spans};
use super::with_lambda::{Call, Shape, WithLambda, of_lambda};
use crate::display::type_name;

/// The longest array that is sorted: every two of its elements are compared.
const LONGEST: usize = 2_000;

/// The function.
pub fn array_sort() -> WithLambda {
    WithLambda {
        name: "array_sort_by",
        values: &[Shape::List],
        parameters: |kinds| element_of(&kinds[0]).map(|element| vec![element.clone(), element]),
        gives: |kinds, found| match found {
            found if found.is_integer() => Ok(kinds[0].clone()),
            found => Err(of_lambda(plan_datafusion_err!(
                "the lambda of array_sort must give a whole number, below, above or equal to 0, not {}",
                type_name(found)
            ))),
        },
        body: sorted,
    }
}

fn sorted(call: &Call<'_>) -> Result<ArrayRef> {
    let list = call.values[0].as_list::<i32>();
    let (mut chosen, mut lengths) = (Vec::new(), Vec::new());
    for (row, span) in spans(&call.values[0])?.into_iter().enumerate() {
        lengths.push(span.as_ref().map(ExactSizeIterator::len));
        let Some(span) = span else { continue };
        if span.len() > LONGEST {
            return exec_err!(
                "array_sort with a lambda takes arrays of at most {LONGEST} elements, one has {}",
                span.len()
            );
        }
        let elements = list.values().slice(span.start, span.len());
        let order = order(call, row as u32, &elements)?;
        chosen.extend(order.into_iter().map(|place| Some((span.start + place) as u32)));
    }
    listed(&call.gives, at(list.values(), chosen)?, &lengths)
}

/// The places of elements in their order. Each is put behind those that are not above it, so equal ones stay as they stood,
/// and a lambda that contradicts itself harms nothing.
fn order(call: &Call<'_>, row: u32, elements: &ArrayRef) -> Result<Vec<usize>> {
    let mut order: Vec<usize> = Vec::with_capacity(elements.len());
    for new in 0..elements.len() {
        let before: Vec<Option<u32>> = order.iter().map(|place| Some(*place as u32)).collect();
        let again = vec![Some(new as u32); before.len()];
        let found = call.run(&[at(elements, before)?, at(elements, again)?], vec![row; order.len()])?;
        let found = cast(&found, &DataType::Int64)?;
        if found.null_count() > 0 {
            let error = exec_datafusion_err!("the lambda of array_sort gives NULL; say with CASE where NULLs belong");
            return Err(of_lambda(error));
        }
        let found = found.as_primitive::<Int64Type>();
        let place = found.values().partition_point(|side| *side <= 0);
        order.insert(place, new);
    }
    Ok(order)
}
