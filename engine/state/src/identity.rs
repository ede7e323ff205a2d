//! Whose checkpoint this is: written once, read at every opening.

use serde::{Deserialize, Serialize};

use crate::checksum;
use crate::error::StateError;
use crate::key::KEY_BYTES;
use crate::key_groups::{KEY_GROUPS, KeyPartitioning};
use crate::record::{Kind, parse, put_only, to_json};
use crate::store::{Family, Store, WriteBatch};

/// Format of a checkpoint as a whole. 1: every kind of state spread over a hash of its own. 2: by key group. An engine of before that
/// would look for a key where it is not, so it must refuse.
const FORMAT: u32 = 2;

/// What a checkpoint says about itself. Written once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Format of the checkpoint when it was made, at most [`FORMAT`].
    pub(crate) format: u32,
    /// The job it belongs to.
    pub(crate) job: String,
    /// Eight hex digits, made once.
    pub(crate) job_id: String,
    /// Number of key groups; none in a checkpoint of format 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_groups: Option<u16>,
    /// The rules of types by which its rows were made; none in a checkpoint of an engine that had not Spark's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) types: Option<String>,
}

/// The rules of types of a new checkpoint.
const SPARK_TYPES: &str = "spark";

impl Identity {
    /// How keys are spread.
    pub(crate) fn key_partitioning(&self) -> KeyPartitioning {
        match self.key_groups {
            Some(_) => KeyPartitioning::KeyGroups,
            None => KeyPartitioning::PerOperator,
        }
    }
}

/// What the checkpoint says about itself; `None` if it was never written.
pub(crate) fn read_identity(store: &dyn Store) -> Result<Option<Identity>, StateError> {
    let key = Kind::Identity.key();
    let place = || format!("the identity of checkpoint {}", store.folder().display());
    let Some(stored) = store.get(Family::Records, &key, &place)? else { return Ok(None) };
    let identity: Identity = parse(checksum::verify_checksum(&key, &stored, place)?, place)?;
    if identity.format > FORMAT {
        return Err(StateError::Format { place: place(), found: identity.format, supported: FORMAT });
    }
    if let Some(groups) = identity.key_groups.filter(|groups| *groups != KEY_GROUPS) {
        let detail = format!("it has {groups} key groups, and every engine makes {KEY_GROUPS}");
        return Err(StateError::Corrupt { place: place(), detail: detail.into() });
    }
    Ok(Some(identity))
}

/// Writes down whose checkpoint this is, once. `number` makes its id.
pub(crate) fn write_identity(store: &dyn Store, job: &str, number: u64) -> Result<Identity, StateError> {
    let identity = Identity {
        format: FORMAT,
        job: job.to_string(),
        job_id: format!("{:08x}", number as u32),
        key_groups: Some(KEY_GROUPS),
        types: Some(SPARK_TYPES.to_string()),
    };
    // An identity that was lost is damage: with a new id in its place, an epoch that is published again would be under other names.
    if let Some(what) = first_stranger(store)? {
        return Err(StateError::Corrupt {
            place: format!("checkpoint {}", store.folder().display()),
            detail: format!("it has no identity but holds {what}").into(),
        });
    }
    let mut batch = WriteBatch::default();
    put_only(&mut batch, Kind::Identity, to_json(&identity)?);
    store.write(batch, true).map_err(|detail| StateError::Io {
        action: "write the identity to",
        place: store.folder().to_path_buf(),
        detail,
    })?;
    Ok(identity)
}

/// The family of the first entry of a store, if it has one.
fn first_stranger(store: &dyn Store) -> Result<Option<&'static str>, StateError> {
    for family in Family::ALL {
        let (first, after_all) = (Vec::new(), vec![0xff; KEY_BYTES + 1]);
        let mut entries = store.iterate(family, first, after_all)?;
        if entries.first(&|| family.name().to_string())?.is_some() {
            return Ok(Some(family.name()));
        }
    }
    Ok(None)
}
