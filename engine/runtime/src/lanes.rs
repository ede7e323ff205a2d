//! Work of several lanes at the same time, each on a thread of its own.

use std::fmt::Display;

use crate::error::RunError;

/// Runs each part of the work on a thread of its own and waits for all, also after an error; results are in the order of the
/// parts. A single part stays on this thread: starting one is a good share of what a small epoch costs. `who` ended early if a
/// thread panicked.
pub fn side_by_side<W: Send, R: Send>(
    work: Vec<W>,
    who: &dyn Display,
    run: impl Fn(W) -> Result<R, RunError> + Sync,
) -> Vec<Result<R, RunError>> {
    if work.len() < 2 {
        return work.into_iter().map(run).collect();
    }
    let run = &run;
    std::thread::scope(|scope| {
        let running: Vec<_> = work.into_iter().map(|part| scope.spawn(move || run(part))).collect();
        let ended = || RunError::Internal(format!("{who} ended early"));
        running.into_iter().map(|part| part.join().unwrap_or_else(|_| Err(ended()))).collect()
    })
}
