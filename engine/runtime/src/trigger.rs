//! When the next epoch starts.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use job::Trigger;

use crate::clock;

/// How long an idle job waits before it looks again (Spark's `pollingDelay`).
const IDLE: Duration = Duration::from_millis(10);

/// True if the next epoch may start at once, if there is anything to read.
pub fn is_due(trigger: Trigger, epoch_started_us: i64) -> bool {
    match trigger {
        Trigger::Interval(interval) => clock::now_us() >= due_us(interval, epoch_started_us),
        Trigger::Asap | Trigger::AvailableNow | Trigger::Once => true,
    }
}

fn due_us(interval: Duration, epoch_started_us: i64) -> i64 {
    let interval_us = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX).max(1);
    (epoch_started_us / interval_us + 1).saturating_mul(interval_us)
}

/// Waits for the next trigger. Intervals lie at multiples since 1970, as Spark's; one that was overrun starts at once.
pub fn wait(trigger: Trigger, epoch_started_us: i64, was_idle: bool, stop: &AtomicBool) {
    match trigger {
        Trigger::Interval(interval) => {
            let left_us = due_us(interval, epoch_started_us).saturating_sub(clock::now_us());
            clock::wait(Duration::from_micros(u64::try_from(left_us).unwrap_or(0)), stop);
        }
        Trigger::Asap if was_idle => clock::wait(IDLE, stop),
        Trigger::Asap | Trigger::AvailableNow | Trigger::Once => {}
    }
}

#[cfg(test)]
mod tests;
