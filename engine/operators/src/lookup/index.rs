//! Rows of a table by the hash of their key.

use std::iter::repeat_n;

use crate::by_hash::ByHash;
use crate::keyed::hash::KeyHashes;

/// Pairs that are looked at together.
pub(super) const CHUNK_PAIRS: usize = 65_536;

/// Positions of rows by key.
#[derive(Debug)]
pub(super) struct Index {
    /// Where the rows of a key begin in `rows`, and how many they are.
    places: ByHash<(u32, u32)>,
    rows: Vec<u32>,
}

/// Pairs of rows of the stream, ascending, and rows of the table.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    pub(super) stream: Vec<u32>,
    pub(super) table: Vec<u32>,
}

/// Looks up the rows of a chunk, pair by pair.
pub(super) struct Candidates<'a> {
    index: &'a Index,
    hashes: &'a KeyHashes,
    /// True if one match tells all that is asked of a row of the stream.
    first_match_only: bool,
    /// The next row to look up; `rest` is of the one before.
    row: usize,
    rest: &'a [u32],
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

    /// Looks up rows of a stream. `first_match_only` says that one match tells all that is asked of a row.
    pub(super) fn candidates<'a>(&'a self, hashes: &'a KeyHashes, first_match_only: bool) -> Candidates<'a> {
        Candidates { index: self, hashes, first_match_only, row: 0, rest: &[] }
    }

    fn find(&self, key: u128) -> &[u32] {
        match self.places.get(&key) {
            Some((start, count)) => &self.rows[*start as usize..(*start + *count) as usize],
            None => &[],
        }
    }
}

impl Candidates<'_> {
    /// The next pairs; `None` if there are no more. `matched` tells which rows of the stream have matched so far.
    pub(super) fn next_chunk(&mut self, matched: &[bool]) -> Option<Pairs> {
        let mut pairs = Pairs::default();
        loop {
            if self.first_match_only && self.row > 0 && matched[self.row - 1] {
                self.rest = &[];
            }
            let (now, later) = self.rest.split_at(self.rest.len().min(CHUNK_PAIRS - pairs.table.len()));
            pairs.stream.extend(repeat_n(self.row.saturating_sub(1) as u32, now.len()));
            pairs.table.extend_from_slice(now);
            self.rest = later;
            if pairs.table.len() == CHUNK_PAIRS {
                return Some(pairs);
            }
            if self.row == self.hashes.keys.len() {
                return (!pairs.table.is_empty()).then_some(pairs);
            }
            let has_null = self.hashes.has_null.as_ref().is_some_and(|has_null| has_null[self.row]);
            self.rest = if has_null { &[] } else { self.index.find(self.hashes.keys[self.row]) };
            self.row += 1;
        }
    }
}
