//! Splits of a source, and positions in them: the connector reads them, everybody else stores, compares and hands them back.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A part of a source that is read in order: a partition of a topic, a folder of files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Split {
    /// What it is a part of: a topic's name.
    pub stream: String,
    /// Its number in it: a topic's partition.
    pub partition: i32,
}

impl Split {
    /// A split of a stream.
    pub fn new(stream: impl Into<String>, partition: i32) -> Self {
        Split { stream: stream.into(), partition }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.stream, self.partition)
    }
}

/// A value for each split, in Spark's JSON shape: `{"topic":{"0":…}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PerSplit<T>(pub BTreeMap<String, BTreeMap<i32, T>>);

impl<T> Default for PerSplit<T> {
    fn default() -> Self {
        PerSplit(BTreeMap::new())
    }
}

impl<T> PerSplit<T> {
    /// The value of one split.
    pub fn get(&self, split: &Split) -> Option<&T> {
        self.0.get(&split.stream)?.get(&split.partition)
    }

    /// Sets the value of one split and returns the one before.
    pub fn insert(&mut self, split: Split, value: T) -> Option<T> {
        self.0.entry(split.stream).or_default().insert(split.partition, value)
    }

    /// The value of one split, made by `make` if there is none.
    pub fn entry_or_insert_with(&mut self, split: &Split, make: impl FnOnce() -> T) -> &mut T {
        self.0.entry(split.stream.clone()).or_default().entry(split.partition).or_insert_with(make)
    }

    /// All splits with their values, ordered by stream, then partition.
    pub fn iter(&self) -> impl Iterator<Item = (Split, &T)> {
        self.0.iter().flat_map(|(stream, partitions)| {
            partitions.iter().map(move |(partition, value)| (Split::new(stream.clone(), *partition), value))
        })
    }

    /// Number of splits.
    pub fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// True if there is no split.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> FromIterator<(Split, T)> for PerSplit<T> {
    fn from_iter<I: IntoIterator<Item = (Split, T)>>(items: I) -> Self {
        let mut all = PerSplit::default();
        for (split, value) in items {
            all.insert(split, value);
        }
        all
    }
}

/// A place in a split, in whatever words its connector has for it. Two are equal or not; nothing else is known of them here.
///
/// Logs count their records, so theirs are numbers ([`crate::offsets`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub Value);

impl From<i64> for Position {
    fn from(offset: i64) -> Self {
        Position(Value::from(offset))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What tells a split from another that comes to stand at its place (a topic made anew, a log that was cut back), in whatever words
/// its connector has for it. Nobody else looks into it; records of before it was kept have none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SplitIdentity(pub Value);

/// What an epoch reads of a split: from one position (inclusive) to another (exclusive).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitRange<P = Position> {
    /// Where reading begins.
    pub from: P,
    /// Where it ends, before what stands there.
    pub until: P,
}

impl<P: PartialEq> SplitRange<P> {
    /// True if the split stands where it stood: there is nothing to read of it.
    pub fn is_unmoved(&self) -> bool {
        self.from == self.until
    }
}

/// The next position to read, per split (end exclusive, as Spark's Kafka offsets are).
pub type Positions = PerSplit<Position>;

/// What the splits were when a plan was made, for those of which their connector knows it.
pub type SplitIdentities = PerSplit<SplitIdentity>;

/// What an epoch reads, per split.
pub type Ranges = PerSplit<SplitRange>;

#[cfg(test)]
mod tests;
