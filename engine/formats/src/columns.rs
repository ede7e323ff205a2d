//! Columns under construction. A column is only ever behind: nulls are filled in when the next value or the end comes,
//! so a field that a record does not have costs nothing.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, BooleanBufferBuilder, Date32Array, Decimal128Array, Float32Array,
    Float64Array, Int32Array, Int64Array, NullBufferBuilder, StringArray, TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::error::ArrowError;
use job::DataType;

use crate::byte_values::ByteValues;
use crate::nested::{ListValues, MapValues, NestedColumn, StructValues};
use crate::number::{integer, scaled};
use crate::reject::Fault;
use crate::scan;
use crate::span::{Kind, Span};
use crate::string::unescape;
use crate::time_form::ReadTime;
use crate::timestamp::date_days;

/// One column under construction.
pub(crate) struct ColumnBuilder {
    values: Values,
    /// As long as the column is filled; the rows after it are null.
    validity: NullBufferBuilder,
    expected: String,
}

enum Values {
    Boolean(BooleanBufferBuilder),
    Int(Vec<i32>),
    BigInt(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Decimal(Vec<i128>, u8, i8),
    String(ByteValues),
    Binary(ByteValues),
    Date(Vec<i32>),
    Timestamp(Vec<i64>, Box<ReadTime>),
    List(ListValues<ColumnBuilder>),
    Map(MapValues<ColumnBuilder>),
    Struct(StructValues<ColumnBuilder>),
}

impl ColumnBuilder {
    pub(crate) fn new(data_type: &DataType) -> ColumnBuilder {
        let values = match data_type {
            DataType::Boolean => Values::Boolean(BooleanBufferBuilder::new(0)),
            DataType::Int => Values::Int(Vec::new()),
            DataType::BigInt => Values::BigInt(Vec::new()),
            DataType::Float => Values::Float(Vec::new()),
            DataType::Double => Values::Double(Vec::new()),
            DataType::Decimal(precision, scale) => Values::Decimal(Vec::new(), *precision, *scale),
            DataType::String => Values::String(ByteValues::new(0, 0)),
            DataType::Binary => Values::Binary(ByteValues::new(0, 0)),
            DataType::Date => Values::Date(Vec::new()),
            DataType::Timestamp => Values::Timestamp(Vec::new(), Box::default()),
            DataType::Array(element) => Values::List(ListValues::new(element, ColumnBuilder::new(element))),
            DataType::Map(value) => Values::Map(MapValues::new(value, ColumnBuilder::new(value))),
            DataType::Struct(members) => {
                let columns = members.iter().map(|(_, data_type)| ColumnBuilder::new(data_type)).collect();
                Values::Struct(StructValues::new(members, columns))
            }
        };
        ColumnBuilder { values, validity: NullBufferBuilder::new(0), expected: type_name(data_type) }
    }

    /// The same for times that are written so; a column of another type stays as it is.
    pub(crate) fn with_times(mut self, times: &ReadTime) -> ColumnBuilder {
        if let Values::Timestamp(_, form) = &mut self.values {
            self.expected = times.expected().to_owned();
            **form = times.clone();
        }
        self
    }

    /// Puts the value at `row`; rows between the last value and this one become null. After an error the caller must
    /// [`truncate`](Self::truncate) to `row`.
    #[inline]
    pub(crate) fn append(&mut self, row: usize, record: &[u8], span: Span) -> Result<(), Box<Fault>> {
        if span.kind == Kind::Null {
            return Ok(());
        }
        debug_assert!(row >= self.validity.len(), "row {row} has a value already");
        self.fill(row);
        self.append_value(row, record, span)?;
        self.validity.append_non_null();
        Ok(())
    }

    #[inline]
    fn append_value(&mut self, row: usize, record: &[u8], span: Span) -> Result<(), Box<Fault>> {
        let text = span.text(record);
        let fits = match (&mut self.values, span.kind) {
            (Values::String(values), Kind::EscapedString) => values.push_with(|out| unescape(text, out)),
            (Values::String(values), _) => values.push(text),
            (Values::Double(values), Kind::Integer | Kind::Fraction) => {
                keep(values, fast_float2::parse::<f64, _>(text).ok().filter(|value| value.is_finite()))
            }
            (Values::Float(values), Kind::Integer | Kind::Fraction) => {
                keep(values, fast_float2::parse::<f32, _>(text).ok().filter(|value| value.is_finite()))
            }
            (Values::BigInt(values), Kind::Integer) => keep(values, integer(text)),
            (Values::Int(values), Kind::Integer) => keep(values, integer(text).and_then(|value| value.try_into().ok())),
            (Values::BigInt(values), Kind::Fraction) => keep(values, integral(text)),
            (Values::Int(values), Kind::Fraction) => {
                keep(values, integral(text).and_then(|value| value.try_into().ok()))
            }
            (Values::Timestamp(values, form), Kind::String) => keep(values, form.text_us(text)),
            (Values::Timestamp(values, form), Kind::Integer | Kind::Fraction) => keep(values, form.number_us(text)),
            (Values::Date(values), Kind::String) => keep(values, date_days(text)),
            (Values::Boolean(values), Kind::True | Kind::False) => {
                values.append(span.kind == Kind::True);
                true
            }
            (Values::Decimal(values, precision, scale), Kind::Integer | Kind::Fraction | Kind::String) => {
                keep(values, decimal(text, *precision, *scale))
            }
            (Values::Binary(values), Kind::String) => values.push_base64(text),
            (Values::List(values), Kind::Array) => return values.append(record, span),
            (Values::Map(values), Kind::Object) => return values.append(record, span),
            (Values::Struct(values), Kind::Object) => return values.append(row, record, span),
            // Only a string that is not text itself is left: `"2026\u002d01-01"`, `"\/w=="`.
            (_, Kind::EscapedString) => return self.append_unescaped(row, record, span),
            _ => false,
        };
        if fits { Ok(()) } else { Err(self.mismatch(record, span)) }
    }

    #[cold]
    fn append_unescaped(&mut self, row: usize, record: &[u8], span: Span) -> Result<(), Box<Fault>> {
        let mut plain = Vec::new();
        unescape(span.text(record), &mut plain);
        let plain_span = Span::of_string(plain.len());
        self.append_value(row, &plain, plain_span).map_err(|_| self.mismatch(record, span))
    }

    #[cold]
    fn mismatch(&self, record: &[u8], span: Span) -> Box<Fault> {
        let number = matches!(span.kind, Kind::Integer | Kind::Fraction);
        let whole = || scaled(span.text(record), 0).is_none_or(|scaled| scaled.exact);
        let detail = match &self.values {
            Values::Int(_) | Values::BigInt(_) if number && whole() => ", out of range",
            Values::Float(_) | Values::Double(_) | Values::Decimal(..) if number => ", out of range",
            Values::Timestamp(_, form) if span.kind == Kind::Integer || number && whole() => form.out_of_range(),
            _ => "",
        };
        Fault::mismatch(&self.expected, record, span, detail)
    }

    /// Makes every row before `row` that has no value null.
    #[inline]
    fn fill(&mut self, row: usize) {
        let missing = row - self.validity.len().min(row);
        if missing > 0 {
            self.validity.append_n_nulls(missing);
            self.values.fill(row);
        }
    }

    /// Takes everything at `row` and after it away again, what an error left behind included.
    pub(crate) fn truncate(&mut self, row: usize) {
        self.validity.truncate(row);
        self.values.truncate(self.validity.len());
    }

    /// The timestamp at `row`, if it was the last value appended.
    #[inline]
    pub(crate) fn timestamp_at(&self, row: usize) -> Option<i64> {
        match &self.values {
            Values::Timestamp(values, _) => values.get(row).copied(),
            _ => None,
        }
    }

    /// The column with `rows` rows. It is empty afterwards, with room for as much as it held.
    pub(crate) fn finish(&mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        self.fill(rows);
        let nulls = self.validity.finish();
        self.validity = NullBufferBuilder::new(rows);
        self.values.finish(rows, nulls)
    }
}

impl NestedColumn for ColumnBuilder {
    #[inline]
    fn append(&mut self, row: usize, record: &[u8], span: Span) -> Result<(), Box<Fault>> {
        self.append(row, record, span)
    }

    fn truncate(&mut self, row: usize) {
        self.truncate(row);
    }

    fn finish(&mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        self.finish(rows)
    }
}

impl Values {
    fn fill(&mut self, row: usize) {
        match self {
            Values::Boolean(values) => values.resize(row),
            Values::Int(values) | Values::Date(values) => values.resize(row, 0),
            Values::BigInt(values) | Values::Timestamp(values, _) => values.resize(row, 0),
            Values::Float(values) => values.resize(row, 0.0),
            Values::Double(values) => values.resize(row, 0.0),
            Values::Decimal(values, ..) => values.resize(row, 0),
            Values::String(values) | Values::Binary(values) => values.fill(row),
            Values::List(values) => values.fill(row),
            Values::Map(values) => values.fill(row),
            Values::Struct(_) => {}
        }
    }

    fn truncate(&mut self, row: usize) {
        match self {
            Values::Boolean(values) => values.truncate(row),
            Values::Int(values) | Values::Date(values) => values.truncate(row),
            Values::BigInt(values) | Values::Timestamp(values, _) => values.truncate(row),
            Values::Float(values) => values.truncate(row),
            Values::Double(values) => values.truncate(row),
            Values::Decimal(values, ..) => values.truncate(row),
            Values::String(values) | Values::Binary(values) => values.truncate(row),
            Values::List(values) => values.truncate(row),
            Values::Map(values) => values.truncate(row),
            Values::Struct(values) => values.truncate(row),
        }
    }

    fn finish(&mut self, rows: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Values::Boolean(values) => {
                let bits = values.finish();
                values.reserve(rows);
                Arc::new(BooleanArray::new(bits, nulls))
            }
            Values::Int(values) => Arc::new(Int32Array::try_new(take(values), nulls)?),
            Values::BigInt(values) => Arc::new(Int64Array::try_new(take(values), nulls)?),
            Values::Float(values) => Arc::new(Float32Array::try_new(take(values), nulls)?),
            Values::Double(values) => Arc::new(Float64Array::try_new(take(values), nulls)?),
            Values::Decimal(values, precision, scale) => {
                Arc::new(Decimal128Array::try_new(take(values), nulls)?.with_precision_and_scale(*precision, *scale)?)
            }
            Values::String(values) => {
                let (offsets, text) = values.take();
                Arc::new(StringArray::try_new(offsets, text, nulls)?)
            }
            Values::Binary(values) => {
                let (offsets, bytes) = values.take();
                Arc::new(BinaryArray::try_new(offsets, bytes, nulls)?)
            }
            Values::Date(values) => Arc::new(Date32Array::try_new(take(values), nulls)?),
            Values::Timestamp(values, _) => {
                Arc::new(TimestampMicrosecondArray::try_new(take(values), nulls)?.with_timezone("UTC"))
            }
            Values::List(values) => values.finish(nulls)?,
            Values::Map(values) => values.finish(nulls)?,
            Values::Struct(values) => values.finish(rows, nulls)?,
        })
    }
}

/// The values as a buffer; room for as many is left in their place.
fn take<T: arrow::datatypes::ArrowNativeType>(values: &mut Vec<T>) -> ScalarBuffer<T> {
    let empty = Vec::with_capacity(values.len());
    std::mem::replace(values, empty).into()
}

#[inline(always)]
fn keep<T>(values: &mut Vec<T>, value: Option<T>) -> bool {
    let Some(value) = value else {
        return false;
    };
    values.push(value);
    true
}

/// `1.0` and `1e2` are integers, `1.5` is none.
#[cold]
fn integral(text: &[u8]) -> Option<i64> {
    scaled(text, 0).filter(|scaled| scaled.exact).and_then(|scaled| scaled.value.try_into().ok())
}

/// A number, or a string that holds one, rounded half up to `scale`; `None` past `precision` digits.
fn decimal(text: &[u8], precision: u8, scale: i8) -> Option<i128> {
    let (_, end) = scan::number(text, 0).ok()?;
    let value = if end == text.len() { scaled(text, scale)?.value } else { return None };
    let limit = 10_u128.checked_pow(u32::from(precision))?;
    (value.unsigned_abs() < limit).then_some(value)
}

/// The type as the job file writes it.
fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int => "int".to_owned(),
        DataType::BigInt => "bigint".to_owned(),
        DataType::Float => "float".to_owned(),
        DataType::Double => "double".to_owned(),
        DataType::Decimal(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::String => "string".to_owned(),
        DataType::Binary => "binary (base64)".to_owned(),
        DataType::Date => "date (yyyy-mm-dd)".to_owned(),
        DataType::Timestamp => "timestamp (ISO-8601)".to_owned(),
        DataType::Array(_) => "array".to_owned(),
        DataType::Map(_) => "map (object)".to_owned(),
        DataType::Struct(_) => "struct (object)".to_owned(),
    }
}
