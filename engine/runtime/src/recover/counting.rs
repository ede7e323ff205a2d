//! Rows that places were found with, where no commit has counted them: the books go on from there.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::{ErrorKind, SinkTable};
use epoch::{CountedRows, EpochId, SinkLink};
use futures::future::try_join_all;

use crate::error::RunError;

/// Rows of the sinks that have no link yet, by name; `None` if the place cannot say.
pub type Unlinked = BTreeMap<String, Option<u64>>;

/// Asks every place whose rows nobody has counted how many it has, now that it holds all that was committed. `next`: the first epoch
/// that is counted.
///
/// # Errors
/// The places'.
pub(super) async fn count(
    links: &mut BTreeMap<String, SinkLink>,
    places: impl Iterator<Item = (&String, &Arc<dyn SinkTable>)>,
    next: EpochId,
) -> Result<Unlinked, RunError> {
    let asked = places.filter(|(name, _)| links.get(*name).is_none_or(|link| link.rows.is_none()));
    let asked = asked.map(|(name, place)| async move { Ok::<_, RunError>((name, rows_of(place.as_ref()).await?)) });
    let asked: Vec<_> = asked.collect();
    let mut unlinked = Unlinked::new();
    for (name, rows) in try_join_all(asked).await? {
        match links.get_mut(name) {
            Some(link) => link.rows = rows.map(|rows| CountedRows::taken(rows, next)),
            None => drop(unlinked.insert(name.clone(), rows)),
        }
    }
    Ok(unlinked)
}

async fn rows_of(place: &dyn SinkTable) -> Result<Option<u64>, RunError> {
    match place.row_count().await.map_err(RunError::from) {
        // What is wrong with the table is said where it hinders somebody; here it is not counted.
        Err(error) if error.kind() == ErrorKind::Data => Ok(None),
        rows => rows,
    }
}
