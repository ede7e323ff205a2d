//! Pairs of rows that arrive and rows that are kept, with equal keys, in chunks of bounded size.

use std::iter::repeat_n;

use arrow::array::BooleanArray;

/// Pairs that are looked at together: enough to make a column worth its while, few enough to forget a frequent key's pairs.
pub(crate) const CHUNK_PAIRS: usize = 65_536;

/// Pairs of rows.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    /// Rows that arrive, ascending.
    pub arriving: Vec<u32>,
    /// Positions of rows that are kept.
    pub stored: Vec<u32>,
}

/// Rows that are kept, by the keys of rows that arrive.
pub(crate) trait RowsByKey {
    /// The kept rows with the key of an arriving row, in the order in which they are to be paired. Asked of rows ascending; of
    /// one row again and again, if its pairs do not fit into a chunk.
    fn rows_of(&mut self, row: usize) -> &[u32];
}

/// Where a walk through the pairs of some arriving rows stands.
#[derive(Debug)]
pub(crate) struct PairChunks {
    rows: usize,
    /// True if one match says all that is asked of an arriving row.
    first_match_only: bool,
    /// The next row to look up, and how many of its pairs were handed out.
    row: usize,
    used: usize,
}

impl PairChunks {
    /// A walk through the pairs of so many arriving rows.
    pub(crate) fn new(rows: usize, first_match_only: bool) -> PairChunks {
        PairChunks { rows, first_match_only, row: 0, used: 0 }
    }

    /// The next pairs; `None` if there are no more. `matched` says which of the arriving rows have matched so far.
    pub(crate) fn next(&mut self, stored: &mut impl RowsByKey, matched: &[bool]) -> Option<Pairs> {
        debug_assert_eq!(matched.len(), self.rows, "every arriving row has matched or not");
        let mut pairs = Pairs::default();
        while self.row < self.rows {
            if !(self.first_match_only && matched[self.row]) {
                let rest = &stored.rows_of(self.row)[self.used..];
                let count = rest.len().min(CHUNK_PAIRS - pairs.stored.len());
                pairs.arriving.extend(repeat_n(self.row as u32, count));
                pairs.stored.extend_from_slice(&rest[..count]);
                self.used += count;
                if pairs.stored.len() == CHUNK_PAIRS {
                    return Some(pairs);
                }
            }
            (self.row, self.used) = (self.row + 1, 0);
        }
        (!pairs.stored.is_empty()).then_some(pairs)
    }
}

impl Pairs {
    /// Those for which the mask is true.
    pub(crate) fn filter(&self, mask: &BooleanArray) -> Pairs {
        debug_assert_eq!((self.arriving.len(), self.stored.len()), (mask.len(), mask.len()), "a verdict a pair");
        let picked = |rows: &[u32]| {
            rows.iter().zip(mask.values()).filter_map(|(row, holds)| holds.then_some(*row)).collect::<Vec<u32>>()
        };
        Pairs { arriving: picked(&self.arriving), stored: picked(&self.stored) }
    }
}
