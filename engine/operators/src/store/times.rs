//! When rows are evicted: one time a row, with the least of each segment, so that what is due is found without looking at every row.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::TimestampMicrosecondType;

use super::grow::make_room;

/// Rows of a segment: a segment is looked through if one row of it is due, and its least time costs a 1,024th of the times.
pub(super) const SEGMENT: usize = 1_024;

/// The time of a row that is never evicted.
pub(super) const NEVER: i64 = i64::MAX;

/// Times of the rows of a shard, by position.
#[derive(Debug, Default)]
pub(super) struct Times {
    values: Vec<i64>,
    /// No live row of the segment is due before this. Rows that were removed may have left it too low.
    least: Vec<i64>,
}

impl Times {
    /// Times of more rows.
    pub fn extend(&mut self, column: &ArrayRef) {
        let times = column.as_primitive::<TimestampMicrosecondType>();
        make_room(&mut self.values, times.len());
        for row in 0..times.len() {
            self.push(if times.is_null(row) { NEVER } else { times.value(row) });
        }
    }

    /// The time of one more row.
    pub fn push(&mut self, time_us: i64) {
        match self.values.len() % SEGMENT {
            0 => self.least.push(time_us),
            _ => {
                if let Some(least) = self.least.last_mut() {
                    *least = time_us.min(*least);
                }
            }
        }
        self.values.push(time_us);
        debug_assert_eq!(self.least.len(), self.values.len().div_ceil(SEGMENT), "every segment has its least time");
    }

    /// When the row at a position is evicted.
    pub fn at(&self, position: u32) -> i64 {
        self.values[position as usize]
    }

    /// True if a row of this segment may be due.
    pub fn may_be_due(&self, segment: usize, until_us: i64) -> bool {
        self.least[segment] <= until_us
    }

    /// The least time of all rows that live; [`NEVER`] if there is none.
    pub fn least(&mut self, lives: impl Fn(u32) -> bool) -> i64 {
        let mut least = NEVER;
        for segment in 0..self.least.len() {
            if self.least[segment] < least {
                let rows = segment * SEGMENT..((segment + 1) * SEGMENT).min(self.values.len());
                let living = rows.filter(|row| lives(*row as u32)).map(|row| self.values[row]);
                self.least[segment] = living.min().unwrap_or(NEVER);
                least = least.min(self.least[segment]);
            }
        }
        least
    }

    /// Memory it takes, bytes.
    pub fn bytes(&self) -> usize {
        (self.values.capacity() + self.least.capacity()) * size_of::<i64>()
    }
}
