//! The keys `topic`, `topics` and `topic_pattern`, of which a source has one.

use job::keys::{Keys, missing, wrong_type};
use job::tree::{Text, Value};
use job::{Problem, Problems};

use crate::settings::Topics;

/// The topics of a source, and what may be said of them.
pub(super) struct ReadTopics {
    pub(super) topics: Topics,
    /// The names that a problem may show: those that no variable is part of.
    pub(super) shown: Vec<String>,
}

impl ReadTopics {
    fn named(texts: &[&Text]) -> ReadTopics {
        let names = |texts: &mut dyn Iterator<Item = &&Text>| texts.map(|text| text.value.clone()).collect();
        ReadTopics {
            topics: Topics::Named(names(&mut texts.iter())),
            shown: names(&mut texts.iter().filter(|text| !text.hidden)),
        }
    }
}

/// Reads the one that is there.
pub(super) fn read(keys: &Keys<'_>, problems: &mut Problems) -> ReadTopics {
    let written: Vec<&str> = ["topic", "topics", "topic_pattern"].into_iter().filter(|name| keys.has(name)).collect();
    match written.as_slice() {
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
    if written.contains(&"topic_pattern") {
        let pattern = keys.text("topic_pattern", problems);
        if let Some(text) = pattern {
            check_pattern(text, problems);
        }
        let topics = Topics::Pattern(pattern.map(|text| text.value.clone()).unwrap_or_default());
        return ReadTopics { topics, shown: Vec::new() };
    }
    if written.contains(&"topics") {
        return ReadTopics::named(&topic_list(keys, problems));
    }
    let topic = if written.contains(&"topic") { keys.text("topic", problems) } else { None };
    if let Some(text) = topic {
        check_topic(text, problems);
    }
    ReadTopics::named(&topic.into_iter().collect::<Vec<_>>())
}

fn topic_list<'a>(keys: &Keys<'a>, problems: &mut Problems) -> Vec<&'a Text> {
    let Some(entry) = keys.get("topics", problems) else { return Vec::new() };
    let Value::List(items) = &entry.node.value else {
        keys.wrong_type(entry, problems);
        return Vec::new();
    };
    let mut topics: Vec<&Text> = Vec::new();
    for item in items {
        let Value::Text(text) = &item.value else {
            wrong_type(item, "topics", "a topic's name in quotes", keys.example("topics"), problems);
            continue;
        };
        check_topic(text, problems);
        if topics.iter().any(|topic| topic.value == text.value) {
            let problem = Problem::new(text.content.clone(), "a topic is named twice").label("there already");
            problems.push(problem.help("name each topic once"));
        }
        topics.push(text);
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
