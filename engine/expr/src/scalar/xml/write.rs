//! `to_xml(struct)`: an element of each field, indented; NULL is left out.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use chrono::DateTime;
use datafusion::common::plan_datafusion_err;
use datafusion::error::Result;

use super::super::options::Options;
use super::super::pattern::Pattern;
use super::super::read::{Kind, read_as};
use super::super::text::to_text;

/// The XML of each row.
///
/// # Errors
/// If an option is wrong, or a type has no text.
pub fn to_xml(values: &ArrayRef, options: &Options) -> Result<ArrayRef> {
    let style = Style::new(options)?;
    let shape = Shape::new(values, &style)?;
    let row_tag = options.get("rowtag").unwrap_or("ROW");
    let one = |row: usize| {
        values.is_valid(row).then(|| {
            let mut out = String::new();
            style.element(row_tag, &shape, row, 0, &mut out);
            out.trim_end().to_string()
        })
    };
    Ok(Arc::new((0..values.len()).map(one).collect::<StringArray>()))
}

struct Style {
    attribute: String,
    text: String,
    null: Option<String>,
    indent: String,
    instants: Option<Pattern>,
    days: Option<Pattern>,
}

/// A column, ready to be written.
enum Shape {
    Plain(StringArray),
    List(ArrayRef, Box<Shape>),
    Map(ArrayRef, StringArray, Box<Shape>),
    Struct(ArrayRef, Vec<(String, Shape)>),
}

impl Shape {
    fn new(values: &ArrayRef, style: &Style) -> Result<Shape> {
        Ok(match values.data_type() {
            DataType::Struct(fields) => {
                let columns = fields.iter().zip(values.as_struct().columns());
                let named = columns.map(|(field, column)| Ok((field.name().clone(), Shape::new(column, style)?)));
                Shape::Struct(Arc::clone(values), named.collect::<Result<_>>()?)
            }
            DataType::List(_) => {
                Shape::List(Arc::clone(values), Box::new(Shape::new(values.as_list::<i32>().values(), style)?))
            }
            DataType::Map(..) => {
                let map = values.as_map();
                Shape::Map(Arc::clone(values), to_text(map.keys())?, Box::new(Shape::new(map.values(), style)?))
            }
            DataType::Timestamp(..) => {
                let us = read_as(values, Kind::Instant)?;
                let us = us.as_primitive::<TimestampMicrosecondType>().iter();
                let text = |us: i64| match &style.instants {
                    Some(pattern) => pattern.format(us),
                    None => {
                        DateTime::from_timestamp_micros(us).map(|at| at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
                    }
                };
                Shape::Plain(us.map(|us| us.and_then(text)).collect())
            }
            DataType::Date32 if style.days.is_some() => {
                let us = read_as(values, Kind::Instant)?;
                let us = us.as_primitive::<TimestampMicrosecondType>().iter();
                let text = |us: i64| style.days.as_ref().and_then(|pattern| pattern.format(us));
                Shape::Plain(us.map(|us| us.and_then(text)).collect())
            }
            DataType::Binary => {
                let bytes = values.as_binary::<i32>().iter();
                let text = |bytes: &[u8]| {
                    let parts: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
                    format!("[{}]", parts.join(" "))
                };
                Shape::Plain(bytes.map(|bytes| bytes.map(text)).collect())
            }
            _ => Shape::Plain(to_text(values)?),
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Shape::Plain(texts) => texts.is_null(row),
            Shape::List(array, _) | Shape::Map(array, ..) | Shape::Struct(array, _) => array.is_null(row),
        }
    }
}

impl Style {
    fn new(options: &Options) -> Result<Style> {
        let pattern = |name: &str| {
            let read = |text| Pattern::parse(text).map_err(|what| plan_datafusion_err!("to_xml: {name}: {what}"));
            options.get(name).map(read).transpose()
        };
        Ok(Style {
            attribute: options.get("attributeprefix").unwrap_or("_").to_string(),
            text: options.get("valuetag").unwrap_or("_VALUE").to_string(),
            null: options.get("nullvalue").map(ToString::to_string),
            indent: options.get("indent").unwrap_or("    ").to_string(),
            instants: pattern("timestampformat")?,
            days: pattern("dateformat")?,
        })
    }

    fn element(&self, name: &str, shape: &Shape, row: usize, depth: usize, out: &mut String) {
        if let (Shape::List(array, items), false) = (shape, shape.is_null(row)) {
            let offsets = array.as_list::<i32>().value_offsets();
            for at in offsets[row] as usize..offsets[row + 1] as usize {
                self.element(name, items, at, depth, out);
            }
            return;
        }
        let indent = self.indent.repeat(depth);
        if shape.is_null(row) {
            if let Some(null) = &self.null {
                let _ = writeln!(out, "{indent}<{name}>{}</{name}>", escaped(null));
            }
            return;
        }
        let mut inner = String::new();
        let mut attributes = String::new();
        match shape {
            Shape::Plain(texts) => inner = escaped(texts.value(row)),
            Shape::Struct(_, fields) => {
                for (field, shape) in fields {
                    self.member(field, shape, row, depth, &mut attributes, &mut inner);
                }
            }
            Shape::Map(array, keys, values) => {
                let offsets = array.as_map().value_offsets();
                for at in offsets[row] as usize..offsets[row + 1] as usize {
                    self.member(keys.value(at), values, at, depth, &mut attributes, &mut inner);
                }
            }
            Shape::List(..) => {}
        }
        let is_nested = !matches!(shape, Shape::Plain(_));
        let _ = match (is_nested, inner.is_empty()) {
            (true, true) => writeln!(out, "{indent}<{name}{attributes}/>"),
            (true, false) if inner.contains('<') => {
                let end = if inner.ends_with('\n') { indent.as_str() } else { "\n" };
                writeln!(out, "{indent}<{name}{attributes}>\n{inner}{end}</{name}>")
            }
            _ => writeln!(out, "{indent}<{name}{attributes}>{inner}</{name}>"),
        };
    }

    fn member(&self, name: &str, shape: &Shape, row: usize, depth: usize, attributes: &mut String, inner: &mut String) {
        match shape {
            Shape::Plain(texts) if name == self.text => {
                if texts.is_valid(row) {
                    // A text stands right behind what is before it.
                    inner.truncate(inner.trim_end_matches('\n').len());
                    inner.push_str(&escaped(texts.value(row)));
                }
            }
            Shape::Plain(texts) if !self.attribute.is_empty() && name.starts_with(&self.attribute) => {
                if texts.is_valid(row) {
                    let value = escaped(texts.value(row)).replace('"', "&quot;");
                    let _ = write!(attributes, " {}=\"{value}\"", &name[self.attribute.len()..]);
                }
            }
            shape => self.element(name, shape, row, depth + 1, inner),
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
