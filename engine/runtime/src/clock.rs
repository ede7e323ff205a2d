//! The one door to the wall clock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longest time between two looks at the stop flag.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Microseconds since 1970 UTC.
pub fn now_us() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the one door to the wall clock")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
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
