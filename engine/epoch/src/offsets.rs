//! Positions in a partitioned log: offsets, ranges, and the rules by which ranges of successive epochs join.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One partition of one topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// Topic name.
    pub topic: String,
    /// Partition number.
    pub partition: i32,
}

impl TopicPartition {
    /// A partition of a topic.
    pub fn new(topic: impl Into<String>, partition: i32) -> Self {
        TopicPartition { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.topic, self.partition)
    }
}

/// A value for each partition of each topic, in Spark's JSON shape: `{"topic":{"0":…}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PerPartition<T>(pub BTreeMap<String, BTreeMap<i32, T>>);

impl<T> Default for PerPartition<T> {
    fn default() -> Self {
        PerPartition(BTreeMap::new())
    }
}

impl<T> PerPartition<T> {
    /// The value of one partition.
    pub fn get(&self, at: &TopicPartition) -> Option<&T> {
        self.0.get(&at.topic)?.get(&at.partition)
    }

    /// Sets the value of one partition and returns the one before.
    pub fn insert(&mut self, at: TopicPartition, value: T) -> Option<T> {
        self.0.entry(at.topic).or_default().insert(at.partition, value)
    }

    /// The value of one partition, made by `make` if there is none.
    pub fn entry_or_insert_with(&mut self, at: &TopicPartition, make: impl FnOnce() -> T) -> &mut T {
        self.0.entry(at.topic.clone()).or_default().entry(at.partition).or_insert_with(make)
    }

    /// All partitions with their values, ordered by topic, then partition.
    pub fn iter(&self) -> impl Iterator<Item = (TopicPartition, &T)> {
        self.0.iter().flat_map(|(topic, partitions)| {
            partitions.iter().map(move |(partition, value)| (TopicPartition::new(topic.clone(), *partition), value))
        })
    }

    /// Number of partitions.
    pub fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// True if there is no partition.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> FromIterator<(TopicPartition, T)> for PerPartition<T> {
    fn from_iter<I: IntoIterator<Item = (TopicPartition, T)>>(items: I) -> Self {
        let mut all = PerPartition::default();
        for (at, value) in items {
            all.insert(at, value);
        }
        all
    }
}

/// The next offset to read, per partition (end exclusive, as Spark's Kafka offsets are).
pub type Offsets = PerPartition<i64>;

/// The offsets an epoch reads, per partition.
pub type Ranges = PerPartition<OffsetRange>;

/// Offsets from `from` (inclusive) to `until` (exclusive). A span, not a count: compaction and transaction markers leave gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetRange {
    /// First offset that may be read.
    pub from: i64,
    /// First offset that may not.
    pub until: i64,
}

impl OffsetRange {
    /// Number of offsets in the range: an upper bound of its records.
    pub fn span(&self) -> u64 {
        u64::try_from(self.until - self.from).unwrap_or(0)
    }

    /// True if nothing can be in it.
    pub fn is_empty(&self) -> bool {
        self.until <= self.from
    }
}

/// Spreads `limit` records over partitions in proportion to their backlog, as Spark's `maxOffsetsPerTrigger` does.
///
/// Spark `KafkaMicroBatchStream.rateLimit`: a share below one record is rounded up, so that no partition starves, any
/// other down; the sum may so pass the limit by less than the number of partitions. Shares are exact here where Spark
/// computes with doubles, which can differ by one record where a double cannot hold the share.
pub fn spread_limit(backlog: &Ranges, limit: Option<u64>) -> Ranges {
    let total: u128 = backlog.iter().map(|(_, range)| u128::from(range.span())).sum();
    let Some(limit) = limit.filter(|limit| u128::from(*limit) < total) else { return backlog.clone() };
    backlog
        .iter()
        .map(|(at, range)| {
            let size = range.span();
            let share = u128::from(limit) * u128::from(size);
            let take = if share < total { share.div_ceil(total) } else { share / total };
            // Below `size`, as the limit is below the total, so it fits.
            (at, OffsetRange { from: range.from, until: range.from + take as i64 })
        })
        .collect()
}

#[cfg(test)]
mod tests;
