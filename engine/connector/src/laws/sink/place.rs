//! What a connector's tests give to the laws of sinks: a place that can be opened, disturbed, set back.

use std::sync::Arc;

use async_trait::async_trait;

use crate::error::SinkError;
use crate::sink::Sink;

/// A sink that can be opened again and again over one place, and disturbed. The place must not have tables of an earlier run of
/// the laws, whose names are fixed (`laws.rows_…`): give each run a folder, a prefix, a database of its own.
#[async_trait]
pub trait SinkUnderTest: Send + Sync {
    /// Opens the sink anew over the same place, as a process that has just started does.
    ///
    /// # Errors
    /// The place's.
    async fn open(&self) -> Result<Arc<dyn Sink>, SinkError>;

    /// The next call that would change what readers see is done, but its answer is lost. Returns false if the place has no
    /// answers that could be lost (memory); the laws about them are passed over then.
    fn lose_next_answer(&self) -> bool;

    /// Number of answers that were lost.
    fn answers_lost(&self) -> u32;

    /// Takes the place away (`true`), or brings it back: while it is away nothing is done and every call fails. Returns false if the
    /// place cannot be taken away (memory); the law about it is passed over then.
    fn set_away(&self, is_away: bool) -> bool;

    /// Keeps a copy of all that is there: rows, records, artifacts.
    ///
    /// # Errors
    /// The place's.
    async fn back_up(&self) -> Result<(), SinkError>;

    /// Puts the copy in the place of all that is there.
    ///
    /// # Errors
    /// The place's.
    async fn restore(&self) -> Result<(), SinkError>;

    /// Deletes an artifact behind the sink's back.
    ///
    /// # Errors
    /// The place's.
    async fn lose_artifact(&self, table: &str, path: &str) -> Result<(), SinkError>;
}
