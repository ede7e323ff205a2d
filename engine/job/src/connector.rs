//! What a connector adds to the job file: its keys of `[source.NAME]`, and how they are read.
//!
//! The job file knows no connector. Who parses one hands over [`Connectors`], all that the binary has.

use std::fmt;
use std::sync::Arc;

use crate::keys::{Keys, quoted_list};
use crate::model::ConnectorSettings;
use crate::problem::Problems;
use crate::reference::{Key, KeySet, Part};
use crate::tree::{Section, Value};

/// A connector, as far as the job file is concerned.
pub trait ConnectorKeys: Sync {
    /// What `connector = "…"` calls it.
    fn name(&self) -> &'static str;

    /// What sentences call it: `Kafka`.
    fn title(&self) -> &'static str;

    /// Its keys, in the order of the documentation: those of [`Part::Source`], and those of sections of its own
    /// ([`Part::Connector`]). They must differ from the keys that every source has.
    fn keys(&self) -> &'static [Key];

    /// Names that Spark and others have for its keys, each with the key.
    fn foreign_names(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Its sections whose keys are names with points in them, as `security.protocol`. TOML nests such a name where it is
    /// not in quotes; the connector finds it as one key either way.
    fn dotted_sections(&self) -> &'static [&'static str] {
        &[]
    }

    /// What the documentation says at its end, in Markdown. Empty: nothing.
    fn appendix(&self) -> String {
        String::new()
    }

    /// Reads its keys of a source. Where there is a problem it goes on with some value, so that the rest is still looked
    /// at: a job with problems is never run.
    fn read(&self, keys: &Keys<'_>, problems: &mut Problems) -> ReadSource;
}

/// What a connector has read of a source.
#[derive(Debug)]
pub struct ReadSource {
    /// What the connector needs to know.
    pub settings: Arc<dyn ConnectorSettings>,
    /// Records that an epoch takes at most. `None`: all there is.
    pub records_per_epoch_max: Option<u64>,
}

/// The connectors that a job file may name.
#[derive(Clone, Copy)]
pub struct Connectors<'a> {
    sources: &'a [&'a dyn ConnectorKeys],
    warehouse_schemes: &'a [&'a str],
}

impl<'a> Connectors<'a> {
    /// These for sources, in the order of the documentation; the warehouse is a local folder or a place on S3.
    pub const fn new(sources: &'a [&'a dyn ConnectorKeys]) -> Self {
        Self { sources, warehouse_schemes: &[] }
    }

    /// With more kinds of warehouse: `warehouse = "SCHEME://…"` is taken as it is, its connector says what it means when it
    /// opens it.
    #[must_use]
    pub const fn with_warehouse_schemes(self, warehouse_schemes: &'a [&'a str]) -> Self {
        Self { warehouse_schemes, ..self }
    }

    pub(crate) fn has_warehouse_scheme(&self, scheme: &str) -> bool {
        self.warehouse_schemes.contains(&scheme)
    }

    /// The connector of this name.
    pub fn get(&self, name: &str) -> Option<&'a dyn ConnectorKeys> {
        self.sources.iter().copied().find(|connector| connector.name() == name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a dyn ConnectorKeys> {
        self.sources.iter().copied()
    }

    /// The connector of a source. A source that names none is read with the only one, if there is but one: its other keys
    /// are worth a look, and there is a problem already.
    pub(crate) fn of_source(&self, source: &Section) -> Option<&'a dyn ConnectorKeys> {
        let named = source.get("connector").and_then(|entry| match &entry.node.value {
            Value::Text(text) => self.get(&text.value),
            _ => None,
        });
        match self.sources {
            [only] => Some(named.unwrap_or(*only)),
            _ => named,
        }
    }

    /// The keys of a source with this connector; with all of them, if it is not known which.
    pub(crate) fn source_keys(&self, connector: Option<&dyn ConnectorKeys>) -> KeySet {
        let keys = KeySet::of_part(Part::Source);
        match connector {
            Some(connector) => {
                let is_new = |key: &Key| key.part != Part::Source || keys.get(key.name).is_none();
                debug_assert!(connector.keys().iter().all(is_new), "a connector's key hides one of every source");
                with_connector(keys, connector)
            }
            None => self.iter().fold(keys, with_connector),
        }
    }

    /// The sections of a source whose keys may have points in their names.
    pub(crate) fn dotted_sections(&self, source: &Section) -> Vec<&'static str> {
        match self.of_source(source) {
            Some(connector) => connector.dotted_sections().to_vec(),
            None => self.iter().flat_map(|connector| connector.dotted_sections()).copied().collect(),
        }
    }

    /// Their names for a message: `"kafka" or "files"`.
    pub(crate) fn quoted(&self) -> String {
        quoted_list(&self.names())
    }

    /// What to write in place of a connector that there is not.
    pub(crate) fn help(&self) -> String {
        match self.sources {
            [only] => {
                format!("write connector = \"{}\": {} is the only source for now", only.name(), only.title())
            }
            _ => format!("write one of {}", self.quoted()),
        }
    }

    fn names(&self) -> Vec<&'static str> {
        self.iter().map(ConnectorKeys::name).collect()
    }
}

fn with_connector(keys: KeySet, connector: &dyn ConnectorKeys) -> KeySet {
    keys.with(connector.keys(), Part::Source, connector.foreign_names())
}

impl fmt::Debug for Connectors<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Connectors");
        shown.field("sources", &self.names()).field("warehouse_schemes", &self.warehouse_schemes).finish()
    }
}
