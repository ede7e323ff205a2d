//! The columns of a source or a static table: `[source.NAME.schema]`.

use std::collections::BTreeMap;

use crate::keys::{Keys, wrong_type};
use crate::model::{Column, ComputedColumn, DataType, TimeForm};
use crate::problem::{Problem, Problems};
use crate::reference::Part;
use crate::tree::{Entry, Section, Text, Value};
use crate::types;

use super::{checks, computed};

/// The columns of a schema.
#[derive(Default)]
pub(super) struct ReadColumns {
    /// Those of the record, or of the file.
    pub plain: Vec<Column>,
    /// Those that are computed of these.
    pub computed: Vec<ComputedColumn>,
    /// How times are written, by column.
    pub times: BTreeMap<String, TimeForm>,
}

/// Reads the columns in the order of the file.
pub(super) fn read(section: &Section, problems: &mut Problems) -> ReadColumns {
    let mut read = ReadColumns::default();
    for entry in &section.entries {
        check_name(entry, problems);
        let computed_names = read.computed.iter().map(|column| &column.name);
        let names = read.plain.iter().map(|column| &column.name).chain(computed_names);
        checks::unlike_others(names, &entry.name, &entry.name_span, "column", problems);
        column(entry, &mut read, problems);
    }
    read
}

/// Reads the columns of a static table, which has nothing but what its files have.
pub(super) fn read_plain(section: &Section, problems: &mut Problems) -> Vec<Column> {
    for (entry, column) in section.entries.iter().filter_map(|entry| Some((entry, entry.section()?))) {
        for key in column.entries.iter().filter(|key| computed::KEYS.contains(&key.name.as_str())) {
            let title = format!("`{}` is for columns of a source only", key.name);
            let problem = Problem::new(key.name_span.clone(), title).label("this is a column of a static table");
            problems.push(problem.help(format!("take it away, and convert `{}` in SQL where it is read", entry.name)));
        }
    }
    read(section, problems).plain
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

fn column(entry: &Entry, read: &mut ReadColumns, problems: &mut Problems) {
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
            column.required = keys.flag("required", problems).unwrap_or(false);
            if keys.has("expression") {
                let after = read.plain.len();
                read.computed.push(computed::column(&entry.name, &keys, after, column.required, problems));
                return;
            }
            if let Some(text) = keys.text("type", problems) {
                column.data_type = data_type(text, problems);
            }
            if let Some(field) = keys.text("field", problems) {
                column.field = field.value.clone();
            }
            if let Some(form) = computed::time_form(&keys, &column.data_type, problems) {
                read.times.insert(entry.name.clone(), form);
            }
        }
        _ => {
            let help = format!("write {} = \"string\" or another type", entry.name);
            wrong_type(&entry.node, &entry.name, "a type in quotes, or { type = … }", help, problems);
        }
    }
    read.plain.push(column);
}

/// True for `address = { city = "string" }`: no key of a column, and all values are strings.
fn looks_like_fields(section: &Section) -> bool {
    let is_key = |name: &str| crate::reference::keys(Part::Column).any(|key| key.name == name);
    !section.entries.is_empty()
        && section.entries.iter().all(|entry| !is_key(&entry.name) && matches!(entry.node.value, Value::Text(_)))
}

/// Reads a type. A wrong one is taken for a timestamp: then the watermark has nothing to say about it.
pub(super) fn data_type(text: &Text, problems: &mut Problems) -> DataType {
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
