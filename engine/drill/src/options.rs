//! What to drill, and how hard.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use job::Connectors;

/// A drill of one job.
#[derive(Debug, Clone)]
pub struct DrillOptions {
    /// The engine binary.
    pub engine: PathBuf,
    /// The user's job file.
    pub job_file: PathBuf,
    /// The connectors that it may name.
    pub connectors: Connectors<'static>,
    /// `--set` values that the user put over the file.
    pub sets: Vec<(String, String)>,
    /// Kills at random times, besides the two at each step.
    pub kills: u32,
    /// Records of the range, the newest of the topics, shared by the sources.
    pub records: u64,
    /// About so many epochs the range is cut into.
    pub epochs: u64,
    /// Where the scratch folders lie; `None`: the system's folder for temporary files.
    pub scratch: Option<PathBuf>,
    /// Seed of the random times.
    pub seed: u64,
    /// Set, from another thread: the drill ends, and takes its scratch places away.
    pub stop: Arc<AtomicBool>,
}

impl DrillOptions {
    /// The usual drill: 16 random kills, 50,000 records in about 6 epochs.
    pub fn new(engine: PathBuf, job_file: PathBuf, connectors: Connectors<'static>) -> DrillOptions {
        let (kills, records, epochs, seed) = (16, 50_000, 6, 1);
        let stop = Arc::default();
        DrillOptions {
            engine,
            job_file,
            connectors,
            sets: Vec::new(),
            kills,
            records,
            epochs,
            scratch: None,
            seed,
            stop,
        }
    }

    /// Refuses to go on once the drill is to end.
    pub(crate) fn check_goes_on(&self) -> Result<(), String> {
        if self.stop.load(Ordering::SeqCst) { Err("it was stopped".to_owned()) } else { Ok(()) }
    }
}
