//! Where a block of state lives: a key whose bytes sort as its parts do.
//!
//! The parts have the same place in every key, and each writer fills them with what it needs to find its blocks again. What is parted by
//! key is a range of the 256 key groups ([`crate::key_groups`]); in a checkpoint of format 1 it was the rest of a hash.
//!
//! | blocks of | bucket (bytes 8–15) | section (byte 16) | epoch (17–24) | writer (25–26) |
//! |---|---|---|---|---|
//! | an aggregate, as its lanes wrote them | start of the pane in µs; without windows a sixteenth of the key groups | shard: an eighth of the key groups, or of the bucket's; 255 for rows of all | that read the rows | the lane |
//! | an aggregate, merged | the same | the same | that merged them | 0x8000 + tier |
//! | rows by key (joins, sessions, deduplication, …) | shard: 4 key groups, 0–63; 64 for rows of all shards | kind: 0 rows, 1 ids of removed rows, 2 ids of marked rows, 3 the summary | that changed the rows | 0 |
//! | rows by key, moved from bucket 64 to their shards' own | the same | the same | that moved them | 0x7fff |
//! | rows by key, merged | the same | the same | that merged them | 0x8000 + tier |
//! | files that will be replaced | bucket of the table's rows | 0 | 0: the entry is replaced in place | 0 |
//! | copies of static tables | 0 | 0 | whose plan saw that version first | 0 |
//!
//! Merged blocks sort behind what the lanes of the same epoch wrote, and what moved between the two.

use std::fmt;

use epoch::EpochId;
use xxhash_rust::xxh3::xxh3_64;

/// Length of a key, bytes: operator 8, bucket 8, section 1, epoch 8, writer 2, sequence 2.
pub const KEY_BYTES: usize = 29;

const _: () = assert!(KEY_BYTES == 8 + 8 + 1 + 8 + 2 + 2, "a key is as long as its parts");

/// An operator in keys: the hash of its stable name. The names themselves stand in the operators' manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperatorId(pub u64);

impl OperatorId {
    /// The id of the operator with this stable name.
    pub fn of(name: &str) -> OperatorId {
        OperatorId(xxh3_64(name.as_bytes()))
    }

    /// The id under which copies of a static table's rows lie.
    pub fn of_static(table: &str) -> OperatorId {
        OperatorId::of(&format!("static/{table}"))
    }
}

impl fmt::Display for OperatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Where a block lives. Keys sort by their parts in the order of the fields, and so do their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockKey {
    /// The operator it belongs to.
    pub operator: OperatorId,
    /// What is read and dropped together: a pane's start in microseconds since 1970 UTC, or a share of the keys.
    pub bucket: i64,
    /// Part of the bucket: a shard of its keys, or a kind of content.
    pub section: u8,
    /// Epoch that wrote it.
    pub epoch: EpochId,
    /// What wrote it in that epoch: a lane, or the merging of blocks.
    pub writer: u16,
    /// Number of the block among those that are alike in all other parts.
    pub sequence: u16,
}

/// Buckets of one operator, `from` inclusive to `until` exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BucketRange {
    /// The operator.
    pub operator: OperatorId,
    /// First bucket of the range.
    pub from: i64,
    /// First bucket after it.
    pub until: i64,
}

impl fmt::Display for BlockKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BlockKey { operator, bucket, section, epoch, writer, sequence } = self;
        write!(
            f,
            "operator {operator}, bucket {bucket}, section {section}, epoch {epoch}, writer {writer}, block {sequence}"
        )
    }
}

impl BlockKey {
    /// The key's bytes: fixed length, big-endian, the bucket's sign flipped.
    pub fn to_bytes(&self) -> [u8; KEY_BYTES] {
        let mut bytes = [0; KEY_BYTES];
        bytes[..16].copy_from_slice(&bucket_prefix(self.operator, self.bucket));
        bytes[16] = self.section;
        bytes[17..25].copy_from_slice(&self.epoch.0.to_be_bytes());
        bytes[25..27].copy_from_slice(&self.writer.to_be_bytes());
        bytes[27..].copy_from_slice(&self.sequence.to_be_bytes());
        bytes
    }

    /// The key with these bytes; `None` if they are not as long as a key.
    pub fn from_bytes(bytes: &[u8]) -> Option<BlockKey> {
        let bytes: &[u8; KEY_BYTES] = bytes.try_into().ok()?;
        Some(BlockKey {
            operator: OperatorId(read_u64(bytes, 0)),
            bucket: (read_u64(bytes, 8) ^ SIGN) as i64,
            section: bytes[16],
            epoch: EpochId(read_u64(bytes, 17)),
            writer: u16::from_be_bytes([bytes[25], bytes[26]]),
            sequence: u16::from_be_bytes([bytes[27], bytes[28]]),
        })
    }
}

impl BucketRange {
    /// True if nothing can be in it.
    pub fn is_empty(&self) -> bool {
        self.until <= self.from
    }

    /// First key bytes of the range, and first key bytes after it.
    pub fn bounds(&self) -> ([u8; 16], [u8; 16]) {
        (bucket_prefix(self.operator, self.from), bucket_prefix(self.operator, self.until))
    }
}

/// First key bytes of one bucket, and first key bytes after it.
pub(crate) fn bucket_bounds(operator: OperatorId, bucket: i64) -> (Vec<u8>, Vec<u8>) {
    let from = bucket_prefix(operator, bucket).to_vec();
    let until = match bucket.checked_add(1) {
        Some(next) => bucket_prefix(operator, next).to_vec(),
        None => operator_bounds(operator).1,
    };
    (from, until)
}

/// First key bytes of an operator, and first key bytes after it.
pub(crate) fn operator_bounds(operator: OperatorId) -> (Vec<u8>, Vec<u8>) {
    let from = operator.0.to_be_bytes().to_vec();
    // After the last operator there is nothing: a key longer than any block's, of the highest bytes.
    let until = operator.0.checked_add(1).map_or_else(|| vec![0xff; KEY_BYTES + 1], |next| next.to_be_bytes().to_vec());
    (from, until)
}

const SIGN: u64 = 1 << 63;

fn bucket_prefix(operator: OperatorId, bucket: i64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&operator.0.to_be_bytes());
    bytes[8..].copy_from_slice(&(bucket as u64 ^ SIGN).to_be_bytes());
    bytes
}

fn read_u64(bytes: &[u8; KEY_BYTES], at: usize) -> u64 {
    bytes[at..at + 8].iter().fold(0, |all, byte| all << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests;
