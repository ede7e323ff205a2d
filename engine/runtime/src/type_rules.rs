//! Which types the queries of a job have: those of its checkpoint, if that is from before there were Spark's.

use std::path::Path;

use job::{Job, Types};
use state::Checkpoint;

/// Gives a job the types of the checkpoint that it goes on from, unless its file says which it has. What is wrong with a
/// checkpoint is not said here: opening it does.
pub fn keep_types(job: &mut Job) {
    if job.types_are_given {
        return;
    }
    let stored = Checkpoint::open_read_only(Path::new(&job.checkpoint));
    if stored.is_ok_and(|checkpoint| checkpoint.has_types_of_before()) {
        job.types = Types::Before;
    }
}
