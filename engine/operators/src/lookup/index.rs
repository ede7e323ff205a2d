//! Rows of a table by the hash of their key.

use crate::by_hash::ByHash;
use crate::keyed::hash::KeyHashes;
use crate::pairs::{PairChunks, Pairs, RowsByKey};

/// Positions of rows by key.
#[derive(Debug)]
pub(super) struct Index {
    /// Where the rows of a key begin in `rows`, and how many they are.
    places: ByHash<(u32, u32)>,
    rows: Vec<u32>,
}

/// Looks up the rows of a chunk, pair by pair.
pub(super) struct Candidates<'a> {
    rows: ChunkRows<'a>,
    chunks: PairChunks,
}

/// The rows of the table, by the keys of the rows of a chunk.
struct ChunkRows<'a> {
    index: &'a Index,
    hashes: &'a KeyHashes,
}

impl Index {
    /// Rows with a null in their key are left out: nothing equals it.
    pub(super) fn new(hashes: KeyHashes) -> Index {
        let can_match = |row: &usize| hashes.has_null.as_ref().is_none_or(|has_null| !has_null[*row]);
        let mut rows: Vec<u32> = (0..hashes.keys.len()).filter(can_match).map(|row| row as u32).collect();
        // Only rows of one key must stand together, in their order; which key comes first is never seen.
        rows.sort_unstable_by_key(|row| (hashes.keys[*row as usize], *row));
        let mut places: ByHash<(u32, u32)> = ByHash::default();
        for (place, row) in rows.iter().enumerate() {
            places.entry(hashes.keys[*row as usize]).or_insert((place as u32, 0)).1 += 1;
        }
        Index { places, rows }
    }

    /// Rows that can be found.
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Looks up rows of a stream. `first_match_only` says that one match says all that is asked of a row.
    pub(super) fn candidates<'a>(&'a self, hashes: &'a KeyHashes, first_match_only: bool) -> Candidates<'a> {
        let chunks = PairChunks::new(hashes.keys.len(), first_match_only);
        Candidates { rows: ChunkRows { index: self, hashes }, chunks }
    }

    fn find(&self, key: u128) -> &[u32] {
        match self.places.get(&key) {
            Some((start, count)) => &self.rows[*start as usize..(*start + *count) as usize],
            None => &[],
        }
    }
}

impl Candidates<'_> {
    /// The next pairs; `None` if there are no more. `matched` says which rows of the stream have matched so far.
    pub(super) fn next_chunk(&mut self, matched: &[bool]) -> Option<Pairs> {
        self.chunks.next(&mut self.rows, matched)
    }
}

impl RowsByKey for ChunkRows<'_> {
    fn rows_of(&mut self, row: usize) -> &[u32] {
        let has_null = self.hashes.has_null.as_ref().is_some_and(|has_null| has_null[row]);
        if has_null { &[] } else { self.index.find(self.hashes.keys[row]) }
    }
}
