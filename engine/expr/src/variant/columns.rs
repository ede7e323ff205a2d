//! Columns of any type as values of a VARIANT.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::plan_err;
use datafusion::error::Result;

use super::item::Item;
use super::stored::{is_variant, read};
use crate::display::type_name;

/// Refuses what `CAST(x AS VARIANT)` does not take: structs and maps, which `to_variant_object` takes, and intervals.
///
/// # Errors
/// If the type is one of those.
pub fn check_castable(kind: &DataType) -> Result<()> {
    match kind {
        kind if is_variant(kind) => Ok(()),
        DataType::Struct(_) | DataType::Map(..) => {
            plan_err!("{} cannot be cast to variant; to_variant_object(x) makes an object of it", type_name(kind))
        }
        DataType::List(field) => check_castable(field.data_type()),
        kind => check_plain(kind),
    }
}

fn check_plain(kind: &DataType) -> Result<()> {
    let is_known = kind.is_numeric()
        || matches!(
            kind,
            DataType::Null
                | DataType::Boolean
                | DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
                | DataType::Binary
                | DataType::LargeBinary
                | DataType::BinaryView
                | DataType::Date32
                | DataType::Timestamp(..)
        );
    if is_known { Ok(()) } else { plan_err!("a variant has no {}; cast it to STRING first", type_name(kind)) }
}

/// The value of each row; NULL is none.
///
/// # Errors
/// If a variant has no such type.
pub fn items_of(column: &ArrayRef) -> Result<Vec<Option<Item>>> {
    if is_variant(column.data_type()) {
        return read(column);
    }
    let each = |item: &dyn Fn(usize) -> Item| -> Vec<Option<Item>> {
        (0..column.len()).map(|row| column.is_valid(row).then(|| item(row))).collect()
    };
    Ok(match column.data_type() {
        DataType::Null => vec![None; column.len()],
        DataType::Boolean => each(&|row| Item::Flag(column.as_boolean().value(row))),
        DataType::Float32 => each(&|row| Item::Float(column.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => each(&|row| Item::Double(column.as_primitive::<Float64Type>().value(row))),
        DataType::Decimal128(_, scale) => {
            let (digits, scale) = (column.as_primitive::<Decimal128Type>(), u8::try_from(*scale).unwrap_or(0));
            each(&|row| Item::Decimal(digits.value(row), scale))
        }
        DataType::Date32 => each(&|row| Item::Day(column.as_primitive::<Date32Type>().value(row))),
        DataType::Timestamp(_, zone) => {
            let micros = cast(column, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?;
            let micros = micros.as_primitive::<TimestampMicrosecondType>();
            let is_local = zone.is_none();
            each(&|row| if is_local { Item::LocalInstant(micros.value(row)) } else { Item::Instant(micros.value(row)) })
        }
        kind if kind.is_integer() => {
            let numbers = cast(column, &DataType::Int64)?;
            let numbers = numbers.as_primitive::<Int64Type>();
            each(&|row| Item::Whole(numbers.value(row)))
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            let bytes = cast(column, &DataType::Binary)?;
            let bytes = bytes.as_binary::<i32>();
            each(&|row| Item::Bytes(bytes.value(row).to_vec()))
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let texts = cast(column, &DataType::Utf8)?;
            let texts = texts.as_string::<i32>();
            each(&|row| Item::Text(texts.value(row).to_string()))
        }
        DataType::List(_) | DataType::Struct(_) | DataType::Map(..) => nested(column)?,
        kind => {
            check_plain(kind)?;
            return plan_err!("a variant has no {}", type_name(kind));
        }
    })
}

fn nested(column: &ArrayRef) -> Result<Vec<Option<Item>>> {
    let or_null = |item: &Option<Item>| item.clone().unwrap_or(Item::Null);
    let rows = |item: &dyn Fn(usize) -> Item| -> Vec<Option<Item>> {
        (0..column.len()).map(|row| column.is_valid(row).then(|| item(row))).collect()
    };
    Ok(match column.data_type() {
        DataType::List(_) => {
            let lists = column.as_list::<i32>();
            let items = items_of(lists.values())?;
            let offsets = lists.value_offsets();
            rows(&|row| {
                Item::Array(items[offsets[row] as usize..offsets[row + 1] as usize].iter().map(or_null).collect())
            })
        }
        DataType::Struct(fields) => {
            let columns = column.as_struct().columns().iter().map(items_of).collect::<Result<Vec<_>>>()?;
            rows(&|row| {
                let members = fields.iter().zip(&columns);
                Item::object(members.map(|(field, items)| (field.name().clone(), or_null(&items[row]))).collect())
            })
        }
        _ => {
            let maps = column.as_map();
            if !matches!(maps.keys().data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
                return plan_err!(
                    "the keys of a map in a variant are texts, not {}",
                    type_name(maps.keys().data_type())
                );
            }
            let keys = cast(&Arc::clone(maps.keys()), &DataType::Utf8)?;
            let (keys, values) = (keys.as_string::<i32>(), items_of(maps.values())?);
            let offsets = maps.value_offsets();
            rows(&|row| {
                let places = offsets[row] as usize..offsets[row + 1] as usize;
                Item::object(places.map(|at| (keys.value(at).to_string(), or_null(&values[at]))).collect())
            })
        }
    })
}
