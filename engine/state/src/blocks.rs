//! Reading the state: blocks, and the index that knows their lengths.

use crate::checksum;
use crate::error::StateError;
use crate::key::{self, BlockKey, OperatorId};
use crate::reader::CheckpointReader;
use crate::store::{Family, WriteBatch};

impl CheckpointReader {
    /// The blocks of one bucket with their keys, in key order. One block is in memory at a time.
    ///
    /// # Errors
    /// Of opening; each item carries its own.
    pub fn blocks(
        &self,
        operator: OperatorId,
        bucket: i64,
    ) -> Result<impl Iterator<Item = Result<(BlockKey, Vec<u8>), StateError>> + '_, StateError> {
        let (from, until) = key::bucket_bounds(operator, bucket);
        self.checked(Family::Blocks, from, until)
    }

    /// One block; `None` if there is none under that key.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn read_block(&self, at: &BlockKey) -> Result<Option<Vec<u8>>, StateError> {
        self.usable()?;
        let key = at.to_bytes();
        let place = || format!("the block of {at}");
        let stored = self.store.get(Family::Blocks, &key, &place)?;
        stored.map(|stored| checksum::strip_checksum(&key, stored, place)).transpose()
    }

    /// All blocks of an operator with their lengths in bytes, in key order. Reads no block.
    ///
    /// # Errors
    /// Of opening; each item carries its own.
    pub fn bucket_index(
        &self,
        operator: OperatorId,
    ) -> Result<impl Iterator<Item = Result<(BlockKey, u64), StateError>> + '_, StateError> {
        let (from, until) = key::operator_bounds(operator);
        self.lengths(from, until)
    }

    /// Verified values of a family between two keys, in key order.
    pub(crate) fn checked(
        &self,
        family: Family,
        from: Vec<u8>,
        until: Vec<u8>,
    ) -> Result<impl Iterator<Item = Result<(BlockKey, Vec<u8>), StateError>> + '_, StateError> {
        let entries = self.entries(family, from, until, key_place)?;
        Ok(entries.map(|entry| {
            let (key, stored) = entry?;
            let at = BlockKey::from_bytes(&key).ok_or_else(|| StateError::Corrupt {
                place: key_place(&key),
                detail: format!("a key of {} bytes", key.len()).into(),
            })?;
            Ok((at, checksum::strip_checksum(&key, stored, || format!("the block of {at}"))?))
        }))
    }

    /// Index entries between two keys, in key order.
    pub(crate) fn lengths(
        &self,
        from: Vec<u8>,
        until: Vec<u8>,
    ) -> Result<impl Iterator<Item = Result<(BlockKey, u64), StateError>> + '_, StateError> {
        let entries = self.checked(Family::Index, from, until)?;
        Ok(entries.map(|entry| {
            let (at, value) = entry?;
            let bytes = <[u8; 8]>::try_from(value.as_slice()).map_err(|_| StateError::Corrupt {
                place: format!("the index entry of {at}"),
                detail: format!("{} bytes long", value.len()).into(),
            })?;
            Ok((at, u64::from_le_bytes(bytes)))
        }))
    }
}

/// What errors call the entry under a key.
fn key_place(key: &[u8]) -> String {
    match BlockKey::from_bytes(key) {
        Some(at) => format!("the block of {at}"),
        None => format!("key {key:02x?}"),
    }
}

/// Adds a block and its index entry to a batch.
pub(crate) fn put_block(batch: &mut WriteBatch, at: &BlockKey, block: Vec<u8>) {
    let key = at.to_bytes();
    let bytes = (block.len() as u64).to_le_bytes().to_vec();
    batch.put(Family::Index, &key, checksum::append_checksum(&key, bytes));
    batch.put(Family::Blocks, &key, checksum::append_checksum(&key, block));
}
