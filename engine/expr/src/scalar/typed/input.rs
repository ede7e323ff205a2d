//! What an argument may be, and as what it is read then: Spark's `AnsiTypeCoercion` for the inputs of functions.

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
    /// A number as it is; a text as DOUBLE.
    Number,
    /// A day, a timestamp, or a text of one.
    Day,
    /// A day, and nothing else.
    DayOnly,
    /// A timestamp, a day, or a text of one.
    Instant,
    /// A timestamp, and nothing else.
    InstantOnly,
    /// A text, a day or a timestamp, as it is.
    TextOrTime,
    /// A boolean, or a text of one.
    Flag,
    /// A whole number, bytes or a text; other numbers as BIGINT.
    LongBytesOrText,
    /// An array.
    Array,
    /// A map.
    Map,
    /// An array or a map.
    ArrayOrMap,
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
            Input::Number => same(kind.is_numeric()).or_else(|| number(DataType::Float64)),
            Input::Day => (is_time || is_text(kind)).then_some(DataType::Date32),
            Input::DayOnly => same(kind == &DataType::Date32),
            Input::Instant => (is_time || is_text(kind)).then(instant),
            Input::InstantOnly => same(matches!(kind, DataType::Timestamp(..))),
            Input::TextOrTime => same(is_time || is_text(kind)),
            Input::Flag => (kind == &DataType::Boolean || is_text(kind)).then_some(DataType::Boolean),
            Input::LongBytesOrText => same(is_bytes || is_text(kind)).or_else(|| number(DataType::Int64)),
            Input::Array => same(kind.is_list()),
            Input::Map => same(matches!(kind, DataType::Map(..))),
            Input::ArrayOrMap => same(kind.is_list() || matches!(kind, DataType::Map(..))),
        }
    }

    fn of_null(self) -> Option<DataType> {
        Some(match self {
            Input::Text | Input::TextOrBytes | Input::TextBytesOrArray | Input::TextOrTime => DataType::Utf8,
            Input::Bytes => DataType::Binary,
            Input::Int | Input::SmallInt => DataType::Int32,
            Input::Long | Input::WholeOnly | Input::LongBytesOrText => DataType::Int64,
            Input::Double | Input::NumberOnly | Input::Number => DataType::Float64,
            Input::Day | Input::DayOnly => DataType::Date32,
            Input::Instant | Input::InstantOnly => instant(),
            Input::Flag => DataType::Boolean,
            Input::Any | Input::Array | Input::Map | Input::ArrayOrMap => DataType::Null,
        })
    }

    /// What it may be, in words.
    pub fn described(self) -> &'static str {
        match self {
            Input::Any => "any value",
            Input::Text => "a string",
            Input::TextOrBytes => "a string or binary",
            Input::TextBytesOrArray => "a string, binary or an array",
            Input::Bytes => "binary or a string",
            Input::Int => "a number",
            Input::SmallInt => "an int",
            Input::Long | Input::Double | Input::Number | Input::NumberOnly => "a number",
            Input::WholeOnly => "a whole number",
            Input::Day | Input::DayOnly => "a date",
            Input::Instant | Input::InstantOnly => "a timestamp",
            Input::TextOrTime => "a string, a date or a timestamp",
            Input::Flag => "a boolean",
            Input::LongBytesOrText => "a whole number, a string or binary",
            Input::Array => "an array",
            Input::Map => "a map",
            Input::ArrayOrMap => "an array or a map",
        }
    }

    /// A cast that makes such a value.
    pub fn example(self) -> &'static str {
        match self {
            Input::Int | Input::SmallInt => "CAST(x AS INT)",
            Input::Long | Input::WholeOnly | Input::LongBytesOrText => "CAST(x AS BIGINT)",
            Input::Double | Input::Number | Input::NumberOnly => "CAST(x AS DOUBLE)",
            Input::Day | Input::DayOnly => "CAST(x AS DATE)",
            Input::Instant | Input::InstantOnly => "CAST(x AS TIMESTAMP)",
            Input::Flag => "CAST(x AS BOOLEAN)",
            Input::Array => "array(x)",
            Input::Map | Input::ArrayOrMap => "map(k, x)",
            _ => "CAST(x AS STRING)",
        }
    }
}
