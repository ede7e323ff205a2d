//! XML in text columns: `from_xml`, `to_xml`, `schema_of_xml`, `xpath` and its kin.

mod document;
mod inferred;
mod read;
mod write;
mod xpath;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int16Array, Int32Array, Int64Array, ListBuilder, StringArray,
    StringBuilder,
};
use arrow::datatypes::{DataType, Field};
use datafusion::common::{plan_datafusion_err, plan_err};
use datafusion::error::Result;

use super::options::Options;
use super::read::{Kind, texts};
use super::result_types::{double_type, flag_type, int_type, text_type, whole_type};
use super::shaped::Shaped;
use super::simple::{Body, Gives, Simple};
use crate::display::type_name;
use crate::row_fault::RowFault;
use document::Document;
use xpath::XPathValue;

/// All but `from_xml`.
pub fn functions() -> Vec<Simple> {
    let mut all = paths();
    all.extend([
        Simple {
            name: "to_xml",
            aliases: &[],
            count: (1, 2),
            kinds: &[Kind::Any],
            gives: |types| match &types[0] {
                DataType::Struct(_) => text_type(types),
                kind => plan_err!("to_xml takes a struct, not {}", type_name(kind)),
            },
            body: |args| write::to_xml(&args[0], &Options::of(args.get(1))?),
        },
        Simple {
            name: "schema_of_xml",
            aliases: &[],
            count: (1, 2),
            kinds: &[Kind::Text, Kind::Any],
            gives: text_type,
            body: |args| {
                let options = Options::of(args.get(1))?;
                let one = |text: Option<&str>| match text {
                    None => Ok(None),
                    Some(text) => parsed(text).map(|document| Some(inferred::schema(&document, &options))),
                };
                Ok(Arc::new(texts(&args[0]).iter().map(one).collect::<Result<StringArray>>()?))
            },
        },
    ]);
    all
}

/// `from_xml`, whose type stands in its schema.
pub fn typed() -> Vec<Shaped> {
    vec![Shaped {
        name: "from_xml",
        count: (2, 3),
        kinds: &[Kind::Text, Kind::Text, Kind::Any],
        gives: |asked| {
            let Some(text) = asked.text(1) else {
                return plan_err!("the schema of from_xml must be a constant text, such as 'a INT, b STRING'");
            };
            match super::parse_schema(text).map_err(|what| plan_datafusion_err!("from_xml: {what}"))? {
                kind @ DataType::Struct(_) => Ok(kind),
                other => plan_err!("from_xml reads a struct, not {}", type_name(&other)),
            }
        },
        body: |args, kind| read::from_xml(texts(&args[0]), kind, &Options::of(args.get(2))?),
    }]
}

fn parsed(text: &str) -> Result<Document> {
    Document::parse(text).map_err(|what| {
        let message = format!("'{text}' is no XML: {what}");
        RowFault { condition: "MALFORMED_RECORD_IN_PARSING", message }.into()
    })
}

fn paths() -> Vec<Simple> {
    let path = |name: &'static str, gives: Gives, body: Body| Simple {
        name,
        aliases: &[],
        count: (2, 2),
        kinds: &[Kind::Text],
        gives,
        body,
    };
    vec![
        path("xpath", super::regular::list_of_text, nodes),
        path("xpath_string", text_type, |args| {
            let all = each(args, |found, document| Ok(found.text(document)))?;
            Ok(Arc::new(all.into_iter().collect::<StringArray>()))
        }),
        path("xpath_boolean", flag_type, |args| {
            Ok(Arc::new(each(args, |found, _| Ok(found.flag()))?.into_iter().collect::<BooleanArray>()))
        }),
        path("xpath_double", double_type, |args| Ok(Arc::new(numbers(args)?.into_iter().collect::<Float64Array>()))),
        path("xpath_number", double_type, |args| Ok(Arc::new(numbers(args)?.into_iter().collect::<Float64Array>()))),
        path(
            "xpath_float",
            |_| Ok(DataType::Float32),
            |args| {
                let all = numbers(args)?.into_iter();
                Ok(Arc::new(all.map(|number| number.map(|number| number as f32)).collect::<Float32Array>()))
            },
        ),
        // As Java cuts a number down: NaN is 0, and what is too large the largest.
        path("xpath_long", whole_type, |args| {
            let all = numbers(args)?.into_iter();
            Ok(Arc::new(all.map(|number| number.map(|number| number as i64)).collect::<Int64Array>()))
        }),
        path("xpath_int", int_type, |args| {
            let all = numbers(args)?.into_iter();
            Ok(Arc::new(all.map(|number| number.map(|number| number as i32)).collect::<Int32Array>()))
        }),
        path(
            "xpath_short",
            |_| Ok(DataType::Int16),
            |args| {
                let all = numbers(args)?.into_iter();
                Ok(Arc::new(all.map(|number| number.map(|number| number as i32 as i16)).collect::<Int16Array>()))
            },
        ),
    ]
}

fn numbers(args: &[ArrayRef]) -> Result<Vec<Option<f64>>> {
    each(args, |found, document| Ok(found.number(document)))
}

/// What a path finds in each row.
fn each<T>(args: &[ArrayRef], take: impl Fn(&XPathValue, &Document) -> Result<T>) -> Result<Vec<Option<T>>> {
    let mut known: Option<(&str, xpath::Expression)> = None;
    let mut all = Vec::with_capacity(args[0].len());
    for (text, path) in texts(&args[0]).iter().zip(texts(&args[1])) {
        let (Some(text), Some(path)) = (text, path) else {
            all.push(None);
            continue;
        };
        if known.as_ref().is_none_or(|(other, _)| *other != path) {
            known = Some((path, xpath::parse(path).map_err(|what| wrong_path(path, &what))?));
        }
        let document = parsed(text)?;
        let found = known.as_ref().map(|(_, expression)| xpath::evaluate(expression, &document)).transpose();
        let found = found.map_err(|what| wrong_path(path, &what))?;
        all.push(found.as_ref().map(|found| take(found, &document)).transpose()?);
    }
    Ok(all)
}

fn wrong_path(path: &str, what: &str) -> RowFault {
    RowFault { condition: "INVALID_XPATH", message: format!("the XPath '{path}' cannot be followed: {what}") }
}

/// The values of nodes; elements have none.
fn nodes(args: &[ArrayRef]) -> Result<ArrayRef> {
    let all = each(args, |found, document| match found {
        XPathValue::Nodes(nodes) => Ok(nodes.iter().map(|node| document.value(*node)).collect::<Vec<Option<String>>>()),
        _ => {
            Err(wrong_path("xpath", "xpath gives nodes; for a number or a text use xpath_double or xpath_string")
                .into())
        }
    })?;
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(Field::new_list_field(DataType::Utf8, true));
    for values in all {
        let is_there = values.is_some();
        values.into_iter().flatten().for_each(|value| lists.values().append_option(value));
        lists.append(is_there);
    }
    Ok(Arc::new(lists.finish()))
}

#[cfg(test)]
mod tests;
