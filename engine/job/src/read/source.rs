//! A section `[source.NAME]`.

use std::ops::Range;

use epoch::{WatermarkPolicy, WatermarkScope};

use crate::model::{Column, DataType, Format, Kafka, OnDataLoss, OnError, Source, StartingOffsets, Topics, Watermark};
use crate::nearest::nearest;
use crate::problem::{Problem, Problems};
use crate::reference::Part;
use crate::tree::{Section, Text, Value};

use super::keys::{Keys, missing, wrong_type};
use super::{columns, kafka, offsets};

const IDLE_TIMEOUT_US: i64 = 60_000_000;

/// Reads a source.
pub(super) fn read(name: &str, section: &Section, at: &Range<usize>, problems: &mut Problems) -> Source {
    let keys = Keys::new(section, at.clone(), &format!("[source.{name}]"), Part::Source, problems);
    check_connector(&keys, problems);
    let format = format(&keys, problems);
    let topics = topics(&keys, problems);
    let kafka = Kafka {
        brokers: brokers(&keys, problems),
        starting_offsets: starting_offsets(&keys, &topics, problems),
        ending_offsets: keys
            .section("ending_offsets", problems)
            .map(|(section, at)| offsets::ending(section, &at, &topics, problems)),
        topics,
        max_offsets_per_trigger: keys.count("max_offsets_per_trigger", problems),
        on_data_loss: keys
            .choice("on_data_loss", &[("stop", OnDataLoss::Stop), ("continue", OnDataLoss::Continue)], problems)
            .unwrap_or(OnDataLoss::Stop),
        options: keys
            .section("kafka", problems)
            .map(|(section, _)| kafka::options(section, problems))
            .unwrap_or_default(),
    };
    let on_error = [("dead_letter", OnError::DeadLetter), ("drop", OnError::Drop), ("fail", OnError::Fail)];
    let on_error = keys.choice("on_error", &on_error, problems).unwrap_or(OnError::DeadLetter);
    let schema = schema(name, &keys, format, problems);
    let watermark = keys.section("watermark", problems);
    let watermark = watermark.map(|(section, at)| read_watermark(section, at, &schema, problems));
    Source { name: name.to_owned(), kafka, format, on_error, watermark, schema }
}

fn check_connector(keys: &Keys<'_>, problems: &mut Problems) {
    let Some(text) = keys.text("connector", problems) else { return };
    let label = match text.value.as_str() {
        "kafka" => return,
        "files" => "not yet: file sources are planned",
        _ => "no such connector",
    };
    let problem = Problem::new(text.content.clone(), format!("`connector` cannot be {}", text.shown()));
    problems.push(problem.label(label).help("write connector = \"kafka\": Kafka is the only source for now"));
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

fn brokers(keys: &Keys<'_>, problems: &mut Problems) -> String {
    let Some(text) = keys.text("brokers", problems) else { return String::new() };
    let mut end = 0;
    for part in text.value.split(',') {
        let broker = part.trim();
        let start = end + (part.len() - part.trim_start().len());
        end += part.len() + 1;
        let Some(label) = broker_fault(broker) else { continue };
        let title = if text.hidden {
            "a broker's address is wrong".to_owned()
        } else {
            format!("`{}` is not the address of a broker", broker)
        };
        problems.push(
            Problem::new(text.place(start..start + broker.len()), title)
                .label(label)
                .help("write host:port, several with commas between them, as \"kafka-1:9092,kafka-2:9092\""),
        );
    }
    text.value.clone()
}

fn broker_fault(broker: &str) -> Option<&'static str> {
    // librdkafka takes `SASL_SSL://host:port` too.
    let address = broker.split_once("://").map_or(broker, |(_, address)| address);
    if address.is_empty() {
        return Some("an address is missing between the commas");
    }
    match address.rsplit_once(':') {
        None => Some("the port is missing"),
        Some(("", _)) => Some("the host is missing"),
        Some((host, _)) if host.contains(char::is_whitespace) => Some("a space is in the host's name"),
        Some((_, port)) => match port.parse::<u16>() {
            Ok(1..) => None,
            _ => Some("the port must be a number from 1 to 65535"),
        },
    }
}

fn topics(keys: &Keys<'_>, problems: &mut Problems) -> Topics {
    let given: Vec<&str> = ["topic", "topics", "topic_pattern"].into_iter().filter(|name| keys.has(name)).collect();
    match given.as_slice() {
        [] if ["topic", "topics", "topic_pattern"].into_iter().any(|name| keys.is_misspelt(name)) => {}
        [] => problems.push(
            missing(keys.at(), "the source does not say which topic to read")
                .help("add topic = \"…\", topics = [\"…\", \"…\"] or topic_pattern = \"…\""),
        ),
        [_] => {}
        [first, second, ..] => {
            let place = keys.get(second, problems).map_or(keys.at(), |entry| entry.name_span.clone());
            problems.push(
                Problem::new(place, "the source says twice which topic to read")
                    .label(format!("`{first}` is there too"))
                    .help("keep one of topic, topics and topic_pattern"),
            );
        }
    }
    if given.contains(&"topic_pattern") {
        let pattern = keys.text("topic_pattern", problems);
        if let Some(text) = pattern {
            check_pattern(text, problems);
        }
        return Topics::Pattern(pattern.map(|text| text.value.clone()).unwrap_or_default());
    }
    if given.contains(&"topics") {
        return Topics::Named(topic_list(keys, problems));
    }
    let topic = if given.contains(&"topic") { keys.text("topic", problems) } else { None };
    if let Some(text) = topic {
        check_topic(text, problems);
    }
    Topics::Named(topic.map(|text| text.value.clone()).into_iter().collect())
}

fn topic_list(keys: &Keys<'_>, problems: &mut Problems) -> Vec<String> {
    let Some(entry) = keys.get("topics", problems) else { return Vec::new() };
    let Value::List(items) = &entry.node.value else {
        keys.wrong_type(entry, problems);
        return Vec::new();
    };
    let mut topics: Vec<String> = Vec::new();
    for item in items {
        let Value::Text(text) = &item.value else {
            wrong_type(item, "topics", "a topic's name in quotes", keys.example("topics"), problems);
            continue;
        };
        check_topic(text, problems);
        if topics.contains(&text.value) {
            let problem = Problem::new(text.content.clone(), "a topic is named twice").label("there already");
            problems.push(problem.help("name each topic once"));
        }
        topics.push(text.value.clone());
    }
    if items.is_empty() {
        let problem = Problem::new(entry.node.span.clone(), "`topics` is empty").label("nothing is in it");
        problems.push(problem.help(keys.example("topics")));
    }
    topics
}

fn check_topic(text: &Text, problems: &mut Problems) {
    let legal = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '_' | '-');
    let name = text.value.as_str();
    if name.contains(',') {
        let problem =
            Problem::new(text.content.clone(), "several topics in one string").label("a comma is in the name");
        problems.push(problem.help("write topics = [\"…\", \"…\"]"));
    } else if name.is_empty() || name.len() > 249 || matches!(name, "." | "..") || !name.chars().all(legal) {
        problems.push(
            Problem::new(text.content.clone(), format!("a topic cannot be called {}", text.shown()))
                .label("Kafka takes letters, digits, `.`, `_` and `-`, at most 249")
                .help("write the topic's name as Kafka knows it; for a regular expression use topic_pattern"),
        );
    }
}

fn check_pattern(text: &Text, problems: &mut Problems) {
    let place_of = |span: &regex_syntax::ast::Span| span.start.offset..span.end.offset;
    let (place, label) = match regex_syntax::parse(&text.value) {
        Ok(_) => return,
        Err(regex_syntax::Error::Parse(error)) => (place_of(error.span()), error.kind().to_string()),
        Err(regex_syntax::Error::Translate(error)) => (place_of(error.span()), error.kind().to_string()),
        Err(_) => (0..text.value.len(), "not a regular expression".to_owned()),
    };
    let problem = Problem::new(text.place(place), "`topic_pattern` is not a regular expression").label(label);
    problems.push(problem.help("write for example topic_pattern = 'orders-.*'; a point in a name is written \\."));
}

fn starting_offsets(keys: &Keys<'_>, topics: &Topics, problems: &mut Problems) -> StartingOffsets {
    match keys.get("starting_offsets", problems) {
        None => StartingOffsets::Latest,
        Some(entry) => match &entry.node.value {
            Value::Section(section) => offsets::starting(section, &entry.node.span, topics, problems),
            Value::Text(_) => {
                let words = [("earliest", StartingWord::Earliest), ("latest", StartingWord::Latest)];
                match keys.choice("starting_offsets", &words, problems) {
                    Some(StartingWord::Earliest) => StartingOffsets::Earliest,
                    _ => StartingOffsets::Latest,
                }
            }
            _ => {
                keys.wrong_type(entry, problems);
                StartingOffsets::Latest
            }
        },
    }
}

#[derive(Clone, Copy)]
enum StartingWord {
    Earliest,
    Latest,
}

fn schema(name: &str, keys: &Keys<'_>, format: Format, problems: &mut Problems) -> Vec<Column> {
    let value = || Column { name: "value".into(), field: "value".into(), data_type: DataType::Binary, required: false };
    let Some((section, at)) = keys.section("schema", problems) else {
        if format == Format::Raw {
            return vec![value()];
        }
        if !keys.has("schema") && !keys.is_misspelt("schema") {
            let help = format!("add [source.{name}.schema] with a line for each field, as event_id = \"string\"");
            problems.push(missing(keys.at(), "the source has no schema").help(help));
        }
        return Vec::new();
    };
    let problems_before = problems.len();
    let columns = columns::read(section, problems);
    if problems.len() > problems_before {
        problems.blur();
    }
    let is_value =
        |column: &Column| column.name == "value" && matches!(column.data_type, DataType::Binary | DataType::String);
    if format == Format::Raw && !matches!(columns.as_slice(), [column] if is_value(column)) {
        problems.push(
            Problem::new(at.clone(), "with format = \"raw\" there is one column, `value`")
                .label("these columns are not in the records")
                .help("write value = \"binary\" or value = \"string\" as the only column, or use format = \"json\""),
        );
    }
    if section.entries.is_empty() {
        let problem = Problem::new(at, "the schema is empty").label("no column");
        problems.push(problem.help("add a line for each field, as event_id = \"string\""));
    }
    columns
}

fn read_watermark(section: &Section, at: Range<usize>, schema: &[Column], problems: &mut Problems) -> Watermark {
    let keys = Keys::new(section, at, "a watermark", Part::Watermark, problems);
    let column = keys.text("column", problems);
    // Without any column there is a problem already.
    if let (Some(column), false) = (column, schema.is_empty()) {
        check_event_time(column, schema, problems);
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

fn check_event_time(text: &Text, schema: &[Column], problems: &mut Problems) {
    let problem = |title: &str| Problem::new(text.content.clone(), title);
    match schema.iter().find(|column| column.name == text.value) {
        Some(column) if column.data_type == DataType::Timestamp => {}
        Some(column) => problems.push(
            problem("the event time must be a timestamp")
                .label("this column has another type")
                .help(format!("write {} = \"timestamp\" in the schema, or name another column here", column.name))
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
            let times: Vec<&str> = times.map(|column| column.name.as_str()).collect();
            let near = if text.hidden { None } else { nearest(&text.value, times.iter().copied()) };
            let help = match (near, times.as_slice()) {
                (Some(near), _) => format!("write column = \"{near}\""),
                (None, [only]) => format!("write column = \"{only}\""),
                (None, []) => "add a column of the type timestamp to the schema".to_owned(),
                (None, times) => format!("name one of the columns {}", times.join(", ")),
            };
            let code = "UNRESOLVED_COLUMN.WITH_SUGGESTION";
            problems.push(problem("the schema has no such column").label("not in the schema").help(help).code(code));
        }
    }
}
