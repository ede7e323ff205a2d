//! When the next epoch starts.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use job::Trigger;

use crate::clock;

/// How long an idle job waits before it looks again (Spark's `pollingDelay`).
const IDLE: Duration = Duration::from_millis(10);

/// Waits for the next trigger. Intervals lie at multiples since 1970, as Spark's; one that was overrun starts at once.
pub fn wait(trigger: Trigger, epoch_started_us: i64, was_idle: bool, stop: &AtomicBool) {
    match trigger {
        Trigger::Interval(interval) => {
            let interval_us = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX).max(1);
            let due_us = (epoch_started_us / interval_us + 1).saturating_mul(interval_us);
            let left_us = due_us.saturating_sub(clock::now_us());
            clock::wait(Duration::from_micros(u64::try_from(left_us).unwrap_or(0)), stop);
        }
        Trigger::Asap if was_idle => clock::wait(IDLE, stop),
        Trigger::Asap | Trigger::AvailableNow | Trigger::Once => {}
    }
}

#[cfg(test)]
mod tests;
