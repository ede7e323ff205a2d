//! Where a source's records come from: Kafka, or a topic in memory. Both plan and read by the same offsets.

use epoch::offsets::PerPartition;
use epoch::{DataGap, OffsetRange, Offsets, TopicPartition};
use kafka::{Available, Backlog, KafkaLane, KafkaPlanner, Record, SourceError};

use crate::memory::MemoryTopic;

/// The planning side of a source: what there is to read.
pub enum FeedPlanner {
    /// Asks the broker.
    Kafka(Box<KafkaPlanner>),
    /// Looks into the topic.
    Memory {
        /// The topic.
        topic: MemoryTopic,
        /// Where a new job begins.
        starting: kafka::StartingOffsets,
    },
}

impl FeedPlanner {
    /// All partitions now, and how far each reaches.
    ///
    /// # Errors
    /// The broker's.
    pub fn available(&mut self) -> Result<PerPartition<Available>, SourceError> {
        match self {
            FeedPlanner::Kafka(planner) => planner.available(),
            FeedPlanner::Memory { topic, .. } => Ok(topic.available()),
        }
    }

    /// Where a new job begins.
    ///
    /// # Errors
    /// The broker's; offsets that leave out a partition.
    pub fn starting(&mut self, available: &PerPartition<Available>) -> Result<Offsets, SourceError> {
        match self {
            FeedPlanner::Kafka(planner) => planner.starting(available),
            FeedPlanner::Memory { topic, starting } => Ok(starting_in_memory(topic, starting, available)),
        }
    }

    /// What there is to read from `position` on.
    ///
    /// # Errors
    /// Lost records, unless the job goes on without them. A topic in memory loses none.
    pub fn backlog(
        &mut self,
        position: Option<&Offsets>,
        available: &PerPartition<Available>,
    ) -> Result<Backlog, SourceError> {
        match self {
            FeedPlanner::Kafka(planner) => planner.backlog(position, available),
            FeedPlanner::Memory { .. } => Ok(backlog_in_memory(position, available)),
        }
    }

    /// Tells how far the job is, where anybody wants to know.
    pub fn commit_group(&self, offsets: &Offsets) {
        if let FeedPlanner::Kafka(planner) = self {
            planner.commit_group(offsets);
        }
    }
}

fn starting_in_memory(
    topic: &MemoryTopic,
    starting: &kafka::StartingOffsets,
    available: &PerPartition<Available>,
) -> Offsets {
    match starting {
        kafka::StartingOffsets::Earliest => available.iter().map(|(at, reach)| (at, reach.low)).collect(),
        kafka::StartingOffsets::Latest => available.iter().map(|(at, reach)| (at, reach.high)).collect(),
        kafka::StartingOffsets::TimestampMs(timestamp_ms) => topic.offsets_at(*timestamp_ms),
        kafka::StartingOffsets::Offsets(named) => {
            let named = PerPartition(named.clone());
            let begin = |(at, reach): (TopicPartition, &Available)| {
                let offset = match named.get(&at) {
                    None | Some(-2) => reach.low,
                    Some(-1) => reach.high,
                    Some(offset) => (*offset).clamp(reach.low, reach.high),
                };
                (at, offset)
            };
            available.iter().map(begin).collect()
        }
    }
}

fn backlog_in_memory(position: Option<&Offsets>, available: &PerPartition<Available>) -> Backlog {
    let mut backlog = Backlog::default();
    for (at, reach) in available.iter() {
        let from = position.and_then(|position| position.get(&at)).copied().unwrap_or(reach.low);
        backlog.latest.insert(at.clone(), reach.high);
        backlog.ranges.insert(at, OffsetRange { from, until: reach.high.max(from) });
    }
    backlog
}

/// The reading side of a source: exactly what was planned.
pub enum FeedLane {
    /// A Kafka client of its own.
    Kafka(Box<KafkaLane>),
    /// The topic, and how far each partition was read.
    Memory {
        /// The topic.
        topic: MemoryTopic,
        /// Next offset of each partition.
        positions: Offsets,
    },
}

impl FeedLane {
    /// Makes the lane ready to read these partitions from these offsets.
    ///
    /// # Errors
    /// The client cannot be made, or refuses the partitions.
    pub fn assign(&mut self, positions: &Offsets) -> Result<(), SourceError> {
        match self {
            FeedLane::Kafka(lane) => lane.assign(positions),
            FeedLane::Memory { positions: mine, .. } => {
                mine.clone_from(positions);
                Ok(())
            }
        }
    }

    /// Hands over the records of one partition, in offset order, from its position up to `until` (exclusive).
    ///
    /// # Errors
    /// Lost records, missing rights, or stopped.
    pub fn read(
        &mut self,
        at: &TopicPartition,
        until: i64,
        handle: &mut dyn FnMut(Record<'_>),
    ) -> Result<Vec<DataGap>, SourceError> {
        match self {
            FeedLane::Kafka(lane) => lane.read(at, until, handle),
            FeedLane::Memory { topic, positions } => {
                let from = positions.get(at).copied().unwrap_or(0);
                positions.insert(at.clone(), topic.read(at, OffsetRange { from, until }, handle));
                Ok(Vec::new())
            }
        }
    }
}
