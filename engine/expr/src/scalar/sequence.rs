//! `sequence(start, stop[, step])` of whole numbers, days and instants.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, TimestampMicrosecondType};
use datafusion::common::{ScalarValue, exec_err, internal_err, plan_err};
use datafusion::error::Result;

use super::read::{DAY_US, Kind, read_as};
use super::simple::Simple;
use crate::display::type_name;
use crate::interval::Span;
use crate::types::{common_time, instant};

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
        [start @ (Date32 | Timestamp(..)), stop @ (Date32 | Timestamp(..)), ..] => Ok(common_time(start, stop)),
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
        Some(step)
            if !element.is_integer()
                && !matches!(step, DataType::Interval(_) | DataType::Duration(_) | DataType::Null) =>
        {
            plan_err!("the step of a sequence of times is an interval, such as INTERVAL 1 DAY, not {}", type_name(step))
        }
        _ => Ok(DataType::List(Arc::new(Field::new_list_field(element, true)))),
    }
}

/// How far it is from one element to the next; whole numbers have no months, and are counted as microseconds are.
fn element(start: i64, step: Span, number: i64) -> Option<i64> {
    // Counted from the start, not from the element before: the 31st of January is followed by the 29th of February and the 31st of March.
    Span { months: step.months.checked_mul(number)?, us: step.us.checked_mul(number)? }.after(start)
}

/// Above 0 if it goes up, below if it goes down.
fn sign(step: Span) -> i64 {
    i64::from(step.is_positive())
        - i64::from(Span { months: step.months.saturating_neg(), us: step.us.saturating_neg() }.is_positive())
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
                    Span { months: 0, us: if stop < start { -by } else { by } }
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

fn step_of(steps: &ArrayRef, row: usize, element: &DataType) -> Result<Span> {
    let step = match steps.data_type() {
        DataType::Interval(_) | DataType::Duration(_) => Span::of_constant(&ScalarValue::try_from_array(steps, row)?),
        _ => Some(Span { months: 0, us: cast(steps, &DataType::Int64)?.as_primitive::<Int64Type>().value(row) }),
    };
    match step {
        Some(step) if *element == DataType::Date32 && step.us % DAY_US != 0 => {
            exec_err!("the step of a sequence of dates is one of whole days or months; make the ends timestamps")
        }
        Some(step) => Ok(step),
        None => internal_err!("a step that is NULL"),
    }
}

fn extend(values: &mut Vec<i64>, start: i64, stop: i64, step: Span) -> Result<()> {
    let sign = sign(step);
    let is_wrong = (sign > 0 && stop < start) || (sign < 0 && stop > start) || (sign == 0 && stop != start);
    if is_wrong {
        return exec_err!("a sequence from {start} to {stop} by {} never arrives; turn the step around", step.us);
    }
    for number in 0.. {
        let Some(element) = element(start, step, number) else { break };
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
