//! One shard of a store in memory: rows in chunks, found by the hash of their key.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::TimestampMicrosecondType;

use super::StoreSpec;
use crate::OperatorError;
use crate::operator::Moment;

const NONE: u32 = u32::MAX;

/// Rows of one shard. A position names a row while the epoch lasts.
#[derive(Debug)]
pub struct Shard {
    spec: Arc<StoreSpec>,
    chunks: Vec<RecordBatch>,
    /// Chunk and row of each position.
    places: Vec<(u32, u32)>,
    live: Vec<bool>,
    marked: Vec<bool>,
    expires: Vec<i64>,
    expires_at_batch_time: Vec<i64>,
    /// Oldest and newest position of each key; positions of one key are linked oldest first.
    heads: HashMap<u128, (u32, u32)>,
    next: Vec<u32>,
    count: usize,
}

impl Shard {
    pub(super) fn new(spec: Arc<StoreSpec>) -> Shard {
        Shard {
            spec,
            chunks: Vec::new(),
            places: Vec::new(),
            live: Vec::new(),
            marked: Vec::new(),
            expires: Vec::new(),
            expires_at_batch_time: Vec::new(),
            heads: HashMap::new(),
            next: Vec::new(),
            count: 0,
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.count
    }

    /// True if this key has a row.
    pub fn contains(&self, key: u128) -> bool {
        self.find(key).next().is_some()
    }

    /// Positions of the rows with this key, oldest first.
    pub fn find(&self, key: u128) -> impl Iterator<Item = u32> + '_ {
        let mut at = self.heads.get(&key).map_or(NONE, |(head, _)| *head);
        std::iter::from_fn(move || {
            while at != NONE {
                let position = at;
                at = self.next[position as usize];
                if self.live[position as usize] {
                    return Some(position);
                }
            }
            None
        })
    }

    /// Inserts rows with the hashes of their keys; returns the position of the first, the others follow it.
    ///
    /// # Errors
    /// If the rows are not of the store's columns.
    pub fn insert(&mut self, rows: &RecordBatch, keys: &[u128]) -> Result<u32, OperatorError> {
        let first = self.places.len() as u32;
        let chunk = self.chunks.len() as u32;
        let due = |column: Option<usize>| times(column.map(|column| rows.column(column)), rows.num_rows());
        self.expires.extend(due(self.spec.expires));
        self.expires_at_batch_time.extend(due(self.spec.expires_at_batch_time));
        for (row, key) in keys.iter().enumerate() {
            let position = first + row as u32;
            self.places.push((chunk, row as u32));
            self.live.push(true);
            self.marked.push(false);
            self.next.push(NONE);
            let entry = self.heads.entry(*key).or_insert((position, NONE));
            if entry.1 != NONE {
                self.next[entry.1 as usize] = position;
            }
            entry.1 = position;
        }
        self.count += keys.len();
        self.chunks.push(rows.clone());
        Ok(first)
    }

    /// Removes a row.
    pub fn remove(&mut self, position: u32) {
        if std::mem::replace(&mut self.live[position as usize], false) {
            self.count -= 1;
        }
    }

    /// Marks a row; a mark is durable as the row is.
    pub fn mark(&mut self, position: u32) {
        self.marked[position as usize] = true;
    }

    /// True if the row is marked.
    pub fn is_marked(&self, position: u32) -> bool {
        self.marked[position as usize]
    }

    /// The rows at these positions, in this order, all columns.
    ///
    /// # Errors
    /// If they cannot be copied.
    pub fn gather(&self, positions: &[u32]) -> Result<RecordBatch, OperatorError> {
        if positions.is_empty() {
            return Ok(RecordBatch::new_empty(Arc::clone(&self.spec.schema)));
        }
        let chunks: Vec<&RecordBatch> = self.chunks.iter().collect();
        let places: Vec<(usize, usize)> = positions
            .iter()
            .map(|position| {
                let (chunk, row) = self.places[*position as usize];
                (chunk as usize, row as usize)
            })
            .collect();
        Ok(interleave_record_batch(&chunks, &places)?)
    }

    /// Positions of all rows, oldest first.
    pub fn positions(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.places.len() as u32).filter(|position| self.live[*position as usize])
    }

    /// Positions of the rows that are due at this moment, oldest first.
    pub fn due(&self, moment: &Moment) -> Vec<u32> {
        self.positions().filter(|position| self.is_row_due(*position, moment)).collect()
    }

    /// Lets all rows go that are due at this moment.
    pub fn evict(&mut self, moment: &Moment) {
        for position in self.due(moment) {
            self.remove(position);
        }
    }

    pub(super) fn is_due(&self, moment: &Moment) -> bool {
        self.positions().any(|position| self.is_row_due(position, moment))
    }

    fn is_row_due(&self, position: u32, moment: &Moment) -> bool {
        moment.watermark_us.is_some_and(|us| self.expires[position as usize] <= us)
            || self.expires_at_batch_time[position as usize] <= moment.batch_time_us
    }
}

/// When rows go; those that never do at the end of time.
fn times(column: Option<&ArrayRef>, rows: usize) -> Vec<i64> {
    match column {
        None => vec![i64::MAX; rows],
        Some(column) => {
            let times = column.as_primitive::<TimestampMicrosecondType>();
            (0..rows).map(|row| if times.is_null(row) { i64::MAX } else { times.value(row) }).collect()
        }
    }
}
