//! Times of day out of numbers, and instants out of days and times of day.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Time64NanosecondArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type, TimeUnit};
use chrono::DateTime;
use datafusion::common::plan_err;
use datafusion::error::Result;

use super::super::clock_text::{HOUR, MICRO, SECOND, clock, clocks, made};
use super::super::instant_text::{at_zone, parse_zone};
use super::super::read::{DAY_US, Kind, texts};
use super::super::result_types::instant_type;
use super::super::simple::{Body, Simple};
use super::super::time::make_instant;
use crate::display::type_name;
use crate::row_fault::RowFault;

/// All of them.
pub fn functions() -> Vec<Simple> {
    let mut all = of_numbers();
    all.extend(instants());
    all
}

fn of_numbers() -> Vec<Simple> {
    let of_whole = |name, body: Body| Simple {
        name,
        aliases: &[],
        count: (1, 1),
        kinds: &[Kind::Any],
        gives: |types| match &types[0] {
            kind if kind.is_integer() || kind == &DataType::Null => Ok(clock()),
            kind => plan_err!("a whole number is needed, not {}; see time_from_seconds", type_name(kind)),
        },
        body,
    };
    vec![
        of_whole("time_from_micros", |args| of_units(args, MICRO)),
        of_whole("time_from_millis", |args| of_units(args, 1000 * MICRO)),
        Simple {
            name: "time_from_seconds",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Any],
            gives: |types| match &types[0] {
                kind if kind.is_numeric() || kind == &DataType::Null => Ok(clock()),
                kind => plan_err!("time_from_seconds takes a number, not {}", type_name(kind)),
            },
            body: |args| {
                let nanos = nanos_of_seconds(&args[0])?;
                let times = nanos.into_iter().map(|nanos| match nanos {
                    None => Ok(None),
                    Some(nanos) => within_day(nanos).map(Some),
                });
                Ok(Arc::new(times.collect::<Result<Time64NanosecondArray>>()?))
            },
        },
        Simple {
            name: "make_time",
            aliases: &[],
            count: (3, 3),
            kinds: &[Kind::Whole, Kind::Whole, Kind::Any],
            gives: |_| Ok(clock()),
            body: make_time,
        },
    ]
}

fn beyond(what: &str) -> RowFault {
    let message = format!("{what} is no part of a time of day, which goes from 00:00:00 to 23:59:59.999999");
    RowFault { condition: "DATETIME_FIELD_OUT_OF_BOUNDS", message }
}

fn within_day(nanos: i128) -> Result<i64> {
    match i64::try_from(nanos) {
        Ok(nanos) if (0..24 * HOUR).contains(&nanos) => Ok(nanos),
        _ => Err(beyond(&format!("{nanos} ns")).into()),
    }
}

fn of_units(args: &[ArrayRef], unit: i64) -> Result<ArrayRef> {
    let numbers = cast(&args[0], &DataType::Int64)?;
    let times = numbers.as_primitive::<Int64Type>().iter().map(|number| match number {
        None => Ok(None),
        Some(number) => within_day(i128::from(number) * i128::from(unit)).map(Some),
    });
    Ok(Arc::new(times.collect::<Result<Time64NanosecondArray>>()?))
}

/// Seconds of any type of number as nanoseconds, without loss where it has a point.
fn nanos_of_seconds(values: &ArrayRef) -> Result<Vec<Option<i128>>> {
    let values = match values.data_type() {
        DataType::Float32 | DataType::Float64 => {
            let doubles = cast(values, &DataType::Float64)?;
            let doubles = doubles.as_primitive::<arrow::datatypes::Float64Type>();
            return Ok(doubles
                .iter()
                .map(|seconds| seconds.map(|seconds| (seconds * 1e6).round() as i128 * 1000))
                .collect());
        }
        _ => cast(values, &DataType::Decimal128(38, 9))?,
    };
    Ok(values.as_primitive::<Decimal128Type>().iter().collect())
}

fn make_time(args: &[ArrayRef]) -> Result<ArrayRef> {
    let [hours, minutes] = [0, 1].map(|at| args[at].as_primitive::<Int64Type>());
    let nanos = nanos_of_seconds(&args[2])?;
    let mut all = Vec::with_capacity(nanos.len());
    for (row, nanos) in nanos.into_iter().enumerate() {
        let (true, true, Some(nanos)) = (hours.is_valid(row), minutes.is_valid(row), nanos) else {
            all.push(None);
            continue;
        };
        let (hour, minute) = (hours.value(row), minutes.value(row));
        // Spark's seconds are a DECIMAL(16,6).
        let nanos = i64::try_from(nanos).unwrap_or(i64::MAX) / MICRO * MICRO;
        let time = made(hour, minute, nanos.div_euclid(SECOND), nanos.rem_euclid(SECOND));
        all.push(Some(time.ok_or_else(|| beyond(&format!("hour {hour}, minute {minute} or the second")))?));
    }
    Ok(Arc::new(Time64NanosecondArray::from(all)))
}

fn local() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

fn instants() -> Vec<Simple> {
    vec![
        Simple {
            name: "__timestamp_of",
            aliases: &[],
            count: (1, 3),
            kinds: &[Kind::Day, Kind::Any, Kind::Text],
            gives: |types| match types.get(1) {
                None | Some(DataType::Time64(_) | DataType::Null) => instant_type(types),
                Some(kind) => plan_err!("make_timestamp takes a DATE and a TIME, not {}", type_name(kind)),
            },
            body: |args| {
                let us = day_and_time(args)?;
                let zoned = us.into_iter().enumerate().map(|(row, us)| match args.get(2).map(texts) {
                    None => us,
                    Some(zones) if zones.is_null(row) => None,
                    Some(zones) => {
                        let local = DateTime::from_timestamp_micros(us?)?.naive_utc();
                        at_zone(local, &parse_zone(zones.value(row))?)
                    }
                });
                Ok(Arc::new(zoned.collect::<TimestampMicrosecondArray>().with_timezone("UTC")))
            },
        },
        Simple {
            name: "__local_timestamp_of",
            aliases: &[],
            count: (2, 2),
            kinds: &[Kind::Day, Kind::Any],
            gives: |_| Ok(local()),
            body: |args| Ok(Arc::new(TimestampMicrosecondArray::from(day_and_time(args)?))),
        },
        Simple {
            name: "try_make_timestamp_ntz",
            aliases: &[],
            count: (6, 6),
            kinds: &[Kind::Whole, Kind::Whole, Kind::Whole, Kind::Whole, Kind::Whole, Kind::Double],
            gives: |_| Ok(local()),
            body: |args| {
                let times = (0..args[0].len()).map(|row| make_instant(args, row));
                Ok(Arc::new(times.collect::<TimestampMicrosecondArray>()))
            },
        },
    ]
}

/// Microseconds since 1970 of a day, and of a time on it if one is given.
fn day_and_time(args: &[ArrayRef]) -> Result<Vec<Option<i64>>> {
    let days = args[0].as_primitive::<Date32Type>();
    let times = args.get(1).map(clocks).transpose()?;
    let one = |row: usize| {
        let us = match &times {
            None => 0,
            Some(times) => times.is_valid(row).then(|| times.value(row))? / MICRO,
        };
        let day = days.is_valid(row).then(|| days.value(row))?;
        i64::from(day).checked_mul(DAY_US)?.checked_add(us)
    };
    Ok((0..days.len()).map(one).collect())
}
