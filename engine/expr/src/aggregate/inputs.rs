//! What aggregate functions take, as Spark has it: numbers written as texts, NULL, and times where a number of seconds is meant.

use arrow::datatypes::DataType;
use datafusion::common::plan_datafusion_err;
use datafusion::error::Result;

use crate::display::type_name;
use crate::refusal::{UNEXPECTED_INPUT_TYPE, refused};
use crate::typing::meeting::{is_number, is_text, is_whole};

/// What an argument is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    /// A double.
    Double,
    /// A double, and no time.
    Number,
    /// A number as it is, or an interval.
    Total,
    /// A boolean.
    Condition,
    /// A whole number.
    Bits,
}

/// Functions, what they take, and how many of their first arguments are that.
const TAKEN: &[(&[&str], Input, usize)] = &[
    (&["stddev", "stddev_pop", "var", "var_pop", "skewness", "kurtosis"], Input::Double, 1),
    (
        &[
            "corr",
            "covar_samp",
            "covar_pop",
            "regr_slope",
            "regr_intercept",
            "regr_r2",
            "regr_sxx",
            "regr_sxy",
            "regr_syy",
            "regr_avgx",
            "regr_avgy",
        ],
        Input::Double,
        2,
    ),
    (
        &["percentile", "percentile_disc", "percentile_descending", "percentile_disc_descending", "median"],
        Input::Number,
        1,
    ),
    (&["sum", "avg", "try_sum"], Input::Total, 1),
    (&["bool_and", "bool_or", "count_if"], Input::Condition, 1),
    (&["bit_and", "bit_or", "bit_xor"], Input::Bits, 1),
];

fn input(name: &str) -> Option<(Input, usize)> {
    let taken = TAKEN.iter().find(|(names, ..)| names.contains(&name))?;
    Some((taken.1, taken.2))
}

/// True if [`taken`] says what a function takes.
pub fn is_listed(name: &str) -> bool {
    input(name).is_some()
}

/// The types of a call's arguments once they are what the function takes; those that are already stay.
///
/// # Errors
/// With Spark's name, if there is no way from one of them to what is taken.
pub fn taken(name: &str, kinds: &[DataType]) -> Result<Vec<DataType>> {
    let Some((input, count)) = input(name) else { return Ok(kinds.to_vec()) };
    let made = kinds.iter().enumerate().map(|(at, kind)| match at < count {
        true => input.of(kind).ok_or_else(|| {
            let text = format!("{name} takes {}, not {}", input.words(), type_name(kind));
            refused(plan_datafusion_err!("{text}"), UNEXPECTED_INPUT_TYPE, input.remedy())
        }),
        false => Ok(kind.clone()),
    });
    made.collect()
}

impl Input {
    fn of(self, kind: &DataType) -> Option<DataType> {
        let is_given = kind.is_null() || is_text(kind);
        match self {
            Input::Double if is_number(kind) || is_given || is_instant(kind) => Some(DataType::Float64),
            Input::Number if is_number(kind) || is_given => Some(DataType::Float64),
            Input::Total if is_given || is_instant(kind) => Some(DataType::Float64),
            Input::Total if is_number(kind) || is_interval(kind) => Some(kind.clone()),
            Input::Condition if is_given || *kind == DataType::Boolean => Some(DataType::Boolean),
            Input::Bits if kind.is_null() => Some(DataType::Int32),
            Input::Bits if is_text(kind) => Some(DataType::Int64),
            Input::Bits if is_whole(kind) || kind.is_unsigned_integer() => Some(kind.clone()),
            _ => None,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Input::Double | Input::Number => "a number",
            Input::Total => "a number or an interval",
            Input::Condition => "a boolean",
            Input::Bits => "a whole number",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Input::Double | Input::Number | Input::Total => "give it a number, for example CAST(x AS DOUBLE)",
            Input::Condition => "give it a condition, for example x <> 0",
            Input::Bits => "give it a whole number, for example CAST(x AS BIGINT)",
        }
    }
}

/// True for an interval: of these `sum` and `avg` are intervals.
pub fn is_interval(kind: &DataType) -> bool {
    matches!(kind, DataType::Duration(_) | DataType::Interval(_))
}

/// A moment on the time line, which is so many seconds since 1970 where a number is meant.
fn is_instant(kind: &DataType) -> bool {
    matches!(kind, DataType::Timestamp(_, Some(_)))
}
