//! `schema_of_json(text)` and `schema_of_csv(text)`: the schema that a text shows.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::plan_err;
use datafusion::error::Result;

use super::csv::split;
use super::inferred::{BIGINT, BOOLEAN, DOUBLE, Inferred, STRING, of_word};
use super::json::lenient::parse;
use super::json::options::Options as Reading;
use super::json::parse::Value;
use super::options::Options;
use super::read::{Kind, is_text, texts};
use super::result_types::text_type;
use super::simple::{Body, Simple};
use crate::display::type_name;
use crate::row_fault::RowFault;

/// Both.
pub fn functions() -> Vec<Simple> {
    let named = |name, body: Body| Simple {
        name,
        aliases: &[],
        count: (1, 2),
        kinds: &[Kind::Text, Kind::Any],
        gives: |types| match &types[0] {
            kind if is_text(kind) => text_type(types),
            DataType::Null => plan_err!("a text that shows the schema is needed, not NULL"),
            kind => plan_err!("a text that shows the schema is needed, not {}", type_name(kind)),
        },
        body,
    };
    vec![named("schema_of_json", of_json), named("schema_of_csv", of_csv)]
}

fn of_json(args: &[ArrayRef]) -> Result<ArrayRef> {
    let options = Options::of(args.get(1))?;
    let prefers_decimal = options.is_on("prefersdecimal");
    let leading_zeros = options.is_on("allownumericleadingzeros");
    let reading = Reading { leading_zeros, ..Reading::default() };
    let one = |text: Option<&str>| match text {
        None => Ok(None),
        Some(text) if text.trim().is_empty() => Ok(Some("STRING".to_string())),
        Some(text) => match parse(text, &reading) {
            Some(value) => Ok(Some(of_value(&value, prefers_decimal).text())),
            None => {
                let message = format!("schema_of_json cannot read '{text}'");
                Err(RowFault { condition: "MALFORMED_RECORD_IN_PARSING", message }.into())
            }
        },
    };
    Ok(Arc::new(texts(&args[0]).iter().map(one).collect::<Result<StringArray>>()?))
}

fn of_value(value: &Value, prefers_decimal: bool) -> Inferred {
    match value {
        Value::Null => Inferred::Null,
        Value::Flag(_) => BOOLEAN,
        Value::Text(_) => STRING,
        Value::Number(text) => number(text, prefers_decimal),
        Value::Array(items) => {
            let kinds = items.iter().map(|item| of_value(item, prefers_decimal));
            Inferred::Array(Box::new(kinds.fold(Inferred::Null, Inferred::with)))
        }
        Value::Object(members) => {
            let kinds = members.iter().map(|(name, value)| (name.clone(), of_value(value, prefers_decimal)));
            // What is always an empty object is no column.
            let mut kinds: Vec<(String, Inferred)> =
                kinds.filter(|(_, kind)| *kind != Inferred::Struct(vec![])).collect();
            kinds.sort_by(|(left, _), (right, _)| left.cmp(right));
            Inferred::Struct(kinds)
        }
    }
}

fn number(text: &str, prefers_decimal: bool) -> Inferred {
    let digits = text.trim_start_matches('-');
    if text.parse::<i64>().is_ok() {
        return BIGINT;
    }
    match digits.split_once('.') {
        None if digits.bytes().all(|digit| digit.is_ascii_digit()) && digits.len() <= 38 => {
            Inferred::Decimal(digits.len(), 0)
        }
        Some((whole, fraction)) if prefers_decimal && !text.contains(['e', 'E']) => {
            let whole = whole.trim_start_matches('0').len();
            Inferred::Decimal((whole + fraction.len()).max(1), fraction.len())
        }
        _ => DOUBLE,
    }
}

fn of_csv(args: &[ArrayRef]) -> Result<ArrayRef> {
    let options = Options::of(args.get(1))?;
    let separator = options.get("sep").or(options.get("delimiter")).and_then(|text| text.chars().next()).unwrap_or(',');
    let reading = Reading { separator, ..Reading::default() };
    let one = |text: Option<&str>| match text {
        None => Ok(None),
        Some("") => {
            let message = "schema_of_csv needs a line with a value".to_string();
            Err(RowFault { condition: "MALFORMED_RECORD_IN_PARSING", message }.into())
        }
        Some(text) => {
            let fields = split(text, &reading).into_iter().enumerate();
            let kinds = fields.map(|(at, field)| (format!("_c{at}"), of_word(field.unwrap_or_default().trim(), true)));
            Ok(Some(Inferred::Struct(kinds.collect()).text()))
        }
    };
    Ok(Arc::new(texts(&args[0]).iter().map(one).collect::<Result<StringArray>>()?))
}
