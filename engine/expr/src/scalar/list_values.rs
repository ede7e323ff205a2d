//! Functions of arrays and maps that DataFusion has too, and that answer otherwise there: the largest of nested values, NaN, NULL inside,
//! the order of what two arrays share.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, UInt32Array, new_null_array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{SortOptions, cast, take};
use arrow::datatypes::{DataType, Field, Fields};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::type_coercion::binary::type_union_resolution;

use super::read::{Kind, is_text};
use super::simple::{Body, Gives, Simple};
use crate::display::type_name;
use crate::group_key::normalized;

/// All of them.
pub fn functions() -> Vec<Simple> {
    let of_one =
        |name, gives: Gives, body: Body| Simple { name, aliases: &[], count: (1, 1), kinds: &[Kind::Any], gives, body };
    vec![
        Simple { aliases: &["list_max"], ..of_one("array_max", element_type, |args| extreme(&args[0], true)) },
        of_one("array_min", element_type, |args| extreme(&args[0], false)),
        Simple { aliases: &["list_intersect"], count: (2, 2), ..of_one("array_intersect", common_type, intersection) },
        of_one("flatten", flat_type, flattened),
        of_one("map_entries", entries_type, entries),
    ]
}

fn list_of(kind: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(kind, true)))
}

fn element_of(kind: &DataType) -> Result<DataType> {
    match kind {
        DataType::List(element) => Ok(element.data_type().clone()),
        DataType::Null => Ok(DataType::Null),
        other => plan_err!("an array is needed, not {}", type_name(other)),
    }
}

fn element_type(kinds: &[DataType]) -> Result<DataType> {
    element_of(&kinds[0])
}

/// The largest or smallest element of each array. NULLs do not count, but inside of elements, where they are less than any value.
fn extreme(list: &ArrayRef, is_largest: bool) -> Result<ArrayRef> {
    let kind = element_of(list.data_type())?;
    let Some(list) = list.as_list_opt::<i32>().filter(|_| kind != DataType::Null) else {
        return Ok(new_null_array(&kind, list.len()));
    };
    let options = SortOptions { descending: is_largest, nulls_first: !is_largest };
    let converter = RowConverter::new(vec![SortField::new_with_options(kind, options)])?;
    let rows = converter.convert_columns(&[normalized(list.values())])?;
    let nulls = list.values().logical_nulls();
    let is_valid = |at: &usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*at));
    let best = (0..list.len()).map(|row| {
        let span = list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize;
        let elements = span.filter(|_| list.is_valid(row)).filter(is_valid);
        elements.min_by(|one, other| rows.row(*one).cmp(&rows.row(*other))).map(|at| at as u32)
    });
    Ok(take(list.values(), &best.collect::<UInt32Array>(), None)?)
}

/// The type of arrays that hold the elements of both.
fn common_type(kinds: &[DataType]) -> Result<DataType> {
    let wider = match (element_of(&kinds[0])?, element_of(&kinds[1])?) {
        (one, DataType::Null) => one,
        (DataType::Null, other) => other,
        (one, other) if one.equals_datatype(&other) => one,
        (one, other) => match type_union_resolution(&[one.clone(), other.clone()]) {
            Some(wider) if is_text(&one) == is_text(&other) => wider,
            _ => {
                return plan_err!(
                    "arrays of {} and of {} have no element in common",
                    type_name(&one),
                    type_name(&other)
                );
            }
        },
    };
    Ok(list_of(wider))
}

/// What both arrays have, once, in the order of the first. NULL is an element as any other.
fn intersection(args: &[ArrayRef]) -> Result<ArrayRef> {
    let kind = common_type(&[args[0].data_type().clone(), args[1].data_type().clone()])?;
    let (own, other) = (cast(&args[0], &kind)?, cast(&args[1], &kind)?);
    let (own, other) = (own.as_list::<i32>(), other.as_list::<i32>());
    let DataType::List(field) = &kind else { return internal_err!("no list") };
    let converter = RowConverter::new(vec![SortField::new(field.data_type().clone())])?;
    let own_rows = converter.convert_columns(&[normalized(own.values())])?;
    let other_rows = converter.convert_columns(&[normalized(other.values())])?;
    let (mut chosen, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..own.len() {
        let is_valid = own.is_valid(row) && other.is_valid(row);
        let span = |list: &ListArray| list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize;
        let before = chosen.len();
        if is_valid {
            // Each is taken out when it is found, so that it is found once.
            let mut wanted: HashSet<&[u8]> = span(other).map(|at| other_rows.row(at).data()).collect();
            chosen.extend(span(own).filter(|at| wanted.remove(own_rows.row(*at).data())).map(|at| at as u32));
        }
        valid.push(is_valid);
        lengths.push(chosen.len() - before);
    }
    // Spark gives the one value of equal ones.
    let elements = take(&normalized(own.values()), &UInt32Array::from(chosen), None)?;
    let (offsets, nulls) = (OffsetBuffer::from_lengths(lengths), NullBuffer::from(valid));
    Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, elements, Some(nulls))?))
}

fn flat_type(kinds: &[DataType]) -> Result<DataType> {
    match element_of(&kinds[0])? {
        inner @ DataType::List(_) => Ok(list_of(element_of(&inner)?)),
        DataType::Null => Ok(list_of(DataType::Null)),
        other => plan_err!("flatten takes an array of arrays, not of {}", type_name(&other)),
    }
}

/// The elements of the arrays in each array, one level down; NULL if one of them is NULL.
fn flattened(args: &[ArrayRef]) -> Result<ArrayRef> {
    let kind = flat_type(&[args[0].data_type().clone()])?;
    let Some(list) = args[0].as_list_opt::<i32>() else { return Ok(new_null_array(&kind, args[0].len())) };
    let Some(inner) = list.values().as_list_opt::<i32>() else { return Ok(new_null_array(&kind, list.len())) };
    let DataType::List(field) = &kind else { return internal_err!("no list") };
    let (mut chosen, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..list.len() {
        let span = list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize;
        let is_valid = list.is_valid(row) && span.clone().all(|at| inner.is_valid(at));
        let before = chosen.len();
        for at in span.filter(|_| is_valid) {
            chosen.extend(inner.value_offsets()[at] as u32..inner.value_offsets()[at + 1] as u32);
        }
        valid.push(is_valid);
        lengths.push(chosen.len() - before);
    }
    let elements = take(inner.values(), &UInt32Array::from(chosen), None)?;
    let (offsets, nulls) = (OffsetBuffer::from_lengths(lengths), NullBuffer::from(valid));
    Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, elements, Some(nulls))?))
}

/// The fields of a map's entries, under Spark's names whatever they are called in the map.
fn entry_fields(map: &DataType) -> Result<Fields> {
    if let DataType::Map(entries, _) = map
        && let DataType::Struct(fields) = entries.data_type()
        && let [key, value] = fields.as_ref()
    {
        let field = |name: &str, of: &Field, is_nullable| Field::new(name, of.data_type().clone(), is_nullable);
        return Ok(Fields::from(vec![field("key", key, false), field("value", value, true)]));
    }
    plan_err!("map_entries takes a map, not {}", type_name(map))
}

fn entries_type(kinds: &[DataType]) -> Result<DataType> {
    Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Struct(entry_fields(&kinds[0])?), false))))
}

fn entries(args: &[ArrayRef]) -> Result<ArrayRef> {
    let DataType::List(field) = entries_type(&[args[0].data_type().clone()])? else { return internal_err!("no list") };
    let map = args[0].as_map();
    let columns = vec![Arc::clone(map.keys()), Arc::clone(map.values())];
    let structs = StructArray::try_new(entry_fields(args[0].data_type())?, columns, None)?;
    Ok(Arc::new(ListArray::try_new(field, map.offsets().clone(), Arc::new(structs), map.nulls().cloned())?))
}
