//! `format_number` and `format_string`, as Java's DecimalFormat and Formatter write.

mod decimal_format;
mod formatter;
mod rounding;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StringArray};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::plan_err;
use datafusion::error::Result;

use self::decimal_format::DecimalFormat;
use super::read::{Kind, is_text, read_as};
use super::result_types::text_type;
use super::simple::Simple;
use super::text::to_text;
use crate::display::type_name;

/// Both.
pub fn functions() -> Vec<Simple> {
    vec![
        Simple {
            name: "format_number",
            aliases: &[],
            count: (2, 2),
            kinds: &[Kind::Any],
            gives: |types| match &types[0] {
                kind if kind.is_numeric() || is_text(kind) || kind == &DataType::Null => text_type(types),
                other => plan_err!("format_number takes a number, not {}", type_name(other)),
            },
            body: format_number,
        },
        Simple {
            name: "format_string",
            aliases: &["printf"],
            count: (1, usize::MAX),
            kinds: &[Kind::Any],
            gives: text_type,
            body: formatter::format_string,
        },
    ]
}

fn format_number(args: &[ArrayRef]) -> Result<ArrayRef> {
    let numbers = Numbers::of(&args[0])?;
    let is_pattern = is_text(args[1].data_type());
    let patterns = match is_pattern {
        true => to_text(&args[1])?,
        false => to_text(&read_as(&args[1], Kind::Whole)?)?,
    };
    let mut known: Option<(&str, Option<DecimalFormat>)> = None;
    let written = patterns.iter().enumerate().map(|(row, pattern)| {
        let pattern = pattern?;
        if known.as_ref().is_none_or(|(other, _)| *other != pattern) {
            let format = if is_pattern { DecimalFormat::parse(pattern) } else { DecimalFormat::to_digits(pattern) };
            known = Some((pattern, format));
        }
        let format = known.as_ref()?.1.as_ref()?;
        Some(format.write(&numbers.text(row, format.most_fraction())?))
    });
    Ok(Arc::new(written.collect::<StringArray>()))
}

/// Numbers that have digits.
enum Numbers {
    Doubles(Float64Array),
    /// With all their digits.
    Exact(StringArray),
}

impl Numbers {
    fn of(values: &ArrayRef) -> Result<Numbers> {
        Ok(match values.data_type() {
            kind if kind.is_floating() || is_text(kind) => {
                Numbers::Doubles(read_as(values, Kind::Double)?.as_primitive::<Float64Type>().clone())
            }
            DataType::Null => Numbers::Exact(StringArray::new_null(values.len())),
            _ => Numbers::Exact(to_text(values)?),
        })
    }

    /// The digits of a row; of a double rounded to so many behind the point, half to even, as it is in its bits.
    fn text(&self, row: usize, digits: usize) -> Option<String> {
        match self {
            Numbers::Doubles(values) => values.is_valid(row).then(|| match values.value(row) {
                value if value.is_nan() => "NaN".to_string(),
                value if value.is_infinite() => if value > 0.0 { "Infinity" } else { "-Infinity" }.to_string(),
                value => format!("{value:.digits$}"),
            }),
            Numbers::Exact(texts) => texts.is_valid(row).then(|| texts.value(row).to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
