//! A checkpoint without a disk: RocksDB over files that live in memory, for tests of jobs and for random jobs by the thousand.

use std::path::Path;

use ::rocksdb::Env;

use crate::checkpoint::Checkpoint;
use crate::error::StateError;
use crate::rocksdb::RocksStore;

/// The folder that errors name.
const FOLDER: &str = "memory";

/// Memory for caches and write buffers, bytes: what a small job needs.
const MEMORY_BYTES: usize = 8 << 20;

/// Where a checkpoint in memory lies. It outlives the [`Checkpoint`], so that a job can be ended and begun again within a
/// process; with the last clone everything in it is gone. Cheap to clone.
#[derive(Clone)]
pub struct MemoryDisk {
    env: Env,
}

impl MemoryDisk {
    /// An empty one.
    ///
    /// # Errors
    /// `Io` if there is no memory for it.
    pub fn new() -> Result<MemoryDisk, StateError> {
        let env = Env::mem_env().map_err(|error| StateError::Io {
            action: "make",
            place: FOLDER.into(),
            detail: error.to_string(),
        })?;
        Ok(MemoryDisk { env })
    }
}

impl Checkpoint {
    /// Opens the checkpoint of a job in memory, or makes it. All other calls are the same as with a disk; only what a
    /// write waits for is not there. Its id is made from the job's name, so that file names repeat from run to run.
    ///
    /// # Errors
    /// As [`Checkpoint::open`]; `Io` if it is open already.
    pub fn open_in_memory(disk: &MemoryDisk, job: &str) -> Result<Checkpoint, StateError> {
        let store = RocksStore::open_in_memory(Path::new(FOLDER), MEMORY_BYTES, &disk.env)?;
        Checkpoint::of(Box::new(store), job, None)
    }
}

#[cfg(test)]
mod tests;
