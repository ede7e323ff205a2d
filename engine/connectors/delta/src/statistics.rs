//! A data file's statistics in Delta's JSON, taken from the Parquet footer, so that readers can skip files.

use arrow::datatypes::{DataType, Schema, TimeUnit};
use chrono::{DateTime, Days, NaiveDate};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;
use serde_json::{Map, Value, json};

/// Delta's `stats` of a file: the number of rows, and for the columns in `bounded` smallest, largest and the number of NULLs.
///
/// Of all of them or of none: where one has values and no bounds, a reader that expects them would take it for empty.
pub(crate) fn delta_stats(schema: &Schema, bounded: &[String], file: &ParquetMetaData) -> String {
    let rows = file.file_metadata().num_rows();
    let columns: Option<Vec<ColumnStatistics>> = bounded.iter().map(|name| of_column(schema, name, file)).collect();
    let Some(columns) = columns else { return json!({"numRecords": rows}).to_string() };
    let (mut smallest, mut largest, mut nulls) = (Map::new(), Map::new(), Map::new());
    for (name, column) in bounded.iter().zip(columns) {
        nulls.insert(name.clone(), json!(column.nulls));
        if let Some((low, high)) = column.bounds {
            smallest.insert(name.clone(), low);
            largest.insert(name.clone(), high);
        }
    }
    json!({"numRecords": rows, "minValues": smallest, "maxValues": largest, "nullCount": nulls}).to_string()
}

/// What is said of one column of a file.
struct ColumnStatistics {
    nulls: u64,
    /// Smallest and largest; `None` if all values are NULL.
    bounds: Option<(Value, Value)>,
}

/// `None` if the column has values whose bounds are not known.
fn of_column(schema: &Schema, name: &str, file: &ParquetMetaData) -> Option<ColumnStatistics> {
    let kind = schema.field_with_name(name).ok()?.data_type();
    let (mut nulls, mut with_values) = (0, Vec::new());
    for group in file.row_groups() {
        let statistics = chunk(group, name)?;
        let of_group = statistics.null_count_opt()?;
        nulls += of_group;
        if i64::try_from(of_group) != Ok(group.num_rows()) {
            with_values.push(statistics);
        }
    }
    if with_values.is_empty() {
        return Some(ColumnStatistics { nulls, bounds: None });
    }
    Some(ColumnStatistics { nulls, bounds: Some(in_json(kind, bounds(&with_values)?)?) })
}

fn chunk<'a>(group: &'a RowGroupMetaData, column: &str) -> Option<&'a Statistics> {
    let of_column = |parts: &[String]| parts.len() == 1 && parts[0] == column;
    group.columns().iter().find(|chunk| of_column(chunk.column_path().parts()))?.statistics()
}

enum Bounds {
    Number(i64, i64),
    Text(Vec<u8>, Vec<u8>),
}

/// Bounds over row groups; `None` if one of them does not know its own.
fn bounds(chunks: &[&Statistics]) -> Option<Bounds> {
    let mut all: Option<Bounds> = None;
    for chunk in chunks {
        let of_chunk = match *chunk {
            Statistics::Int32(values) => Bounds::Number(i64::from(*values.min_opt()?), i64::from(*values.max_opt()?)),
            Statistics::Int64(values) => Bounds::Number(*values.min_opt()?, *values.max_opt()?),
            Statistics::ByteArray(values) => {
                Bounds::Text(values.min_opt()?.data().to_vec(), values.max_opt()?.data().to_vec())
            }
            _ => return None,
        };
        all = Some(match (all, of_chunk) {
            (None, bounds) => bounds,
            (Some(Bounds::Number(low, high)), Bounds::Number(other_low, other_high)) => {
                Bounds::Number(low.min(other_low), high.max(other_high))
            }
            (Some(Bounds::Text(low, high)), Bounds::Text(other_low, other_high)) => {
                Bounds::Text(low.min(other_low), high.max(other_high))
            }
            _ => return None,
        });
    }
    all
}

fn in_json(kind: &DataType, bounds: Bounds) -> Option<(Value, Value)> {
    match (kind, bounds) {
        (DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64, Bounds::Number(low, high)) => {
            Some((json!(low), json!(high)))
        }
        (DataType::Date32, Bounds::Number(low, high)) => Some((day(low)?, day(high)?)),
        (DataType::Timestamp(TimeUnit::Microsecond, _), Bounds::Number(low, high)) => {
            Some((instant(low)?, instant(high)?))
        }
        (DataType::Utf8, Bounds::Text(low, high)) => {
            Some((json!(String::from_utf8(low).ok()?), json!(String::from_utf8(high).ok()?)))
        }
        _ => None,
    }
}

fn day(days: i64) -> Option<Value> {
    let start = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    let away = Days::new(days.unsigned_abs());
    let day = if days < 0 { start.checked_sub_days(away) } else { start.checked_add_days(away) }?;
    Some(json!(day.format("%Y-%m-%d").to_string()))
}

fn instant(micros: i64) -> Option<Value> {
    let time = DateTime::from_timestamp_micros(micros)?;
    // Years that RFC 3339 does not know are left out: a reader may not understand them.
    (0..=9999)
        .contains(&chrono::Datelike::year(&time))
        .then(|| json!(time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()))
}

#[cfg(test)]
mod tests;
