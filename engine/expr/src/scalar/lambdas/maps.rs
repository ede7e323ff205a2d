//! `map_filter`, `transform_keys`, `transform_values`, `map_zip_with`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, MapArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{exec_err, internal_err, plan_err};
use datafusion::error::Result;

use super::elements::{at, entry_of, spans};
use super::with_lambda::{Call, Shape, WithLambda, condition};
use crate::display::type_name;
use crate::group_key::normalized;

/// All of them.
pub fn functions() -> Vec<WithLambda> {
    let entry = |kinds: &[DataType]| entry_of(&kinds[0]).map(Vec::from);
    vec![
        WithLambda {
            name: "map_filter",
            values: &[Shape::Map],
            parameters: entry,
            gives: |kinds, found| condition("map_filter", found).map(|()| kinds[0].clone()),
            body: filtered,
        },
        WithLambda {
            name: "transform_values",
            values: &[Shape::Map],
            parameters: entry,
            gives: |kinds, value| with_entry(&kinds[0], None, Some(value)),
            body: |call| {
                let entries = Entries::new(&call.values[0])?;
                let found = call.run(&[Arc::clone(&entries.keys), entries.values], entries.rows)?;
                mapped(&call.gives, entries.keys, found, &entries.lengths)
            },
        },
        WithLambda {
            name: "transform_keys",
            values: &[Shape::Map],
            parameters: entry,
            gives: |kinds, key| with_entry(&kinds[0], Some(key), None),
            body: |call| {
                let entries = Entries::new(&call.values[0])?;
                let found = call.run(&[entries.keys, Arc::clone(&entries.values)], entries.rows)?;
                check_keys(&found, &entries.lengths)?;
                mapped(&call.gives, found, entries.values, &entries.lengths)
            },
        },
        WithLambda {
            name: "map_zip_with",
            values: &[Shape::Map, Shape::Map],
            parameters: |kinds| {
                let ([key, left], [other, right]) = (entry_of(&kinds[0])?, entry_of(&kinds[1])?);
                match key == other {
                    true => Ok(vec![key, left, right]),
                    false => plan_err!(
                        "map_zip_with takes maps with keys of one type, not {} and {}",
                        type_name(&key),
                        type_name(&other)
                    ),
                }
            },
            gives: |kinds, value| with_entry(&kinds[0], None, Some(value)),
            body: zipped,
        },
    ]
}

/// The type of a map with other keys or values.
fn with_entry(map: &DataType, key: Option<&DataType>, value: Option<&DataType>) -> Result<DataType> {
    let DataType::Map(entries, is_sorted) = map else { return plan_err!("a map is needed, not {}", type_name(map)) };
    let DataType::Struct(fields) = entries.data_type() else { return internal_err!("a map of {entries}") };
    let of = |field: &Field, kind: Option<&DataType>, is_nullable| {
        let kind = kind.unwrap_or(field.data_type()).clone();
        field.clone().with_data_type(kind).with_nullable(is_nullable)
    };
    let fields = Fields::from(vec![of(&fields[0], key, false), of(&fields[1], value, true)]);
    let entries = entries.as_ref().clone().with_data_type(DataType::Struct(fields));
    Ok(DataType::Map(Arc::new(entries), key.is_none() && *is_sorted))
}

/// All entries, each with its row.
struct Entries {
    keys: ArrayRef,
    values: ArrayRef,
    rows: Vec<u32>,
    lengths: Vec<Option<usize>>,
}

impl Entries {
    fn new(map: &ArrayRef) -> Result<Entries> {
        let (mut rows, mut places, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
        for (row, span) in spans(map)?.into_iter().enumerate() {
            lengths.push(span.as_ref().map(ExactSizeIterator::len));
            for place in span.into_iter().flatten() {
                rows.push(row as u32);
                places.push(Some(place as u32));
            }
        }
        let map = map.as_map();
        Ok(Entries { keys: at(map.keys(), places.clone())?, values: at(map.values(), places)?, rows, lengths })
    }
}

/// Maps of so many entries each; none is a null.
fn mapped(kind: &DataType, keys: ArrayRef, values: ArrayRef, lengths: &[Option<usize>]) -> Result<ArrayRef> {
    let DataType::Map(field, is_sorted) = kind else { return internal_err!("a map of {kind}") };
    let DataType::Struct(fields) = field.data_type() else { return internal_err!("a map of {field}") };
    let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    let nulls = NullBuffer::from_iter(lengths.iter().map(Option::is_some));
    let offsets = OffsetBuffer::from_lengths(lengths.iter().map(|length| length.unwrap_or(0)));
    Ok(Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, Some(nulls), *is_sorted)?))
}

fn filtered(call: &Call<'_>) -> Result<ArrayRef> {
    let entries = Entries::new(&call.values[0])?;
    let found = call.run(&[Arc::clone(&entries.keys), Arc::clone(&entries.values)], entries.rows)?;
    let found = arrow::compute::cast(&found, &DataType::Boolean)?;
    let (mut chosen, mut lengths, mut next) = (Vec::new(), Vec::new(), 0);
    for length in entries.lengths {
        let before = chosen.len();
        let end = next + length.unwrap_or(0);
        let holds = |at: &usize| found.is_valid(*at) && found.as_boolean().value(*at);
        chosen.extend((next..end).filter(holds).map(|at| Some(at as u32)));
        lengths.push(length.map(|_| chosen.len() - before));
        next = end;
    }
    mapped(&call.gives, at(&entries.keys, chosen.clone())?, at(&entries.values, chosen)?, &lengths)
}

/// A map has every key once, and none is null.
fn check_keys(keys: &ArrayRef, lengths: &[Option<usize>]) -> Result<()> {
    if keys.logical_null_count() > 0 {
        return exec_err!("transform_keys gives NULL as a key of a map; write coalesce(…, '') in the lambda");
    }
    let rows = RowConverter::new(vec![SortField::new(keys.data_type().clone())])?;
    let rows = rows.convert_columns(&[normalized(keys)])?;
    let mut next = 0;
    for length in lengths.iter().map(|length| length.unwrap_or(0)) {
        let mut own: Vec<_> = (next..next + length).map(|at| rows.row(at)).collect();
        own.sort_unstable();
        if own.windows(2).any(|pair| pair[0] == pair[1]) {
            return exec_err!("transform_keys gives one key of a map twice; write a lambda that keeps keys apart");
        }
        next += length;
    }
    Ok(())
}

/// The keys of the first map, then those that only the second has.
fn zipped(call: &Call<'_>) -> Result<ArrayRef> {
    let [left, right] = [Entries::new(&call.values[0])?, Entries::new(&call.values[1])?];
    let kind = left.keys.data_type().clone();
    let converter = RowConverter::new(vec![SortField::new(kind)])?;
    let left_keys = converter.convert_columns(&[normalized(&left.keys)])?;
    let right_keys = converter.convert_columns(&[normalized(&right.keys)])?;
    let (mut rows, mut lengths, mut places) = (Vec::new(), Vec::new(), [Vec::new(), Vec::new()]);
    let (mut first, mut second) = (0, 0);
    for (row, (left, right)) in left.lengths.iter().zip(&right.lengths).enumerate() {
        let own = first..first + left.unwrap_or(0);
        let other = second..second + right.unwrap_or(0);
        (first, second) = (own.end, other.end);
        if left.is_none() || right.is_none() {
            lengths.push(None);
            continue;
        }
        let mut found: HashMap<&[u8], u32> = other.clone().map(|at| (right_keys.row(at).data(), at as u32)).collect();
        let before = rows.len();
        for at in own {
            places[0].push(Some(at as u32));
            places[1].push(found.remove(left_keys.row(at).data()));
            rows.push(row as u32);
        }
        for at in other.filter(|at| found.contains_key(right_keys.row(*at).data())) {
            places[0].push(None);
            places[1].push(Some(at as u32));
            rows.push(row as u32);
        }
        lengths.push(Some(rows.len() - before));
    }
    let [own, other] = places;
    let shifted = |at: &Option<u32>| at.map(|at| at + left.keys.len() as u32);
    let both = arrow::compute::concat(&[left.keys.as_ref(), right.keys.as_ref()])?;
    let keys = own.iter().zip(&other).map(|(own, other)| own.or(shifted(other))).collect();
    let keys = at(&both, keys)?;
    let found = call.run(&[Arc::clone(&keys), at(&left.values, own)?, at(&right.values, other)?], rows)?;
    mapped(&call.gives, keys, found, &lengths)
}
