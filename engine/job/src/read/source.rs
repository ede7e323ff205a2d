//! A section `[source.NAME]`.

use std::ops::Range;
use std::sync::Arc;

use epoch::{WatermarkPolicy, WatermarkScope};

use crate::connector::{ConnectorKeys, Connectors, ReadSource};
use crate::keys::{Keys, missing, wrong_type};
use crate::model::{Column, ConnectorSettings, DataType, Format, OnError, Source, Watermark};
use crate::nearest::nearest;
use crate::problem::{Problem, Problems};
use crate::reference::{PLANNED_CONNECTORS, Part};
use crate::tree::{Section, Text, Value};

use super::columns::{self, ReadColumns};

const IDLE_TIMEOUT_US: i64 = 60_000_000;

/// What happens to what cannot be read or computed.
pub(super) const ON_ERROR: [(&str, OnError); 3] =
    [("dead_letter", OnError::DeadLetter), ("drop", OnError::Drop), ("fail", OnError::Fail)];

/// Reads a source.
pub(super) fn read(
    name: &str,
    section: &Section,
    at: &Range<usize>,
    connectors: Connectors<'_>,
    problems: &mut Problems,
) -> Source {
    let connector = connectors.of_source(section);
    let allowed = connectors.source_keys(connector);
    let keys = Keys::new(section, at.clone(), &format!("[source.{name}]"), allowed, problems);
    check_connector(&keys, connectors, problems);
    let format = format(&keys, problems);
    let ReadSource { settings, records_per_epoch_max } = match connector {
        Some(connector) => connector.read(&keys, problems),
        None => ReadSource { settings: Arc::new(Unread), records_per_epoch_max: None },
    };
    let on_error = keys.choice("on_error", &ON_ERROR, problems).unwrap_or(OnError::DeadLetter);
    let columns = schema(name, &keys, format, problems);
    let watermark = keys.section("watermark", problems);
    let watermark = watermark.map(|(section, at)| read_watermark(section, at, &columns, problems));
    let ReadColumns { plain, computed, times } = columns;
    let connector = connector.map_or("", ConnectorKeys::name).to_owned();
    let was = keys.text("was", problems).map(|text| text.value.clone());
    Source {
        name: name.to_owned(),
        was,
        connector,
        settings,
        records_per_epoch_max,
        format,
        on_error,
        watermark,
        schema: plain,
        computed,
        times,
    }
}

/// The settings of a source whose connector is not known. There is a problem then, so nobody reads with them.
#[derive(Debug)]
struct Unread;

impl ConnectorSettings for Unread {
    fn is_bounded(&self) -> bool {
        false
    }

    fn equals(&self, other: &dyn ConnectorSettings) -> bool {
        other.downcast::<Unread>().is_some()
    }
}

fn check_connector(keys: &Keys<'_>, connectors: Connectors<'_>, problems: &mut Problems) {
    let Some(entry) = keys.get("connector", problems) else { return };
    if !matches!(entry.node.value, Value::Text(_)) {
        let help = keys.example("connector");
        return wrong_type(&entry.node, "connector", &connectors.quoted(), help, problems);
    }
    let Some(text) = keys.text("connector", problems) else { return };
    if connectors.get(&text.value).is_some() {
        return;
    }
    let label = match PLANNED_CONNECTORS.iter().find(|(planned, _)| *planned == text.value) {
        Some((_, plan)) => format!("not yet: {plan}"),
        None => "no such connector".to_owned(),
    };
    let problem = Problem::new(text.content.clone(), format!("`connector` cannot be {}", text.shown()));
    problems.push(problem.label(label).help(connectors.help()));
}

fn format(keys: &Keys<'_>, problems: &mut Problems) -> Format {
    if let Some(entry) = keys.get("format", problems)
        && let Value::Text(text) = &entry.node.value
        && matches!(text.value.as_str(), "avro" | "csv")
    {
        let problem = Problem::new(text.content.clone(), format!("`format` cannot be {}", text.shown()));
        let help = "use format = \"json\", or \"raw\" and read the column `value` in SQL";
        problems.push(problem.label("not yet: this format is planned").help(help));
        return Format::Json;
    }
    keys.choice("format", &[("json", Format::Json), ("raw", Format::Raw)], problems).unwrap_or(Format::Json)
}

fn schema(name: &str, keys: &Keys<'_>, format: Format, problems: &mut Problems) -> ReadColumns {
    let value = || Column { name: "value".into(), field: "value".into(), data_type: DataType::Binary, required: false };
    let Some((section, at)) = keys.section("schema", problems) else {
        if format == Format::Raw {
            return ReadColumns { plain: vec![value()], ..ReadColumns::default() };
        }
        if !keys.has("schema") && !keys.is_misspelt("schema") {
            let help = format!("add [source.{name}.schema] with a line for each field, as event_id = \"string\"");
            problems.push(missing(keys.at(), "the source has no schema").help(help));
        }
        return ReadColumns::default();
    };
    let problems_before = problems.len();
    let mut columns = columns::read(section, problems);
    if problems.len() > problems_before {
        problems.blur();
    }
    let is_value =
        |column: &Column| column.name == "value" && matches!(column.data_type, DataType::Binary | DataType::String);
    if columns.plain.is_empty() && !columns.computed.is_empty() {
        match format {
            Format::Raw => columns.plain.push(value()),
            Format::Json => problems.push(
                Problem::new(at.clone(), "the schema has computed columns only")
                    .label("no field of the record is read")
                    .help("add a line for each field that is read, as event_id = \"string\""),
            ),
        }
        // All stand behind the value.
        columns.computed.iter_mut().for_each(|column| column.after = columns.plain.len());
    }
    if format == Format::Raw && !matches!(columns.plain.as_slice(), [column] if is_value(column)) {
        problems.push(
            Problem::new(at.clone(), "with format = \"raw\" there is one column, `value`")
                .label("these columns are not in the records")
                .help("write value = \"binary\" or value = \"string\" as the only column that is not computed, or use format = \"json\""),
        );
    }
    if section.entries.is_empty() {
        let problem = Problem::new(at, "the schema is empty").label("no column");
        problems.push(problem.help("add a line for each field, as event_id = \"string\""));
    }
    columns
}

fn read_watermark(section: &Section, at: Range<usize>, columns: &ReadColumns, problems: &mut Problems) -> Watermark {
    let keys = Keys::of_part(section, at, "a watermark", Part::Watermark, problems);
    let column = keys.text("column", problems);
    // Without any column there is a problem already.
    if let (Some(column), false) = (column, columns.plain.is_empty()) {
        check_event_time(column, columns, problems);
    }
    let delay_us = keys.duration_us("delay", false, problems).flatten().unwrap_or_default();
    let idle_timeout_us = if keys.has("idle_timeout") {
        keys.duration_us("idle_timeout", true, problems).flatten()
    } else {
        Some(IDLE_TIMEOUT_US)
    };
    if let (Some(0), Some(text)) = (idle_timeout_us, keys.text("idle_timeout", problems)) {
        let problem =
            Problem::new(text.content.clone(), "`idle_timeout` is zero").label("every partition would be idle");
        problems.push(problem.help(keys.example("idle_timeout")));
    }
    let scopes = [("partition", WatermarkScope::Partition), ("source", WatermarkScope::Source)];
    let scope = keys.choice("scope", &scopes, problems).unwrap_or(WatermarkScope::Partition);
    Watermark {
        column: column.map(|text| text.value.clone()).unwrap_or_default(),
        policy: WatermarkPolicy { delay_us, idle_timeout_us, scope },
        future_limit_us: keys.duration_us("future_limit", true, problems).flatten(),
    }
}

/// The type of a computed column shows only when its expression is planned: that it is a timestamp is checked there.
fn check_event_time(text: &Text, columns: &ReadColumns, problems: &mut Problems) {
    if text.value == "_timestamp" || columns.computed.iter().any(|column| column.name == text.value) {
        return;
    }
    let schema = &columns.plain;
    let problem = |title: &str| Problem::new(text.content.clone(), title);
    match schema.iter().find(|column| column.name == text.value) {
        Some(column) if column.data_type == DataType::Timestamp => {}
        Some(column) => problems.push(
            problem("the event time must be a timestamp")
                .label("this column has another type")
                .help(computed_help(column))
                .code("EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE"),
        ),
        None if text.value.contains('.') => problems.push(
            problem("the event time must be a column, not a field inside one")
                .label("a path with a point")
                .help("add the time to the schema as a column of its own")
                .code("EVENT_TIME_MUST_BE_TOP_LEVEL_COLUMN"),
        ),
        None => {
            let times = schema.iter().filter(|column| column.data_type == DataType::Timestamp);
            let computed = columns.computed.iter().map(|column| column.name.as_str());
            let times: Vec<&str> = times.map(|column| column.name.as_str()).chain(computed).collect();
            let near = if text.hidden { None } else { nearest(&text.value, times.iter().copied()) };
            let help = match (near, times.as_slice()) {
                (Some(near), _) => format!("write column = \"{near}\""),
                (None, [only]) => format!("write column = \"{only}\""),
                (None, []) => {
                    "add a column of the type timestamp to the schema, or write column = \"_timestamp\"".to_owned()
                }
                (None, times) => format!("name one of the columns {}", times.join(", ")),
            };
            let code = "UNRESOLVED_COLUMN.WITH_SUGGESTION";
            problems.push(problem("the schema has no such column").label("not in the schema").help(help).code(code));
        }
    }
}

/// How a column of another type becomes an event time.
fn computed_help(column: &Column) -> String {
    let name = &column.name;
    match column.data_type {
        DataType::Int | DataType::BigInt => format!(
            "for milliseconds since 1970 write {name} = {{ type = \"timestamp\", unit = \"ms\" }} in the schema, or name another column here"
        ),
        _ => format!("write {name} = \"timestamp\" in the schema, or name another column here"),
    }
}
