//! A topic in memory: partitions of records that a test appends to while a job reads them, with Kafka's offsets.

use std::sync::{Arc, PoisonError, RwLock};

use epoch::offsets::PerPartition;
use epoch::{OffsetRange, TopicPartition};
use source::{Available, Record};

/// One record of a [`MemoryTopic`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryRecord {
    /// Key, if it has one.
    pub key: Option<Vec<u8>>,
    /// Value; `None` for a tombstone.
    pub value: Option<Vec<u8>>,
    /// When it was made, milliseconds since 1970 UTC.
    pub timestamp_ms: Option<i64>,
}

impl MemoryRecord {
    /// A record with a value and nothing else.
    pub fn of(value: impl Into<Vec<u8>>) -> MemoryRecord {
        MemoryRecord { value: Some(value.into()), ..MemoryRecord::default() }
    }
}

/// A topic in memory. Clones are the same topic. It has one partition from the start; more come with their first record.
#[derive(Debug, Clone)]
pub struct MemoryTopic {
    name: Arc<str>,
    partitions: Arc<RwLock<Vec<Vec<MemoryRecord>>>>,
}

impl MemoryTopic {
    /// An empty topic.
    pub fn new(name: &str) -> MemoryTopic {
        MemoryTopic { name: name.into(), partitions: Arc::new(RwLock::new(vec![Vec::new()])) }
    }

    /// The topic's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Appends records to a partition, which is made if it is not there, with all before it. Returns their offsets.
    pub fn append(&self, partition: u16, records: impl IntoIterator<Item = MemoryRecord>) -> OffsetRange {
        let mut partitions = self.partitions.write().unwrap_or_else(PoisonError::into_inner);
        let at = usize::from(partition);
        if partitions.len() <= at {
            partitions.resize_with(at + 1, Vec::new);
        }
        let from = offset(partitions[at].len());
        partitions[at].extend(records);
        OffsetRange { from, until: offset(partitions[at].len()) }
    }

    /// Every partition, and how far it reaches.
    pub fn available(&self) -> PerPartition<Available> {
        let partitions = self.partitions.read().unwrap_or_else(PoisonError::into_inner);
        let reach = |(number, records): (usize, &Vec<MemoryRecord>)| {
            (self.partition(number), Available { low: 0, high: offset(records.len()) })
        };
        partitions.iter().enumerate().map(reach).collect()
    }

    /// The first offset of each partition whose record has this timestamp or a later one, milliseconds since 1970 UTC;
    /// the end where there is none.
    pub fn offsets_at(&self, timestamp_ms: i64) -> PerPartition<i64> {
        let partitions = self.partitions.read().unwrap_or_else(PoisonError::into_inner);
        let first = |(number, records): (usize, &Vec<MemoryRecord>)| {
            let at =
                records.iter().position(|record| record.timestamp_ms.is_some_and(|time_ms| time_ms >= timestamp_ms));
            (self.partition(number), offset(at.unwrap_or(records.len())))
        };
        partitions.iter().enumerate().map(first).collect()
    }

    /// Hands over the records of a range, in order. Returns the offset behind the last one that there was.
    pub fn read(&self, at: &TopicPartition, range: OffsetRange, handle: &mut dyn FnMut(Record<'_>)) -> i64 {
        let partitions = self.partitions.read().unwrap_or_else(PoisonError::into_inner);
        let records = usize::try_from(at.partition).ok().and_then(|number| partitions.get(number));
        let mut next = range.from;
        for record in records.into_iter().flatten().skip(usize::try_from(range.from).unwrap_or(usize::MAX)) {
            if next >= range.until {
                break;
            }
            handle(Record {
                key: record.key.as_deref(),
                value: record.value.as_deref(),
                topic: &self.name,
                partition: at.partition,
                offset: next,
                timestamp_ms: record.timestamp_ms,
            });
            next += 1;
        }
        next
    }

    fn partition(&self, number: usize) -> TopicPartition {
        TopicPartition::new(&*self.name, i32::try_from(number).unwrap_or(i32::MAX))
    }
}

fn offset(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
