//! `CAST(x AS STRING)` as Spark writes it: timestamps as `2024-01-31 12:00:00`, doubles as `1.0E10`, arrays as `[1, 2]`.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Float32Type, Float64Type, TimestampMicrosecondType};
use datafusion::common::plan_err;
use datafusion::error::Result;

use super::civil::{DAY_US, day_text};
pub use super::number_text::{double_text, float_text};
use crate::display::type_name;
use crate::types::instant;
use crate::variant::{is_variant, read, text_of};

/// The texts of a column.
///
/// # Errors
/// If the type has no text.
pub fn to_text(values: &ArrayRef) -> Result<StringArray> {
    let written = match values.data_type() {
        DataType::Utf8 => return Ok(values.as_string::<i32>().clone()),
        DataType::Date32 => {
            let days = values.as_primitive::<Date32Type>().iter();
            Arc::new(days.map(|days| days.map(|days| day_text(i64::from(days)))).collect::<StringArray>())
        }
        kind if is_as_in_arrow(kind) => cast(values, &DataType::Utf8)?,
        DataType::Duration(_) | DataType::Interval(_) => return super::interval_text::interval_texts(values),
        kind if is_bytes(kind) => {
            let bytes = cast(values, &DataType::Binary)?;
            let texts = bytes.as_binary::<i32>().iter();
            Arc::new(texts.map(|bytes| bytes.map(String::from_utf8_lossy)).collect::<StringArray>())
        }
        kind if is_variant(kind) => {
            return Ok(read(values)?.iter().map(|item| item.as_ref().and_then(text_of)).collect());
        }
        _ => {
            let mut builder = StringBuilder::new();
            let writer = Writer::new(values)?;
            for row in 0..values.len() {
                if values.is_null(row) {
                    builder.append_null();
                    continue;
                }
                let mut text = String::new();
                writer.write(row, &mut text);
                builder.append_value(text);
            }
            return Ok(builder.finish());
        }
    };
    Ok(written.as_string::<i32>().clone())
}

fn is_bytes(kind: &DataType) -> bool {
    matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

/// Types whose text is the same in arrow and in Spark.
pub fn is_as_in_arrow(kind: &DataType) -> bool {
    kind.is_integer()
        || matches!(
            kind,
            DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
                | DataType::Boolean
                | DataType::Date32
                | DataType::Null
                | DataType::Decimal32(..)
                | DataType::Decimal64(..)
                | DataType::Decimal128(..)
                | DataType::Decimal256(..)
                | DataType::Time32(_)
                | DataType::Time64(_)
        )
}

/// Writes values of one column, nested ones included.
enum Writer {
    Text(StringArray),
    Double(ArrayRef),
    Float(ArrayRef),
    Instant(ArrayRef),
    List(ArrayRef, Box<Writer>),
    Map(ArrayRef, Box<Writer>, Box<Writer>),
    Struct(ArrayRef, Vec<Writer>),
}

impl Writer {
    fn new(values: &ArrayRef) -> Result<Writer> {
        Ok(match values.data_type() {
            DataType::Float64 => Writer::Double(Arc::clone(values)),
            DataType::Float32 | DataType::Float16 => Writer::Float(cast(values, &DataType::Float32)?),
            DataType::Timestamp(..) => Writer::Instant(cast(values, &instant())?),
            DataType::List(_) => {
                Writer::List(Arc::clone(values), Box::new(Writer::new(values.as_list::<i32>().values())?))
            }
            DataType::Map(..) => {
                let map = values.as_map();
                Writer::Map(
                    Arc::clone(values),
                    Box::new(Writer::new(map.keys())?),
                    Box::new(Writer::new(map.values())?),
                )
            }
            kind if is_variant(kind) => Writer::Text(to_text(values)?),
            DataType::Struct(_) => {
                let fields = values.as_struct().columns().iter().map(Writer::new).collect::<Result<_>>()?;
                Writer::Struct(Arc::clone(values), fields)
            }
            DataType::LargeList(field) | DataType::FixedSizeList(field, _) | DataType::ListView(field) => {
                return Writer::new(&cast(values, &DataType::List(Arc::clone(field)))?);
            }
            DataType::Duration(_) | DataType::Interval(_) => Writer::Text(to_text(values)?),
            kind if is_as_in_arrow(kind) || is_bytes(kind) => Writer::Text(to_text(values)?),
            kind => return plan_err!("a value of type {} has no text", type_name(kind)),
        })
    }

    fn array(&self) -> &dyn Array {
        match self {
            Writer::Text(array) => array,
            Writer::Double(array) | Writer::Float(array) | Writer::Instant(array) => array,
            Writer::List(array, _) | Writer::Map(array, _, _) | Writer::Struct(array, _) => array,
        }
    }

    fn write(&self, row: usize, out: &mut String) {
        if self.array().is_null(row) {
            out.push_str("null");
            return;
        }
        match self {
            Writer::Text(array) => out.push_str(array.value(row)),
            Writer::Double(array) => out.push_str(&double_text(array.as_primitive::<Float64Type>().value(row))),
            Writer::Float(array) => out.push_str(&float_text(array.as_primitive::<Float32Type>().value(row))),
            Writer::Instant(array) => {
                out.push_str(&instant_text(array.as_primitive::<TimestampMicrosecondType>().value(row)));
            }
            Writer::List(array, element) => {
                let offsets = array.as_list::<i32>().value_offsets();
                write_all(out, ['[', ']'], offsets[row] as usize..offsets[row + 1] as usize, |at, out| {
                    element.write(at, out);
                });
            }
            Writer::Map(array, key, value) => {
                let offsets = array.as_map().value_offsets();
                write_all(out, ['{', '}'], offsets[row] as usize..offsets[row + 1] as usize, |at, out| {
                    key.write(at, out);
                    out.push_str(" -> ");
                    value.write(at, out);
                });
            }
            Writer::Struct(_, fields) => {
                write_all(out, ['{', '}'], 0..fields.len(), |at, out| fields[at].write(row, out));
            }
        }
    }
}

fn write_all(
    out: &mut String,
    [open, close]: [char; 2],
    range: std::ops::Range<usize>,
    write: impl Fn(usize, &mut String),
) {
    out.push(open);
    let first = range.start;
    for at in range {
        if at > first {
            out.push_str(", ");
        }
        write(at, out);
    }
    out.push(close);
}

/// An instant as Spark writes it in UTC: no more digits of the second than it has.
pub fn instant_text(us: i64) -> String {
    let (days, of_day) = (us.div_euclid(DAY_US), us.rem_euclid(DAY_US));
    let seconds = of_day / 1_000_000;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let mut text = format!("{} {hour:02}:{minute:02}:{second:02}", day_text(days));
    let fraction = us.rem_euclid(1_000_000);
    if fraction > 0 {
        let digits = format!("{fraction:06}");
        let _ = write!(text, ".{}", digits.trim_end_matches('0'));
    }
    text
}
