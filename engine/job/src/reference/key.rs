//! One key: where it stands, what it takes, what holds without it.

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
    /// `[function.NAME]`
    Function,
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
