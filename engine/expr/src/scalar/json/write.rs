//! `to_json`: structs, maps and arrays as JSON. Fields that are null are left out of structs, as in Spark.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, TimestampMicrosecondType};
use chrono::DateTime;
use datafusion::common::plan_err;
use datafusion::error::Result;

use super::super::pattern::Pattern;
use super::super::text::{double_text, float_text, to_text};
use super::options::Options;
use super::parse::quote;
use crate::types::{instant, zone_of};
use crate::variant::{Item, is_variant, read};

/// The JSON of each row.
///
/// # Errors
/// If the values are no structs, maps or arrays.
pub fn to_json(values: &ArrayRef) -> Result<ArrayRef> {
    to_json_with(values, &Options::default())
}

/// The JSON of each row, by options.
///
/// # Errors
/// If the values are no structs, maps or arrays.
pub fn to_json_with(values: &ArrayRef, options: &Options) -> Result<ArrayRef> {
    if values.data_type() == &DataType::Null {
        return Ok(new_null_array(&DataType::Utf8, values.len()));
    }
    if !values.data_type().is_nested() {
        return plan_err!(
            "to_json takes a struct, a map or an array, not {}",
            crate::display::type_name(values.data_type())
        );
    }
    let writer = Writer::new(values, options)?;
    let written = (0..values.len()).map(|row| {
        values.is_valid(row).then(|| {
            let mut out = String::new();
            writer.write(row, &mut out);
            out
        })
    });
    Ok(Arc::new(written.collect::<StringArray>()))
}

enum Writer {
    /// Numbers and booleans, as they are.
    Plain(StringArray),
    Double(ArrayRef),
    /// Times, and what stands behind each: the zone, if it is in one.
    Time(ArrayRef, &'static str),
    Quoted(StringArray),
    List(ArrayRef, Box<Writer>),
    Map(ArrayRef, StringArray, Box<Writer>),
    /// Fields, and whether those that are null are left out.
    Struct(ArrayRef, Vec<(String, Writer)>, bool),
}

impl Writer {
    fn new(values: &ArrayRef, options: &Options) -> Result<Writer> {
        Ok(match values.data_type() {
            DataType::Float64 => Writer::Double(Arc::clone(values)),
            DataType::Timestamp(..) => match &options.timestamp {
                Some(pattern) => Writer::Quoted(formatted(values, pattern)?),
                None => Writer::Time(cast(values, &instant())?, zone_of(values.data_type())),
            },
            DataType::Date32 if options.date.is_some() => match &options.date {
                Some(pattern) => Writer::Quoted(formatted(values, pattern)?),
                None => Writer::Quoted(to_text(values)?),
            },
            DataType::Float32 => {
                let values = values.as_primitive::<Float32Type>().iter();
                let text = |value: f32| match value.is_finite() {
                    true => float_text(value),
                    false => format!("\"{}\"", float_text(value)),
                };
                Writer::Plain(values.map(|value| value.map(text)).collect())
            }
            DataType::List(_) => {
                Writer::List(Arc::clone(values), Box::new(Writer::new(values.as_list::<i32>().values(), options)?))
            }
            DataType::Map(..) => {
                let map = values.as_map();
                Writer::Map(Arc::clone(values), key_texts(map.keys())?, Box::new(Writer::new(map.values(), options)?))
            }
            kind if is_variant(kind) => {
                Writer::Plain(read(values)?.iter().map(|item| item.as_ref().map(Item::json)).collect())
            }
            DataType::Struct(fields) => {
                let columns = values.as_struct().columns();
                let named = fields
                    .iter()
                    .zip(columns)
                    .map(|(field, column)| Ok((field.name().clone(), Writer::new(column, options)?)));
                Writer::Struct(Arc::clone(values), named.collect::<Result<_>>()?, options.ignores_nulls)
            }
            DataType::Binary => Writer::Quoted(
                values.as_binary::<i32>().iter().map(|bytes| bytes.map(super::super::base64::encode)).collect(),
            ),
            kind if kind.is_numeric() || kind == &DataType::Boolean => Writer::Plain(to_text(values)?),
            _ => Writer::Quoted(to_text(values)?),
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Writer::Plain(array) | Writer::Quoted(array) => array.is_null(row),
            Writer::Double(array)
            | Writer::Time(array, _)
            | Writer::List(array, _)
            | Writer::Map(array, ..)
            | Writer::Struct(array, ..) => array.is_null(row),
        }
    }

    fn write(&self, row: usize, out: &mut String) {
        if self.is_null(row) {
            out.push_str("null");
            return;
        }
        match self {
            Writer::Plain(array) => out.push_str(array.value(row)),
            Writer::Double(array) => {
                let value = array.as_primitive::<Float64Type>().value(row);
                let text = double_text(value);
                if value.is_finite() { out.push_str(&text) } else { quote(&text, out) }
            }
            Writer::Time(array, zone) => {
                let us = array.as_primitive::<TimestampMicrosecondType>().value(row);
                let time = DateTime::from_timestamp_micros(us).unwrap_or_default();
                quote(&format!("{}{zone}", time.format("%Y-%m-%dT%H:%M:%S%.3f")), out);
            }
            Writer::Quoted(array) => quote(array.value(row), out),
            Writer::List(array, element) => {
                let offsets = array.as_list::<i32>().value_offsets();
                out.push('[');
                for at in offsets[row] as usize..offsets[row + 1] as usize {
                    if at > offsets[row] as usize {
                        out.push(',');
                    }
                    element.write(at, out);
                }
                out.push(']');
            }
            Writer::Map(array, keys, value) => {
                let offsets = array.as_map().value_offsets();
                let members =
                    (offsets[row] as usize..offsets[row + 1] as usize).map(|at| (keys.value(at), value.as_ref(), at));
                write_members(members, out);
            }
            Writer::Struct(_, fields, ignores_nulls) => {
                let present = fields.iter().filter(|(_, field)| !ignores_nulls || !field.is_null(row));
                write_members(present.map(|(name, field)| (name.as_str(), field, row)), out);
            }
        }
    }
}

/// Times by a pattern.
fn formatted(values: &ArrayRef, pattern: &Pattern) -> Result<StringArray> {
    let instants = cast(values, &instant())?;
    let us = instants.as_primitive::<TimestampMicrosecondType>().iter();
    Ok(us.map(|us| us.and_then(|us| pattern.format(us))).collect())
}

/// Keys of a map as names: Java sees a day as a number of days, and a struct as a row in brackets.
fn key_texts(keys: &ArrayRef) -> Result<StringArray> {
    match keys.data_type() {
        DataType::Date32 => Ok(to_text(&cast(keys, &DataType::Int32)?)?),
        DataType::Struct(_) => {
            let texts = to_text(keys)?;
            let inner = |text: &str| {
                text.strip_prefix('{')
                    .and_then(|text| text.strip_suffix('}'))
                    .map(|text| format!("[{}]", text.replace(", ", ",")))
            };
            Ok(texts.iter().map(|text| text.map(|text| inner(text).unwrap_or_else(|| text.to_string()))).collect())
        }
        _ => to_text(keys),
    }
}

fn write_members<'a>(members: impl Iterator<Item = (&'a str, &'a Writer, usize)>, out: &mut String) {
    out.push('{');
    for (at, (name, value, row)) in members.enumerate() {
        if at > 0 {
            out.push(',');
        }
        quote(name, out);
        out.push(':');
        value.write(row, out);
    }
    out.push('}');
}
