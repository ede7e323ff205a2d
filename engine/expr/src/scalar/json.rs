//! JSON in text columns: `from_json`, `to_json`, `get_json_object`, `json_tuple` and what belongs to them.

pub mod build;
mod from_json;
pub mod lenient;
pub mod options;
pub mod parse;
mod path;
pub mod schema;
mod write;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, ListBuilder, StringArray, StringBuilder, StructArray};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;

pub use from_json::FromJson;
pub use write::to_json;

use super::read::{Kind, texts};
use super::result_types::{int_type, text_type};
use super::simple::Simple;
use options::Options;
use parse::Value;

/// The value that a text begins with, as Spark reads it unless it is told otherwise.
fn parsed(text: &str) -> Option<Value> {
    lenient::parse(text, &Options { non_numeric: false, ..Options::default() })
}

/// All but `from_json`, whose type depends on its schema.
pub fn functions() -> Vec<Simple> {
    let mut all = values();
    all.extend(shapes());
    all
}

fn values() -> Vec<Simple> {
    vec![
        Simple {
            name: "get_json_object",
            aliases: &[],
            count: (2, 2),
            kinds: &[Kind::Text],
            gives: text_type,
            body: |args| {
                let mut known: Option<(&str, Option<Vec<path::Step>>)> = None;
                let found = texts(&args[0]).iter().zip(texts(&args[1])).map(|(text, path)| {
                    let (text, path) = (text?, path?);
                    if known.as_ref().is_none_or(|(other, _)| *other != path) {
                        known = Some((path, path::parse(path)));
                    }
                    let steps = known.as_ref()?.1.as_ref()?;
                    path::find(&parsed(text)?, steps)
                });
                Ok(Arc::new(found.collect::<StringArray>()))
            },
        },
        Simple {
            name: "json_tuple",
            aliases: &[],
            count: (2, usize::MAX),
            kinds: &[Kind::Text],
            gives: |types| Ok(DataType::Struct(tuple_fields(types.len() - 1))),
            body: json_tuple,
        },
        Simple {
            name: "to_json",
            aliases: &[],
            count: (1, 2),
            kinds: &[Kind::Any],
            gives: text_type,
            body: |args| {
                let options = args.get(1).map(|options| ColumnarValue::Array(Arc::clone(options)));
                write::to_json_with(&args[0], &Options::of(options.as_ref())?)
            },
        },
    ]
}

fn shapes() -> Vec<Simple> {
    vec![
        Simple {
            name: "json_array_length",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Text],
            gives: int_type,
            body: |args| {
                let lengths = texts(&args[0]).iter().map(|text| match parsed(text?)? {
                    Value::Array(items) => Some(items.len() as i32),
                    _ => None,
                });
                Ok(Arc::new(lengths.collect::<Int32Array>()))
            },
        },
        Simple {
            name: "json_object_keys",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Text],
            gives: super::regular::list_of_text,
            body: |args| {
                let mut lists =
                    ListBuilder::new(StringBuilder::new()).with_field(Field::new_list_field(DataType::Utf8, true));
                for text in texts(&args[0]) {
                    match text.and_then(parsed) {
                        Some(Value::Object(members)) => {
                            members.iter().for_each(|(name, _)| lists.values().append_value(name));
                            lists.append(true);
                        }
                        _ => lists.append(false),
                    }
                }
                Ok(Arc::new(lists.finish()))
            },
        },
    ]
}

fn tuple_fields(count: usize) -> Fields {
    (0..count).map(|at| Field::new(format!("c{at}"), DataType::Utf8, true)).collect()
}

fn json_tuple(args: &[ArrayRef]) -> Result<ArrayRef> {
    let count = args.len() - 1;
    let mut columns: Vec<Vec<Option<String>>> = vec![Vec::with_capacity(args[0].len()); count];
    for (row, text) in texts(&args[0]).iter().enumerate() {
        let object = text.and_then(parsed);
        for (at, column) in columns.iter_mut().enumerate() {
            let names = texts(&args[at + 1]);
            let value = match &object {
                Some(Value::Object(members)) if names.is_valid(row) => {
                    members.iter().find(|(name, _)| name == names.value(row)).and_then(|(_, value)| value.text())
                }
                _ => None,
            };
            column.push(value);
        }
    }
    let columns = columns.into_iter().map(|column| Arc::new(StringArray::from(column)) as ArrayRef).collect();
    Ok(Arc::new(StructArray::try_new_with_length(tuple_fields(count), columns, None, args[0].len())?))
}
