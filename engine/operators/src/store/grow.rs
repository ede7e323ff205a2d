//! How the columns of rows in memory grow.

/// Makes room in steps of a quarter: doubling would leave half of the memory unused.
pub(super) fn make_room<T>(values: &mut Vec<T>, more: usize) {
    if values.capacity() - values.len() < more {
        values.reserve_exact(more.max(values.len() / 4));
    }
}

/// Appends values, and makes room for them first.
pub(super) fn extend<T: Copy>(values: &mut Vec<T>, more: &[T]) {
    make_room(values, more.len());
    values.extend_from_slice(more);
}
