//! JSON values to columns. What does not fit its type is null, and is counted as corrupt.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, ListArray, MapArray, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, FieldRef, Fields};
use datafusion::common::plan_err;
use datafusion::error::Result;

use super::super::casting::decimals::parse_decimal;
use super::super::instant_text::{parse_day, parse_instant, parse_without_zone};
use super::super::read::DAY_US;
use super::options::Options;
use super::parse::Value;
use crate::variant::{Item, is_variant, item_of, write};

/// A column of one type, one value a row; `corrupt` marks the rows in which a value did not fit.
pub fn column(
    kind: &DataType,
    values: &[(usize, Option<&Value>)],
    corrupt: &mut [bool],
    options: &Options,
) -> Result<ArrayRef> {
    Ok(match kind {
        DataType::Int8 => Arc::new(
            each(values, corrupt, if options.has_bytes { tiny } else { whole::<i8> })
                .into_iter()
                .collect::<Int8Array>(),
        ),
        DataType::Int16 => Arc::new(each(values, corrupt, whole::<i16>).into_iter().collect::<Int16Array>()),
        DataType::Int32 => Arc::new(each(values, corrupt, whole::<i32>).into_iter().collect::<Int32Array>()),
        DataType::Int64 => Arc::new(each(values, corrupt, whole::<i64>).into_iter().collect::<Int64Array>()),
        DataType::Float32 => {
            let numbers = each(values, corrupt, double).into_iter().map(|value| value.map(|value| value as f32));
            Arc::new(numbers.collect::<Float32Array>())
        }
        DataType::Float64 => Arc::new(each(values, corrupt, double).into_iter().collect::<Float64Array>()),
        DataType::Boolean => Arc::new(
            each(values, corrupt, |value| if let Value::Flag(flag) = value { Some(*flag) } else { None })
                .into_iter()
                .collect::<BooleanArray>(),
        ),
        DataType::Utf8 => Arc::new(each(values, corrupt, Value::text).into_iter().collect::<StringArray>()),
        DataType::Binary => {
            let bytes = each(values, corrupt, |value| match value {
                Value::Text(text) if text.len().is_multiple_of(4) => super::super::base64::decode(text),
                _ => None,
            });
            Arc::new(bytes.iter().map(|bytes| bytes.as_deref()).collect::<BinaryArray>())
        }
        DataType::Date32 => Arc::new(
            each(values, corrupt, |value| match value {
                Value::Text(text) => day(text, options),
                _ => None,
            })
            .into_iter()
            .collect::<Date32Array>(),
        ),
        DataType::Timestamp(_, None) => Arc::new(local_times(values, corrupt, options)),
        DataType::Timestamp(..) => Arc::new(instants(values, corrupt, options)),
        DataType::Decimal128(precision, scale) => {
            let numbers = each(values, corrupt, |value| match value {
                Value::Number(text) => parse_decimal(text, *precision, *scale),
                // Groups of digits are no matter in a text.
                Value::Text(text) => parse_decimal(&text.replace(',', ""), *precision, *scale),
                _ => None,
            });
            Arc::new(numbers.into_iter().collect::<Decimal128Array>().with_precision_and_scale(*precision, *scale)?)
        }
        kind if is_variant(kind) => variants(values, corrupt)?,
        DataType::Struct(fields) => structs(fields, values, corrupt, options)?,
        DataType::List(field) => lists(field, values, corrupt, options)?,
        DataType::Map(entries, _) => maps(entries, values, corrupt, options)?,
        other => return plan_err!("from_json has no type {}", crate::display::type_name(other)),
    })
}

fn instants(values: &[(usize, Option<&Value>)], corrupt: &mut [bool], options: &Options) -> TimestampMicrosecondArray {
    let us = each(values, corrupt, |value| match value {
        Value::Text(text) => match &options.timestamp {
            Some(pattern) => pattern.read(text),
            None => parse_instant(text),
        },
        Value::Number(text) => text.parse::<i64>().ok()?.checked_mul(1_000_000),
        _ => None,
    });
    us.into_iter().collect::<TimestampMicrosecondArray>().with_timezone("UTC")
}

/// Times in no zone: a text that names one is none, and neither is a number.
fn local_times(
    values: &[(usize, Option<&Value>)],
    corrupt: &mut [bool],
    options: &Options,
) -> TimestampMicrosecondArray {
    let us = each(values, corrupt, |value| match value {
        Value::Text(text) => match &options.timestamp {
            Some(pattern) => pattern.read(text),
            None => parse_without_zone(text),
        },
        _ => None,
    });
    us.into_iter().collect()
}

fn variants(values: &[(usize, Option<&Value>)], corrupt: &mut [bool]) -> Result<ArrayRef> {
    let items = each(values, corrupt, |value| item_of(value).ok());
    // `null` in a text is a value of a VARIANT, but a member that is not there is NULL.
    let items = values.iter().zip(items).map(|((_, value), item)| match value {
        Some(Value::Null) => Some(Item::Null),
        _ => item,
    });
    let items: Vec<Option<Item>> = items.collect();
    write(items.iter().map(Option::as_ref))
}

fn each<T>(
    values: &[(usize, Option<&Value>)],
    corrupt: &mut [bool],
    read: impl Fn(&Value) -> Option<T>,
) -> Vec<Option<T>> {
    let one = |(row, value): &(usize, Option<&Value>)| match value {
        None | Some(Value::Null) => None,
        Some(value) => {
            let read = read(value);
            corrupt[*row] |= read.is_none();
            read
        }
    };
    values.iter().map(one).collect()
}

/// A TINYINT as Jackson reads a byte: up to 255, of which the upper half is below zero.
fn tiny(value: &Value) -> Option<i8> {
    whole::<i16>(value).filter(|value| (-128..=255).contains(value)).map(|value| value as u8 as i8)
}

fn whole<T: std::str::FromStr>(value: &Value) -> Option<T> {
    if let Value::Number(text) = value { text.parse().ok() } else { None }
}

/// A day, by the pattern if there is one; else also as a number of days since 1970.
fn day(text: &str, options: &Options) -> Option<i32> {
    match &options.date {
        Some(pattern) => i32::try_from(pattern.read(text)?.div_euclid(DAY_US)).ok(),
        None => parse_day(text).or_else(|| text.parse().ok()),
    }
}

fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Number(text) => text.parse().ok(),
        Value::Text(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" | "+Infinity" | "INF" | "+INF" => Some(f64::INFINITY),
            "-Infinity" | "-INF" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// The struct of each row; a row whose value is no object is null.
pub fn structs(
    fields: &Fields,
    values: &[(usize, Option<&Value>)],
    corrupt: &mut [bool],
    options: &Options,
) -> Result<ArrayRef> {
    let mut valid = Vec::with_capacity(values.len());
    for (row, value) in values {
        let is_object = matches!(value, Some(Value::Object(_)));
        corrupt[*row] |= !is_object && !matches!(value, None | Some(Value::Null));
        valid.push(is_object);
    }
    let columns = fields.iter().map(|field| {
        let members: Vec<(usize, Option<&Value>)> = values
            .iter()
            .map(|(row, value)| match value {
                // Of a name that stands twice the last one counts.
                Some(Value::Object(members)) => {
                    (*row, members.iter().rev().find(|(name, _)| name == field.name()).map(|(_, value)| value))
                }
                _ => (*row, None),
            })
            .collect();
        column(field.data_type(), &members, corrupt, options)
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let nulls = NullBuffer::from(valid);
    Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, Some(nulls), values.len())?))
}

fn lists(
    field: &FieldRef,
    values: &[(usize, Option<&Value>)],
    corrupt: &mut [bool],
    options: &Options,
) -> Result<ArrayRef> {
    let (mut items, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for (row, value) in values {
        let array = match value {
            Some(Value::Array(array)) => Some(array),
            None | Some(Value::Null) => None,
            Some(_) => {
                corrupt[*row] = true;
                None
            }
        };
        valid.push(array.is_some());
        lengths.push(array.map_or(0, Vec::len));
        items.extend(array.into_iter().flatten().map(|item| (*row, Some(item))));
    }
    let elements = column(field.data_type(), &items, corrupt, options)?;
    let nulls = NullBuffer::from(valid);
    Ok(Arc::new(ListArray::try_new(Arc::clone(field), OffsetBuffer::from_lengths(lengths), elements, Some(nulls))?))
}

fn maps(
    entries: &FieldRef,
    values: &[(usize, Option<&Value>)],
    corrupt: &mut [bool],
    options: &Options,
) -> Result<ArrayRef> {
    let DataType::Struct(fields) = entries.data_type() else { return plan_err!("a map without entries") };
    let (mut keys, mut items, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (row, value) in values {
        let members = match value {
            Some(Value::Object(members)) => Some(members),
            None | Some(Value::Null) => None,
            Some(_) => {
                corrupt[*row] = true;
                None
            }
        };
        valid.push(members.is_some());
        lengths.push(members.map_or(0, Vec::len));
        // Of a key that stands twice both stay, as in Spark.
        for (name, value) in members.into_iter().flatten() {
            keys.push((*row, Value::Text(name.clone())));
            items.push((*row, Some(value)));
        }
    }
    let keys: Vec<(usize, Option<&Value>)> = keys.iter().map(|(row, key)| (*row, Some(key))).collect();
    let columns = vec![
        column(fields[0].data_type(), &keys, corrupt, options)?,
        column(fields[1].data_type(), &items, corrupt, options)?,
    ];
    let structs = StructArray::try_new(fields.clone(), columns, None)?;
    let nulls = NullBuffer::from(valid);
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, structs, Some(nulls), false)?))
}
