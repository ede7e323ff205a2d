//! Writes keys as bytes, so that different keys of the same columns give different bytes: every value says its kind first and
//! where it ends. The bytes decide where state lies on disk: never change them.

use arrow::array::*;
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::*;
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::error::Result;

const NULL: u8 = 0;
const NUMBER: u8 = 1;
const BYTES: u8 = 2;
const ROW: u8 = 3;
const UNSIGNED: u8 = 4;
const FLOAT: u8 = 5;
const WIDE: u8 = 6;
const LIST: u8 = 7;
const STRUCT: u8 = 8;

/// One column.
pub(super) struct Encoder {
    nulls: Option<NullBuffer>,
    values: Values,
}

enum Values {
    Nothing,
    Number(ScalarBuffer<i64>),
    Unsigned(ScalarBuffer<u64>),
    Float(Vec<f64>),
    Wide(Vec<i128>),
    Text(StringArray),
    LargeText(LargeStringArray),
    TextView(StringViewArray),
    Binary(BinaryArray),
    LargeBinary(LargeBinaryArray),
    BinaryView(BinaryViewArray),
    FixedBinary(FixedSizeBinaryArray),
    Struct(Vec<Encoder>),
    /// First element of each list, and one behind the last of the last.
    List(Vec<usize>, Box<Encoder>),
    Other(Rows),
}

impl Encoder {
    pub fn new(column: &ArrayRef) -> Result<Encoder> {
        let column = match column.data_type() {
            DataType::Dictionary(_, values) => cast(column, values)?,
            DataType::RunEndEncoded(_, values) => cast(column, values.data_type())?,
            _ => column.clone(),
        };
        let values = match numbers(&column) {
            Some(numbers) => Values::Number(numbers),
            None => values(&column)?,
        };
        Ok(Encoder { nulls: column.logical_nulls(), values })
    }

    pub fn append(&self, row: usize, key: &mut Vec<u8>) {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            key.push(NULL);
            return;
        }
        match &self.values {
            Values::Nothing => key.push(NULL),
            Values::Number(values) => fixed(NUMBER, &values[row].to_le_bytes(), key),
            Values::Unsigned(values) => match i64::try_from(values[row]) {
                Ok(value) => fixed(NUMBER, &value.to_le_bytes(), key),
                Err(_) => fixed(UNSIGNED, &values[row].to_le_bytes(), key),
            },
            Values::Float(values) => fixed(FLOAT, &values[row].to_bits().to_le_bytes(), key),
            Values::Wide(values) => fixed(WIDE, &values[row].to_le_bytes(), key),
            Values::Text(values) => sized(BYTES, values.value(row).as_bytes(), key),
            Values::LargeText(values) => sized(BYTES, values.value(row).as_bytes(), key),
            Values::TextView(values) => sized(BYTES, values.value(row).as_bytes(), key),
            Values::Binary(values) => sized(BYTES, values.value(row), key),
            Values::LargeBinary(values) => sized(BYTES, values.value(row), key),
            Values::BinaryView(values) => sized(BYTES, values.value(row), key),
            Values::FixedBinary(values) => sized(BYTES, values.value(row), key),
            Values::Struct(children) => {
                key.push(STRUCT);
                children.iter().for_each(|child| child.append(row, key));
            }
            Values::List(offsets, elements) => {
                let elements_of_row = offsets[row]..offsets[row + 1];
                fixed(LIST, &(elements_of_row.len() as u64).to_le_bytes(), key);
                elements_of_row.for_each(|element| elements.append(element, key));
            }
            Values::Other(rows) => sized(ROW, rows.row(row).as_ref(), key),
        }
    }
}

fn fixed(kind: u8, value: &[u8], key: &mut Vec<u8>) {
    key.push(kind);
    key.extend_from_slice(value);
}

fn sized(kind: u8, value: &[u8], key: &mut Vec<u8>) {
    key.push(kind);
    key.extend_from_slice(&(value.len() as u64).to_le_bytes());
    key.extend_from_slice(value);
}

/// Whole numbers and times, as they are stored. Columns that are compared have one unit.
fn numbers(column: &ArrayRef) -> Option<ScalarBuffer<i64>> {
    macro_rules! narrow {
        ($kind:ty) => {
            Some(column.as_primitive::<$kind>().values().iter().map(|value| i64::from(*value)).collect())
        };
    }
    macro_rules! whole {
        ($kind:ty) => {
            Some(column.as_primitive::<$kind>().values().clone())
        };
    }
    match column.data_type() {
        DataType::Boolean => Some(column.as_boolean().values().iter().map(i64::from).collect()),
        DataType::Int8 => narrow!(Int8Type),
        DataType::Int16 => narrow!(Int16Type),
        DataType::Int32 => narrow!(Int32Type),
        DataType::Int64 => whole!(Int64Type),
        DataType::UInt8 => narrow!(UInt8Type),
        DataType::UInt16 => narrow!(UInt16Type),
        DataType::UInt32 => narrow!(UInt32Type),
        DataType::Date32 => narrow!(Date32Type),
        DataType::Date64 => whole!(Date64Type),
        DataType::Time32(TimeUnit::Second) => narrow!(Time32SecondType),
        DataType::Time32(TimeUnit::Millisecond) => narrow!(Time32MillisecondType),
        DataType::Time64(TimeUnit::Microsecond) => whole!(Time64MicrosecondType),
        DataType::Time64(TimeUnit::Nanosecond) => whole!(Time64NanosecondType),
        DataType::Timestamp(TimeUnit::Second, _) => whole!(TimestampSecondType),
        DataType::Timestamp(TimeUnit::Millisecond, _) => whole!(TimestampMillisecondType),
        DataType::Timestamp(TimeUnit::Microsecond, _) => whole!(TimestampMicrosecondType),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => whole!(TimestampNanosecondType),
        _ => None,
    }
}

/// One representative for numbers that are one group: 0.0 for -0.0, one NaN for all.
fn floats(values: impl Iterator<Item = f64>) -> Values {
    Values::Float(values.map(|value| if value.is_nan() { f64::NAN } else { value + 0.0 }).collect())
}

fn values(column: &ArrayRef) -> Result<Values> {
    let wide = |values: &[i128]| Values::Wide(values.to_vec());
    Ok(match column.data_type() {
        DataType::Null => Values::Nothing,
        DataType::UInt64 => Values::Unsigned(column.as_primitive::<UInt64Type>().values().clone()),
        DataType::Float16 => floats(column.as_primitive::<Float16Type>().values().iter().map(|value| value.to_f64())),
        DataType::Float32 => floats(column.as_primitive::<Float32Type>().values().iter().map(|v| f64::from(*v))),
        DataType::Float64 => floats(column.as_primitive::<Float64Type>().values().iter().copied()),
        DataType::Decimal128(..) => wide(column.as_primitive::<Decimal128Type>().values()),
        DataType::Utf8 => Values::Text(column.as_string::<i32>().clone()),
        DataType::LargeUtf8 => Values::LargeText(column.as_string::<i64>().clone()),
        DataType::Utf8View => Values::TextView(column.as_string_view().clone()),
        DataType::Binary => Values::Binary(column.as_binary::<i32>().clone()),
        DataType::LargeBinary => Values::LargeBinary(column.as_binary::<i64>().clone()),
        DataType::BinaryView => Values::BinaryView(column.as_binary_view().clone()),
        DataType::FixedSizeBinary(_) => Values::FixedBinary(column.as_fixed_size_binary().clone()),
        DataType::Struct(_) => {
            let children = column.as_struct().columns().iter().map(Encoder::new);
            Values::Struct(children.collect::<Result<_>>()?)
        }
        DataType::List(_) => {
            let lists = column.as_list::<i32>();
            list(lists.offsets().iter().map(|offset| *offset as usize), lists.values())?
        }
        DataType::LargeList(_) => {
            let lists = column.as_list::<i64>();
            list(lists.offsets().iter().map(|offset| *offset as usize), lists.values())?
        }
        DataType::FixedSizeList(_, size) => {
            let lists = column.as_fixed_size_list();
            list((0..=lists.len()).map(|row| row * *size as usize), lists.values())?
        }
        DataType::Map(..) => {
            let maps = column.as_map();
            let entries: ArrayRef = std::sync::Arc::new(maps.entries().clone());
            list(maps.offsets().iter().map(|offset| *offset as usize), &entries)?
        }
        other => {
            let converter = RowConverter::new(vec![SortField::new(other.clone())])?;
            Values::Other(converter.convert_columns(std::slice::from_ref(column))?)
        }
    })
}

fn list(offsets: impl Iterator<Item = usize>, elements: &ArrayRef) -> Result<Values> {
    Ok(Values::List(offsets.collect(), Box::new(Encoder::new(elements)?)))
}
