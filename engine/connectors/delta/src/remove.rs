//! Taking a whole warehouse away: for scratch places of tests and drills only.

use connector::SinkError;
use futures::{StreamExt, TryStreamExt};

use crate::warehouse::Warehouse;

impl Warehouse {
    /// Deletes every object of the warehouse, tables and logs. Returns how many there were.
    ///
    /// # Errors
    /// `Unavailable` and the like, if the store refuses; some objects may be gone by then.
    pub async fn remove_all(&self) -> Result<usize, SinkError> {
        let store = self.store();
        let failed = |error: object_store::Error| {
            SinkError::Internal(format!("taking away what is in {}: {error}; delete it by hand", self.url()))
        };
        let found: Vec<_> = store.list(None).map_ok(|object| object.location).try_collect().await.map_err(failed)?;
        let count = found.len();
        let locations = futures::stream::iter(found.into_iter().map(Ok)).boxed();
        store.delete_stream(locations).try_collect::<Vec<_>>().await.map_err(failed)?;
        Ok(count)
    }
}
