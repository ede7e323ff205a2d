//! What an argument may be, and as what it is read then: Spark's `AnsiTypeCoercion` for the inputs of functions.

use std::sync::Arc;

use arrow::datatypes::DataType;

use super::super::read::is_text;
use crate::types::instant;

/// What an argument may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Anything, as it is.
    Any,
    /// A text; of what is no array, map or struct the text of it.
    Text,
    /// A text, and nothing else.
    TextOnly,
    /// A text or an array of texts; else as [`Input::Text`].
    TextOrTexts,
    /// A text or bytes; else as [`Input::Text`].
    TextOrBytes,
    /// A text, bytes or an array; else as [`Input::Text`].
    TextBytesOrArray,
    /// Bytes, or a text as its bytes.
    Bytes,
    /// A number or a text, as INT.
    Int,
    /// A TINYINT, SMALLINT or INT, or a text of one.
    SmallInt,
    /// A number or a text, as BIGINT.
    Long,
    /// A whole number, and nothing else.
    WholeOnly,
    /// A number, and nothing else.
    NumberOnly,
    /// A number or a text, as DOUBLE.
    Double,
    /// A day, a timestamp, or a text of one.
    Day,
    /// A day, and nothing else.
    DayOnly,
    /// A timestamp, a day, or a text of one.
    Instant,
    /// As [`Input::Instant`], or a time of day as it is.
    InstantOrClock,
    /// A timestamp, and nothing else.
    InstantOnly,
    /// A text, a day or a timestamp, as it is.
    TextOrTime,
    /// As [`Input::TextOrTime`], or a number of seconds.
    TextTimeOrNumber,
    /// A boolean, or a text of one.
    Flag,
    /// A whole number, bytes or a text; other numbers as BIGINT.
    LongBytesOrText,
    /// An array.
    Array,
    /// A map.
    Map,
}

impl Input {
    /// The type that a value of this type is read as; none if it is refused. A whole constant may be any whole type: what it is, is not
    /// known before the types of the plan are.
    pub fn target(self, kind: &DataType, is_constant: bool) -> Option<DataType> {
        if kind == &DataType::Null {
            return self.of_null();
        }
        let is_atomic = !kind.is_nested();
        let is_bytes = matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView);
        let same = |is_taken: bool| is_taken.then(|| kind.clone());
        let as_text = || (is_atomic && !is_text(kind)).then_some(DataType::Utf8).or_else(|| same(is_text(kind)));
        let is_small = matches!(kind, DataType::Int8 | DataType::Int16 | DataType::Int32);
        let is_time = matches!(kind, DataType::Timestamp(..) | DataType::Date32);
        let number = |wide: DataType| (kind.is_numeric() || is_text(kind)).then_some(wide);
        match self {
            Input::Any => same(true),
            Input::Text => as_text(),
            Input::TextOnly => same(is_text(kind)),
            Input::TextOrTexts => texts_of(kind).or_else(as_text),
            Input::TextOrBytes => same(is_bytes).or_else(as_text),
            Input::TextBytesOrArray => same(is_bytes || kind.is_list()).or_else(as_text),
            Input::Bytes => same(is_bytes).or_else(|| is_text(kind).then_some(DataType::Binary)),
            Input::Int => same(is_small && kind == &DataType::Int32).or_else(|| number(DataType::Int32)),
            Input::SmallInt if is_text(kind) => Some(DataType::Int32),
            Input::SmallInt => same(is_small || is_constant && kind == &DataType::Int64),
            Input::Long => number(DataType::Int64),
            Input::WholeOnly => same(kind.is_integer()),
            Input::NumberOnly => same(kind.is_numeric()),
            Input::Double => number(DataType::Float64),
            Input::Day => (is_time || is_text(kind)).then_some(DataType::Date32),
            Input::DayOnly => same(kind == &DataType::Date32),
            Input::Instant => (is_time || is_text(kind)).then(instant),
            Input::InstantOrClock => {
                same(matches!(kind, DataType::Time64(_))).or_else(|| Input::Instant.target(kind, is_constant))
            }
            Input::InstantOnly => same(matches!(kind, DataType::Timestamp(..))),
            Input::TextOrTime => same(is_time || is_text(kind)),
            Input::TextTimeOrNumber => same(is_time || is_text(kind) || kind.is_numeric()),
            Input::Flag => (kind == &DataType::Boolean || is_text(kind)).then_some(DataType::Boolean),
            Input::LongBytesOrText => same(is_bytes).or_else(|| match kind.is_numeric() {
                true => Some(DataType::Int64),
                false => as_text(),
            }),
            Input::Array => same(kind.is_list()),
            Input::Map => same(matches!(kind, DataType::Map(..))),
        }
    }

    /// True if a NULL here makes the result NULL, whatever the function would make of it.
    pub fn is_decisive(self) -> bool {
        matches!(self, Input::Array | Input::Map)
    }

    fn of_null(self) -> Option<DataType> {
        Some(match self {
            Input::Text
            | Input::TextOnly
            | Input::TextOrTexts
            | Input::TextOrBytes
            | Input::TextBytesOrArray
            | Input::TextOrTime
            | Input::TextTimeOrNumber => DataType::Utf8,
            Input::Bytes => DataType::Binary,
            Input::Int | Input::SmallInt => DataType::Int32,
            Input::Long | Input::WholeOnly | Input::LongBytesOrText => DataType::Int64,
            Input::Double | Input::NumberOnly => DataType::Float64,
            Input::Day | Input::DayOnly => DataType::Date32,
            Input::Instant | Input::InstantOrClock | Input::InstantOnly => instant(),
            Input::Flag => DataType::Boolean,
            Input::Any | Input::Array | Input::Map => DataType::Null,
        })
    }

    /// What it may be, in words.
    pub fn described(self) -> &'static str {
        match self {
            Input::Any => "any value",
            Input::Text | Input::TextOnly => "a string",
            Input::TextOrTexts => "a string or an array of strings",
            Input::TextOrBytes => "a string or binary",
            Input::TextBytesOrArray => "a string, binary or an array",
            Input::Bytes => "binary or a string",
            Input::Int => "a number",
            Input::SmallInt => "an int",
            Input::Long | Input::Double | Input::NumberOnly => "a number",
            Input::WholeOnly => "a whole number",
            Input::Day | Input::DayOnly => "a date",
            Input::Instant | Input::InstantOrClock | Input::InstantOnly => "a timestamp",
            Input::TextOrTime | Input::TextTimeOrNumber => "a string, a date or a timestamp",
            Input::Flag => "a boolean",
            Input::LongBytesOrText => "a whole number, a string or binary",
            Input::Array => "an array",
            Input::Map => "a map",
        }
    }

    /// A cast that makes such a value.
    pub fn example(self) -> &'static str {
        match self {
            Input::Int | Input::SmallInt => "CAST(x AS INT)",
            Input::Long | Input::WholeOnly | Input::LongBytesOrText => "CAST(x AS BIGINT)",
            Input::Double | Input::NumberOnly => "CAST(x AS DOUBLE)",
            Input::Day | Input::DayOnly => "CAST(x AS DATE)",
            Input::Instant | Input::InstantOrClock | Input::InstantOnly => "CAST(x AS TIMESTAMP)",
            Input::Flag => "CAST(x AS BOOLEAN)",
            Input::Array => "array(x)",
            Input::Map => "map(k, x)",
            _ => "CAST(x AS STRING)",
        }
    }
}

/// The array of texts that an array of plain values is read as.
fn texts_of(kind: &DataType) -> Option<DataType> {
    let DataType::List(element) = kind else { return None };
    match element.data_type() {
        of if is_text(of) => Some(kind.clone()),
        of if of.is_nested() => None,
        _ => Some(DataType::List(Arc::new(element.as_ref().clone().with_data_type(DataType::Utf8)))),
    }
}
