//! What a run stands on outside of itself: its sources, its checkpoint, its warehouse and its time. The real ones, or memory.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use delta::Warehouse;
use job::Job;
use kafka::{KafkaLane, KafkaPlanner, KafkaSettings};
use state::{Checkpoint, CheckpointSettings};

use crate::clock::Clock;
use crate::error::RunError;
use crate::feed::{FeedLane, FeedPlanner};
use crate::memory::MemoryPlace;
use crate::statics::{StaticFeed, StaticLoader};
use crate::step::Steps;

/// Records from which on an epoch is spread over lanes; below, one lane is quicker.
const LANES_SPAN_MIN: u64 = 32_768;

/// Where a job runs. Cheap to clone.
#[derive(Clone)]
pub struct Backends {
    /// The time that it goes by.
    pub clock: Clock,
    /// Lanes that read and compute side by side.
    pub lanes: u32,
    /// Records from which on an epoch is spread over lanes.
    pub lanes_span_min: u64,
    /// The place of a run in memory; `None` for the real one.
    pub memory: Option<MemoryPlace>,
}

impl Backends {
    /// The real one: what the job file names, the wall clock, a lane a core.
    pub fn real() -> Backends {
        let cores = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
        Backends { clock: Clock::Wall, lanes: cores.clamp(1, 16), lanes_span_min: LANES_SPAN_MIN, memory: None }
    }

    /// Opens the checkpoint; a second owner is refused here.
    ///
    /// # Errors
    /// The checkpoint's errors.
    pub fn checkpoint(&self, job: &Job) -> Result<Checkpoint, RunError> {
        if let Some(memory) = &self.memory {
            return Ok(Checkpoint::open_in_memory(&memory.disk, &job.name)?);
        }
        let memory_bytes = usize::try_from(job.state_memory_bytes).unwrap_or(usize::MAX);
        Ok(Checkpoint::open(Path::new(&job.checkpoint), &job.name, &CheckpointSettings { memory_bytes })?)
    }

    /// Opens the warehouse.
    ///
    /// # Errors
    /// The warehouse's errors.
    pub async fn warehouse(&self, job: &Job) -> Result<Warehouse, RunError> {
        match &self.memory {
            Some(memory) => Ok(memory.warehouse.clone()),
            None => Ok(Warehouse::open(&job.warehouse).await?),
        }
    }

    /// The planning side of a source.
    ///
    /// # Errors
    /// Settings that a client does not take.
    pub fn planner(&self, job: &Job, source: &job::Source, stop: &Arc<AtomicBool>) -> Result<FeedPlanner, RunError> {
        if let Some(memory) = &self.memory {
            let topic = memory.topic(&source.name)?;
            let starting = kafka_settings(source)?.starting_offsets.clone();
            return Ok(FeedPlanner::Memory { topic, starting });
        }
        let mut planner = KafkaPlanner::open(&source.name, kafka_settings(source)?, &job.name)?;
        planner.stop_on(Arc::clone(stop));
        Ok(FeedPlanner::Kafka(Box::new(planner)))
    }

    /// The reading side of a source, one lane of it.
    ///
    /// # Errors
    /// Settings that a client does not take.
    pub fn lane(
        &self,
        job: &Job,
        source: &job::Source,
        number: u32,
        buffer_bytes: usize,
        stop: &Arc<AtomicBool>,
    ) -> Result<FeedLane, RunError> {
        if let Some(memory) = &self.memory {
            return Ok(FeedLane::Memory { topic: memory.topic(&source.name)?, positions: epoch::Offsets::default() });
        }
        let mut lane = KafkaLane::open(&source.name, kafka_settings(source)?, &job.name, number as usize)?;
        lane.stop_on(Arc::clone(stop));
        lane.set_buffer_bytes(buffer_bytes);
        Ok(FeedLane::Kafka(Box::new(lane)))
    }

    /// Where the rows of a static table come from.
    ///
    /// # Errors
    /// If its path means nothing, or a variable for S3 is missing.
    pub fn static_feed(&self, table: &job::StaticTable) -> Result<StaticFeed, RunError> {
        match self.memory.as_ref().and_then(|memory| memory.statics.get(&table.name)) {
            Some(rows) => Ok(StaticFeed::Memory(rows.clone())),
            None => Ok(StaticFeed::Path(Box::new(StaticLoader::open(table)?))),
        }
    }

    /// The steps of a run, with the fail point that the environment arms for a real one.
    ///
    /// # Errors
    /// What is wrong with the variable.
    pub fn steps(&self) -> Result<Steps, RunError> {
        if self.memory.is_some() { Ok(Steps::unarmed()) } else { Steps::from_environment().map_err(RunError::Plan) }
    }
}

/// The settings of a source in Kafka.
///
/// # Errors
/// The source is another connector's.
pub(crate) fn kafka_settings(source: &job::Source) -> Result<&KafkaSettings, RunError> {
    let other = || RunError::Plan(format!("source {}: no connector `{}` is built in", source.name, source.connector));
    KafkaSettings::of(source).ok_or_else(other)
}
