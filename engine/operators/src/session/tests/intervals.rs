//! Merging of intervals.

use crate::session::intervals::{Intervals, merge_overlapping};

#[test]
fn old_sessions_that_no_row_touches_are_left_out() {
    // Key 0: old 0-5, 10-15, 20-25, rows 5-10 and 2-3. Key 1: old 0-5, row 6-7. Key 2: rows 4-9, 0-4.
    let intervals = Intervals {
        keys: 3,
        old: 4,
        key: vec![0, 0, 0, 1, 0, 1, 0, 2, 2],
        start: vec![20, 10, 0, 0, 5, 6, 2, 4, 0],
        end: vec![25, 15, 5, 5, 10, 7, 3, 9, 4],
    };
    let merged = merge_overlapping(&intervals);
    assert_eq!(merged.key, [0, 1, 2]);
    assert_eq!((merged.start.as_slice(), merged.end.as_slice()), ([0, 6, 0].as_slice(), [15, 7, 9].as_slice()));
    assert_eq!(merged.row_session, [0, 1, 0, 2, 2]);
    assert_eq!((merged.old.as_slice(), merged.old_session.as_slice()), ([2, 1].as_slice(), [0, 0].as_slice()));
    assert_eq!(merged.first_row, [2, 1, 4]);
    assert_eq!(merged.sessions_of(&(1..3)), 1..3);
}
