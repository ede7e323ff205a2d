//! Values of a table as a test sees them, and how they are written.

use std::collections::BTreeMap;
use std::fmt;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use arrow::util::display::array_value_to_string;
use chrono::{DateTime, Days, NaiveDate, SecondsFormat, Utc};

use runtime::RunError;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Null,
    Boolean(bool),
    Whole(i64),
    Single(f32),
    Double(f64),
    /// Digits and their scale.
    Decimal(i128, i8),
    Text(String),
    Binary(Vec<u8>),
    /// Days since 1970.
    Date(i32),
    /// Microseconds since 1970 UTC.
    Instant(i64),
    List(Vec<Cell>),
    Struct(Vec<(String, Cell)>),
    Map(Vec<(Cell, Cell)>),
}

/// Rows of a table, column by name.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

impl Rows {
    /// The rows of batches.
    pub fn of(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Rows, RunError> {
        let columns = schema.fields().iter().map(|field| field.name().clone()).collect();
        let mut rows = Vec::new();
        for batch in batches {
            for row in 0..batch.num_rows() {
                rows.push(batch.columns().iter().map(|column| cell(column, row)).collect::<Result<_, _>>()?);
            }
        }
        Ok(Rows { columns, rows })
    }

    /// Takes away rows that were there before, each as often as it was.
    pub fn subtract(&mut self, before: Option<&Rows>) {
        let mut gone: BTreeMap<String, usize> = BTreeMap::new();
        for row in before.iter().flat_map(|before| &before.rows) {
            *gone.entry(whole(row)).or_default() += 1;
        }
        self.rows.retain(|row| match gone.get_mut(&whole(row)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        });
    }
}

/// A row as text that no other row has.
fn whole(row: &[Cell]) -> String {
    format!("{row:?}")
}

/// The value of a column in a row.
fn cell(column: &ArrayRef, row: usize) -> Result<Cell, RunError> {
    if column.is_null(row) {
        return Ok(Cell::Null);
    }
    Ok(match column.data_type() {
        DataType::Boolean => Cell::Boolean(column.as_boolean().value(row)),
        DataType::Int8 => Cell::Whole(column.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => Cell::Whole(column.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => Cell::Whole(column.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Cell::Whole(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => Cell::Single(column.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => Cell::Double(column.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => Cell::Decimal(column.as_primitive::<Decimal128Type>().value(row), *scale),
        DataType::Utf8 => Cell::Text(column.as_string::<i32>().value(row).to_string()),
        DataType::Binary => Cell::Binary(column.as_binary::<i32>().value(row).to_vec()),
        DataType::Date32 => Cell::Date(column.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Cell::Instant(column.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            Cell::List((0..items.len()).map(|at| cell(&items, at)).collect::<Result<_, _>>()?)
        }
        DataType::Struct(fields) => {
            let values = column.as_struct();
            let named = fields.iter().zip(values.columns());
            Cell::Struct(
                named
                    .map(|(field, value)| Ok((field.name().clone(), cell(value, row)?)))
                    .collect::<Result<_, RunError>>()?,
            )
        }
        DataType::Map(..) => {
            let map = column.as_map();
            let entries = map.value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            Cell::Map(
                (0..entries.len())
                    .map(|at| Ok((cell(keys, at)?, cell(values, at)?)))
                    .collect::<Result<_, RunError>>()?,
            )
        }
        _ => Cell::Text(
            array_value_to_string(column, row).map_err(|error| RunError::Internal(error.to_string().into()))?,
        ),
    })
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Null => f.write_str("NULL"),
            Cell::Boolean(value) => value.fmt(f),
            Cell::Whole(value) => value.fmt(f),
            Cell::Single(value) => write!(f, "{value:?}"),
            Cell::Double(value) => write!(f, "{value:?}"),
            Cell::Decimal(digits, scale) => f.write_str(&decimal(*digits, *scale)),
            Cell::Text(text) => f.write_str(text),
            Cell::Binary(bytes) => f.write_str(&String::from_utf8_lossy(bytes)),
            Cell::Date(days) => f.write_str(&date(*days)),
            Cell::Instant(us) => f.write_str(&instant(*us)),
            Cell::List(items) => write!(f, "[{}]", joined(items.iter().map(Cell::to_string))),
            Cell::Struct(fields) => {
                write!(f, "{{{}}}", joined(fields.iter().map(|(name, value)| format!("{name}: {value}"))))
            }
            Cell::Map(entries) => {
                write!(f, "{{{}}}", joined(entries.iter().map(|(key, value)| format!("{key}: {value}"))))
            }
        }
    }
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}

/// A decimal as it is written: all digits of its scale.
fn decimal(digits: i128, scale: i8) -> String {
    let places = usize::try_from(scale).unwrap_or(0);
    let text = format!("{:0>width$}", digits.unsigned_abs(), width = places + 1);
    let (before, behind) = text.split_at(text.len() - places);
    let sign = if digits < 0 { "-" } else { "" };
    if places == 0 { format!("{sign}{before}") } else { format!("{sign}{before}.{behind}") }
}

fn date(days: i32) -> String {
    let (epoch, distance) = (NaiveDate::default(), Days::new(u64::from(days.unsigned_abs())));
    let day = if days < 0 { epoch.checked_sub_days(distance) } else { epoch.checked_add_days(distance) };
    day.map_or_else(|| format!("day {days}"), |day| day.to_string())
}

fn instant(us: i64) -> String {
    match DateTime::<Utc>::from_timestamp_micros(us) {
        Some(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        None => format!("{us} µs since 1970"),
    }
}
