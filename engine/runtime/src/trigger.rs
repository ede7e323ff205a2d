//! When the next epoch starts.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use job::Trigger;

use crate::clock;

/// How long an idle job waits before it looks again (Spark's `pollingDelay`).
const IDLE: Duration = Duration::from_millis(10);

/// When an epoch began.
#[derive(Debug, Clone, Copy)]
pub struct Started {
    /// What the wall clock showed, microseconds since 1970 UTC.
    pub wall_us: i64,
    /// The same moment on a clock that nobody sets.
    pub instant: Instant,
}

/// How long the next epoch has to wait for its time. Intervals lie at multiples since 1970, as Spark's; one that was overrun starts at
/// once. The wall clock says only where in its interval an epoch began: if it is set while the epoch runs, no pause gets longer than
/// the interval.
pub fn pause(trigger: Trigger, started: Started) -> Duration {
    match trigger {
        Trigger::Interval(interval) => {
            let interval_us = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX).max(1);
            let due_in_us = interval_us - started.wall_us.rem_euclid(interval_us);
            Duration::from_micros(due_in_us.unsigned_abs()).saturating_sub(started.instant.elapsed())
        }
        Trigger::Asap | Trigger::AvailableNow | Trigger::Once => Duration::ZERO,
    }
}

/// Waits for the next trigger.
pub fn wait(trigger: Trigger, started: Started, was_idle: bool, stop: &AtomicBool) {
    match trigger {
        Trigger::Interval(_) => clock::wait(pause(trigger, started), stop),
        Trigger::Asap if was_idle => clock::wait(IDLE, stop),
        Trigger::Asap | Trigger::AvailableNow | Trigger::Once => {}
    }
}

#[cfg(test)]
mod tests;
