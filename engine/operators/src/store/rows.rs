//! Rows of a shard in memory: columns by position, found by the hash of their key.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{concat_batches, interleave_record_batch};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::grow::{extend, make_room};
use super::spec::StoreSpec;
use super::summary::PassedTimes;
use super::times::{NEVER, SEGMENT, Times};
use crate::OperatorError;
use crate::cut::{RowBytes, interleaved};

/// The row was removed or evicted.
const DEAD: u8 = 1;
/// The row is marked.
const MARKED: u8 = 2;
/// The row lies in a block of all shards.
const IN_ALL: u8 = 4;
/// The row was marked in the running epoch.
const MARKED_NOW: u8 = 8;

/// Rows that are copied at a time.
pub(super) const COPY_ROWS: usize = 65_536;

/// Dead rows that may stay however few live: copying the living costs more than so few bytes are worth.
const DEAD_ROWS: usize = 64;

/// Chunks are put together up to this many bytes, far below what the offsets of a text column can address.
const CHUNK_BYTES_MAX: usize = 64 << 20;

/// What is known of rows besides their columns.
pub(super) struct IdentifiedRows<'a> {
    /// The rows.
    pub rows: &'a RecordBatch,
    /// What stands for their keys.
    pub keys: &'a [u128],
    /// Their ids, ascending, above all that are there.
    pub ids: &'a [u64],
    /// Which are marked; empty if none is.
    pub marked: &'a [bool],
    /// True if they lie in blocks of all shards.
    pub in_all: bool,
}

/// The rows.
#[derive(Debug)]
pub(super) struct Rows {
    spec: Arc<StoreSpec>,
    /// The newest position of each key.
    table: HashTable<u32>,
    keys: Vec<u128>,
    ids: Vec<u64>,
    /// The next position of the same key; the newest is followed by the oldest.
    next: Vec<u32>,
    flags: Vec<u8>,
    expires: Option<Times>,
    expires_at_batch_time: Option<Times>,
    chunks: Vec<RecordBatch>,
    /// First position of each chunk.
    starts: Vec<u32>,
    chunk_bytes: Vec<usize>,
    own: usize,
    all: usize,
}

impl Rows {
    pub fn new(spec: Arc<StoreSpec>) -> Rows {
        Rows {
            table: HashTable::new(),
            keys: Vec::new(),
            ids: Vec::new(),
            next: Vec::new(),
            flags: Vec::new(),
            expires: spec.expires.map(|_| Times::default()),
            expires_at_batch_time: spec.expires_at_batch_time.map(|_| Times::default()),
            chunks: Vec::new(),
            starts: Vec::new(),
            chunk_bytes: Vec::new(),
            own: 0,
            all: 0,
            spec,
        }
    }

    /// Positions, of live rows and dead ones.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Live rows in blocks of the shard alone (or in none yet), and in blocks of all shards.
    pub fn live(&self) -> (usize, usize) {
        (self.own, self.all)
    }

    pub fn is_live(&self, position: u32) -> bool {
        self.flags[position as usize] & DEAD == 0
    }

    pub fn is_marked(&self, position: u32) -> bool {
        self.flags[position as usize] & MARKED != 0
    }

    pub fn is_marked_now(&self, position: u32) -> bool {
        self.flags[position as usize] & MARKED_NOW != 0
    }

    pub fn id(&self, position: u32) -> u64 {
        self.ids[position as usize]
    }

    /// Adds rows; returns the position of the first.
    pub fn append(&mut self, named: &IdentifiedRows<'_>) -> Result<u32, OperatorError> {
        let (first, count) = (self.len(), named.ids.len());
        if first + count >= u32::MAX as usize || named.rows.num_rows() != count || named.keys.len() != count {
            let what = format!("{count} rows with {} keys cannot follow {first}", named.keys.len());
            return Err(OperatorError::Compute(format!("store {}: {what} in a shard", self.spec.name)));
        }
        if let (Some(times), Some(column)) = (&mut self.expires, self.spec.expires) {
            times.extend(named.rows.column(column));
        }
        if let (Some(times), Some(column)) = (&mut self.expires_at_batch_time, self.spec.expires_at_batch_time) {
            times.extend(named.rows.column(column));
        }
        debug_assert!(named.ids.is_sorted_by(|one, next| one < next), "ids ascend");
        debug_assert!(
            named.ids.first().is_none_or(|id| self.ids.last().is_none_or(|last| last < id)),
            "new rows follow the old"
        );
        extend(&mut self.keys, named.keys);
        extend(&mut self.ids, named.ids);
        make_room(&mut self.flags, count);
        make_room(&mut self.next, count);
        let flag = if named.in_all { IN_ALL } else { 0 };
        match named.marked {
            [] => self.flags.resize(first + count, flag),
            marked => self.flags.extend(marked.iter().map(|marked| flag | if *marked { MARKED } else { 0 })),
        }
        (first..first + count).for_each(|position| self.link(position as u32));
        *(if named.in_all { &mut self.all } else { &mut self.own }) += count;
        self.chunks.push(named.rows.clone());
        self.starts.push(first as u32);
        self.chunk_bytes.push(named.rows.get_array_memory_size());
        Ok(first as u32)
    }

    /// Links a position behind the others of its key, and leaves out the oldest of them that are dead.
    fn link(&mut self, position: u32) {
        let Rows { table, keys, next, flags, .. } = self;
        let key = keys[position as usize];
        let is_same = |other: &u32| keys[*other as usize] == key;
        match table.entry(key as u64, is_same, |other| keys[*other as usize] as u64) {
            Entry::Vacant(slot) => {
                slot.insert(position);
                next.push(position);
            }
            Entry::Occupied(mut slot) => {
                let newest = *slot.get();
                let mut oldest = next[newest as usize];
                while oldest != newest && flags[oldest as usize] & DEAD != 0 {
                    oldest = next[oldest as usize];
                }
                if flags[oldest as usize] & DEAD != 0 {
                    next.push(position);
                } else {
                    next.push(oldest);
                    next[newest as usize] = position;
                }
                *slot.get_mut() = position;
            }
        }
    }

    /// Live positions of a key, oldest first.
    pub fn find(&self, key: u128) -> impl Iterator<Item = u32> + '_ {
        let newest = self.table.find(key as u64, |other| self.keys[*other as usize] == key).copied();
        let mut at = newest.map(|newest| self.next[newest as usize]);
        std::iter::from_fn(move || {
            while let Some(position) = at {
                at = (Some(position) != newest).then(|| self.next[position as usize]);
                if self.is_live(position) {
                    return Some(position);
                }
            }
            None
        })
    }

    /// Removes a row; false if it was removed before.
    pub fn remove(&mut self, position: u32) -> bool {
        let flags = &mut self.flags[position as usize];
        let lived = *flags & DEAD == 0;
        if lived {
            *flags |= DEAD;
            *(if *flags & IN_ALL != 0 { &mut self.all } else { &mut self.own }) -= 1;
        }
        lived
    }

    /// Marks a row; false if it was.
    pub fn mark(&mut self, position: u32) -> bool {
        let flags = &mut self.flags[position as usize];
        let was = *flags & MARKED != 0;
        *flags |= MARKED;
        !was
    }

    /// Notes whether a row was marked in the running epoch.
    pub fn set_marked_now(&mut self, id: u64, is_now: bool) {
        if let Ok(position) = self.ids.binary_search(&id) {
            let flags = &mut self.flags[position];
            *flags = if is_now { *flags | MARKED_NOW } else { *flags & !MARKED_NOW };
        }
    }

    /// Notes that the rows from a position on are now in blocks of all shards.
    pub fn move_to_all(&mut self, from: usize) {
        for flags in &mut self.flags[from..] {
            if *flags & (DEAD | IN_ALL) == 0 {
                self.own -= 1;
                self.all += 1;
            }
            *flags |= IN_ALL;
        }
    }

    /// Notes that no row is in blocks of all shards any more.
    pub fn move_to_own(&mut self) {
        self.flags.iter_mut().for_each(|flags| *flags &= !IN_ALL);
        (self.own, self.all) = (self.own + self.all, 0);
    }

    pub fn is_due(&self, position: u32, until: PassedTimes) -> bool {
        let due = |times: &Option<Times>, until_us| times.as_ref().is_some_and(|times| times.at(position) <= until_us);
        due(&self.expires, until.watermark_us) || due(&self.expires_at_batch_time, until.batch_time_us)
    }

    /// Live positions that are due, oldest first.
    pub fn due(&self, until: PassedTimes) -> Vec<u32> {
        let may = |times: &Option<Times>, segment, until_us| {
            times.as_ref().is_some_and(|times| times.may_be_due(segment, until_us))
        };
        let mut due = Vec::new();
        for segment in 0..self.len().div_ceil(SEGMENT) {
            if may(&self.expires, segment, until.watermark_us)
                || may(&self.expires_at_batch_time, segment, until.batch_time_us)
            {
                let rows = segment * SEGMENT..((segment + 1) * SEGMENT).min(self.len());
                let rows = rows.map(|row| row as u32);
                due.extend(rows.filter(|row| self.is_live(*row) && self.is_due(*row, until)));
            }
        }
        due
    }

    /// The least expiry of all live rows, by watermark and by epoch time.
    pub fn least(&mut self) -> (i64, i64) {
        let flags = &self.flags;
        let least = |times: &mut Option<Times>| {
            times.as_mut().map_or(NEVER, |times| times.least(|row| flags[row as usize] & DEAD == 0))
        };
        (least(&mut self.expires), least(&mut self.expires_at_batch_time))
    }

    /// The rows at these positions, in this order.
    pub fn gather(&self, positions: &[u32]) -> Result<RecordBatch, OperatorError> {
        if positions.is_empty() {
            return Ok(RecordBatch::new_empty(Arc::clone(&self.spec.schema)));
        }
        let chunks: Vec<&RecordBatch> = self.chunks.iter().collect();
        Ok(interleave_record_batch(&chunks, &self.places(positions)?)?)
    }

    /// As [`Rows::gather`], positions that are all different, in parts of at most `rows_max` rows that are small enough to be put together.
    pub fn gather_parts(&self, positions: &[u32], rows_max: usize) -> Result<Vec<RecordBatch>, OperatorError> {
        let chunks: Vec<&RecordBatch> = self.chunks.iter().collect();
        Ok(interleaved(&chunks, &self.places(positions)?, rows_max)?)
    }

    /// Bytes that each of the rows at these positions takes.
    pub fn sizes(&self, positions: &[u32]) -> Result<Vec<usize>, OperatorError> {
        let chunks: Vec<RowBytes> = self.chunks.iter().map(RowBytes::new).collect();
        Ok(self.places(positions)?.into_iter().map(|(chunk, row)| chunks[chunk].of(row)).collect())
    }

    /// The chunk of each position, and the row in it.
    fn places(&self, positions: &[u32]) -> Result<Vec<(usize, usize)>, OperatorError> {
        let mut places = Vec::with_capacity(positions.len());
        let mut chunk = 0;
        for position in positions {
            let holds = |chunk: usize| {
                self.starts.get(chunk).is_some_and(|start| start <= position)
                    && self.starts.get(chunk + 1).is_none_or(|next| position < next)
            };
            if !holds(chunk) {
                chunk = self.starts.partition_point(|start| start <= position).checked_sub(1).ok_or_else(|| {
                    OperatorError::Compute(format!("store {} keeps no rows, only keys", self.spec.name))
                })?;
            }
            places.push((chunk, (position - self.starts[chunk]) as usize));
        }
        Ok(places)
    }

    /// The rows from a position on, in memory of their own, in parts; each is one chunk now.
    pub fn own_from(&mut self, from: u32) -> Result<Vec<RecordBatch>, OperatorError> {
        let positions: Vec<u32> = (from..self.len() as u32).collect();
        let parts = self.gather_parts(&positions, usize::MAX)?;
        let chunk = self.starts.partition_point(|start| *start < from);
        self.cut_chunks(chunk);
        let mut start = from;
        for part in &parts {
            self.chunk_bytes.push(part.get_array_memory_size());
            self.chunks.push(part.clone());
            self.starts.push(start);
            start += part.num_rows() as u32;
        }
        Ok(parts)
    }

    fn cut_chunks(&mut self, len: usize) {
        self.chunks.truncate(len);
        self.starts.truncate(len);
        self.chunk_bytes.truncate(len);
    }

    /// Puts small chunks together (positions stay), or drops all if only keys are kept.
    pub fn tidy_chunks(&mut self) -> Result<(), OperatorError> {
        if !self.spec.keeps_rows {
            self.cut_chunks(0);
            self.chunks.shrink_to_fit();
            return Ok(());
        }
        // Each chunk is at least twice as large as the next, as in a binary counter: a row is copied log n times, and there are log n
        // chunks to gather from.
        while let [.., before, last] = self.chunks.as_slice() {
            let at = self.chunks.len() - 2;
            let bytes = self.chunk_bytes[at] + self.chunk_bytes[at + 1];
            if before.num_rows() >= 2 * last.num_rows() || bytes > CHUNK_BYTES_MAX {
                break;
            }
            let both = concat_batches(&self.spec.schema, [before, last])?;
            let start = self.starts[at];
            self.cut_chunks(at);
            self.chunk_bytes.push(both.get_array_memory_size());
            self.chunks.push(both);
            self.starts.push(start);
        }
        Ok(())
    }

    /// True if most positions are dead.
    pub fn is_mostly_dead(&self) -> bool {
        self.len() - self.own - self.all > self.own + self.all + DEAD_ROWS
    }

    /// Drops the dead: positions change.
    pub fn drop_dead(&mut self) -> Result<(), OperatorError> {
        let live: Vec<u32> = (0..self.len() as u32).filter(|position| self.is_live(*position)).collect();
        let mut rows = Rows::new(Arc::clone(&self.spec));
        let mut start = 0;
        for part in live.chunks(COPY_ROWS).filter(|_| self.spec.keeps_rows) {
            for chunk in self.gather_parts(part, COPY_ROWS)? {
                rows.starts.push(start);
                start += chunk.num_rows() as u32;
                rows.chunk_bytes.push(chunk.get_array_memory_size());
                rows.chunks.push(chunk);
            }
        }
        rows.keys = live.iter().map(|position| self.keys[*position as usize]).collect();
        rows.ids = live.iter().map(|position| self.ids[*position as usize]).collect();
        rows.flags = live.iter().map(|position| self.flags[*position as usize]).collect();
        for (to, from) in
            [(&mut rows.expires, &self.expires), (&mut rows.expires_at_batch_time, &self.expires_at_batch_time)]
        {
            if let (Some(to), Some(from)) = (to, from) {
                live.iter().for_each(|position| to.push(from.at(*position)));
            }
        }
        (rows.own, rows.all) = (self.own, self.all);
        rows.next = Vec::with_capacity(live.len());
        let table_rows = &rows.keys;
        rows.table.reserve(live.len(), |other| table_rows[*other as usize] as u64);
        (0..live.len() as u32).for_each(|position| rows.link(position));
        *self = rows;
        Ok(())
    }

    /// Memory it takes, bytes.
    pub fn bytes(&self) -> usize {
        let row = size_of::<u128>() * self.keys.capacity()
            + size_of::<u64>() * self.ids.capacity()
            + size_of::<u32>() * self.next.capacity()
            + self.flags.capacity();
        let times = |times: &Option<Times>| times.as_ref().map_or(0, Times::bytes);
        row + self.table.allocation_size()
            + times(&self.expires)
            + times(&self.expires_at_batch_time)
            + self.chunk_bytes.iter().sum::<usize>()
    }
}
