//! Every key of a job file: what it takes, what it means. The parser knows no other keys, and `docs/job-file.md` is
//! written from here.

mod document;
mod keys;
mod statics;
mod test_section;

pub use document::document;
pub(crate) use keys::{PLANNED, SPARK_NAMES};

/// A part of the job file with keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The file's outermost level.
    File,
    /// `[job]`
    Job,
    /// `[source.NAME]`
    Source,
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

/// All keys.
fn all() -> impl Iterator<Item = &'static Key> {
    keys::KEYS.iter().chain(statics::KEYS).chain(test_section::KEYS)
}

/// The keys of one part, in the order of the documentation.
pub fn keys(part: Part) -> impl Iterator<Item = &'static Key> {
    all().filter(move |key| key.part == part)
}

const fn key(
    part: Part,
    name: &'static str,
    takes: &'static str,
    without: Without,
    meaning: &'static str,
    example: &'static str,
) -> Key {
    Key { part, name, takes, without, meaning, example }
}

#[cfg(test)]
mod tests;
