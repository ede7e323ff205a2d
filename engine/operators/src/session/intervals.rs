//! Which sessions merge: intervals of one key that overlap or touch become one.

use std::ops::Range;

use crate::keyed::counting_sort;

/// Old sessions and new rows, in this order, each an interval of a key. Keys are numbered from 0 on.
#[derive(Debug, Default)]
pub(super) struct Intervals {
    /// Number of keys.
    pub keys: usize,
    /// So many of the intervals are old sessions.
    pub old: usize,
    /// The key of each interval; those of the old sessions rise.
    pub key: Vec<u32>,
    /// Where each begins, microseconds since 1970 UTC.
    pub start: Vec<i64>,
    /// Where each ends.
    pub end: Vec<i64>,
}

/// The sessions that have a new row, by key and then by start.
#[derive(Debug, Default)]
pub(super) struct MergedSessions {
    /// The key of each session.
    pub key: Vec<u32>,
    /// Where each begins, microseconds since 1970 UTC.
    pub start: Vec<i64>,
    /// Where each ends.
    pub end: Vec<i64>,
    /// The first new row of each, by time.
    pub first_row: Vec<u32>,
    /// Old sessions that became part of one of them, by session and then by start.
    pub old: Vec<u32>,
    /// The session of each of `old`.
    pub old_session: Vec<usize>,
    /// The session of each new row.
    pub row_session: Vec<usize>,
}

/// Merges the intervals of each key. Old sessions that no new row touches are left out.
pub(super) fn merge_overlapping(intervals: &Intervals) -> MergedSessions {
    debug_assert!(intervals.key[..intervals.old].is_sorted(), "old sessions stand by key");
    debug_assert!(
        intervals.start.iter().zip(&intervals.end).all(|(start, end)| start <= end),
        "no session ends before it begins"
    );
    let (mut order, bounds) = counting_sort(&intervals.key, intervals.keys);
    let mut merged =
        MergedSessions { row_session: vec![0; intervals.key.len() - intervals.old], ..MergedSessions::default() };
    let Intervals { start, end, .. } = intervals;
    for key in 0..intervals.keys {
        let of_key = &mut order[bounds[key] as usize..bounds[key + 1] as usize];
        of_key.sort_unstable_by_key(|at| (start[*at as usize], *at));
        let mut from = 0;
        while from < of_key.len() {
            let mut end_us = end[of_key[from] as usize];
            let mut until = from + 1;
            while until < of_key.len() && start[of_key[until] as usize] <= end_us {
                end_us = end_us.max(end[of_key[until] as usize]);
                until += 1;
            }
            merged.close(intervals, &of_key[from..until], key as u32, end_us);
            from = until;
        }
    }
    merged
}

impl MergedSessions {
    /// Number of sessions.
    pub fn len(&self) -> usize {
        self.key.len()
    }

    /// The sessions of a range of keys.
    pub fn sessions_of(&self, keys: &Range<u32>) -> Range<usize> {
        let below = |key: u32| self.key.partition_point(|other| *other < key);
        below(keys.start)..below(keys.end)
    }

    /// Takes in a session of these intervals, which are in order of start.
    fn close(&mut self, intervals: &Intervals, of_session: &[u32], key: u32, end_us: i64) {
        let row = |at: &u32| (*at as usize).checked_sub(intervals.old);
        let Some(first_row) = of_session.iter().find_map(row) else { return };
        let session = self.len();
        self.key.push(key);
        self.start.push(intervals.start[of_session[0] as usize]);
        self.end.push(end_us);
        self.first_row.push(first_row as u32);
        for at in of_session {
            match row(at) {
                Some(row) => self.row_session[row] = session,
                None => {
                    self.old.push(*at);
                    self.old_session.push(session);
                }
            }
        }
    }
}
