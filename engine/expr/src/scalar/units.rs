//! `timestampadd(HOUR, 1, t)` and `timestampdiff(MONTH, a, b)`: time in units that are given as a word.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, Months};
use datafusion::common::exec_err;
use datafusion::error::Result;

use super::read::{DAY_US, Kind, read_as, texts};
use super::result_types::whole_type;
use super::simple::Simple;
use crate::types::{instant, local_time};

/// All of them.
pub fn functions() -> Vec<Simple> {
    vec![
        Simple {
            name: "__instant",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Any],
            gives: |kinds| Ok(time_like(&kinds[0])),
            body: |args| match *args[0].data_type() == local_time() {
                true => Ok(Arc::clone(&args[0])),
                false => read_as(&args[0], Kind::Instant),
            },
        },
        Simple {
            name: "__add_units",
            aliases: &[],
            count: (3, 3),
            kinds: &[Kind::Text, Kind::Whole, Kind::Any],
            gives: |kinds| Ok(time_like(&kinds[2])),
            body: add,
        },
        Simple {
            name: "__whole_units",
            aliases: &[],
            count: (3, 3),
            kinds: &[Kind::Text, Kind::Instant, Kind::Instant],
            gives: whole_type,
            body: between,
        },
    ]
}

/// A unit of time: so many microseconds, or so many months.
#[derive(Clone, Copy)]
enum Unit {
    Us(i64),
    Months(i64),
}

fn unit(words: &StringArray) -> Result<Unit> {
    let word = if words.is_empty() { "day" } else { words.value(0) };
    Ok(match word {
        "microsecond" => Unit::Us(1),
        "millisecond" => Unit::Us(1_000),
        "second" => Unit::Us(1_000_000),
        "minute" => Unit::Us(60_000_000),
        "hour" => Unit::Us(3_600_000_000),
        "day" | "dayofyear" => Unit::Us(DAY_US),
        "week" => Unit::Us(7 * DAY_US),
        "month" => Unit::Months(1),
        "quarter" => Unit::Months(3),
        "year" => Unit::Months(12),
        other => {
            return exec_err!(
                "`{other}` is no unit of time; YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND, MILLISECOND and MICROSECOND are"
            );
        }
    })
}

fn add(args: &[ArrayRef]) -> Result<ArrayRef> {
    let unit = unit(texts(&args[0]))?;
    let counts = args[1].as_primitive::<Int64Type>().iter();
    let times = read_as(&args[2], Kind::Instant)?;
    let times = times.as_primitive::<TimestampMicrosecondType>().iter();
    let added = counts.zip(times).map(|(count, us)| match unit {
        Unit::Us(size) => count?.checked_mul(size)?.checked_add(us?),
        Unit::Months(size) => {
            let time = DateTime::from_timestamp_micros(us?)?;
            let months = count?.checked_mul(size)?;
            let by = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
            let moved = if months < 0 { time.checked_sub_months(by) } else { time.checked_add_months(by) };
            Some(moved?.timestamp_micros())
        }
    });
    let added: ArrayRef = Arc::new(added.collect::<TimestampMicrosecondArray>().with_timezone("UTC"));
    Ok(cast(&added, &time_like(args[2].data_type()))?)
}

/// What a time becomes by such a function: one in no zone stays that.
fn time_like(kind: &DataType) -> DataType {
    if *kind == local_time() { local_time() } else { instant() }
}

fn between(args: &[ArrayRef]) -> Result<ArrayRef> {
    let unit = unit(texts(&args[0]))?;
    let from = args[1].as_primitive::<TimestampMicrosecondType>().iter();
    let until = args[2].as_primitive::<TimestampMicrosecondType>().iter();
    let whole = from.zip(until).map(|(from, until)| match unit {
        Unit::Us(size) => Some(until?.checked_sub(from?)? / size),
        Unit::Months(size) => Some(months(from?, until?)? / size),
    });
    Ok(Arc::new(whole.collect::<Int64Array>()))
}

/// Whole months between two instants: a month is over when day and time of day are reached again.
fn months(from: i64, until: i64) -> Option<i64> {
    let (first, last) = (DateTime::from_timestamp_micros(from)?, DateTime::from_timestamp_micros(until)?);
    let count = i64::from(last.year() - first.year()) * 12 + i64::from(last.month()) - i64::from(first.month());
    let place = |time: DateTime<chrono::Utc>, us: i64| (time.day(), us.rem_euclid(DAY_US));
    let (a, b) = (place(first, from), place(last, until));
    Some(match count {
        count if count > 0 && b < a => count - 1,
        count if count < 0 && b > a => count + 1,
        count => count,
    })
}
