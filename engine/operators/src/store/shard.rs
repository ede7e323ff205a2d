//! One shard of a store: rows in memory, what the running epoch changed in them, and what is known when they are not.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use epoch::EpochId;

use super::format::{epoch_of, id};
use super::rows::{IdentifiedRows, Rows};
use super::spec::StoreSpec;
use super::summary::{PassedTimes, ShardFacts};
use crate::OperatorError;
use crate::epoch_time::EpochTime;

/// Rows of one shard. A position names a row until the operator is done with the shard in this epoch.
#[derive(Debug)]
pub struct Shard {
    spec: Arc<StoreSpec>,
    /// The rows, if they are in memory.
    rows: Option<Rows>,
    /// What is known while they are not; `None` if nothing is.
    facts: Option<ShardFacts>,
    /// The epoch of what follows.
    epoch: Option<EpochId>,
    /// What has passed by this epoch.
    until: PassedTimes,
    /// Rows inserted in this epoch.
    inserted: u64,
    /// Rows from this position on are in no block yet.
    fresh_from: usize,
    /// Rows removed and marked in this epoch that are in blocks, but not as such: ids.
    removed: Vec<u64>,
    marks: Vec<u64>,
    /// Rows of earlier epochs that were marked in this one: ids.
    marked_now: Vec<u64>,
    /// What was due in this epoch is evicted.
    is_evicted: bool,
    updated: i64,
    evicted: u64,
    /// Memory that the budget knows of, bytes.
    accounted_bytes: usize,
}

/// What a shard has that is in no block yet.
#[derive(Debug)]
pub(super) struct Changes {
    /// The rows, in parts that are small enough to be put together.
    pub rows: Vec<RecordBatch>,
    pub ids: Vec<u64>,
    pub marked: Vec<bool>,
    pub removed: Vec<u64>,
    pub marks: Vec<u64>,
}

impl Shard {
    /// A shard of which nothing is known, or one without rows.
    pub(super) fn new(spec: Arc<StoreSpec>, is_empty: bool) -> Shard {
        Shard {
            rows: is_empty.then(|| Rows::new(Arc::clone(&spec))),
            facts: None,
            epoch: None,
            until: PassedTimes::NOTHING,
            inserted: 0,
            fresh_from: 0,
            removed: Vec::new(),
            marks: Vec::new(),
            marked_now: Vec::new(),
            is_evicted: false,
            updated: 0,
            evicted: 0,
            accounted_bytes: 0,
            spec,
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows.as_ref().map_or(0, |rows| rows.live().0 + rows.live().1)
    }

    /// True if this key has a row.
    pub fn contains(&self, key: u128) -> bool {
        self.find(key).next().is_some()
    }

    /// Positions of the rows with this key, oldest first.
    pub fn find(&self, key: u128) -> impl Iterator<Item = u32> + '_ {
        self.rows.iter().flat_map(move |rows| rows.find(key))
    }

    /// Inserts rows with the hashes of their keys; returns the position of the first, the others follow it.
    ///
    /// # Errors
    /// If the rows are not of the store's columns, or if they are more than an epoch can have.
    pub fn insert(&mut self, rows: &RecordBatch, keys: &[u128]) -> Result<u32, OperatorError> {
        let epoch = self.epoch.ok_or_else(|| not_taken(&self.spec))?;
        let first = id(&self.spec.name, epoch, self.inserted)?;
        self.inserted += keys.len() as u64;
        id(&self.spec.name, epoch, self.inserted.saturating_sub(1))?;
        let ids: Vec<u64> = (first..first + keys.len() as u64).collect();
        self.updated += keys.len() as i64;
        self.loaded()?.append(&IdentifiedRows { rows, keys, ids: &ids, marked: &[], in_all: false })
    }

    /// Removes a row.
    pub fn remove(&mut self, position: u32) {
        if let Some(id) = self.drop_row(position)
            && (position as usize) < self.fresh_from
        {
            self.removed.push(id);
        }
    }

    /// Marks a row; a mark is durable as the row is.
    pub fn mark(&mut self, position: u32) {
        let (epoch, fresh_from) = (self.epoch, self.fresh_from);
        let Some(rows) = &mut self.rows else { return };
        let is_new = Some(epoch_of(rows.id(position))) == epoch;
        if !rows.is_live(position) || !rows.mark(position) {
            return;
        }
        if !is_new {
            self.updated += 1;
            self.marked_now.push(rows.id(position));
            rows.set_marked_now(rows.id(position), true);
        }
        if (position as usize) < fresh_from {
            self.marks.push(rows.id(position));
        }
    }

    /// True if the row is marked.
    pub fn is_marked(&self, position: u32) -> bool {
        self.rows.as_ref().is_some_and(|rows| rows.is_marked(position))
    }

    /// The rows at these positions, in this order, all columns.
    ///
    /// # Errors
    /// If they cannot be copied.
    pub fn gather(&self, positions: &[u32]) -> Result<RecordBatch, OperatorError> {
        self.rows.as_ref().ok_or_else(|| not_taken(&self.spec))?.gather(positions)
    }

    /// As [`Shard::gather`], positions that are all different, in parts of at most `rows_max` rows that are small enough to be put together.
    ///
    /// # Errors
    /// If they cannot be copied.
    pub fn gather_parts(&self, positions: &[u32], rows_max: usize) -> Result<Vec<RecordBatch>, OperatorError> {
        self.rows.as_ref().ok_or_else(|| not_taken(&self.spec))?.gather_parts(positions, rows_max)
    }

    /// Bytes that each of the rows at these positions takes.
    ///
    /// # Errors
    /// If the shard keeps no rows, only keys.
    pub fn sizes(&self, positions: &[u32]) -> Result<Vec<usize>, OperatorError> {
        self.rows.as_ref().ok_or_else(|| not_taken(&self.spec))?.sizes(positions)
    }

    /// Positions of all rows, oldest first.
    pub fn positions(&self) -> impl Iterator<Item = u32> + '_ {
        let live = |rows: &'_ Rows| 0..rows.len() as u32;
        self.rows.iter().flat_map(move |rows| live(rows).filter(|position| rows.is_live(*position)))
    }

    /// Positions of the rows that are due at this time, oldest first.
    pub fn due(&self, time: &EpochTime) -> Vec<u32> {
        self.rows.as_ref().map_or_else(Vec::new, |rows| rows.due(PassedTimes::at(time)))
    }

    /// Evicts all rows that are due at this time.
    pub fn evict(&mut self, time: &EpochTime) {
        for position in self.due(time) {
            // Time evicts a row that is due in this epoch, also when it is read back; what is evicted before its time must be written.
            match self.rows.as_ref().is_some_and(|rows| rows.is_due(position, self.until)) {
                true => {
                    self.drop_row(position);
                }
                false => self.remove(position),
            }
        }
        self.is_evicted |= PassedTimes::at(time).and(self.until) == PassedTimes::at(time);
    }

    /// Evicts all rows that are due in this epoch.
    pub(super) fn evict_all(&mut self) {
        let due = self.rows.as_ref().map_or_else(Vec::new, |rows| rows.due(self.until));
        for position in due {
            self.drop_row(position);
        }
        self.is_evicted = true;
    }

    /// Evicts what was inserted after the due rows were evicted, and is due itself: a shard that is read back has none either.
    pub(super) fn evict_again(&mut self) {
        if self.is_evicted && self.rows.is_some() {
            self.evict_all();
        }
    }

    fn drop_row(&mut self, position: u32) -> Option<u64> {
        let rows = self.rows.as_mut().filter(|rows| rows.is_live(position))?;
        rows.remove(position);
        let id = rows.id(position);
        let is_new = Some(epoch_of(id)) == self.epoch;
        self.updated -= i64::from(is_new || rows.is_marked_now(position));
        self.evicted += u64::from(!is_new);
        Some(id)
    }

    /// Begins an epoch, if it has not begun.
    pub(super) fn begin(&mut self, epoch: EpochId, until: PassedTimes) {
        self.until = until;
        if self.epoch != Some(epoch) {
            self.epoch = Some(epoch);
            let marked = std::mem::take(&mut self.marked_now);
            if let Some(rows) = &mut self.rows {
                marked.into_iter().for_each(|id| rows.set_marked_now(id, false));
            }
            (self.inserted, self.updated, self.evicted, self.is_evicted) = (0, 0, 0, false);
        }
    }

    /// What has passed for rows that are read back, of earlier epochs and of this one.
    pub(super) fn passed(&self, committed: PassedTimes) -> [PassedTimes; 2] {
        if self.is_evicted { [self.until; 2] } else { [committed, PassedTimes::NOTHING] }
    }

    pub(super) fn is_loaded(&self) -> bool {
        self.rows.is_some()
    }

    /// Takes rows that were read.
    pub(super) fn load(&mut self, mut rows: Rows) {
        self.fresh_from = rows.len();
        self.marked_now.iter().for_each(|id| rows.set_marked_now(*id, true));
        self.rows = Some(rows);
    }

    /// Leaves memory, unless something is in no block yet.
    pub(super) fn unload(&mut self) {
        if !self.is_changed() {
            self.facts = self.facts();
            self.rows = None;
            self.fresh_from = 0;
        }
    }

    /// True if something is in no block yet.
    pub(super) fn is_changed(&self) -> bool {
        let len = self.rows.as_ref().map_or(0, Rows::len);
        !self.removed.is_empty() || !self.marks.is_empty() || self.fresh_from < len
    }

    /// Number of rows, in memory or not; `None` if nothing is known.
    pub(super) fn known_rows(&self) -> Option<u64> {
        match &self.rows {
            Some(_) => Some(self.rows() as u64),
            None => self.facts.map(|facts| facts.rows()),
        }
    }

    /// What is known of the rows; `None` if nothing is.
    pub(super) fn facts(&mut self) -> Option<ShardFacts> {
        let Some(rows) = &mut self.rows else { return self.facts };
        let ((own, all), (expires_us, expires_at_batch_time_us)) = (rows.live(), rows.least());
        Some(ShardFacts { own: own as u64, all: all as u64, expires_us, expires_at_batch_time_us })
    }

    /// Hands over what is in no block yet, which now goes into blocks of the shard alone or of all shards, and tidies up:
    /// positions may change.
    pub(super) fn take_changes(&mut self, in_all: bool) -> Result<Option<Changes>, OperatorError> {
        if !self.is_changed() {
            return Ok(None);
        }
        let from = self.fresh_from;
        let (mut removed, mut marks) = (std::mem::take(&mut self.removed), std::mem::take(&mut self.marks));
        let rows = self.loaded()?;
        let fresh = from as u32..rows.len() as u32;
        let live: BooleanArray = fresh.clone().map(|position| Some(rows.is_live(position))).collect();
        let mut parts = rows.own_from(from as u32)?;
        if live.true_count() < live.len() {
            let mut first = 0;
            for part in &mut parts {
                let of_part = live.slice(first, part.num_rows());
                first += part.num_rows();
                *part = filter_record_batch(part, &of_part)?;
            }
        }
        let living = || fresh.clone().filter(|position| rows.is_live(*position));
        removed.sort_unstable();
        marks.sort_unstable();
        debug_assert!(removed.is_sorted_by(|one, next| one < next), "no row is removed twice");
        marks.retain(|id| removed.binary_search(id).is_err());
        let changes = Changes {
            ids: living().map(|position| rows.id(position)).collect(),
            marked: living().map(|position| rows.is_marked(position)).collect(),
            rows: parts,
            removed,
            marks,
        };
        if in_all {
            rows.move_to_all(from);
        }
        self.tidy()?;
        Ok(Some(changes))
    }

    /// Puts chunks together and drops the dead if they are most.
    pub(super) fn tidy(&mut self) -> Result<(), OperatorError> {
        let rows = self.loaded()?;
        rows.tidy_chunks()?;
        if rows.is_mostly_dead() {
            rows.drop_dead()?;
        }
        self.fresh_from = self.loaded()?.len();
        Ok(())
    }

    /// Notes that no row is in blocks of all shards any more.
    pub(super) fn move_to_own(&mut self) {
        if let Some(rows) = &mut self.rows {
            rows.move_to_own();
        }
        if let Some(facts) = &mut self.facts {
            (facts.own, facts.all) = (facts.own + facts.all, 0);
        }
    }

    /// Rows inserted or marked in an epoch that are still there, and rows of earlier epochs that were removed or evicted.
    pub(super) fn counts(&self, epoch: EpochId) -> (u64, u64) {
        let is_of_epoch = self.epoch == Some(epoch);
        if is_of_epoch { (self.updated.max(0) as u64, self.evicted) } else { (0, 0) }
    }

    /// Memory it takes, bytes, and how much of it the budget knew of before.
    pub(super) fn account(&mut self) -> (usize, usize) {
        let ids = (self.removed.capacity() + self.marks.capacity()) * size_of::<u64>();
        let bytes = ids + self.rows.as_ref().map_or(0, Rows::bytes);
        (std::mem::replace(&mut self.accounted_bytes, bytes), bytes)
    }

    pub(super) fn bytes(&self) -> usize {
        self.accounted_bytes
    }

    fn loaded(&mut self) -> Result<&mut Rows, OperatorError> {
        let Shard { rows, spec, .. } = self;
        rows.as_mut().ok_or_else(|| not_taken(spec))
    }
}

fn not_taken(spec: &StoreSpec) -> OperatorError {
    OperatorError::Compute(format!("store {}: a shard is used that is not in memory", spec.name))
}
