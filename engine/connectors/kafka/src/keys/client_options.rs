//! `[source.NAME.kafka]`: settings passed to librdkafka.

use std::collections::BTreeMap;
use std::ops::Range;

use job::keys::{Keys, wrong_type};
use job::problem::is_secret;
use job::tree::{Node, Value};
use job::{Problem, Problems};

/// Settings that would break a promise of the engine or that librdkafka does not have, with what to do instead.
pub(super) const REFUSED: &[(&str, &str)] = &[
    ("auto.offset.reset", "the engine keeps its own offsets: write starting_offsets in the source"),
    ("enable.auto.commit", "offsets are committed after an epoch is published: take it away"),
    ("auto.commit.interval.ms", "offsets are committed after an epoch is published: take it away"),
    ("auto.commit.enable", "offsets are committed after an epoch is published: take it away"),
    ("enable.auto.offset.store", "the engine keeps its own offsets: take it away"),
    ("bootstrap.servers", "write brokers in the source"),
    ("metadata.broker.list", "write brokers in the source"),
    ("isolation.level", "the engine reads committed records only: take it away"),
    ("enable.partition.eof", "the engine sets it: take it away"),
    ("log.queue", "the engine reads the client's log itself: take it away"),
    ("partition.assignment.strategy", "the engine reads all partitions itself: take it away"),
    ("group.instance.id", "the engine reads all partitions itself: take it away"),
    ("group.protocol", "the engine reads all partitions itself: take it away"),
    ("max.poll.records", "a setting of the Java client: write max_offsets_per_trigger in the source"),
    ("key.deserializer", "a setting of the Java client: take it away"),
    ("value.deserializer", "a setting of the Java client: write format in the source"),
    ("sasl.jaas.config", "a setting of the Java client: write \"sasl.username\" and \"sasl.password\""),
    ("ssl.truststore.location", "a setting of the Java client: write \"ssl.ca.location\" with a PEM file"),
    ("ssl.truststore.password", "a setting of the Java client: write \"ssl.ca.location\" with a PEM file"),
];

/// Reads the settings.
pub(super) fn read(keys: &Keys<'_>, problems: &mut Problems) -> BTreeMap<String, String> {
    let mut options = BTreeMap::new();
    let Some((section, _)) = keys.section("kafka", problems) else { return options };
    for entry in &section.entries {
        let name = &entry.name;
        let value = match &entry.node.value {
            Value::Text(text) => text.value.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Boolean(value) => value.to_string(),
            Value::Broken => continue,
            Value::Datetime(_) | Value::List(_) | Value::Section(_) => {
                let help = format!("write \"{name}\" = \"…\", a list with commas in one string");
                let node = Node { span: entry.name_span.clone(), value: entry.node.value.clone() };
                wrong_type(&node, name, "a string, a number, true or false", help, problems);
                continue;
            }
        };
        let hidden = matches!(&entry.node.value, Value::Text(text) if text.hidden);
        check(name, &entry.name_span, hidden || value.is_empty(), problems);
        if options.insert(name.clone(), value).is_some() {
            let problem =
                Problem::new(entry.name_span.clone(), format!("`{name}` is set twice")).label("there already");
            problems.push(problem.help("keep one of them"));
        }
    }
    options
}

/// Checks a setting's name, and that a secret is not written out. The problems point at names only, never at values.
fn check(name: &str, at: &Range<usize>, hidden: bool, problems: &mut Problems) {
    let bare = name.strip_prefix("kafka.");
    let refused = REFUSED.iter().find(|(refused, _)| *refused == bare.unwrap_or(name));
    if let Some((_, reason)) = refused {
        let problem = Problem::new(at.clone(), format!("`{name}` cannot be set")).label("refused");
        problems.push(problem.help(*reason));
    } else if let Some(bare) = bare {
        let problem =
            Problem::new(at.clone(), format!("`{name}` is Spark's way to write it")).label("`kafka.` is too much");
        problems.push(problem.help(format!("write \"{bare}\"")));
    } else if is_secret(name) && !hidden && !name.ends_with(".url") && !name.ends_with(".location") {
        let variable = name.to_ascii_uppercase().replace(['.', '-'], "_");
        problems.push(
            Problem::new(at.clone(), format!("`{name}` is written out"))
                .label("a secret does not belong in a job file")
                .help(format!("write \"{name}\" = \"${{{variable}}}\" and set the variable")),
        );
    }
}
