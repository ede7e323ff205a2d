//! `sequence(start, stop[, step])` of whole numbers, days and instants.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, Int64Type, IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType,
    TimestampMicrosecondType,
};
use chrono::{DateTime, Months};
use datafusion::common::{exec_datafusion_err, exec_err, internal_err, plan_err};
use datafusion::error::Result;

use super::read::{DAY_US, Kind, read_as};
use super::simple::Simple;
use crate::display::type_name;
use crate::interval::day_time_us;
use crate::types::instant;

/// The longest array that is made.
const LONGEST: usize = 1_000_000;

/// The function.
pub fn functions() -> Vec<Simple> {
    vec![Simple { name: "sequence", aliases: &[], count: (2, 3), kinds: &[Kind::Any], gives, body }]
}

/// What the elements are: whole numbers as wide as the widest argument, days, or instants if one end is one.
fn element_type(kinds: &[DataType]) -> Result<DataType> {
    use DataType::{Date32, Int8, Int16, Int32, Int64, Null, Timestamp};
    match kinds {
        [Null, stop, ..] if *stop != Null => element_type(&[stop.clone(), stop.clone()]),
        [start, Null, ..] => element_type(&[start.clone(), start.clone()]),
        [Date32, Date32, ..] => Ok(Date32),
        [Date32 | Timestamp(..), Date32 | Timestamp(..), ..] => Ok(instant()),
        all if all.iter().all(|kind| kind.is_integer() || *kind == Null) => {
            let widest = [Int8, Int16, Int32].into_iter().find(|wide| {
                let width = wide.primitive_width();
                all.iter().all(|kind| kind.is_signed_integer() && kind.primitive_width() <= width || *kind == Null)
            });
            Ok(widest.unwrap_or(Int64))
        }
        [start, stop, ..] => {
            plan_err!(
                "sequence takes whole numbers, dates or timestamps, not {} and {}",
                type_name(start),
                type_name(stop)
            )
        }
        _ => internal_err!("sequence without its ends"),
    }
}

fn gives(kinds: &[DataType]) -> Result<DataType> {
    let element = element_type(kinds)?;
    match kinds.get(2) {
        Some(step) if !element.is_integer() && !matches!(step, DataType::Interval(_) | DataType::Null) => {
            plan_err!("the step of a sequence of times is an interval, such as INTERVAL 1 DAY, not {}", type_name(step))
        }
        _ => Ok(DataType::List(Arc::new(Field::new_list_field(element, true)))),
    }
}

/// How far it is from one element to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step {
    months: i32,
    /// Whole numbers, or microseconds.
    by: i64,
}

impl Step {
    /// The element with this number after the first; none beyond the end of the type.
    fn element(self, start: i64, number: i64) -> Option<i64> {
        let by = number.checked_mul(self.by)?;
        if self.months == 0 {
            return start.checked_add(by);
        }
        // Counted from the start, not from the element before: the 31st of January is followed by the 29th of February and the 31st of March.
        let months = i64::from(self.months).checked_mul(number)?;
        let time = DateTime::from_timestamp_micros(start)?;
        let count = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
        let time = if months < 0 { time.checked_sub_months(count) } else { time.checked_add_months(count) };
        time?.timestamp_micros().checked_add(by)
    }

    /// Above 0 if it goes up, below if it goes down.
    fn sign(self) -> i64 {
        const MONTH_US: i64 = 28 * DAY_US;
        i64::from(self.months).saturating_mul(MONTH_US).saturating_add(self.by).signum()
    }
}

fn body(args: &[ArrayRef]) -> Result<ArrayRef> {
    let kinds: Vec<DataType> = args.iter().map(|arg| arg.data_type().clone()).collect();
    let element = element_type(&kinds)?;
    let is_whole = element.is_integer();
    let [starts, stops] = [&args[0], &args[1]].map(|ends| numbers(ends, is_whole));
    let (starts, stops) = (starts?, stops?);
    let (mut values, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..args[0].len() {
        let is_valid = args.iter().all(|arg| arg.is_valid(row)) && starts.is_valid(row) && stops.is_valid(row);
        valid.push(is_valid);
        let before = values.len();
        if is_valid {
            let (start, stop) = (starts.value(row), stops.value(row));
            let step = match args.get(2) {
                Some(steps) => step_of(steps, row, &element)?,
                None => {
                    let by = if is_whole { 1 } else { DAY_US };
                    Step { months: 0, by: if stop < start { -by } else { by } }
                }
            };
            extend(&mut values, start, stop, step)?;
        }
        lengths.push(values.len() - before);
    }
    let values: ArrayRef = match &element {
        DataType::Date32 => cast(&cast(&Int64Array::from(values), &instant())?, &element)?,
        _ => cast(&Int64Array::from(values), &element)?,
    };
    let field = Arc::new(Field::new_list_field(element, true));
    let (offsets, nulls) = (OffsetBuffer::from_lengths(lengths), NullBuffer::from(valid));
    Ok(Arc::new(ListArray::try_new(field, offsets, values, Some(nulls))?))
}

/// The ends as whole numbers, times as microseconds.
fn numbers(ends: &ArrayRef, is_whole: bool) -> Result<Int64Array> {
    if is_whole || ends.data_type() == &DataType::Null {
        return Ok(cast(ends, &DataType::Int64)?.as_primitive::<Int64Type>().clone());
    }
    let times = read_as(ends, Kind::Instant)?;
    Ok(times.as_primitive::<TimestampMicrosecondType>().reinterpret_cast::<Int64Type>())
}

fn step_of(steps: &ArrayRef, row: usize, element: &DataType) -> Result<Step> {
    let step = match steps.data_type() {
        DataType::Interval(IntervalUnit::YearMonth) => {
            Step { months: steps.as_primitive::<IntervalYearMonthType>().value(row), by: 0 }
        }
        DataType::Interval(IntervalUnit::DayTime) => {
            Step { months: 0, by: day_time_us(steps.as_primitive::<IntervalDayTimeType>().value(row)) }
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let span = steps.as_primitive::<IntervalMonthDayNanoType>().value(row);
            let by = i64::from(span.days) * DAY_US;
            let by = by.checked_add(span.nanoseconds / 1_000);
            Step {
                months: span.months,
                by: by.ok_or_else(|| exec_datafusion_err!("the step of sequence is too long"))?,
            }
        }
        _ => {
            let whole = cast(steps, &DataType::Int64)?;
            return Ok(Step { months: 0, by: whole.as_primitive::<Int64Type>().value(row) });
        }
    };
    if *element == DataType::Date32 && step.by % DAY_US != 0 {
        return exec_err!("the step of a sequence of dates is one of whole days or months; make the ends timestamps");
    }
    Ok(step)
}

fn extend(values: &mut Vec<i64>, start: i64, stop: i64, step: Step) -> Result<()> {
    let sign = step.sign();
    let is_wrong = (sign > 0 && stop < start) || (sign < 0 && stop > start) || (sign == 0 && stop != start);
    if is_wrong {
        return exec_err!("a sequence from {start} to {stop} by {} never arrives; turn the step around", step.by);
    }
    for number in 0.. {
        let Some(element) = step.element(start, number) else { break };
        if sign > 0 && element > stop || sign < 0 && element < stop || sign == 0 && number > 0 {
            break;
        }
        if number as usize >= LONGEST {
            return exec_err!("a sequence from {start} to {stop} has more than {LONGEST} elements; take a longer step");
        }
        values.push(element);
    }
    Ok(())
}
