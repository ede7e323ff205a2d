//! Rows that places were found with, where no commit has counted them: the books go on from there.

use std::collections::BTreeMap;

use connector::ErrorKind;
use epoch::{CountedRows, EpochId};

use super::{Links, Place, Places};
use crate::error::RunError;

/// Rows of the sinks that have no link yet and are not new, by name; `None` if the place cannot say.
pub type Unlinked = BTreeMap<String, Option<u64>>;

/// Asks every place whose rows nobody has counted how many it has, now that it holds all that was committed. `next`: the first epoch
/// that is counted.
///
/// # Errors
/// The places'.
pub(super) async fn count(links: &mut Links, places: &Places, next: EpochId) -> Result<Unlinked, RunError> {
    let mut unlinked = Unlinked::new();
    for (name, place) in places {
        match links.get_mut(name) {
            Some(link) if link.rows.is_none() => {
                link.rows = rows_of(place).await?.map(|rows| CountedRows::taken(rows, next));
            }
            None if place.position.version > 0 => {
                unlinked.insert(name.clone(), rows_of(place).await?);
            }
            _ => {}
        }
    }
    Ok(unlinked)
}

async fn rows_of(place: &Place) -> Result<Option<u64>, RunError> {
    match place.table.row_count().await.map_err(RunError::from) {
        // What is wrong with the table is said where it hinders somebody; here it is not counted.
        Err(error) if error.kind() == ErrorKind::Data => Ok(None),
        rows => rows,
    }
}
