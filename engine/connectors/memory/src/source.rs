//! Topics in memory as the sources of a job, whatever their connectors are in the job file.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};

use connector::log::{
    Available, Backlog, LogPlanner, LogPosition, LogProgress, LogReader, LogSourcePlanner, LogSourceReader,
};
use connector::{ReaderOptions, Record, Source, SourceConnector, SourceError, SourcePlanner, SourceReader};
use epoch::offsets::{OffsetRange, Offsets};
use epoch::{PerSplit, Split};
use job::Job;

use crate::topic::MemoryTopic;

/// The topics of a job's sources, by the source's name. They are read from their first record on.
#[derive(Debug, Clone, Default)]
pub struct MemoryConnector {
    topics: Arc<RwLock<BTreeMap<String, MemoryTopic>>>,
}

impl MemoryConnector {
    /// The topic of a source; made, with this name, if there is none yet.
    pub fn topic_or_new(&self, source: &str, name: &str) -> MemoryTopic {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        topics.entry(source.to_string()).or_insert_with(|| MemoryTopic::new(name)).clone()
    }

    /// The topic of a source, if it has one.
    pub fn topic(&self, source: &str) -> Option<MemoryTopic> {
        self.topics.read().unwrap_or_else(PoisonError::into_inner).get(source).cloned()
    }
}

impl SourceConnector for MemoryConnector {
    /// Memory stands in for every other connector.
    fn reads(&self, _connector: &str) -> bool {
        true
    }

    fn open(&self, source: &job::Source, _job: &Job) -> Result<Arc<dyn Source>, SourceError> {
        let topic = self.topic(&source.name).ok_or_else(|| SourceError::Internal {
            source: source.name.clone(),
            what: "there is no topic in memory for it".into(),
        })?;
        Ok(Arc::new(MemorySource::new(topic)))
    }
}

/// A topic in memory as a source.
#[derive(Debug, Clone)]
pub struct MemorySource {
    topic: MemoryTopic,
}

impl MemorySource {
    /// The topic as a source.
    pub fn new(topic: MemoryTopic) -> MemorySource {
        MemorySource { topic }
    }
}

impl Source for MemorySource {
    fn planner(&self, _stop: &Arc<AtomicBool>) -> Result<Box<dyn SourcePlanner>, SourceError> {
        Ok(Box::new(LogSourcePlanner::new(self.clone(), None)))
    }

    fn reader(&self, _options: &ReaderOptions) -> Result<Box<dyn SourceReader>, SourceError> {
        let reader = MemoryReader { topic: self.topic.clone(), positions: Offsets::default() };
        Ok(Box::new(LogSourceReader::new(reader)))
    }
}

impl LogPlanner for MemorySource {
    fn title(&self) -> &'static str {
        "Memory"
    }

    fn available(&mut self, _position: Option<&LogPosition>) -> Result<PerSplit<Available>, SourceError> {
        Ok(self.topic.available())
    }

    fn starting(&mut self, available: &PerSplit<Available>) -> Result<Offsets, SourceError> {
        Ok(available.iter().map(|(split, reach)| (split, reach.low)).collect())
    }

    fn backlog(&mut self, position: &LogPosition, available: &PerSplit<Available>) -> Result<Backlog, SourceError> {
        let mut backlog = Backlog::default();
        for (split, reach) in available.iter() {
            let from = position.offsets.get(&split).copied().unwrap_or(reach.low);
            backlog.latest.insert(split.clone(), reach.high);
            backlog.ranges.insert(split, OffsetRange { from, until: reach.high.max(from) });
        }
        Ok(backlog)
    }

    fn acknowledge(&self, _end: &Offsets) {}
}

/// A topic, and how far each partition was read.
struct MemoryReader {
    topic: MemoryTopic,
    positions: Offsets,
}

impl LogReader for MemoryReader {
    fn assign(&mut self, positions: &Offsets) -> Result<(), SourceError> {
        self.positions.clone_from(positions);
        Ok(())
    }

    fn read(
        &mut self,
        split: &Split,
        until: i64,
        bytes_max: u64,
        handle: &mut dyn FnMut(Record<'_>),
    ) -> Result<LogProgress, SourceError> {
        let from = self.positions.get(split).copied().unwrap_or(0);
        let mut bytes = 0_u64;
        let next = self.topic.read(split, OffsetRange { from, until }, bytes_max, &mut |record| {
            bytes = bytes.saturating_add(record.bytes());
            handle(record);
        });
        self.positions.insert(split.clone(), next);
        // What a topic no longer has is not waited for.
        let next = if bytes >= bytes_max { next.min(until) } else { until };
        Ok(LogProgress { next, gaps: Vec::new() })
    }
}

#[cfg(test)]
mod tests;
