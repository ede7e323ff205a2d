//! Connectors for these tests. The first stands in for Kafka, of whose keys it has a few: the files of these tests are read
//! with both, here and in the tests of the connector itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::connector::{ConnectorKeys, Connectors, ReadSource};
use crate::keys::Keys;
use crate::model::ConnectorSettings;
use crate::problem::Problems;
use crate::reference::Without::{Default, Means, Required};
use crate::reference::{Key, KeySet, Part};
use crate::tree::Value;

/// The job files of these tests name this one.
pub const ONE: Connectors<'static> = Connectors::new(&[&StandIn]);

/// As if there were several.
pub const TWO: Connectors<'static> = Connectors::new(&[&StandIn, &Lines]);

pub struct StandIn;

/// What the stand-in reads of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub brokers: String,
    pub topic: String,
    pub ends: bool,
    pub verify: bool,
    pub options: BTreeMap<String, String>,
}

const TLS: Part = Part::Connector("tls");

const KEYS: &[Key] = &[
    Key::new(
        Part::Source,
        "brokers",
        "string",
        Required,
        "Where it is.",
        "brokers = \"${KAFKA_BROKERS:-127.0.0.1:9092}\"",
    ),
    Key::new(
        Part::Source,
        "topic",
        "string",
        Means("nothing is read"),
        "What to read.",
        "topic = \"streaming-events\"",
    ),
    Key::new(
        Part::Source,
        "starting_offsets",
        "word",
        Default("\"latest\""),
        "Where to begin.",
        "starting_offsets = \"earliest\"",
    ),
    Key::new(Part::Source, "ends", "true or false", Default("false"), "If reading ends.", "ends = true"),
    Key::new(
        Part::Source,
        "max_offsets_per_trigger",
        "whole number, 1 or more",
        Means("all there is"),
        "How much an epoch takes.",
        "max_offsets_per_trigger = 100000",
    ),
    Key::new(Part::Source, "kafka", "section", Means("nothing"), "Dotted names.", "[source.events.kafka]\n\"a.b\" = 1"),
    Key::new(Part::Source, "tls", "section", Means("nothing"), "A section with keys.", "tls = { verify = true }"),
    Key::new(TLS, "verify", "true or false", Default("true"), "If it is.", "verify = false"),
];

impl ConnectorKeys for StandIn {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn title(&self) -> &'static str {
        "Kafka"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn foreign_names(&self) -> &'static [(&'static str, &'static str)] {
        &[("subscribe", "topic")]
    }

    fn dotted_sections(&self) -> &'static [&'static str] {
        &["kafka"]
    }

    fn appendix(&self) -> String {
        "## More of the stand-in\n".to_owned()
    }

    fn read(&self, keys: &Keys<'_>, problems: &mut Problems) -> ReadSource {
        let text = |text: Option<&crate::tree::Text>| text.map(|text| text.value.clone()).unwrap_or_default();
        let settings = Settings {
            brokers: text(keys.text("brokers", problems)),
            topic: text(keys.text("topic", problems)),
            ends: keys.flag("ends", problems).unwrap_or(false),
            verify: verify(keys, problems),
            options: options(keys, problems),
        };
        keys.choice("starting_offsets", &[("earliest", ()), ("latest", ())], problems);
        let records_per_epoch_max = keys.count("max_offsets_per_trigger", problems);
        ReadSource { settings: Arc::new(settings), records_per_epoch_max }
    }
}

fn verify(keys: &Keys<'_>, problems: &mut Problems) -> bool {
    let Some((section, at)) = keys.section("tls", problems) else { return true };
    let keys = Keys::new(section, at, "tls", KeySet::of_connector(KEYS, TLS), problems);
    keys.flag("verify", problems).unwrap_or(true)
}

fn options(keys: &Keys<'_>, problems: &mut Problems) -> BTreeMap<String, String> {
    let entries = keys.section("kafka", problems).map(|(section, _)| section.entries.as_slice()).unwrap_or_default();
    let value = |value: &Value| match value {
        Value::Text(text) => text.value.clone(),
        other => other.kind().to_owned(),
    };
    entries.iter().map(|entry| (entry.name.clone(), value(&entry.node.value))).collect()
}

impl ConnectorSettings for Settings {
    fn is_bounded(&self) -> bool {
        self.ends
    }

    fn equals(&self, other: &dyn ConnectorSettings) -> bool {
        other.downcast() == Some(self)
    }
}

pub struct Lines;

impl ConnectorKeys for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn title(&self) -> &'static str {
        "Lines"
    }

    fn keys(&self) -> &'static [Key] {
        const { &[Key::new(Part::Source, "folder", "string", Required, "Where they lie.", "folder = \"lines\"")] }
    }

    fn read(&self, keys: &Keys<'_>, problems: &mut Problems) -> ReadSource {
        keys.text("folder", problems);
        ReadSource { settings: Arc::new(AllLines), records_per_epoch_max: None }
    }
}

#[derive(Debug)]
struct AllLines;

impl ConnectorSettings for AllLines {
    fn is_bounded(&self) -> bool {
        true
    }

    fn equals(&self, other: &dyn ConnectorSettings) -> bool {
        other.downcast::<AllLines>().is_some()
    }
}
