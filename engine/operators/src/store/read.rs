//! Reads blocks back: decodes them, and puts the live rows of a shard together in the order in which they were inserted.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{interleave_record_batch, take_record_batch};
use arrow::datatypes::TimestampMicrosecondType;
use state::BlockKey;

use super::format::{BlockRows, Entry, Format};
use super::index::{MARKED, REMOVED, ROWS};
use super::rows::{COPY_ROWS, IdentifiedRows, Rows};
use super::spec::StoreSpec;
use super::summary::PassedTimes;
use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::cut::runs_of_places;
use crate::keyed::hash::hash_keys;

/// Blocks that are not committed yet.
pub(super) type Pending = BTreeMap<BlockKey, Arc<[u8]>>;

/// Blocks, decoded.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    /// Rows, block by block.
    pub rows: Vec<BlockRows>,
    /// Rows that were removed, ascending.
    pub removed: Vec<Entry>,
    /// Rows that were marked, ascending.
    pub marks: Vec<Entry>,
}

/// Decodes blocks, committed or pending.
pub(super) fn decode<'a>(
    format: &Format,
    keys: impl Iterator<Item = &'a BlockKey>,
    pending: &Pending,
    committed: &dyn BlockSource,
) -> Result<Decoded, OperatorError> {
    let mut decoded = Decoded::default();
    for key in keys {
        let read;
        let bytes: &[u8] = match pending.get(key) {
            Some(bytes) => bytes,
            None => {
                read = committed.block(key)?;
                &read
            }
        };
        match key.section {
            ROWS => decoded.rows.push(format.decode_rows(bytes)?),
            REMOVED => decoded.removed.extend(format.decode_ids(bytes)?),
            MARKED => decoded.marks.extend(format.decode_ids(bytes)?),
            _ => return Err(OperatorError::Damaged(format!("{key} is no block of a store"))),
        }
    }
    decoded.removed.sort_unstable();
    decoded.marks.sort_unstable();
    Ok(decoded)
}

/// The entries of one shard.
pub(super) fn of_shard(entries: &[Entry], shard: u8) -> &[Entry] {
    let from = entries.partition_point(|(other, _)| *other < shard);
    let until = entries.partition_point(|(other, _)| *other <= shard);
    &entries[from..until]
}

/// Finds which rows of a batch are due.
pub(super) struct Due<'a> {
    columns: Vec<(&'a arrow::array::TimestampMicrosecondArray, i64)>,
}

impl<'a> Due<'a> {
    pub fn new(spec: &StoreSpec, rows: &'a RecordBatch, passed: PassedTimes) -> Due<'a> {
        let column = |column: usize| rows.column(column).as_primitive::<TimestampMicrosecondType>();
        let by_watermark = spec.expires.map(|expires| (column(expires), passed.watermark_us));
        let by_time = spec.expires_at_batch_time.map(|expires| (column(expires), passed.batch_time_us));
        Due { columns: by_watermark.into_iter().chain(by_time).collect() }
    }

    pub fn holds(&self, row: usize) -> bool {
        self.columns.iter().any(|(times, until_us)| times.is_valid(row) && times.value(row) <= *until_us)
    }
}

/// Blocks to read the rows of a shard out of.
pub(super) struct Source<'a> {
    pub blocks: &'a Decoded,
    /// True for blocks of all shards.
    pub in_all: bool,
    /// What has passed: rows that are due by then are evicted.
    pub passed: PassedTimes,
}

/// Live rows of one shard out of one block.
struct Part {
    rows: RecordBatch,
    ids: Vec<u64>,
    marked: Vec<bool>,
    in_all: bool,
}

/// The live rows of a shard.
pub(super) fn rows_of_shard(spec: &Arc<StoreSpec>, shard: u8, sources: &[Source<'_>]) -> Result<Rows, OperatorError> {
    let mut rows = Rows::new(Arc::clone(spec));
    for part in in_order(parts(spec, shard, sources)?)? {
        let keys = hash_keys(&part.rows.columns()[..spec.keys], part.ids.len())?.keys;
        let Part { rows: batch, ids, marked, in_all } = &part;
        rows.append(&IdentifiedRows { rows: batch, keys: &keys, ids, marked, in_all: *in_all })?;
        rows.tidy_chunks()?;
    }
    Ok(rows)
}

/// As [`rows_of_shard`], without a table to find them by.
pub(super) fn batches_of_shard(
    spec: &StoreSpec,
    shard: u8,
    sources: &[Source<'_>],
) -> Result<Vec<RecordBatch>, OperatorError> {
    Ok(in_order(parts(spec, shard, sources)?)?.into_iter().map(|part| part.rows).collect())
}

fn parts(spec: &StoreSpec, shard: u8, sources: &[Source<'_>]) -> Result<Vec<Part>, OperatorError> {
    let ids_of = |entries: fn(&Decoded) -> &[Entry]| {
        let of_shard = sources.iter().flat_map(|source| of_shard(entries(source.blocks), shard));
        let mut ids: Vec<u64> = of_shard.map(|(_, id)| *id).collect();
        ids.sort_unstable();
        ids
    };
    let (removed, marks) = (ids_of(|decoded| &decoded.removed), ids_of(|decoded| &decoded.marks));
    let mut parts = Vec::new();
    for source in sources {
        for block in &source.blocks.rows {
            let range = block.of_shard(shard);
            let due = Due::new(spec, &block.rows, source.passed);
            let lives = |row: &usize| {
                (removed.is_empty() || removed.binary_search(&block.ids[*row]).is_err()) && !due.holds(*row)
            };
            let live: Vec<u32> = range.filter(lives).map(|row| row as u32).collect();
            if live.is_empty() {
                continue;
            }
            let ids: Vec<u64> = live.iter().map(|row| block.ids[*row as usize]).collect();
            let is_marked = |(row, id): (&u32, &u64)| block.marked[*row as usize] || marks.binary_search(id).is_ok();
            let marked = live.iter().zip(&ids).map(is_marked).collect();
            let rows = match live.len() == block.len() {
                true => block.rows.clone(),
                false => take_record_batch(&block.rows, &UInt32Array::from(live))?,
            };
            parts.push(Part { rows, ids, marked, in_all: source.in_all });
        }
    }
    Ok(parts)
}

/// Parts with ascending ids: as they are if no two overlap, else put together anew.
fn in_order(mut parts: Vec<Part>) -> Result<Vec<Part>, OperatorError> {
    parts.sort_by_key(|part| part.ids.first().copied());
    if parts.windows(2).all(|pair| pair[0].ids.last() < pair[1].ids.first()) {
        return Ok(parts);
    }
    let places = |(number, part): (usize, &Part)| (0..part.ids.len()).map(|row| (number, row)).collect::<Vec<_>>();
    let mut order: Vec<(usize, usize)> = parts.iter().enumerate().flat_map(places).collect();
    order.sort_unstable_by_key(|(part, row)| parts[*part].ids[*row]);
    let batches: Vec<&RecordBatch> = parts.iter().map(|part| &part.rows).collect();
    let mut merged = Vec::new();
    // A run ends where rows of another kind of bucket begin: a part is of one kind.
    for run in order.chunk_by(|one, other| parts[one.0].in_all == parts[other.0].in_all) {
        for cut in runs_of_places(&batches, run, COPY_ROWS) {
            let slice = &run[cut];
            merged.push(Part {
                rows: interleave_record_batch(&batches, slice)?,
                ids: slice.iter().map(|(part, row)| parts[*part].ids[*row]).collect(),
                marked: slice.iter().map(|(part, row)| parts[*part].marked[*row]).collect(),
                in_all: parts[slice[0].0].in_all,
            });
        }
    }
    Ok(merged)
}
