//! Values that can be compared, and values that cannot: a map has no order and is equal to nothing, and neither is a calendar interval,
//! whose months have no length.

use datafusion::arrow::datatypes::{DataType, IntervalUnit};
use datafusion::common::plan_datafusion_err;
use datafusion::error::Result;

use crate::display::type_name;
use crate::refusal::{INVALID_ORDERING_TYPE, refused};

/// Functions that compare their first arguments, and how many of them.
const COMPARING: &[(&[&str], usize)] = &[
    (
        &["min", "max", "greatest", "least", "sort_array", "array_sort", "array_min", "array_max", "array_distinct"],
        usize::MAX,
    ),
    (&["array_union", "array_except", "array_intersect", "arrays_overlap"], 2),
];

/// Refuses a call that compares what has no order.
///
/// # Errors
/// `DATATYPE_MISMATCH.INVALID_ORDERING_TYPE`.
pub fn check_call(name: &str, kinds: &[DataType]) -> Result<()> {
    if let ("min_by" | "max_by", Some(by)) = (name, kinds.get(1)) {
        return check(name, [by]);
    }
    match COMPARING.iter().find(|(names, _)| names.contains(&name)) {
        Some((_, count)) => check(name, kinds.iter().take(*count)),
        None => Ok(()),
    }
}

/// Refuses to compare values of these types, if one of them has no order. `what` compares them.
///
/// # Errors
/// `DATATYPE_MISMATCH.INVALID_ORDERING_TYPE`.
pub fn check<'a>(what: &str, kinds: impl IntoIterator<Item = &'a DataType>) -> Result<()> {
    let Some(kind) = kinds.into_iter().find(|kind| !is_ordered(kind)) else { return Ok(()) };
    let error = plan_datafusion_err!("{what} compares its values, and {} has no order", type_name(kind));
    Err(refused(error, INVALID_ORDERING_TYPE, remedy(kind)))
}

fn remedy(kind: &DataType) -> &'static str {
    match kind {
        DataType::Interval(_) => {
            "compare times, or intervals of one kind: INTERVAL '1-2' YEAR TO MONTH, INTERVAL '1 02:03:04' DAY TO SECOND"
        }
        _ => "compare the entries in order: array_sort(map_entries(x))",
    }
}

fn is_ordered(kind: &DataType) -> bool {
    match kind {
        DataType::Map(..) | DataType::Interval(IntervalUnit::MonthDayNano) => false,
        DataType::List(element) => is_ordered(element.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_ordered(field.data_type())),
        _ => true,
    }
}
