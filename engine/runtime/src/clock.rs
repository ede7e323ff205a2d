//! The one door to the wall clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longest time between two looks at the stop flag.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Microseconds since 1970 UTC.
pub fn now_us() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the one door to the wall clock")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The time that a run goes by.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's.
    Wall,
    /// One that stands until it is set: microseconds since 1970 UTC.
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// Microseconds since 1970 UTC.
    pub fn now_us(&self) -> i64 {
        match self {
            Clock::Wall => now_us(),
            Clock::Set(time_us) => time_us.load(Ordering::Acquire),
        }
    }
}

/// Waits, but no longer than until the stop flag is set.
pub fn wait(time: Duration, stop: &AtomicBool) {
    let mut left = time;
    while !left.is_zero() && !stop.load(Ordering::Acquire) {
        let pause = left.min(LOOK_EVERY);
        #[expect(
            clippy::disallowed_methods,
            reason = "the trigger waits for the next epoch; nothing is synchronised by it"
        )]
        std::thread::sleep(pause);
        left = left.saturating_sub(pause);
    }
}
