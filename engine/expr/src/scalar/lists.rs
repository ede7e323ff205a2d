//! Spark's functions of arrays, maps and structs.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int32Array, Int64Array, ListArray, MapArray, StructArray, UInt32Array, new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{SortOptions, cast, concat, is_null, nullif, sort_to_indices, take};
use arrow::datatypes::{DataType, Field, Fields, Int64Type};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{exec_datafusion_err, exec_err, plan_err};
use datafusion::error::Result;

use super::read::{Kind, read_as};
use super::result_types::{first_type, flag_type, int_type, whole_type};
use super::simple::Simple;
use crate::group_key::normalized;
use crate::typing::meeting::common_type_of;

/// All of them.
pub fn functions() -> Vec<Simple> {
    let mut all = sizes();
    all.extend(elements());
    all.extend(contents());
    all.extend(orders());
    all.extend(generators());
    all
}

fn sizes() -> Vec<Simple> {
    let size = |name, aliases| Simple {
        name,
        aliases,
        count: (1, 1),
        kinds: &[Kind::Any],
        gives: int_type,
        body: |args| {
            if args[0].data_type() == &DataType::Null {
                return Ok(new_null_array(&DataType::Int32, args[0].len()));
            }
            let offsets = offsets(&args[0])?;
            let lengths = (0..args[0].len()).map(|row| args[0].is_valid(row).then(|| offsets[row + 1] - offsets[row]));
            Ok(Arc::new(lengths.collect::<Int32Array>()))
        },
    };
    vec![size("size", &["cardinality"]), size("array_size", &["json_array_size"])]
}

/// The offsets of a list or map.
fn offsets(values: &ArrayRef) -> Result<Vec<i32>> {
    match values.data_type() {
        DataType::List(_) => Ok(values.as_list::<i32>().value_offsets().to_vec()),
        DataType::Map(..) => Ok(values.as_map().value_offsets().to_vec()),
        DataType::Null => Ok(vec![0; values.len() + 1]),
        other => plan_err!("an array or a map is needed, not {}", crate::display::type_name(other)),
    }
}

/// The type of an array's elements or of a map's values.
fn element_type(types: &[DataType]) -> Result<DataType> {
    if matches!(types[0], DataType::List(_)) && types.get(1).is_some_and(super::read::is_text) {
        return plan_err!("an element of an array is found by its number, not by a text");
    }
    match &types[0] {
        DataType::List(field) => Ok(field.data_type().clone()),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => Ok(fields[1].data_type().clone()),
            other => plan_err!("a map of {other}"),
        },
        DataType::Null => Ok(DataType::Null),
        // `window['start']`: the field's type is known once the name is ([`crate::casts`]).
        DataType::Struct(_) if types.get(1).is_some_and(super::read::is_text) => Ok(DataType::Null),
        other => plan_err!("an array or a map is needed, not {}", crate::display::type_name(other)),
    }
}

fn elements() -> Vec<Simple> {
    let of =
        |name, aliases, body| Simple { name, aliases, count: (2, 2), kinds: &[Kind::Any], gives: element_type, body };
    vec![
        of("element_at", &["try_element_at", "map_extract_value"], |args| {
            element(args, |at, length| match at {
                at if at > 0 => usize::try_from(at - 1).ok(),
                at if at < 0 => usize::try_from(length + at).ok(),
                _ => None,
            })
        }),
        of("get", &["item_at"], |args| element(args, |at, _| usize::try_from(at).ok())),
        Simple {
            name: "array_position",
            aliases: &[],
            count: (2, 2),
            kinds: &[Kind::Any],
            gives: whole_type,
            body: |args| {
                let found = positions(args)?;
                let at =
                    |places: Option<Vec<usize>>| places.map(|places| places.first().map_or(0, |at| *at as i64 + 1));
                Ok(Arc::new(found.into_iter().map(at).collect::<Int64Array>()))
            },
        },
        Simple {
            name: "array_contains",
            aliases: &[],
            count: (2, 2),
            kinds: &[Kind::Any],
            gives: flag_type,
            body: |args| {
                let list = args[0]
                    .as_list_opt::<i32>()
                    .ok_or_else(|| exec_datafusion_err!("array_contains takes an array"))?;
                let has_null = |row: usize| list.value(row).logical_null_count() > 0;
                let found = positions(args)?.into_iter().enumerate().map(|(row, places)| {
                    let is_found = !places?.is_empty();
                    if !is_found && has_null(row) { None } else { Some(is_found) }
                });
                Ok(Arc::new(found.collect::<arrow::array::BooleanArray>()))
            },
        },
    ]
}

fn contents() -> Vec<Simple> {
    vec![
        Simple {
            name: "map_contains_key",
            aliases: &[],
            count: (2, 2),
            kinds: &[Kind::Any],
            gives: flag_type,
            body: |args| {
                let keys = keys_as_lists(&args[0])?;
                let found = positions(&[keys, Arc::clone(&args[1])])?.into_iter();
                Ok(Arc::new(
                    found.map(|places| places.map(|places| !places.is_empty())).collect::<arrow::array::BooleanArray>(),
                ))
            },
        },
        Simple {
            name: "array_repeat",
            aliases: &[],
            count: (2, 2),
            kinds: &[Kind::Any, Kind::Whole],
            gives: |types| Ok(DataType::List(Arc::new(Field::new_list_field(types[0].clone(), true)))),
            body: repeated,
        },
        Simple {
            name: "array_remove",
            aliases: &[],
            count: (2, 2),
            kinds: &[Kind::Any],
            gives: first_type,
            body: |args| {
                let found = positions(args)?;
                rearranged(&args[0], |row, range| {
                    let places = found[row].as_ref()?;
                    Some(range.enumerate().filter(|(at, _)| !places.contains(at)).map(|(_, at)| at as u32).collect())
                })
            },
        },
    ]
}

/// The longest array that is made.
const LONGEST: i64 = 1_000_000;

/// Arrays of one value, so many times; NULL if nobody says how often.
fn repeated(args: &[ArrayRef]) -> Result<ArrayRef> {
    let counts = args[1].as_primitive::<Int64Type>();
    let (mut chosen, mut lengths) = (Vec::new(), Vec::new());
    for row in 0..args[0].len() {
        let count = if counts.is_valid(row) { counts.value(row).max(0) } else { 0 };
        if count > LONGEST {
            return exec_err!("array_repeat makes arrays of at most {LONGEST} elements, not {count}");
        }
        lengths.push(count as usize);
        chosen.extend((0..count).map(|_| row as u32));
    }
    let elements = take(&args[0], &UInt32Array::from(chosen), None)?;
    let field = Arc::new(Field::new_list_field(args[0].data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), elements, counts.nulls().cloned())?))
}

/// The element of each row: a map's by key, an array's where `place` says.
fn element(args: &[ArrayRef], place: impl Fn(i64, i64) -> Option<usize>) -> Result<ArrayRef> {
    let kind = element_type(&[args[0].data_type().clone()])?;
    if args[0].data_type() == &DataType::Null {
        return Ok(new_null_array(&kind, args[0].len()));
    }
    let starts = offsets(&args[0])?;
    let (values, places): (ArrayRef, Vec<Option<u32>>) = if let Some(map) = args[0].as_map_opt() {
        let found = positions(&[keys_as_lists(&args[0])?, Arc::clone(&args[1])])?;
        let places =
            found.into_iter().enumerate().map(|(row, places)| Some(starts[row] as u32 + *places?.last()? as u32));
        (Arc::clone(map.values()), places.collect())
    } else {
        let wanted = read_as(&args[1], Kind::Whole)?;
        let wanted = wanted.as_primitive::<Int64Type>();
        let places = (0..args[0].len()).map(|row| {
            let length = i64::from(starts[row + 1] - starts[row]);
            let at = (args[0].is_valid(row) && wanted.is_valid(row)).then(|| place(wanted.value(row), length))??;
            ((at as i64) < length).then_some(starts[row] as u32 + at as u32)
        });
        (Arc::clone(args[0].as_list::<i32>().values()), places.collect())
    };
    Ok(take(&values, &UInt32Array::from(places), None)?)
}

fn keys_as_lists(map: &ArrayRef) -> Result<ArrayRef> {
    let map = map
        .as_map_opt()
        .ok_or_else(|| exec_datafusion_err!("a map is needed, not {}", crate::display::type_name(map.data_type())))?;
    let field = Arc::new(Field::new_list_field(map.keys().data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(field, map.offsets().clone(), Arc::clone(map.keys()), map.nulls().cloned())?))
}

/// Where in each row's array its value stands; none if either is null.
fn positions(args: &[ArrayRef]) -> Result<Vec<Option<Vec<usize>>>> {
    let Some(list) = args[0].as_list_opt::<i32>() else { return Ok(vec![None; args[0].len()]) };
    // Of elements without a type, and of structs with fields without one, the value says what they are.
    let own = list.value_type();
    let kind = common_type_of([&own, args[1].data_type()]).unwrap_or(own);
    let (values, wanted) = (cast(list.values(), &kind)?, cast(&args[1], &kind)?);
    let rows = RowConverter::new(vec![SortField::new(kind)])?;
    let (elements, wanted_rows) =
        (rows.convert_columns(&[normalized(&values)])?, rows.convert_columns(&[normalized(&wanted)])?);
    let starts = list.value_offsets();
    let found = (0..list.len()).map(|row| {
        if list.is_null(row) || wanted.is_null(row) {
            return None;
        }
        let range = starts[row] as usize..starts[row + 1] as usize;
        Some(
            range
                .enumerate()
                .filter(|(_, at)| elements.row(*at) == wanted_rows.row(row))
                .map(|(place, _)| place)
                .collect(),
        )
    });
    Ok(found.collect())
}

/// Each row's array with its elements chosen and ordered anew, by their places in all elements; none makes it null.
fn rearranged(
    values: &ArrayRef,
    choose: impl Fn(usize, std::ops::Range<usize>) -> Option<Vec<u32>>,
) -> Result<ArrayRef> {
    let Some(list) = values.as_list_opt::<i32>() else { return Ok(Arc::clone(values)) };
    let DataType::List(field) = list.data_type() else { return plan_err!("an array is needed") };
    let starts = list.value_offsets();
    let (mut chosen, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..list.len() {
        let range = starts[row] as usize..starts[row + 1] as usize;
        let places = if list.is_valid(row) { choose(row, range) } else { None };
        valid.push(places.is_some());
        lengths.push(places.as_ref().map_or(0, Vec::len));
        chosen.extend(places.unwrap_or_default());
    }
    let elements = take(list.values(), &UInt32Array::from(chosen), None)?;
    let nulls = NullBuffer::from(valid);
    Ok(Arc::new(ListArray::try_new(Arc::clone(field), OffsetBuffer::from_lengths(lengths), elements, Some(nulls))?))
}

fn orders() -> Vec<Simple> {
    vec![
        Simple {
            name: "sort_array",
            aliases: &[],
            count: (1, 2),
            kinds: &[Kind::Any, Kind::Flag],
            gives: first_type,
            body: |args| {
                let ascending = args.get(1).map(|flags| flags.as_boolean().clone());
                let sorted = sorted(&args[0], |row| {
                    let is_descending =
                        ascending.as_ref().is_some_and(|flags| flags.is_valid(row) && !flags.value(row));
                    SortOptions { descending: is_descending, nulls_first: !is_descending }
                })?;
                match &ascending {
                    Some(flags) if flags.null_count() > 0 => Ok(nullif(&sorted, &is_null(flags)?)?),
                    _ => Ok(sorted),
                }
            },
        },
        Simple {
            name: "array_sort",
            aliases: &["list_sort"],
            count: (1, 1),
            kinds: &[Kind::Any],
            gives: first_type,
            body: |args| sorted(&args[0], |_| SortOptions { descending: false, nulls_first: false }),
        },
        Simple {
            name: "map_concat",
            aliases: &[],
            count: (1, usize::MAX),
            kinds: &[Kind::Any],
            gives: common_map,
            body: map_concat,
        },
    ]
}

/// Each row's array with its elements turned round.
pub fn reversed(values: &ArrayRef) -> Result<ArrayRef> {
    rearranged(values, |_, range| Some(range.rev().map(|at| at as u32).collect()))
}

fn sorted(values: &ArrayRef, options: impl Fn(usize) -> SortOptions) -> Result<ArrayRef> {
    let Some(list) = values.as_list_opt::<i32>() else { return Ok(Arc::clone(values)) };
    let mut failed = None;
    let compared = normalized(list.values());
    let sorted = rearranged(values, |row, range| {
        let (options, elements) = (options(row), compared.slice(range.start, range.len()));
        match sort_to_indices(&elements, Some(options), None) {
            Ok(places) => Some(places.values().iter().map(|at| at + range.start as u32).collect()),
            Err(_) => sorted_by_rows(&elements, options, range.start).map_err(|error| failed_text(&error)).ok(),
        }
    })?;
    if list.null_count() != sorted.null_count() {
        failed = Some(crate::display::type_name(&list.value_type()));
    }
    match failed {
        Some(kind) => plan_err!("values of type {kind} have no order"),
        None => Ok(sorted),
    }
}

fn failed_text(error: &impl std::fmt::Display) -> String {
    error.to_string()
}

/// Nested values have an order only as encoded rows.
fn sorted_by_rows(values: &ArrayRef, options: SortOptions, first: usize) -> Result<Vec<u32>> {
    let rows = RowConverter::new(vec![SortField::new_with_options(values.data_type().clone(), options)])?;
    let rows = rows.convert_columns(&[Arc::clone(values)])?;
    let mut places: Vec<u32> = (0..values.len() as u32).collect();
    places.sort_by(|left, right| rows.row(*left as usize).cmp(&rows.row(*right as usize)));
    Ok(places.into_iter().map(|at| at + first as u32).collect())
}

/// The type in which maps meet.
fn common_map(kinds: &[DataType]) -> Result<DataType> {
    match common_type_of(kinds) {
        Some(common @ DataType::Map(..)) => Ok(common),
        _ => plan_err!("map_concat takes maps of one type"),
    }
}

fn map_concat(args: &[ArrayRef]) -> Result<ArrayRef> {
    let common = common_map(&args.iter().map(|map| map.data_type().clone()).collect::<Vec<_>>())?;
    let DataType::Map(entries, is_sorted) = &common else { return plan_err!("map_concat takes maps") };
    let maps = args.iter().map(|map| cast(map, &common)).collect::<std::result::Result<Vec<_>, _>>()?;
    let (mut chunks, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..args[0].len() {
        let is_valid = maps.iter().all(|map| map.is_valid(row));
        valid.push(is_valid);
        let mut length = 0;
        for map in maps.iter().filter(|_| is_valid) {
            let chunk = map.as_map().value(row);
            length += chunk.len();
            chunks.push(chunk);
        }
        lengths.push(length);
    }
    let chunks: Vec<&dyn Array> = chunks.iter().map(|chunk| chunk as &dyn Array).collect();
    let all = if chunks.is_empty() { arrow::array::new_empty_array(entries.data_type()) } else { concat(&chunks)? };
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(MapArray::try_new(
        Arc::clone(entries),
        offsets,
        all.as_struct().clone(),
        Some(valid.into()),
        *is_sorted,
    )?))
}

/// What generators are planned with: lists of rows, to be unnested.
fn generators() -> Vec<Simple> {
    vec![
        Simple {
            name: "explode_rows",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Any],
            gives: row_type,
            body: |args| explode_rows(&args[0], false),
        },
        Simple {
            name: "explode_outer_rows",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Any],
            gives: row_type,
            body: |args| explode_rows(&args[0], true),
        },
        Simple {
            name: "posexplode_rows",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Any],
            gives: position_type,
            body: |args| with_positions(&explode_rows(&args[0], false)?, args[0].data_type()),
        },
        Simple {
            name: "posexplode_outer_rows",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Any],
            gives: position_type,
            body: |args| {
                let rows = with_positions(&explode_rows(&args[0], false)?, args[0].data_type())?;
                explode_rows(&rows, true)
            },
        },
    ]
}

/// Elements of an array; of a map its entries, as structs.
fn row_type(types: &[DataType]) -> Result<DataType> {
    match &types[0] {
        kind @ DataType::List(_) => Ok(kind.clone()),
        DataType::Map(entries, _) => {
            Ok(DataType::List(Arc::new(Field::new_list_field(entries.data_type().clone(), true))))
        }
        other => plan_err!("explode takes an array or a map, not {}", crate::display::type_name(other)),
    }
}

fn position_fields(kind: &DataType) -> Result<Fields> {
    let position = Field::new("pos", DataType::Int32, true);
    Ok(match (kind, row_type(std::slice::from_ref(kind))?) {
        (DataType::Map(..), DataType::List(field)) => match field.data_type() {
            DataType::Struct(fields) => {
                let fields = fields.iter().map(|field| field.as_ref().clone().with_nullable(true));
                std::iter::once(position).chain(fields).collect()
            }
            other => return plan_err!("a map of {other}"),
        },
        (_, DataType::List(field)) => Fields::from(vec![position, Field::new("col", field.data_type().clone(), true)]),
        (_, other) => return plan_err!("rows of {other}"),
    })
}

fn position_type(types: &[DataType]) -> Result<DataType> {
    let fields = position_fields(&types[0])?;
    Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Struct(fields), true))))
}

/// Lists of rows; with `outer`, null or empty ones become a list of one null.
fn explode_rows(values: &ArrayRef, outer: bool) -> Result<ArrayRef> {
    let list: ArrayRef = match values.as_map_opt() {
        Some(map) => {
            let DataType::List(field) = row_type(&[values.data_type().clone()])? else { return plan_err!("no rows") };
            let entries = Arc::new(map.entries().clone()) as ArrayRef;
            Arc::new(ListArray::try_new(field, map.offsets().clone(), entries, map.nulls().cloned())?)
        }
        None => Arc::clone(values),
    };
    if !outer {
        return Ok(list);
    }
    let list = list.as_list::<i32>();
    let DataType::List(field) = list.data_type() else { return plan_err!("no rows") };
    let starts = list.value_offsets();
    let (mut places, mut lengths) = (Vec::new(), Vec::new());
    for row in 0..list.len() {
        let range = starts[row] as u32..starts[row + 1] as u32;
        if list.is_null(row) || range.is_empty() {
            places.push(None);
            lengths.push(1);
        } else {
            lengths.push(range.len());
            places.extend(range.map(Some));
        }
    }
    let elements = take(list.values(), &UInt32Array::from(places), None)?;
    let field = Arc::new(field.as_ref().clone().with_nullable(true));
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), elements, None)?))
}

fn with_positions(rows: &ArrayRef, kind: &DataType) -> Result<ArrayRef> {
    let list = rows.as_list::<i32>();
    let fields = position_fields(kind)?;
    let starts = list.value_offsets();
    let mut positions = vec![0_i32; list.values().len()];
    for row in 0..list.len() {
        for (place, at) in (starts[row]..starts[row + 1]).enumerate() {
            positions[at as usize] = place as i32;
        }
    }
    let mut columns: Vec<ArrayRef> = vec![Arc::new(Int32Array::from(positions))];
    match (kind, list.values().as_struct_opt()) {
        (DataType::Map(..), Some(entries)) => columns.extend(entries.columns().iter().cloned()),
        _ => columns.push(Arc::clone(list.values())),
    }
    let structs = Arc::new(StructArray::try_new(fields.clone(), columns, None)?);
    let field = Arc::new(Field::new_list_field(DataType::Struct(fields), true));
    Ok(Arc::new(ListArray::try_new(field, list.offsets().clone(), structs, list.nulls().cloned())?))
}
