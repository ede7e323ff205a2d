//! The records of a checkpoint: their kinds, their keys, and how they are written.

use epoch::{EpochId, Message};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::checksum;
use crate::error::StateError;
use crate::store::{Family, WriteBatch};

/// A kind of record, and the first byte of its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Identity = b'i' as isize,
    Manifest = b'm' as isize,
    /// Written by engines of format 1 only.
    Plan = b'p' as isize,
    Term = b't' as isize,
    Attempt = b'a' as isize,
    Commit = b'c' as isize,
    Published = b'v' as isize,
    Losses = b'l' as isize,
}

impl Kind {
    /// Key of the only record of this kind.
    pub(crate) fn key(self) -> Vec<u8> {
        vec![self as u8]
    }

    /// Key of this kind's record of an epoch.
    pub(crate) fn key_of(self, epoch: EpochId) -> Vec<u8> {
        let mut key = self.key();
        key.extend_from_slice(&epoch.0.to_be_bytes());
        key
    }

    /// First key of this kind, and first key after it.
    pub(crate) fn bounds(self) -> (Vec<u8>, Vec<u8>) {
        (vec![self as u8], vec![self as u8 + 1])
    }

    /// What errors call the record.
    pub(crate) fn place(self, epoch: EpochId) -> String {
        match self {
            Kind::Identity => "the identity".to_string(),
            Kind::Manifest => "the operators' manifest".to_string(),
            Kind::Plan => format!("the plan of epoch {epoch}"),
            Kind::Term => "the owner's term".to_string(),
            Kind::Attempt => "the note of an attempt".to_string(),
            Kind::Commit => format!("the commit of epoch {epoch}"),
            Kind::Published => format!("the published versions of epoch {epoch}"),
            Kind::Losses => "the note of lost records".to_string(),
        }
    }
}

/// The epoch at the end of a record's key.
pub(crate) fn epoch_of(key: &[u8]) -> EpochId {
    let number = key.last_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    EpochId(number)
}

/// A record from its stored bytes.
pub(crate) fn decode<T: DeserializeOwned>(kind: Kind, key: &[u8], stored: &[u8]) -> Result<T, StateError> {
    let place = || kind.place(epoch_of(key));
    let bytes = checksum::verify_checksum(key, stored, place)?;
    // The format first: of a newer one not even the fields are known.
    let format = match kind {
        Kind::Plan => parse::<Head>(bytes, place)?.format,
        Kind::Commit => parse::<CommitHead>(bytes, place)?.plan.format,
        Kind::Identity | Kind::Manifest | Kind::Published | Kind::Term | Kind::Attempt | Kind::Losses => 0,
    };
    if format > epoch::record::FORMAT {
        return Err(StateError::Format { place: place(), found: format, supported: epoch::record::FORMAT });
    }
    parse(bytes, place)
}

/// The part of a plan that every format has.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

/// The part of a commit that every format has.
#[derive(Deserialize)]
struct CommitHead {
    plan: Head,
}

/// A record, or a part of it, from JSON.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8], place: impl Fn() -> String) -> Result<T, StateError> {
    serde_json::from_slice(bytes)
        .map_err(|error| StateError::Corrupt { place: place(), detail: Message::caused_by(error.to_string(), &error) })
}

/// A record as JSON.
pub(crate) fn to_json(record: &impl Serialize) -> Result<Vec<u8>, StateError> {
    serde_json::to_vec(record)
        .map_err(|error| StateError::Protocol(format!("a record cannot be written as JSON: {error}")))
}

/// Adds an epoch's record to a batch.
pub(crate) fn put_record(
    batch: &mut WriteBatch,
    kind: Kind,
    epoch: EpochId,
    record: &impl Serialize,
) -> Result<(), StateError> {
    put_under(batch, &kind.key_of(epoch), to_json(record)?);
    Ok(())
}

/// Adds the bytes of the only record of a kind to a batch.
pub(crate) fn put_only(batch: &mut WriteBatch, kind: Kind, bytes: Vec<u8>) {
    put_under(batch, &kind.key(), bytes);
}

fn put_under(batch: &mut WriteBatch, key: &[u8], bytes: Vec<u8>) {
    batch.put(Family::Records, key, checksum::append_checksum(key, bytes));
}
