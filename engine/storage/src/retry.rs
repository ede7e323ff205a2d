//! Trying again: how often and how long a store that fails is asked before that is reported.

use std::time::Duration;

use connector::SinkError;

use crate::error::store_error;

/// Failures in a row after which a store counts as unavailable. (Each may already hide the object store's own retries.)
const FAILURES_MAX: u32 = 5;
/// The wait is doubled with each failure, so 100, 200, 400 and 800 ms, 1.5 s in all; a store that is away for longer is waited for by
/// whoever drives the job.
const FIRST_WAIT_MS: u64 = 50;

/// Counts the failures of one request with its repetitions.
#[derive(Debug, Default)]
pub struct Patience {
    failures: u32,
}

impl Patience {
    /// Waits before the next try, longer each time.
    ///
    /// # Errors
    /// The error itself, if trying again cannot help or was tried often enough.
    pub async fn wait_after(&mut self, error: SinkError) -> Result<(), SinkError> {
        self.failures += 1;
        if !error.is_transient() || self.failures >= FAILURES_MAX {
            return Err(error);
        }
        tracing::warn!(failures = self.failures, %error, "trying again");
        tokio::time::sleep(Duration::from_millis(FIRST_WAIT_MS << self.failures)).await;
        Ok(())
    }
}

/// Does `work` on a store until it succeeds or patience ends. `place` says what is being done, and where.
pub async fn retried<T, W>(place: &str, mut work: impl FnMut() -> W) -> Result<T, SinkError>
where
    W: Future<Output = object_store::Result<T>>,
{
    patiently(|| {
        let work = work();
        async { work.await.map_err(|error| store_error(place, &error)) }
    })
    .await
}

/// Does `work` until it succeeds or patience ends.
pub async fn patiently<T, W>(mut work: impl FnMut() -> W) -> Result<T, SinkError>
where
    W: Future<Output = Result<T, SinkError>>,
{
    let mut patience = Patience::default();
    loop {
        match work().await {
            Ok(value) => return Ok(value),
            Err(error) => patience.wait_after(error).await?,
        }
    }
}
