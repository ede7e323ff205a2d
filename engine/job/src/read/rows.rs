//! Records and rows of a test: TOML values to JSON.

use std::ops::Range;

use serde_json::{Map, Number, Value as Json};

use crate::instant;
use crate::keys::wrong_type;
use crate::model::{Format, Source, TestRecord, TestRow};
use crate::nearest::nearest;
use crate::problem::{Problem, Problems};
use crate::tree::{Entry, Node, Section, Value};

/// The partitions that a test can have.
const PARTITION_MAX: i64 = 99;

/// What a record says of itself beside its fields.
const ENVELOPE: [&str; 4] = ["_partition", "_key", "_timestamp", "_value"];

/// A TOML value as JSON. `{}` stands for null, which TOML does not have; numbers that JSON lacks become their names.
pub(super) fn json(node: &Node) -> Json {
    match &node.value {
        Value::Text(text) => Json::String(text.value.clone()),
        Value::Integer(number) => Json::from(*number),
        Value::Float(number) => Number::from_f64(*number).map_or_else(|| Json::from(no_number(*number)), Json::Number),
        Value::Boolean(value) => Json::Bool(*value),
        Value::Datetime(datetime) => Json::String(datetime.to_string()),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Section(section) if section.entries.is_empty() => Json::Null,
        Value::Section(section) => Json::Object(object(section)),
        Value::Broken => Json::Null,
    }
}

/// A section as a JSON object.
pub(super) fn object(section: &Section) -> Map<String, Json> {
    section.entries.iter().map(|entry| (entry.name.clone(), json(&entry.node))).collect()
}

fn no_number(number: f64) -> &'static str {
    if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// The items of a key that holds a list.
fn items<'a>(entry: &'a Entry, help: &str, problems: &mut Problems) -> &'a [Node] {
    if let Value::List(items) = &entry.node.value {
        return items;
    }
    wrong_type(&entry.node, &entry.name, "a list", help.to_owned(), problems);
    &[]
}

/// The records of a source.
pub(super) fn records(entry: &Entry, source: &Source, problems: &mut Problems) -> Vec<TestRecord> {
    let help = format!("write input.{} = [{{ column = \"value\" }}]", source.name);
    let mut records = Vec::new();
    for item in items(entry, &help, problems) {
        match &item.value {
            Value::Text(text) => {
                let value = text.value.clone();
                records.push(TestRecord { partition: 0, key: None, timestamp_us: None, value });
            }
            Value::Section(section) => records.push(record(section, &item.span, source, problems)),
            _ => {
                wrong_type(item, &entry.name, "a record as { field = … } or as text in quotes", help.clone(), problems)
            }
        }
    }
    records
}

fn record(section: &Section, at: &Range<usize>, source: &Source, problems: &mut Problems) -> TestRecord {
    let mut record = TestRecord { partition: 0, key: None, timestamp_us: None, value: String::new() };
    let mut fields = Map::new();
    let mut text = None;
    for entry in &section.entries {
        match (entry.name.as_str(), &entry.node.value) {
            ("_partition", _) => record.partition = partition(entry, problems),
            ("_key", Value::Text(key)) => record.key = Some(key.value.clone()),
            ("_value", Value::Text(value)) => text = Some(value.value.clone()),
            ("_timestamp", _) => {
                let example = "_timestamp = \"2026-01-01T00:00:00Z\"";
                record.timestamp_us = instant::read_us(&entry.node, "_timestamp", example, problems);
            }
            (name @ ("_key" | "_value"), _) => {
                wrong_type(&entry.node, name, "text in quotes", format!("write {name} = \"…\""), problems);
            }
            (name, _) => {
                check_field(entry, source, problems);
                fields.insert(name.to_owned(), json(&entry.node));
            }
        }
    }
    let text_beside_fields = text.is_some() && !fields.is_empty();
    if text_beside_fields || (source.format == Format::Raw && text.is_none()) {
        let label = if text_beside_fields { "`_value` and fields" } else { "the source's format is raw" };
        problems.push(
            Problem::new(at.clone(), "the value of this record is not plain text")
                .label(label)
                .help("write the record as text in quotes, or { _value = \"…\", _partition = 1 }"),
        );
    }
    record.value = text.unwrap_or_else(|| Json::Object(fields).to_string());
    record
}

fn partition(entry: &Entry, problems: &mut Problems) -> i32 {
    match entry.node.value {
        Value::Integer(number @ 0..=PARTITION_MAX) => i32::try_from(number).unwrap_or_default(),
        Value::Integer(_) => {
            let problem = Problem::new(entry.node.span.clone(), "there is no such partition in a test");
            let label = format!("from 0 to {PARTITION_MAX}");
            problems.push(problem.label(label).help("write for example _partition = 1"));
            0
        }
        _ => {
            let help = "write for example _partition = 1".to_owned();
            wrong_type(&entry.node, "_partition", "a whole number", help, problems);
            0
        }
    }
}

/// A field that the source does not read is a slip; who means it writes the record as text.
fn check_field(entry: &Entry, source: &Source, problems: &mut Problems) {
    if source.format == Format::Raw || source.schema.iter().any(|column| column.field == entry.name) {
        return;
    }
    let fields = source.schema.iter().map(|column| column.field.as_str());
    let column = source.schema.iter().find(|column| column.name == entry.name);
    let is_computed = source.computed.iter().any(|column| column.name == entry.name);
    let help = match (column, nearest(&entry.name, fields.chain(ENVELOPE))) {
        (Some(column), _) => format!("write `{}`: a record names fields, and that is the column's field", column.field),
        _ if is_computed => "the column is computed: write the fields that its expression reads".to_owned(),
        (None, Some(near)) => {
            format!("write `{near}`; for a field that the source does not read, write the record as text")
        }
        (None, None) => "write a field of its schema; for other fields, write the record as text in quotes".to_owned(),
    };
    problems.push(
        Problem::new(entry.name_span.clone(), format!("the source `{}` has no field `{}`", source.name, entry.name))
            .label("not in its schema")
            .help(help),
    );
}

/// The rows that a static table holds.
pub(super) fn static_rows(entry: &Entry, problems: &mut Problems) -> Vec<Map<String, Json>> {
    let help = format!("write static.{} = [{{ column = \"value\" }}]", entry.name);
    let mut rows = Vec::new();
    for item in items(entry, &help, problems) {
        match &item.value {
            Value::Section(section) => rows.push(object(section)),
            _ => wrong_type(item, &entry.name, "a row as { column = … }", help.clone(), problems),
        }
    }
    rows
}

/// The rows that a table must hold.
pub(super) fn expected(entry: &Entry, problems: &mut Problems) -> Vec<TestRow> {
    let help = "write rows as [{ column = 1, other = \"x\" }], or all columns in order as [[1, \"x\"]]";
    let mut rows = Vec::new();
    for item in items(entry, help, problems) {
        let row = match &item.value {
            Value::Section(section) => TestRow::Named(object(section)),
            Value::List(values) => TestRow::Listed(values.iter().map(json).collect()),
            _ => {
                wrong_type(item, &entry.name, "a row as { column = … } or as [ … ]", help.to_owned(), problems);
                continue;
            }
        };
        check_like_first(&rows, &row, &item.span, problems);
        rows.push(row);
    }
    rows
}

fn check_like_first(rows: &[TestRow], row: &TestRow, at: &Range<usize>, problems: &mut Problems) {
    let title = match (rows.first(), row) {
        (Some(TestRow::Named(_)), TestRow::Listed(_)) | (Some(TestRow::Listed(_)), TestRow::Named(_)) => {
            "rows are written in two ways"
        }
        (Some(TestRow::Listed(first)), TestRow::Listed(row)) if first.len() != row.len() => {
            "rows differ in their number of columns"
        }
        _ => return,
    };
    problems.push(
        Problem::new(at.clone(), title)
            .label("not like the first row of the list")
            .help("write all rows of a list alike, as [{ column = 1 }] or as [[1, \"x\"]]; `{}` stands for NULL"),
    );
}
