//! `time_bucket(length, time[, origin])`: the beginning of the bucket in which a time lies.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, TimestampMicrosecondArray};
use arrow::datatypes::{
    DataType, DurationMicrosecondType, IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit,
    IntervalYearMonthType, TimeUnit, TimestampMicrosecondType,
};
use chrono::{DateTime, Datelike};
use datafusion::common::plan_err;
use datafusion::error::Result;

use super::read::{Kind, read_as};
use super::simple::Simple;
use crate::display::type_name;
use crate::interval::{Span, day_time_us};
use crate::row_fault::RowFault;

/// The function.
pub fn functions() -> Vec<Simple> {
    vec![Simple {
        name: "time_bucket",
        aliases: &[],
        count: (2, 3),
        kinds: &[Kind::Any],
        gives: |types| match (&types[0], &types[1]) {
            (DataType::Interval(_) | DataType::Duration(_) | DataType::Null, kind @ DataType::Timestamp(..)) => {
                Ok(kind.clone())
            }
            (length, time) => plan_err!(
                "time_bucket takes an interval and a timestamp, not {} and {}; such as time_bucket(INTERVAL 5 MINUTES, event_time)",
                type_name(length),
                type_name(time)
            ),
        },
        body,
    }]
}

fn body(args: &[ArrayRef]) -> Result<ArrayRef> {
    let times = read_as(&args[1], Kind::Instant)?;
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let origins = args.get(2).map(|origins| read_as(origins, Kind::Instant)).transpose()?;
    let origins = origins.as_ref().map(|origins| origins.as_primitive::<TimestampMicrosecondType>());
    let one = |row: usize| {
        let is_there = times.is_valid(row) && origins.is_none_or(|origins| origins.is_valid(row));
        let (Some(span), true) = (length(&args[0], row), is_there) else { return Ok(None) };
        if (span.months > 0) == (span.us > 0) || span.months < 0 || span.us < 0 {
            let message = "the length of a bucket is positive, and either of months or of days and less".to_string();
            return Err(RowFault { condition: "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", message }.into());
        }
        Ok(start(span, times.value(row), origins.map_or(0, |origins| origins.value(row))))
    };
    let starts = (0..times.len()).map(one).collect::<Result<TimestampMicrosecondArray>>()?;
    Ok(match args[1].data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, zone) => Arc::new(starts.with_timezone_opt(zone.clone())),
        other => arrow::compute::cast(&starts, other)?,
    })
}

fn length(lengths: &ArrayRef, row: usize) -> Option<Span> {
    if lengths.is_null(row) {
        return None;
    }
    Some(match lengths.data_type() {
        DataType::Interval(IntervalUnit::YearMonth) => {
            Span { months: i64::from(lengths.as_primitive::<IntervalYearMonthType>().value(row)), us: 0 }
        }
        DataType::Interval(IntervalUnit::DayTime) => {
            Span { months: 0, us: day_time_us(lengths.as_primitive::<IntervalDayTimeType>().value(row)) }
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            Span::of_month_day_nano(lengths.as_primitive::<IntervalMonthDayNanoType>().value(row))
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            Span { months: 0, us: lengths.as_primitive::<DurationMicrosecondType>().value(row) }
        }
        _ => return None,
    })
}

fn start(span: Span, time: i64, origin: i64) -> Option<i64> {
    if span.months == 0 {
        return time.checked_sub(time.checked_sub(origin)?.rem_euclid(span.us));
    }
    let month = |us: i64| {
        let day = DateTime::from_timestamp_micros(us)?;
        Some(i64::from(day.year()) * 12 + i64::from(day.month0()))
    };
    let count = (month(time)? - month(origin)?).div_euclid(span.months);
    let at = |count: i64| Span { months: count * span.months, us: 0 }.after(origin);
    match at(count)? {
        start if start <= time => Some(start),
        _ => at(count - 1),
    }
}
