//! `transform(a, (x, i) -> …)`, `filter(a, (x, i) -> …)`, `zip_with(a, b, (x, y) -> …)`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int32Array};
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::elements::{at, element_of, list_of, listed, spans};
use super::with_lambda::{Call, Shape, WithLambda, condition};

/// All of them.
pub fn functions() -> Vec<WithLambda> {
    let with_place = |kinds: &[DataType]| Ok(vec![element_of(&kinds[0])?, DataType::Int32]);
    vec![
        WithLambda {
            name: "transform_with_index",
            values: &[Shape::List],
            parameters: with_place,
            gives: |_, element| Ok(list_of(element)),
            body: |call| {
                let numbered = Numbered::new(&call.values[0])?;
                let found = call.run(&numbered.arguments, numbered.rows)?;
                listed(&call.gives, found, &numbered.lengths)
            },
        },
        WithLambda {
            name: "filter_with_index",
            values: &[Shape::List],
            parameters: with_place,
            gives: |kinds, found| condition("filter", found).map(|()| kinds[0].clone()),
            body: filtered,
        },
        WithLambda {
            name: "zip_with",
            values: &[Shape::List, Shape::List],
            parameters: |kinds| kinds.iter().map(element_of).collect(),
            gives: |_, element| Ok(list_of(element)),
            body: zipped,
        },
    ]
}

/// All elements, each with its number in its array and its row.
struct Numbered {
    arguments: [ArrayRef; 2],
    rows: Vec<u32>,
    places: Vec<u32>,
    lengths: Vec<Option<usize>>,
}

impl Numbered {
    fn new(list: &ArrayRef) -> Result<Numbered> {
        let (mut rows, mut places, mut numbers, mut lengths) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (row, span) in spans(list)?.into_iter().enumerate() {
            lengths.push(span.as_ref().map(ExactSizeIterator::len));
            for (number, place) in span.into_iter().flatten().enumerate() {
                rows.push(row as u32);
                places.push(place as u32);
                numbers.push(number as i32);
            }
        }
        let elements = at(list.as_list::<i32>().values(), places.iter().copied().map(Some).collect())?;
        Ok(Numbered { arguments: [elements, Arc::new(Int32Array::from(numbers))], rows, places, lengths })
    }
}

fn filtered(call: &Call<'_>) -> Result<ArrayRef> {
    let list = &call.values[0];
    let numbered = Numbered::new(list)?;
    let found = call.run(&numbered.arguments, numbered.rows)?;
    let found = arrow::compute::cast(&found, &DataType::Boolean)?;
    let holds = |at: usize| found.is_valid(at) && found.as_boolean().value(at);
    let (mut chosen, mut lengths, mut next) = (Vec::new(), Vec::new(), 0);
    for length in numbered.lengths {
        let Some(length) = length else {
            lengths.push(None);
            continue;
        };
        let kept = (next..next + length).filter(|at| holds(*at)).map(|at| Some(numbered.places[at]));
        let before = chosen.len();
        chosen.extend(kept);
        lengths.push(Some(chosen.len() - before));
        next += length;
    }
    listed(&call.gives, at(list.as_list::<i32>().values(), chosen)?, &lengths)
}

/// The shorter array is filled up with nulls; null if one of the two is.
fn zipped(call: &Call<'_>) -> Result<ArrayRef> {
    let (left_spans, right_spans) = (spans(&call.values[0])?, spans(&call.values[1])?);
    let (mut rows, mut lengths, mut places) = (Vec::new(), Vec::new(), [Vec::new(), Vec::new()]);
    for (row, sides) in left_spans.iter().zip(&right_spans).enumerate() {
        let (Some(left), Some(right)) = sides else {
            lengths.push(None);
            continue;
        };
        let length = left.len().max(right.len());
        lengths.push(Some(length));
        rows.extend(std::iter::repeat_n(row as u32, length));
        for (places, span) in places.iter_mut().zip([left, right]) {
            places.extend((0..length).map(|number| (number < span.len()).then_some((span.start + number) as u32)));
        }
    }
    let [left, right] = places;
    let elements = |side: usize, places| at(call.values[side].as_list::<i32>().values(), places);
    let found = call.run(&[elements(0, left)?, elements(1, right)?], rows)?;
    listed(&call.gives, found, &lengths)
}
