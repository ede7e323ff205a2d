//! The clock of a query: the batch time of the epoch that runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// What `current_timestamp` is: the batch time of the running epoch, so that an epoch run again gives the same rows.
#[derive(Debug, Clone, Default)]
pub struct BatchClock(Arc<AtomicI64>);

impl BatchClock {
    /// Sets the batch time, microseconds since 1970 UTC.
    pub fn set(&self, batch_time_us: i64) {
        self.0.store(batch_time_us, Ordering::Release);
    }

    /// The batch time, microseconds since 1970 UTC.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Acquire)
    }
}
