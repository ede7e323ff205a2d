//! Spark's functions of instants and days.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Float64Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime, TimeZone, Timelike, Utc};
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;

use super::instant_text::{at_zone, days_of, parse_instant, parse_zone};
use super::pattern::Pattern;
use super::read::{DAY_US, Kind, is_text, read_as, texts};
use super::result_types::{date_type, double_type, instant_type, int_type, text_type, whole_type};
use super::simple::{Gives, Simple};
use crate::row_fault::RowFault;
use crate::types::local_time;

/// All of them.
pub fn functions() -> Vec<Simple> {
    let mut all = parts();
    all.extend(epochs());
    all.extend(calendar());
    all.extend(made());
    all.extend(with_patterns());
    all.extend(written());
    all
}

fn part(name: &'static str, aliases: &'static [&'static str], body: super::simple::Body) -> Simple {
    Simple { name, aliases, count: (1, 1), kinds: &[Kind::Instant], gives: int_type, body }
}

/// A part that a time of day has, too.
fn of_clock(name: &'static str, body: super::simple::Body) -> Simple {
    Simple { name, aliases: &[], count: (1, 1), kinds: &[Kind::Clock], gives: int_type, body }
}

fn parts() -> Vec<Simple> {
    vec![
        part("year", &[], |args| Ok(ints(args, |time| time.year()))),
        part("quarter", &[], |args| Ok(ints(args, |time| time.month0() as i32 / 3 + 1))),
        part("month", &[], |args| Ok(ints(args, |time| time.month() as i32))),
        part("weekofyear", &["week"], |args| Ok(ints(args, |time| time.iso_week().week() as i32))),
        part("yearofweek", &[], |args| Ok(ints(args, |time| time.iso_week().year()))),
        part("day", &["dayofmonth"], |args| Ok(ints(args, |time| time.day() as i32))),
        part("dayofyear", &[], |args| Ok(ints(args, |time| time.ordinal() as i32))),
        part("dayofweek", &[], |args| Ok(ints(args, |time| time.weekday().num_days_from_sunday() as i32 + 1))),
        part("dayofweek_iso", &[], |args| Ok(ints(args, |time| time.weekday().number_from_monday() as i32))),
        part("weekday", &[], |args| Ok(ints(args, |time| time.weekday().num_days_from_monday() as i32))),
        of_clock("hour", |args| Ok(ints(args, |time| time.hour() as i32))),
        of_clock("minute", |args| Ok(ints(args, |time| time.minute() as i32))),
        of_clock("second", |args| Ok(ints(args, |time| time.second() as i32))),
        Simple {
            name: "second_with_fraction",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Clock],
            gives: |_| Ok(DataType::Decimal128(8, 6)),
            body: |args| {
                let us = args[0].as_primitive::<TimestampMicrosecondType>().iter();
                let parts = us.map(|us| us.map(|us| i128::from(us.rem_euclid(60_000_000))));
                let parts: arrow::array::Decimal128Array = parts.collect();
                Ok(Arc::new(parts.with_precision_and_scale(8, 6)?))
            },
        },
    ]
}

fn to_epoch(name: &'static str, aliases: &'static [&'static str], body: super::simple::Body) -> Simple {
    Simple { name, aliases, count: (1, 1), kinds: &[Kind::Instant], gives: whole_type, body }
}

fn from_epoch(name: &'static str, kinds: &'static [Kind], body: super::simple::Body) -> Simple {
    Simple { name, aliases: &[], count: (1, 1), kinds, gives: instant_type, body }
}

fn epochs() -> Vec<Simple> {
    vec![
        to_epoch("unix_seconds", &[], |args| Ok(wholes(args, |us| us.div_euclid(1_000_000)))),
        to_epoch("unix_millis", &[], |args| Ok(wholes(args, |us| us.div_euclid(1_000)))),
        to_epoch("unix_micros", &[], |args| Ok(wholes(args, |us| us))),
        Simple {
            name: "unix_date",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Day],
            gives: int_type,
            body: |args| Ok(Arc::new(args[0].as_primitive::<Date32Type>().iter().collect::<Int32Array>())),
        },
        Simple {
            name: "date_from_unix_date",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Whole],
            gives: date_type,
            body: |args| {
                let days = args[0].as_primitive::<Int64Type>().iter();
                Ok(Arc::new(days.map(|day| i32::try_from(day?).ok()).collect::<Date32Array>()))
            },
        },
        from_epoch("timestamp_seconds", &[Kind::Double], |args| {
            let seconds = args[0].as_primitive::<Float64Type>().iter();
            let us = |seconds: f64| {
                let us = (seconds * 1e6).round();
                // The conversion saturates, and would give the last instant there is for all that are too large.
                if us.abs() < 9.3e18 { Some(us as i64).filter(|us| *us != i64::MAX && *us != i64::MIN) } else { None }
            };
            let checked = seconds.map(|seconds| match seconds.filter(|seconds| seconds.is_finite()) {
                Some(seconds) => us(seconds).map(Some).ok_or_else(|| RowFault::no_instant("seconds")),
                None => Ok(None),
            });
            Ok(instants(checked.collect::<Result<Vec<_>, _>>()?.into_iter()))
        }),
        from_epoch("timestamp_millis", &[Kind::Whole], |args| {
            let checked = args[0].as_primitive::<Int64Type>().iter().map(|ms| match ms {
                Some(ms) => ms.checked_mul(1_000).map(Some).ok_or_else(|| RowFault::no_instant("milliseconds")),
                None => Ok(None),
            });
            Ok(instants(checked.collect::<Result<Vec<_>, _>>()?.into_iter()))
        }),
        from_epoch("timestamp_micros", &[Kind::Whole], |args| Ok(instants(args[0].as_primitive::<Int64Type>().iter()))),
    ]
}

fn calendar() -> Vec<Simple> {
    let days = |name: &'static str, aliases, body| Simple {
        name,
        aliases,
        count: (2, 2),
        kinds: &[Kind::Day, Kind::Whole],
        gives: date_type as Gives,
        body,
    };
    vec![
        days("date_add", &["dateadd"], |args| Ok(move_days(args, 1))),
        days("date_sub", &[], |args| Ok(move_days(args, -1))),
        days("add_months", &[], |args| Ok(dates(pairs(args).map(|(day, months)| add_months(day?, months?))))),
        Simple {
            name: "datediff",
            aliases: &["date_diff"],
            count: (2, 2),
            kinds: &[Kind::Day],
            gives: int_type,
            body: |args| {
                let (to, from) = (args[0].as_primitive::<Date32Type>(), args[1].as_primitive::<Date32Type>());
                let days = to.iter().zip(from).map(|(to, from)| to?.checked_sub(from?));
                Ok(Arc::new(days.collect::<Int32Array>()))
            },
        },
        Simple {
            name: "months_between",
            aliases: &[],
            count: (2, 3),
            kinds: &[Kind::Instant, Kind::Instant, Kind::Flag],
            gives: double_type,
            body: |args| Ok(Arc::new(months_between(args))),
        },
        Simple {
            name: "last_day",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Day],
            gives: date_type,
            body: |args| {
                let days = args[0].as_primitive::<Date32Type>().iter();
                Ok(dates(days.map(|day| {
                    let first = day_of(day?)?.with_day(1)?;
                    first.checked_add_months(Months::new(1))?.pred_opt()
                })))
            },
        },
        Simple {
            name: "next_day",
            aliases: &[],
            count: (2, 2),
            kinds: &[Kind::Day, Kind::Text],
            gives: date_type,
            body: |args| {
                let days = args[0].as_primitive::<Date32Type>().iter().zip(texts(&args[1]));
                Ok(dates(days.map(|(day, name)| next_day(day_of(day?)?, name?))))
            },
        },
    ]
}

fn made() -> Vec<Simple> {
    vec![
        Simple {
            name: "make_date",
            aliases: &[],
            count: (3, 3),
            kinds: &[Kind::Whole],
            gives: date_type,
            body: |args| Ok(dates((0..args[0].len()).map(|row| make_day(args, row)))),
        },
        Simple {
            name: "make_timestamp",
            aliases: &["make_timestamp_ltz", "make_timestamp_ntz", "try_make_timestamp"],
            count: (6, 7),
            kinds: &[Kind::Whole, Kind::Whole, Kind::Whole, Kind::Whole, Kind::Whole, Kind::Double, Kind::Text],
            gives: instant_type,
            body: |args| Ok(instants((0..args[0].len()).map(|row| make_instant(args, row)))),
        },
        Simple {
            name: "from_utc_timestamp",
            aliases: &[],
            count: (2, 2),
            kinds: &[Kind::Instant, Kind::Text],
            gives: instant_type,
            body: |args| Ok(in_zone(args, |us, zone| Some(us + offset_us(us, zone)?))),
        },
        Simple {
            name: "to_utc_timestamp",
            aliases: &[],
            count: (2, 2),
            kinds: &[Kind::Instant, Kind::Text],
            gives: instant_type,
            body: |args| Ok(in_zone(args, |us, zone| at_zone(DateTime::from_timestamp_micros(us)?.naive_utc(), zone))),
        },
        Simple {
            name: "convert_timezone",
            aliases: &[],
            count: (2, 3),
            kinds: &[Kind::Any],
            gives: |_| Ok(local_time()),
            body: convert_timezone,
        },
    ]
}

fn with_patterns() -> Vec<Simple> {
    let read = |name: &'static str, aliases, gives: Gives, body| Simple {
        name,
        aliases,
        count: (1, 2),
        kinds: &[Kind::Any, Kind::Text],
        gives,
        body,
    };
    vec![
        read("to_timestamp", &["try_to_timestamp", "to_timestamp_ltz", "to_timestamp_ntz"], instant_type, |args| {
            read_instants(args)
        }),
        read("to_date", &["try_to_date"], date_type, |args| {
            if args.len() == 1 || !is_text(args[0].data_type()) {
                return read_as(&args[0], Kind::Day);
            }
            read_as(&read_instants(args)?, Kind::Day)
        }),
        read("unix_timestamp", &["to_unix_timestamp"], whole_type, |args| {
            let instants = match args.len() {
                1 if is_text(args[0].data_type()) => with_default_pattern(&args[0])?,
                _ => read_instants(args)?,
            };
            Ok(wholes(&[instants], |us| us.div_euclid(1_000_000)))
        }),
    ]
}

/// Those that are otherwise by Spark's types: a text without a pattern is one of the usual pattern and no other, and what is left of a
/// second is cut off towards 1970.
pub fn by_spark() -> Vec<Simple> {
    vec![Simple {
        name: "unix_timestamp",
        aliases: &["to_unix_timestamp"],
        count: (1, 2),
        kinds: &[Kind::Any, Kind::Text],
        gives: whole_type,
        body: |args| {
            let instants = match args.len() {
                1 => read_instants(&[Arc::clone(&args[0]), default_pattern(args[0].len())])?,
                _ => read_instants(args)?,
            };
            Ok(wholes(&[instants], |us| us / 1_000_000))
        },
    }]
}

fn written() -> Vec<Simple> {
    vec![
        Simple {
            name: "date_format",
            aliases: &[],
            count: (2, 2),
            kinds: &[Kind::Clock, Kind::Text],
            gives: text_type,
            body: |args| format_instants(args[0].as_primitive(), &args[1]),
        },
        Simple {
            name: "from_unixtime",
            aliases: &[],
            count: (1, 2),
            kinds: &[Kind::Whole, Kind::Text],
            gives: text_type,
            body: |args| {
                let seconds = args[0].as_primitive::<Int64Type>().iter();
                let us: TimestampMicrosecondArray = seconds.map(|s| s?.checked_mul(1_000_000)).collect();
                let pattern = args.get(1).cloned().unwrap_or_else(|| default_pattern(us.len()));
                format_instants(&us, &pattern)
            },
        },
        Simple {
            name: "date_trunc",
            aliases: &[],
            count: (2, 2),
            kinds: &[Kind::Text, Kind::Instant],
            gives: instant_type,
            body: |args| {
                let times = args[1].as_primitive::<TimestampMicrosecondType>().iter();
                Ok(instants(texts(&args[0]).iter().zip(times).map(|(unit, us)| truncate(unit?, us?))))
            },
        },
        Simple {
            name: "trunc",
            aliases: &[],
            count: (2, 2),
            kinds: &[Kind::Day, Kind::Text],
            gives: date_type,
            body: |args| {
                let days = args[0].as_primitive::<Date32Type>().iter().zip(texts(&args[1]));
                Ok(dates(days.map(|(day, unit)| {
                    let unit = folded(unit?);
                    let is_day_unit =
                        ["year", "yyyy", "yy", "quarter", "month", "mon", "mm", "week"].contains(&unit.as_str());
                    let us = truncate(&unit, i64::from(day?) * DAY_US).filter(|_| is_day_unit)?;
                    day_of(i32::try_from(us.div_euclid(DAY_US)).ok()?)
                })))
            },
        },
    ]
}

fn ints(args: &[ArrayRef], part: impl Fn(DateTime<Utc>) -> i32) -> ArrayRef {
    let times = args[0].as_primitive::<TimestampMicrosecondType>().iter();
    Arc::new(times.map(|us| DateTime::from_timestamp_micros(us?).map(&part)).collect::<Int32Array>())
}

fn wholes(args: &[ArrayRef], part: impl Fn(i64) -> i64) -> ArrayRef {
    let times = args[0].as_primitive::<TimestampMicrosecondType>().iter();
    Arc::new(times.map(|us| us.map(&part)).collect::<Int64Array>())
}

/// A column of instants.
pub fn instants(us: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(us.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn dates(days: impl Iterator<Item = Option<NaiveDate>>) -> ArrayRef {
    Arc::new(days.map(|day| day.map(days_of)).collect::<Date32Array>())
}

fn day_of(days: i32) -> Option<NaiveDate> {
    NaiveDate::default().checked_add_signed(chrono::Duration::days(i64::from(days)))
}

fn pairs(args: &[ArrayRef]) -> impl Iterator<Item = (Option<NaiveDate>, Option<i64>)> {
    let days = args[0].as_primitive::<Date32Type>().iter().map(|day| day.and_then(day_of));
    days.zip(args[1].as_primitive::<Int64Type>().iter())
}

fn move_days(args: &[ArrayRef], sign: i64) -> ArrayRef {
    dates(pairs(args).map(|(day, by)| day?.checked_add_signed(chrono::Duration::try_days(by? * sign)?)))
}

fn add_months(day: NaiveDate, months: i64) -> Option<NaiveDate> {
    let count = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
    if months < 0 { day.checked_sub_months(count) } else { day.checked_add_months(count) }
}

/// Months with 31 days each, but whole ones if both are the same day of the month or both the last of theirs.
fn months_between(args: &[ArrayRef]) -> Float64Array {
    let (to, from) =
        (args[0].as_primitive::<TimestampMicrosecondType>(), args[1].as_primitive::<TimestampMicrosecondType>());
    let rounds = args.get(2).map(|flags| flags.as_boolean());
    (0..to.len())
        .map(|row| {
            if to.is_null(row) || from.is_null(row) || rounds.is_some_and(|flags| flags.is_null(row)) {
                return None;
            }
            let (to, from) =
                (DateTime::from_timestamp_micros(to.value(row))?, DateTime::from_timestamp_micros(from.value(row))?);
            let months = f64::from((to.year() - from.year()) * 12 + to.month() as i32 - from.month() as i32);
            let is_last = |time: &DateTime<Utc>| time.date_naive().succ_opt().is_some_and(|next| next.day() == 1);
            if to.day() == from.day() || (is_last(&to) && is_last(&from)) {
                return Some(months);
            }
            let seconds =
                |time: &DateTime<Utc>| i64::from(time.day()) * 86_400 + i64::from(time.num_seconds_from_midnight());
            let rest = (seconds(&to) - seconds(&from)) as f64 / (31.0 * 86_400.0);
            let rounded = rounds.is_none_or(|flags| flags.is_valid(row) && flags.value(row));
            Some(if rounded { ((months + rest) * 1e8).round() / 1e8 } else { months + rest })
        })
        .collect()
}

fn next_day(day: NaiveDate, name: &str) -> Option<NaiveDate> {
    let names = [
        ("MO", "MONDAY"),
        ("TU", "TUESDAY"),
        ("WE", "WEDNESDAY"),
        ("TH", "THURSDAY"),
        ("FR", "FRIDAY"),
        ("SA", "SATURDAY"),
        ("SU", "SUNDAY"),
    ];
    let name = name.to_uppercase();
    let wanted = names.iter().position(|(short, long)| name == *short || name == long[..3] || name == *long)? as u32;
    let ahead = (wanted + 7 - day.weekday().num_days_from_monday()) % 7;
    day.checked_add_days(chrono::Days::new(if ahead == 0 { 7 } else { u64::from(ahead) }))
}

fn make_day(args: &[ArrayRef], row: usize) -> Option<NaiveDate> {
    let part = |at: usize| {
        let numbers = args[at].as_primitive::<Int64Type>();
        numbers.is_valid(row).then(|| numbers.value(row))
    };
    let (year, month, day) = (part(0)?, part(1)?, part(2)?);
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, u32::try_from(month).ok()?, u32::try_from(day).ok()?)
}

/// The instant of year, month, day, hour, minute, second, and a zone if there is one.
pub fn make_instant(args: &[ArrayRef], row: usize) -> Option<i64> {
    let day = make_day(args, row)?;
    let part = |at: usize| {
        let numbers = args[at].as_primitive::<Int64Type>();
        if numbers.is_null(row) { None } else { u32::try_from(numbers.value(row)).ok() }
    };
    let seconds = args[5].as_primitive::<Float64Type>();
    let us = (seconds.is_valid(row).then(|| seconds.value(row))? * 1e6).round();
    if !(0.0..=60e6).contains(&us) {
        return None;
    }
    let local: NaiveDateTime = day.and_hms_opt(part(3)?, part(4)?, 0)? + chrono::Duration::microseconds(us as i64);
    match args.get(6).map(texts) {
        Some(zones) if zones.is_null(row) => None,
        Some(zones) => at_zone(local, &parse_zone(zones.value(row))?),
        None => Some(local.and_utc().timestamp_micros()),
    }
}

fn offset_us(us: i64, zone: &arrow::array::timezone::Tz) -> Option<i64> {
    use chrono::Offset;
    let utc = DateTime::from_timestamp_micros(us)?.naive_utc();
    Some(i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * 1_000_000)
}

fn in_zone(args: &[ArrayRef], change: impl Fn(i64, &arrow::array::timezone::Tz) -> Option<i64>) -> ArrayRef {
    let times = args[0].as_primitive::<TimestampMicrosecondType>().iter();
    let mut last: Option<(String, Option<arrow::array::timezone::Tz>)> = None;
    instants(times.zip(texts(&args[1])).map(|(us, zone)| {
        let zone = zone?;
        if last.as_ref().is_none_or(|(name, _)| name != zone) {
            last = Some((zone.to_string(), parse_zone(zone)));
        }
        change(us?, last.as_ref()?.1.as_ref()?)
    }))
}

/// `convert_timezone([from,] to, time)`: the wall clock of one zone as that of another.
fn convert_timezone(args: &[ArrayRef]) -> Result<ArrayRef> {
    let time = read_as(&args[args.len() - 1], Kind::Instant)?;
    let to = read_as(&args[args.len() - 2], Kind::Text)?;
    let utc = match args.len() {
        3 => in_zone(&[time, read_as(&args[0], Kind::Text)?], |us, zone| {
            at_zone(DateTime::from_timestamp_micros(us)?.naive_utc(), zone)
        }),
        _ => time,
    };
    let local = in_zone(&[utc, to], |us, zone| Some(us + offset_us(us, zone)?));
    Ok(cast(&local, &local_time())?)
}

fn read_instants(args: &[ArrayRef]) -> Result<ArrayRef> {
    if args.len() == 1 || !is_text(args[0].data_type()) {
        return read_as(&args[0], Kind::Instant);
    }
    let mut patterns = Patterns::default();
    let mut us = Vec::with_capacity(args[0].len());
    for (text, pattern) in texts(&args[0]).iter().zip(texts(&args[1])) {
        us.push(match (text, pattern) {
            (Some(text), Some(pattern)) => patterns.get(pattern)?.read(text),
            _ => None,
        });
    }
    Ok(instants(us.into_iter()))
}

fn with_default_pattern(values: &ArrayRef) -> Result<ArrayRef> {
    let read = read_instants(&[Arc::clone(values), default_pattern(values.len())])?;
    let read = read.as_primitive::<TimestampMicrosecondType>().iter();
    Ok(instants(read.zip(texts(values)).map(|(us, text)| us.or_else(|| parse_instant(text?)))))
}

fn default_pattern(rows: usize) -> ArrayRef {
    Arc::new(StringArray::from(vec!["yyyy-MM-dd HH:mm:ss"; rows]))
}

/// The texts of instants, by a pattern a row.
pub fn format_instants(us: &TimestampMicrosecondArray, patterns: &ArrayRef) -> Result<ArrayRef> {
    let mut known = Patterns::default();
    let mut written = Vec::with_capacity(us.len());
    for (us, pattern) in us.iter().zip(texts(patterns)) {
        written.push(match (us, pattern) {
            (Some(us), Some(pattern)) => known.get(pattern)?.format(us),
            _ => None,
        });
    }
    Ok(Arc::new(StringArray::from(written)))
}

/// The pattern read last: nearly always it is the same for every row.
#[derive(Default)]
struct Patterns(Option<(String, Pattern)>);

impl Patterns {
    fn get(&mut self, text: &str) -> Result<&Pattern> {
        if self.0.as_ref().is_none_or(|(known, _)| known != text) {
            let read = Pattern::parse(text).map_err(|what| exec_datafusion_err!("the pattern '{text}': {what}"))?;
            self.0 = Some((text.to_string(), read));
        }
        let known = self.0.as_ref().map(|(_, pattern)| pattern);
        known.ok_or_else(|| exec_datafusion_err!("no pattern"))
    }
}

/// The start of the unit of time that an instant lies in; none for a unit that is none.
/// A word in small letters, whatever letters Java takes for the same: `ſ` is an s.
fn folded(word: &str) -> String {
    word.to_uppercase().to_lowercase()
}

fn truncate(unit: &str, us: i64) -> Option<i64> {
    let step = match folded(unit).as_str() {
        "microsecond" => 1,
        "millisecond" => 1_000,
        "second" => 1_000_000,
        "minute" => 60_000_000,
        "hour" => 3_600_000_000,
        "day" | "dd" => DAY_US,
        unit => {
            let day = DateTime::from_timestamp_micros(us)?.date_naive();
            let first = match unit {
                "week" => day.checked_sub_days(chrono::Days::new(u64::from(day.weekday().num_days_from_monday())))?,
                "month" | "mon" | "mm" => day.with_day(1)?,
                "quarter" => NaiveDate::from_ymd_opt(day.year(), day.month0() / 3 * 3 + 1, 1)?,
                "year" | "yyyy" | "yy" => NaiveDate::from_ymd_opt(day.year(), 1, 1)?,
                _ => return None,
            };
            return Some(i64::from(days_of(first)) * DAY_US);
        }
    };
    us.checked_sub(us.rem_euclid(step))
}
