//! The columns of a source: `[source.NAME.schema]`.

use crate::keys::{Keys, wrong_type};
use crate::model::{Column, DataType};
use crate::problem::{Problem, Problems};
use crate::reference::Part;
use crate::tree::{Entry, Section, Text, Value};
use crate::types;

use super::checks;

/// Reads the columns in the order of the file.
pub(super) fn read(section: &Section, problems: &mut Problems) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::with_capacity(section.entries.len());
    for entry in &section.entries {
        check_name(entry, problems);
        let names = columns.iter().map(|column| &column.name);
        checks::unlike_others(names, &entry.name, &entry.name_span, "column", problems);
        columns.push(column(entry, problems));
    }
    columns
}

fn check_name(entry: &Entry, problems: &mut Problems) {
    if entry.name.starts_with('_') {
        let field = format!("{} = {{ type = \"…\", field = \"{}\" }}", entry.name.trim_start_matches('_'), entry.name);
        problems.push(
            Problem::new(entry.name_span.clone(), format!("the column name `{}` is reserved", entry.name))
                .label("names that begin with `_` belong to the engine")
                .help(format!("give the column another name and keep the field: {field}")),
        );
    } else {
        checks::identifier(&entry.name, &entry.name_span, "column", problems);
    }
}

fn column(entry: &Entry, problems: &mut Problems) -> Column {
    let mut column =
        Column { name: entry.name.clone(), field: entry.name.clone(), data_type: DataType::Timestamp, required: false };
    match &entry.node.value {
        Value::Text(text) => column.data_type = data_type(text, problems),
        Value::Section(section) if looks_like_fields(section) => problems.push(
            Problem::new(entry.name_span.clone(), format!("`{}` is not written as a type", entry.name))
                .label("fields inside a column are written in its type")
                .help(format!("write {} = \"struct<name:type,…>\"", entry.name)),
        ),
        Value::Section(section) => {
            let title = format!("the column `{}`", entry.name);
            let keys = Keys::of_part(section, entry.name_span.clone(), &title, Part::Column, problems);
            if let Some(text) = keys.text("type", problems) {
                column.data_type = data_type(text, problems);
            }
            if let Some(field) = keys.text("field", problems) {
                column.field = field.value.clone();
            }
            column.required = keys.flag("required", problems).unwrap_or(false);
        }
        _ => {
            let help = format!("write {} = \"string\" or another type", entry.name);
            wrong_type(&entry.node, &entry.name, "a type in quotes, or { type = … }", help, problems);
        }
    }
    column
}

/// True for `address = { city = "string" }`: no key of a column, and all values are strings.
fn looks_like_fields(section: &Section) -> bool {
    let is_key = |name: &str| crate::reference::keys(Part::Column).any(|key| key.name == name);
    !section.entries.is_empty()
        && section.entries.iter().all(|entry| !is_key(&entry.name) && matches!(entry.node.value, Value::Text(_)))
}

/// Reads a type. A wrong one is taken for a timestamp: then the watermark has nothing to say about it.
fn data_type(text: &Text, problems: &mut Problems) -> DataType {
    match types::parse(&text.value) {
        Ok(data_type) => data_type,
        Err(fault) => {
            let title = format!("{} is not a type", text.shown());
            let mut problem = Problem::new(text.place(fault.range), title).label(fault.label).help(fault.help);
            if fault.label == "no such type" {
                problem = problem.code("UNSUPPORTED_DATATYPE");
            }
            problems.push(problem);
            DataType::Timestamp
        }
    }
}
