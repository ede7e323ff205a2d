//! Kafka behind the traits of connectors: a planner over the broker's answers, lanes over its records.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use connector::log::{Available, Backlog, LogPlanner, LogPosition, LogSourcePlanner, LogSourceReader};
use connector::{ReaderOptions, Source, SourceConnector, SourceError, SourcePlanner, SourceReader};
use epoch::PerSplit;
use epoch::offsets::Offsets;
use job::Job;

use crate::keys::KafkaConnector;
use crate::lane::KafkaLane;
use crate::planner::KafkaPlanner;
use crate::settings::KafkaSettings;

impl SourceConnector for KafkaConnector {
    fn reads(&self, connector: &str) -> bool {
        connector == job::ConnectorKeys::name(self)
    }

    fn open(&self, source: &job::Source, job: &Job) -> Result<Arc<dyn Source>, SourceError> {
        let settings = KafkaSettings::of(source).ok_or_else(|| SourceError::Internal {
            source: source.name.clone(),
            what: "its settings are those of another connector".into(),
        })?;
        Ok(Arc::new(KafkaSource::new(&source.name, settings, &job.name)))
    }
}

/// A source of a job that reads Kafka.
pub struct KafkaSource {
    source: String,
    settings: KafkaSettings,
    group: String,
}

impl KafkaSource {
    /// The source with its settings. `group`: the consumer group that lag tools watch.
    pub fn new(source: &str, settings: &KafkaSettings, group: &str) -> KafkaSource {
        KafkaSource { source: source.to_string(), settings: settings.clone(), group: group.to_string() }
    }
}

impl Source for KafkaSource {
    fn planner(&self, stop: &Arc<AtomicBool>) -> Result<Box<dyn SourcePlanner>, SourceError> {
        let mut planner = KafkaPlanner::open(&self.source, &self.settings, &self.group)?;
        planner.stop_on(Arc::clone(stop));
        let ends = self.settings.ending_offsets.clone().map(PerSplit);
        Ok(Box::new(LogSourcePlanner::new(planner, ends)))
    }

    fn reader(&self, options: &ReaderOptions) -> Result<Box<dyn SourceReader>, SourceError> {
        let mut lane = KafkaLane::open(&self.source, &self.settings, &self.group, options.lane as usize)?;
        lane.stop_on(Arc::clone(&options.stop));
        lane.set_buffer_bytes(options.buffer_bytes);
        Ok(Box::new(LogSourceReader::new(lane)))
    }
}

impl LogPlanner for KafkaPlanner {
    fn title(&self) -> &'static str {
        job::ConnectorKeys::title(&KafkaConnector)
    }

    fn available(&mut self, position: Option<&LogPosition>) -> Result<PerSplit<Available>, SourceError> {
        self.available_from(position)
    }

    fn starting(&mut self, available: &PerSplit<Available>) -> Result<Offsets, SourceError> {
        KafkaPlanner::starting(self, available)
    }

    fn backlog(&mut self, position: &LogPosition, available: &PerSplit<Available>) -> Result<Backlog, SourceError> {
        KafkaPlanner::backlog(self, position, available)
    }

    fn acknowledge(&self, end: &Offsets) {
        self.commit_group(end);
    }
}
