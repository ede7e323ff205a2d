//! Whose checkpoint this is: written once, read at every opening.

use ::rocksdb::WriteBatch;
use serde::{Deserialize, Serialize};

use crate::checksum;
use crate::error::StateError;
use crate::record::{Kind, parse, to_json};
use crate::rocksdb::{Database, Family};

/// What a checkpoint says about itself. Written once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Format of the checkpoint, [`checksum::FORMAT`].
    pub(crate) format: u32,
    /// The job it belongs to.
    pub(crate) job: String,
    /// Eight hex digits, made once.
    pub(crate) job_id: String,
}

/// What the checkpoint says about itself; `None` if it was never written.
pub(crate) fn read_identity(database: &Database) -> Result<Option<Identity>, StateError> {
    let key = Kind::Identity.key();
    let place = || format!("the identity of checkpoint {}", database.folder().display());
    let Some(stored) = database.get(Family::Records, &key, place)? else { return Ok(None) };
    let identity: Identity = parse(checksum::verify_checksum(&key, &stored, place)?, place)?;
    if identity.format > u32::from(checksum::FORMAT) {
        return Err(StateError::Format {
            place: place(),
            found: identity.format,
            supported: u32::from(checksum::FORMAT),
        });
    }
    Ok(Some(identity))
}

/// Writes down whose checkpoint this is, once. `number` makes its id.
pub(crate) fn write_identity(database: &Database, job: &str, number: u64) -> Result<Identity, StateError> {
    let identity = Identity {
        format: u32::from(checksum::FORMAT),
        job: job.to_string(),
        job_id: format!("{:08x}", number as u32),
    };
    if let Some(what) = first_stranger(database)? {
        return Err(StateError::Corrupt {
            place: format!("checkpoint {}", database.folder().display()),
            detail: format!("it has no identity but holds {what}"),
        });
    }
    let key = Kind::Identity.key();
    let mut batch = WriteBatch::default();
    batch.put_cf(database.family(Family::Records)?, &key, checksum::append_checksum(&key, to_json(&identity)?));
    database.write(batch, true).map_err(|error| StateError::Io {
        action: "write the identity to",
        place: database.folder().to_path_buf(),
        detail: error.to_string(),
    })?;
    Ok(identity)
}

/// The family of the first entry of a database, if it has one.
fn first_stranger(database: &Database) -> Result<Option<&'static str>, StateError> {
    for family in Family::ALL {
        let mut rows = database.iterate(family, Vec::new(), vec![0xff; 64])?;
        rows.seek_to_first();
        rows.status().map_err(|error| database.read_failed(family.name(), &error))?;
        if rows.valid() {
            return Ok(Some(family.name()));
        }
    }
    Ok(None)
}
