//! A topic in memory: partitions of records that a test appends to while a job reads them, with Kafka's offsets.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

use connector::Record;
use connector::log::Available;
use epoch::offsets::{OffsetRange, Offsets};
use epoch::{PerSplit, Split};

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
    partitions: Arc<RwLock<Vec<Partition>>>,
}

/// Records of one partition; those before `low` are gone, as in a topic whose retention has passed.
#[derive(Debug, Default)]
struct Partition {
    low: usize,
    records: VecDeque<MemoryRecord>,
}

impl Partition {
    /// Offset behind the last record.
    fn high(&self) -> i64 {
        offset(self.low + self.records.len())
    }
}

impl MemoryTopic {
    /// An empty topic.
    pub fn new(name: &str) -> MemoryTopic {
        MemoryTopic { name: name.into(), partitions: Arc::new(RwLock::new(vec![Partition::default()])) }
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
            partitions.resize_with(at + 1, Partition::default);
        }
        let from = partitions[at].high();
        partitions[at].records.extend(records);
        OffsetRange { from, until: partitions[at].high() }
    }

    /// Drops the records before these offsets; the others keep theirs.
    pub fn trim(&self, until: &Offsets) {
        let mut partitions = self.partitions.write().unwrap_or_else(PoisonError::into_inner);
        for (number, partition) in partitions.iter_mut().enumerate() {
            let until = until.get(&self.partition(number)).and_then(|until| usize::try_from(*until).ok()).unwrap_or(0);
            let gone = until.saturating_sub(partition.low).min(partition.records.len());
            partition.records.drain(..gone);
            partition.low += gone;
        }
    }

    /// Every partition, and how far it reaches.
    pub fn available(&self) -> PerSplit<Available> {
        let partitions = self.partitions.read().unwrap_or_else(PoisonError::into_inner);
        let reach = |(number, partition): (usize, &Partition)| {
            (self.partition(number), Available { low: offset(partition.low), high: partition.high() })
        };
        partitions.iter().enumerate().map(reach).collect()
    }

    /// Hands over the records of a range, in order, up to the one with which `bytes_max` bytes are reached. Returns the offset
    /// behind the last one that there was.
    pub fn read(&self, at: &Split, range: OffsetRange, bytes_max: u64, handle: &mut dyn FnMut(Record<'_>)) -> i64 {
        let partitions = self.partitions.read().unwrap_or_else(PoisonError::into_inner);
        let partition = usize::try_from(at.partition).ok().and_then(|number| partitions.get(number));
        let low = partition.map_or(0, |partition| offset(partition.low));
        let mut next = if partition.is_some() { range.from.max(low) } else { range.from };
        let skipped = usize::try_from(next - low).unwrap_or(usize::MAX);
        let mut bytes = 0_u64;
        for record in partition.iter().flat_map(|partition| partition.records.iter().skip(skipped)) {
            if next >= range.until {
                break;
            }
            let record = Record {
                key: record.key.as_deref(),
                value: record.value.as_deref(),
                offset: next,
                timestamp_ms: record.timestamp_ms,
            };
            bytes = bytes.saturating_add(record.bytes());
            handle(record);
            next += 1;
            if bytes >= bytes_max {
                break;
            }
        }
        next
    }

    fn partition(&self, number: usize) -> Split {
        Split::new(&*self.name, i32::try_from(number).unwrap_or(i32::MAX))
    }
}

fn offset(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
