//! The keys `starting_offsets` and `ending_offsets`: a word, offsets by partition, offsets by topic, or a time.

use std::collections::BTreeMap;
use std::ops::Range;

use job::instant;
use job::keys::{Keys, wrong_type};
use job::tree::{Entry, Section, Value};
use job::{Problem, Problems, nearest};

use crate::settings::{StartingOffsets, Topics};

use super::topics::ReadTopics;

type ByPartition = BTreeMap<i32, i64>;
type ByTopic = BTreeMap<String, ByPartition>;

/// The key that is being read.
#[derive(Clone, Copy)]
struct OffsetKey {
    name: &'static str,
    /// The least number that it takes.
    least: i64,
    /// What to write in place of a wrong offset.
    offset_help: &'static str,
}

const STARTING: OffsetKey = OffsetKey {
    name: "starting_offsets",
    least: -2,
    offset_help: "write an offset from 0 on, -2 for earliest or -1 for latest",
};
const ENDING: OffsetKey =
    OffsetKey { name: "ending_offsets", least: -1, offset_help: "write an offset from 0 on, or -1 for latest" };

/// Reads `starting_offsets`.
pub(super) fn starting(keys: &Keys<'_>, topics: &ReadTopics, problems: &mut Problems) -> StartingOffsets {
    match keys.get("starting_offsets", problems) {
        None => StartingOffsets::Latest,
        Some(entry) => match &entry.node.value {
            Value::Section(section) => starting_section(section, &entry.node.span, topics, problems),
            Value::Text(_) => {
                let words = [("earliest", true), ("latest", false)];
                match keys.choice("starting_offsets", &words, problems) {
                    Some(true) => StartingOffsets::Earliest,
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

fn starting_section(
    section: &Section,
    at: &Range<usize>,
    topics: &ReadTopics,
    problems: &mut Problems,
) -> StartingOffsets {
    let inner = |entry: &Entry| matches!(entry.node.value, Value::Section(_));
    if let Some(entry) = section.get("timestamp").filter(|entry| !inner(entry)) {
        for other in section.entries.iter().filter(|other| other.name != "timestamp") {
            let problem = Problem::new(other.name_span.clone(), "a time and offsets at once");
            problems.push(problem.label("a time is given already").help("keep the time or the offsets"));
        }
        return StartingOffsets::TimestampMs(timestamp_ms(entry, problems));
    }
    StartingOffsets::Offsets(by_topic(STARTING, section, at, topics, problems))
}

/// Reads `ending_offsets`.
pub(super) fn ending(keys: &Keys<'_>, topics: &ReadTopics, problems: &mut Problems) -> Option<ByTopic> {
    let (section, at) = keys.section("ending_offsets", problems)?;
    Some(by_topic(ENDING, section, &at, topics, problems))
}

fn by_topic(
    key: OffsetKey,
    section: &Section,
    at: &Range<usize>,
    topics: &ReadTopics,
    problems: &mut Problems,
) -> ByTopic {
    if section.entries.is_empty() {
        let problem = Problem::new(at.clone(), format!("`{}` is empty", key.name)).label("nothing is in it");
        problems.push(
            problem.help(format!("write an offset for each partition, as {{\"0\" = 23, \"1\" = {}}}", key.least)),
        );
    }
    let mut offsets = ByTopic::new();
    for entry in &section.entries {
        match (&entry.node.value, &topics.topics) {
            (Value::Section(partitions), _) => {
                check_topic(entry, topics, problems);
                let of_topic = offsets.entry(entry.name.clone()).or_default();
                partitions.entries.iter().for_each(|entry| partition(key, entry, of_topic, problems));
            }
            (_, Topics::Named(names)) if names.len() <= 1 => {
                let topic = names.first().cloned().unwrap_or_default();
                partition(key, entry, offsets.entry(topic).or_default(), problems);
            }
            _ => problems.push(
                Problem::new(entry.name_span.clone(), "of which topic is this partition?")
                    .label("the source reads several topics")
                    .help(format!("write {} = {{ topic-name = {{\"0\" = 23}} }}", key.name)),
            ),
        }
    }
    offsets
}

fn partition(key: OffsetKey, entry: &Entry, offsets: &mut ByPartition, problems: &mut Problems) {
    let partition = entry.name.parse::<i32>().ok().filter(|partition| *partition >= 0);
    let Some(partition) = partition else {
        let problem =
            Problem::new(entry.name_span.clone(), format!("`{}` is not the number of a partition", entry.name));
        let time = if key.least == STARTING.least { ", or { timestamp = \"2026-01-01T00:00:00Z\" }" } else { "" };
        let help = format!("write {{\"0\" = 23, \"1\" = 40}}{time}");
        problems.push(problem.label("a whole number from 0 on must stand here").help(help));
        return;
    };
    match entry.node.value {
        Value::Integer(offset) if offset >= key.least => {
            if offsets.insert(partition, offset).is_some() {
                let problem = Problem::new(entry.name_span.clone(), format!("partition {partition} is named twice"));
                problems.push(problem.label("there already").help("name each partition once"));
            }
        }
        Value::Integer(_) => problems.push(
            Problem::new(entry.node.span.clone(), "there is no such offset")
                .label(format!("less than {}", key.least))
                .help(key.offset_help),
        ),
        _ => {
            let earliest = if key.least == STARTING.least { "-2 is earliest, " } else { "" };
            let help = format!("write an offset as a whole number: {earliest}-1 is latest");
            wrong_type(&entry.node, &entry.name, "a whole number", help, problems);
        }
    }
}

fn check_topic(entry: &Entry, topics: &ReadTopics, problems: &mut Problems) {
    let Topics::Named(names) = &topics.topics else { return };
    if names.is_empty() || names.contains(&entry.name) {
        return;
    }
    let near = nearest(&entry.name, topics.shown.iter().map(String::as_str));
    let help = match near {
        Some(near) => format!("write {near}"),
        None if topics.shown.is_empty() => "write the name of a topic that it reads".to_owned(),
        None => format!("it reads {}", topics.shown.join(", ")),
    };
    let problem = Problem::new(entry.name_span.clone(), format!("the source does not read the topic `{}`", entry.name));
    problems.push(problem.label("not a topic of this source").help(help));
}

/// The time in milliseconds since 1970 UTC: a string or a date of TOML, with its zone.
fn timestamp_ms(entry: &Entry, problems: &mut Problems) -> i64 {
    let example = "{ timestamp = \"2026-01-01T00:00:00Z\" }";
    instant::read_us(&entry.node, &entry.name, example, problems).unwrap_or_default().div_euclid(1_000)
}
