//! Rows as a multiset: counted by a hash of all their columns.

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use crate::OperatorError;
use crate::by_hash::ByHash;
use crate::change::Change;
use crate::keyed::hash::hash_keys;

/// What stands for each row with all its columns, in this process only.
///
/// # Errors
/// If a column has a type that cannot be compared.
pub(crate) fn row_hashes(rows: &RecordBatch) -> Result<Vec<u128>, OperatorError> {
    Ok(hash_keys(rows.columns(), rows.num_rows())?.keys)
}

/// How often each row comes.
pub(crate) fn count(hashes: impl IntoIterator<Item = u128>) -> ByHash<u32> {
    let mut counts = ByHash::default();
    hashes.into_iter().for_each(|hash| *counts.entry(hash).or_default() += 1);
    counts
}

/// Takes rows out of `counts`, first rows first; true for each row that was still in it.
pub(crate) fn take_out(counts: &mut ByHash<u32>, hashes: &[u128]) -> Vec<bool> {
    let take = |hash: &u128| match counts.get_mut(hash) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    };
    hashes.iter().map(take).collect()
}

/// What makes `now` of `before`: rows retracted, then rows added, each in its own order. Equal rows cancel.
///
/// # Errors
/// If a column has a type that cannot be compared.
pub(crate) fn changes(before: &RecordBatch, now: &RecordBatch) -> Result<Vec<Change>, OperatorError> {
    let (mut retracted, mut added) = (before.clone(), now.clone());
    if before.num_rows() > 0 && now.num_rows() > 0 {
        let (old, new) = (row_hashes(before)?, row_hashes(now)?);
        let stays = take_out(&mut count(old.iter().copied()), &new);
        added = without(now, &stays)?;
        let stays = take_out(&mut count(new), &old);
        retracted = without(before, &stays)?;
    }
    Ok(Change::replaced(retracted, added))
}

/// The rows that are not marked.
///
/// # Errors
/// If they cannot be copied.
fn without(rows: &RecordBatch, marked: &[bool]) -> Result<RecordBatch, OperatorError> {
    if !marked.contains(&true) {
        return Ok(rows.clone());
    }
    let kept: BooleanArray = marked.iter().map(|marked| Some(!marked)).collect();
    Ok(filter_record_batch(rows, &kept)?)
}
