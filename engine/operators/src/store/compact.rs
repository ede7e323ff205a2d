//! Merges blocks: rows that were removed or are due are left out, marks move to their rows, rows are sorted by shard and id.

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;

use super::format::{BLOCK_ROWS, BlockRows, Entry};
use super::read::{Decoded, Due};
use super::spec::StoreSpec;
use super::summary::PassedTimes;
use crate::OperatorError;
use crate::cut::runs_of_places;

/// What is left of merged blocks.
#[derive(Debug, Default)]
pub(super) struct MergedBlocks {
    /// Rows, in blocks of at most [`BLOCK_ROWS`], none larger than can be put together.
    pub rows: Vec<BlockRows>,
    /// Rows that were removed and lie in other blocks.
    pub removed: Vec<Entry>,
    /// Rows that were marked and lie in other blocks.
    pub marks: Vec<Entry>,
}

/// What a merge may options out.
pub(super) struct MergeOptions<'a> {
    /// Rows that other blocks say are removed, ascending.
    pub removed: &'a [Entry],
    /// What has passed.
    pub passed: PassedTimes,
    /// True for ids whose rows may lie in other blocks.
    pub is_elsewhere: &'a dyn Fn(&Entry) -> bool,
    /// True if no block of rows may hold rows of two shards.
    pub is_split: bool,
}

/// Merges blocks.
pub(super) fn merge(
    spec: &StoreSpec,
    blocks: &Decoded,
    options: &MergeOptions<'_>,
) -> Result<MergedBlocks, OperatorError> {
    debug_assert!(
        blocks.removed.is_sorted() && blocks.marks.is_sorted() && options.removed.is_sorted(),
        "they are searched"
    );
    let mut is_here = vec![false; blocks.removed.len()];
    let mut is_mark_here = vec![false; blocks.marks.len()];
    let mut order: Vec<(usize, usize)> = Vec::with_capacity(blocks.rows.iter().map(BlockRows::len).sum());
    let mut marked: Vec<Vec<bool>> = blocks.rows.iter().map(|block| block.marked.clone()).collect();
    for (number, (block, marked)) in blocks.rows.iter().zip(&mut marked).enumerate() {
        let due = Due::new(spec, &block.rows, options.passed);
        for (row, is_marked) in marked.iter_mut().enumerate() {
            let entry = block.entry(row);
            if let Ok(at) = search(&blocks.removed, &entry) {
                is_here[at] = true;
                continue;
            }
            if let Ok(at) = search(&blocks.marks, &entry) {
                is_mark_here[at] = true;
                *is_marked = true;
            }
            if search(options.removed, &entry).is_err() && !due.holds(row) {
                order.push((number, row));
            }
        }
    }
    let left = |entries: &[Entry], is_here: &[bool]| -> Vec<Entry> {
        let away = entries.iter().zip(is_here).filter(|(_, is_here)| !**is_here).map(|(entry, _)| *entry);
        away.filter(|entry| (options.is_elsewhere)(entry)).collect()
    };
    let mut marks = left(&blocks.marks, &is_mark_here);
    marks.retain(|entry| search(&blocks.removed, entry).is_err());
    let rows = sorted(blocks, &marked, order, options.is_split)?;
    Ok(MergedBlocks { rows, removed: left(&blocks.removed, &is_here), marks })
}

fn search(entries: &[Entry], entry: &Entry) -> Result<usize, usize> {
    if entries.is_empty() { Err(0) } else { entries.binary_search(entry) }
}

/// The rows at these places, sorted, in blocks.
fn sorted(
    blocks: &Decoded,
    marked: &[Vec<bool>],
    mut order: Vec<(usize, usize)>,
    is_split: bool,
) -> Result<Vec<BlockRows>, OperatorError> {
    let entry = |place: &(usize, usize)| blocks.rows[place.0].entry(place.1);
    if !order.is_sorted_by_key(entry) {
        order.sort_unstable_by_key(entry);
    }
    let batches: Vec<&RecordBatch> = blocks.rows.iter().map(|block| &block.rows).collect();
    let mut merged = Vec::new();
    for run in order.chunk_by(|one, other| !is_split || entry(one).0 == entry(other).0) {
        for cut in runs_of_places(&batches, run, BLOCK_ROWS) {
            let places = &run[cut];
            merged.push(BlockRows {
                shards: places.iter().map(|place| entry(place).0).collect(),
                ids: places.iter().map(|place| entry(place).1).collect(),
                marked: places.iter().map(|(block, row)| marked[*block][*row]).collect(),
                rows: interleave_record_batch(&batches, places)?,
            });
        }
    }
    Ok(merged)
}
