//! A data file's statistics in Delta's JSON, taken from the Parquet footer, so that readers can skip files.

use arrow::datatypes::{DataType, Schema, TimeUnit};
use chrono::{DateTime, Days, NaiveDate};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;
use serde_json::{Map, Value, json};

/// Columns with statistics; more would only make the log longer.
const COLUMNS_MAX: usize = 8;

/// Delta's `stats` of a file: the number of rows, and for the first few plain columns smallest, largest and the number of NULLs.
///
/// Floating-point columns have no bounds: Parquet leaves NaN out of them, SQL does not.
pub(crate) fn delta_stats(schema: &Schema, file: &ParquetMetaData) -> String {
    let (mut smallest, mut largest, mut nulls) = (Map::new(), Map::new(), Map::new());
    for field in schema.fields().iter().filter(|field| !field.data_type().is_nested()).take(COLUMNS_MAX) {
        let chunks: Vec<Option<&Statistics>> =
            file.row_groups().iter().map(|group| chunk(group, field.name())).collect();
        let counts: Option<u64> = chunks.iter().map(|chunk| chunk.and_then(|chunk| chunk.null_count_opt())).sum();
        let Some(null_count) = counts else { continue };
        nulls.insert(field.name().clone(), json!(null_count));
        if let Some((low, high)) = bounds(&chunks).and_then(|bounds| in_json(field.data_type(), bounds)) {
            smallest.insert(field.name().clone(), low);
            largest.insert(field.name().clone(), high);
        }
    }
    let rows = file.file_metadata().num_rows();
    json!({"numRecords": rows, "minValues": smallest, "maxValues": largest, "nullCount": nulls}).to_string()
}

fn chunk<'a>(group: &'a RowGroupMetaData, column: &str) -> Option<&'a Statistics> {
    let of_column = |parts: &[String]| parts.len() == 1 && parts[0] == column;
    group.columns().iter().find(|chunk| of_column(chunk.column_path().parts()))?.statistics()
}

enum Bounds {
    Number(i64, i64),
    Text(Vec<u8>, Vec<u8>),
}

/// Bounds over all row groups; `None` if one of them does not know its own, unless it holds only NULLs.
fn bounds(chunks: &[Option<&Statistics>]) -> Option<Bounds> {
    let mut all: Option<Bounds> = None;
    for chunk in chunks {
        let of_chunk = match (*chunk)? {
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
