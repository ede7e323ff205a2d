//! Waiting for what is away: with growing pauses, visibly, for as long as it takes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::clock;
use crate::error::RunError;

/// The first pause; each is twice the one before it, up to [`PAUSE_MAX`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause: a place that is back is used again within this time.
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// How long something has been away, and what comes next.
#[derive(Debug, Default)]
pub struct Waiting {
    since: Option<Instant>,
    pauses: u32,
}

impl Waiting {
    /// Says what is away, and waits before the next try.
    ///
    /// # Errors
    /// `Stopped` if the flag is set.
    pub fn after(&mut self, error: &RunError, stop: &AtomicBool) -> Result<(), RunError> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let pause = FIRST_PAUSE.saturating_mul(1 << self.pauses.min(8)).min(PAUSE_MAX);
        self.pauses += 1;
        let (waited_s, next_s) = (since.elapsed().as_secs(), pause.as_secs_f32());
        tracing::warn!("waiting, for {waited_s} s so far; the next try is in {next_s} s: {error}");
        error.log_causes();
        clock::wait(pause, stop);
        if stop.load(Ordering::Acquire) { Err(RunError::Stopped) } else { Ok(()) }
    }

    /// It is back.
    pub fn is_over(&mut self) {
        *self = Waiting::default();
    }
}
