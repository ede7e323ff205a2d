//! What the arguments of a row must be in ANSI mode: a place that there is, a divisor that is not zero.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::error::Result;

use super::super::read::{Kind, is_text, read_as};
use crate::row_fault::RowFault;

/// Looks at all rows; what is wrong with one is an error.
pub type Guard = fn(&[ArrayRef]) -> Result<()>;

fn fault(condition: &'static str, message: String) -> Result<()> {
    Err(RowFault { condition, message }.into())
}

/// Place and length of each row's array, if there are both.
fn places(args: &[ArrayRef]) -> Result<Vec<(i64, i64)>> {
    let Some(list) = args[0].as_list_opt::<i32>() else { return Ok(Vec::new()) };
    if is_text(args[1].data_type()) {
        return Ok(Vec::new());
    }
    let places = read_as(&args[1], Kind::Whole)?;
    let places = places.as_primitive::<Int64Type>();
    let offsets = list.value_offsets();
    let rows = (0..list.len()).filter(|row| list.is_valid(*row) && places.is_valid(*row));
    Ok(rows.map(|row| (places.value(row), i64::from(offsets[row + 1] - offsets[row]))).collect())
}

/// `element_at(array, n)`: from 1, or from -1 at the end.
pub fn element_place(args: &[ArrayRef]) -> Result<()> {
    is_zero_place(args)?;
    match places(args)?.into_iter().find(|(place, length)| place.abs() > *length) {
        None => Ok(()),
        Some((place, length)) => fault(
            "INVALID_ARRAY_INDEX_IN_ELEMENT_AT",
            format!("there is no element {place} in an array of {length}; try_element_at gives NULL instead"),
        ),
    }
}

/// The place 0, which no array has.
pub fn is_zero_place(args: &[ArrayRef]) -> Result<()> {
    match places(args)?.into_iter().any(|(place, _)| place == 0) {
        false => Ok(()),
        true => fault(
            "INVALID_INDEX_OF_ZERO",
            "element_at counts from 1, or from -1 at the end; array[0] counts from 0".to_string(),
        ),
    }
}

/// `array[n]`: from 0.
pub fn index(args: &[ArrayRef]) -> Result<()> {
    match places(args)?.into_iter().find(|(place, length)| !(0..*length).contains(place)) {
        None => Ok(()),
        Some((place, length)) => fault(
            "INVALID_ARRAY_INDEX",
            format!(
                "there is no element {place} in an array of {length}, counted from 0; get(array, n) gives NULL instead"
            ),
        ),
    }
}

/// `elt(n, a, b, …)`: from 1.
pub fn place_of_argument(args: &[ArrayRef]) -> Result<()> {
    let places = read_as(&args[0], Kind::Whole)?;
    let count = args.len() as i64 - 1;
    match places.as_primitive::<Int64Type>().iter().flatten().find(|place| !(1..=count).contains(place)) {
        None => Ok(()),
        Some(place) => {
            fault("INVALID_ARRAY_INDEX", format!("elt has no argument {place}: they are counted from 1 to {count}"))
        }
    }
}

/// The second of two numbers is not zero, where there is a first.
pub fn divisor(args: &[ArrayRef]) -> Result<()> {
    let divisors = read_as(&args[1], Kind::Double)?;
    let divisors = divisors.as_primitive::<Float64Type>();
    let is_zero = |row: &usize| args[0].is_valid(*row) && divisors.is_valid(*row) && divisors.value(*row) == 0.0;
    match (0..divisors.len()).find(is_zero) {
        None => Ok(()),
        Some(_) => fault("REMAINDER_BY_ZERO", "the remainder by zero; try_mod gives NULL instead".to_string()),
    }
}

/// A double that is rounded to a BIGINT has one.
pub fn fits_bigint(args: &[ArrayRef]) -> Result<()> {
    if args.len() > 1 || !(args[0].data_type().is_floating() || is_text(args[0].data_type())) {
        return Ok(());
    }
    const MOST: f64 = 9_223_372_036_854_775_808.0;
    let values = read_as(&args[0], Kind::Double)?;
    let mut values = values.as_primitive::<Float64Type>().iter().flatten();
    match values.find(|value| !(-MOST..MOST).contains(value) && !value.is_nan()) {
        None => Ok(()),
        Some(value) => fault(
            "ARITHMETIC_OVERFLOW",
            format!("{value} rounded is too large for bigint; cast it to DECIMAL first, or check it with WHERE"),
        ),
    }
}

/// Seconds since 1970 that are an instant.
pub fn seconds(args: &[ArrayRef]) -> Result<()> {
    const MOST: f64 = 9_223_372_036_854.775;
    let values = cast(&args[0], &DataType::Float64)?;
    match values.as_primitive::<Float64Type>().iter().flatten().find(|value| value.abs() > MOST) {
        None => Ok(()),
        Some(value) => fault(
            "DATETIME_OVERFLOW",
            format!("{value} seconds since 1970 are no timestamp; check the number with WHERE"),
        ),
    }
}

/// Maps that are put together have no key in common.
pub fn unique_keys(args: &[ArrayRef]) -> Result<()> {
    let mut known = std::collections::HashSet::new();
    for row in 0..args[0].len() {
        if args.iter().any(|map| map.is_null(row)) {
            continue;
        }
        known.clear();
        for map in args {
            let Some(map) = map.as_map_opt() else { return Ok(()) };
            let keys = super::super::text::to_text(map.value(row).column(0))?;
            if let Some(key) = keys.iter().flatten().find(|key| !known.insert(key.to_string())) {
                return fault(
                    "DUPLICATED_MAP_KEY",
                    format!("the key {key} comes twice; leave it out of one of the maps with map_filter"),
                );
            }
        }
    }
    Ok(())
}
