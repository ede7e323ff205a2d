//! What a run stands on: its connectors, its checkpoints, its time. Chosen where a run is started; nothing else of the flow knows.

use std::path::Path;
use std::sync::Arc;

use connector::Registry;
use job::Job;
use state::{Checkpoint, CheckpointSettings, StateError};

use crate::clock::Clock;

/// Records from which on an epoch is spread over lanes; below, one lane is quicker.
const LANES_SPAN_MIN: u64 = 32_768;

/// More lanes than this read no faster: the topic's partitions and the store's bandwidth are the limit by then.
const LANES_MAX: u32 = 16;

/// Opens the checkpoint of a job.
pub trait Checkpoints: Send + Sync {
    /// Opens it, or makes it; a second owner is refused here.
    ///
    /// # Errors
    /// The checkpoint's errors.
    fn open(&self, job: &Job) -> Result<Checkpoint, StateError>;
}

/// Checkpoints in the folders that the job files name.
#[derive(Debug, Clone, Copy)]
pub struct CheckpointFolders;

impl Checkpoints for CheckpointFolders {
    fn open(&self, job: &Job) -> Result<Checkpoint, StateError> {
        let memory_bytes = usize::try_from(job.state_memory_bytes).unwrap_or(usize::MAX);
        Checkpoint::open(Path::new(&job.checkpoint), &job.name, &CheckpointSettings { memory_bytes })
    }
}

/// What a run stands on. Cheap to clone.
#[derive(Clone)]
pub struct Backends {
    /// The time that it goes by.
    pub clock: Clock,
    /// Lanes that read and compute side by side.
    pub lanes: u32,
    /// Records from which on an epoch is spread over lanes.
    pub lanes_span_min: u64,
    /// Where records come from and rows go.
    pub registry: Registry,
    /// Where state is kept.
    pub checkpoints: Arc<dyn Checkpoints>,
    /// True if the first epoch of a new checkpoint is planned while the tables are still being opened. A run that is driven
    /// from outside begins when its caller says so.
    pub plans_ahead: bool,
    /// True if each epoch counts its rows of state, whatever that costs.
    pub counts_state_rows: bool,
}

impl Backends {
    /// Those of `engine submit`: what the job file names, the wall clock, a lane a core.
    pub fn of_machine(registry: Registry) -> Backends {
        let cores = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
        Backends {
            clock: Clock::Wall,
            lanes: cores.clamp(1, LANES_MAX),
            lanes_span_min: LANES_SPAN_MIN,
            registry,
            checkpoints: Arc::new(CheckpointFolders),
            plans_ahead: true,
            counts_state_rows: false,
        }
    }
}
