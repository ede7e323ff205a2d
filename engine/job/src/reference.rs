//! Every key of a job file but those of connectors: what it takes, what it means. The parser knows no other keys, and
//! `docs/job-file.md` is written from here.

mod keys;
mod statics;
mod test_section;

pub(crate) use keys::{PLANNED, PLANNED_CONNECTORS};

/// A part of the job file with keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The file's outermost level.
    File,
    /// `[job]`
    Job,
    /// `[source.NAME]`
    Source,
    /// A section of a connector's own in a source: `[source.NAME.tls]` is `Connector("tls")`.
    Connector(&'static str),
    /// `watermark = { … }` of a source.
    Watermark,
    /// A column written `name = { … }`.
    Column,
    /// `[static.NAME]`
    Static,
    /// `[static.NAME.options]`
    StaticOptions,
    /// `[table.SCHEMA.NAME]`
    Table,
    /// `deduplicate = { … }` of a table.
    Deduplicate,
    /// `[[test]]`
    Test,
    /// `[[test.step]]`
    TestStep,
    /// `expect_state."SCHEMA.NAME" = { … }` of a step.
    TestState,
}

/// What happens without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Without {
    /// The key must be there.
    Required,
    /// This value holds.
    Default(&'static str),
    /// This is so.
    Means(&'static str),
}

/// One key of the job file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Where it stands.
    pub part: Part,
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub takes: &'static str,
    /// What holds without it.
    pub without: Without,
    /// What it means.
    pub meaning: &'static str,
    /// How it is written.
    pub example: &'static str,
}

impl Key {
    /// A key of one part of the file.
    pub const fn new(
        part: Part,
        name: &'static str,
        takes: &'static str,
        without: Without,
        meaning: &'static str,
        example: &'static str,
    ) -> Key {
        Key { part, name, takes, without, meaning, example }
    }
}

/// The keys that a section may have, and what else they are called elsewhere.
#[derive(Debug, Clone)]
pub struct KeySet {
    part: Part,
    keys: Vec<&'static Key>,
    foreign_names: Vec<(&'static str, &'static str)>,
}

impl KeySet {
    /// The keys of a part that every job file has.
    pub(crate) fn of_part(part: Part) -> KeySet {
        KeySet { part, keys: keys(part).collect(), foreign_names: keys::FOREIGN_NAMES.to_vec() }
    }

    /// Those keys of a connector that stand in one part.
    pub fn of_connector(keys: &'static [Key], part: Part) -> KeySet {
        KeySet { part, keys: Vec::new(), foreign_names: Vec::new() }.with(keys, part, &[])
    }

    /// These, and those keys of a connector that stand in one part.
    #[must_use]
    pub(crate) fn with(
        mut self,
        keys: &'static [Key],
        part: Part,
        foreign_names: &[(&'static str, &'static str)],
    ) -> KeySet {
        // Right behind `connector`: which keys there are follows from it, and messages list them in this order.
        let at = self.keys.len().min(1);
        self.keys.splice(at..at, keys.iter().filter(|key| key.part == part));
        self.foreign_names.extend(foreign_names);
        self
    }

    /// The part of the file that they stand in.
    pub(crate) fn part(&self) -> Part {
        self.part
    }

    /// The key of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().copied().find(|key| key.name == name)
    }

    /// Their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }

    /// The key that Spark or others call by this name.
    pub(crate) fn by_foreign_name(&self, name: &str) -> Option<&'static str> {
        let known = self.foreign_names.iter().filter(|(_, ours)| self.get(ours).is_some());
        known.into_iter().find(|(foreign, _)| foreign.eq_ignore_ascii_case(name)).map(|(_, ours)| *ours)
    }
}

/// All keys.
fn all() -> impl Iterator<Item = &'static Key> {
    keys::KEYS.iter().chain(statics::KEYS).chain(test_section::KEYS)
}

/// The keys of one part, in the order of the documentation.
pub fn keys(part: Part) -> impl Iterator<Item = &'static Key> {
    all().filter(move |key| key.part == part)
}

#[cfg(test)]
mod tests;
