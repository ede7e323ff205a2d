//! `from_xml(text, schema)`: PERMISSIVE, as Spark's default. A row in which something does not fit has nothing but its text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StructArray, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::compute::{kernels::zip::zip, not};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{internal_err, plan_datafusion_err};
use datafusion::error::Result;

use super::super::json::build::structs;
use super::super::json::options::CORRUPT;
use super::super::json::parse::Value;
use super::super::options::Options;
use super::super::pattern::Pattern;
use super::super::text::instant_text;
use super::document::{Document, Place};

/// Structs of XML texts.
///
/// # Errors
/// If an option is wrong, or a type is none that XML has.
pub fn from_xml(texts: &StringArray, kind: &DataType, options: &Options) -> Result<ArrayRef> {
    let DataType::Struct(fields) = kind else { return internal_err!("from_xml gives structs") };
    let reader = Reader::new(options)?;
    let mut corrupt = vec![false; texts.len()];
    let mut values = Vec::with_capacity(texts.len());
    for (row, text) in texts.iter().enumerate() {
        let document = text.map(Document::parse);
        corrupt[row] = matches!(document, Some(Err(_)));
        values.push(match document {
            Some(Ok(document)) => Some(reader.object(&document, document.top(), fields)),
            _ => None,
        });
    }
    let rows: Vec<(usize, Option<&Value>)> = values.iter().map(Option::as_ref).enumerate().collect();
    let read = structs(fields, &rows, &mut corrupt, &super::super::json::options::Options::default())?;
    let fits = not(&arrow::array::BooleanArray::from(corrupt.clone()))?;
    let columns = read.as_struct().columns().iter().zip(fields).map(|(column, field)| match is_corrupt(field) {
        true => {
            let kept = texts.iter().zip(&corrupt).map(|(text, is_corrupt)| text.filter(|_| *is_corrupt));
            Ok(Arc::new(kept.collect::<StringArray>()) as ArrayRef)
        }
        false => Ok(zip(&fits, column, &new_null_array(column.data_type(), column.len()))?),
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let nulls = NullBuffer::from_iter(texts.iter().map(|text| text.is_some()));
    Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, Some(nulls), texts.len())?))
}

fn is_corrupt(field: &Field) -> bool {
    field.name() == CORRUPT && field.data_type() == &DataType::Utf8
}

struct Reader {
    attribute: String,
    text: String,
    null: Option<String>,
    instants: Option<Pattern>,
    days: Option<Pattern>,
}

impl Reader {
    fn new(options: &Options) -> Result<Reader> {
        let pattern = |name: &str| {
            let read = |text| Pattern::parse(text).map_err(|what| plan_datafusion_err!("from_xml: {name}: {what}"));
            options.get(name).map(read).transpose()
        };
        Ok(Reader {
            attribute: options.get("attributeprefix").unwrap_or("_").to_string(),
            text: options.get("valuetag").unwrap_or("_VALUE").to_string(),
            null: options.get("nullvalue").map(ToString::to_string),
            instants: pattern("timestampformat")?,
            days: pattern("dateformat")?,
        })
    }

    /// An element as the object that the fields ask for.
    fn object(&self, document: &Document, element: Place, fields: &Fields) -> Value {
        let members = fields.iter().filter_map(|field| {
            let value = self.field(document, element, field)?;
            Some((field.name().clone(), value))
        });
        Value::Object(members.collect())
    }

    fn field(&self, document: &Document, element: Place, field: &Field) -> Option<Value> {
        let (name, kind) = (field.name(), field.data_type());
        if *name == self.text {
            let texts = document.children(element).into_iter().filter_map(|child| document.value(child));
            let text: String = texts.collect();
            return (!text.trim().is_empty()).then(|| self.plain(&text, kind));
        }
        if let Some(attribute) = name.strip_prefix(self.attribute.as_str()).filter(|_| !self.attribute.is_empty()) {
            let is_it = |place: &&Place| document.name(**place).is_some_and(|other| same(other, attribute));
            if let Some(place) = document.attributes(element).iter().find(is_it) {
                return document.value(*place).map(|text| self.plain(&text, kind));
            }
        }
        let children = document.children(element).into_iter();
        let found: Vec<Place> =
            children.filter(|child| document.name(*child).is_some_and(|other| same(other, name))).collect();
        match kind {
            DataType::List(item) if !found.is_empty() => {
                Some(Value::Array(found.iter().map(|child| self.value(document, *child, item.data_type())).collect()))
            }
            // Of several the last counts.
            kind => found.last().map(|child| self.value(document, *child, kind)),
        }
    }

    fn value(&self, document: &Document, element: Place, kind: &DataType) -> Value {
        match kind {
            DataType::Struct(fields) => self.object(document, element, fields),
            DataType::Map(entries, _) => {
                let DataType::Struct(pair) = entries.data_type() else { return Value::Null };
                let children = document.children(element).into_iter();
                let members = children.filter_map(|child| {
                    let name = document.name(child)?.to_string();
                    Some((name, self.value(document, child, pair[1].data_type())))
                });
                Value::Object(members.collect())
            }
            kind => self.plain(&document.text_of(element), kind),
        }
    }

    fn plain(&self, text: &str, kind: &DataType) -> Value {
        let text = text.trim();
        if self.null.as_deref() == Some(text) {
            return Value::Null;
        }
        let timed = |pattern: &Pattern| match pattern.read(text) {
            Some(us) => Value::Text(instant_text(us)),
            None => Value::Text(text.to_string()),
        };
        match (kind, &self.instants, &self.days) {
            (DataType::Timestamp(..), Some(pattern), _) | (DataType::Date32, _, Some(pattern)) => timed(pattern),
            (DataType::Utf8 | DataType::Binary, ..) => Value::Text(text.to_string()),
            _ if text.is_empty() => Value::Null,
            (DataType::Boolean, ..) => match text.to_lowercase().as_str() {
                "true" | "1" => Value::Flag(true),
                "false" | "0" => Value::Flag(false),
                _ => Value::Text(text.to_string()),
            },
            (kind, ..) if kind.is_numeric() && text.parse::<f64>().is_ok_and(f64::is_finite) => {
                Value::Number(text.strip_prefix('+').unwrap_or(text).to_string())
            }
            _ => Value::Text(text.to_string()),
        }
    }
}

/// Names have no case.
fn same(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}
