//! Runs a join as the runtime does, over a checkpoint that is a map, and runs every epoch a second time as after a crash.

use std::sync::Arc;

use epoch::EpochId;
use state::KeyPartitioning;

use super::rows::{Joined, Row, Shape, joined};
use crate::block_changes::BlockChanges;
use crate::change::{Change, Sign};
use crate::epoch_time::EpochTime;
use crate::join::{Join, JoinSpec, Side};
use crate::memory_blocks::MemoryBlocks;
use crate::operator::{LateRows, Operator, OperatorSpec};
use crate::store::Budget;
use crate::stored::Stored;

/// A chunk that a lane pushes.
pub type Chunk = (Side, Sign, Vec<Row>);

/// A join with its checkpoint.
pub struct Machine {
    shape: Shape,
    spec: Arc<JoinSpec>,
    pub blocks: MemoryBlocks,
    pub join: Join,
    last: Option<EpochTime>,
    budget: Arc<Budget>,
}

/// What an epoch did.
pub struct EpochOutput {
    pub changes: Vec<Change>,
    pub late: u64,
}

impl EpochOutput {
    /// The rows that were added, in order.
    pub fn added(&self) -> Vec<Joined> {
        assert!(self.changes.iter().all(|change| change.sign == Sign::Add));
        self.changes.iter().flat_map(|change| joined(&change.rows)).collect()
    }

    /// The rows that were added, sorted.
    pub fn sorted(&self) -> Vec<Joined> {
        let mut rows = self.added();
        rows.sort_unstable();
        rows
    }
}

impl Machine {
    pub fn new(shape: Shape, spec: JoinSpec) -> Machine {
        Machine::with_memory(shape, spec, usize::MAX)
    }

    /// A machine whose state may take so many bytes of memory.
    pub fn with_memory(shape: Shape, spec: JoinSpec, cap_bytes: usize) -> Machine {
        let (spec, budget) = (Arc::new(spec), Arc::new(Budget::new(cap_bytes)));
        let stored = Stored { budget: Arc::clone(&budget), ..Stored::default() };
        let join = Join::open(Arc::clone(&spec), stored);
        Machine { shape, spec, blocks: MemoryBlocks::default(), join, last: None, budget }
    }

    /// The join as a new process finds it.
    pub fn reopened(&self) -> Join {
        Join::open(Arc::clone(&self.spec), self.blocks.stored(&*self.spec, self.last, Arc::clone(&self.budget)))
    }

    pub fn restart(&mut self) {
        self.join = self.reopened();
    }

    /// Runs an epoch, and the same again in a process that was started anew.
    pub fn epoch(&mut self, lanes: &[Vec<Chunk>], time: EpochTime) -> EpochOutput {
        let (twin, of_twin) = run(&self.spec, &self.shape, &mut self.reopened(), lanes, time, &self.blocks);
        let (done, changes) = run(&self.spec, &self.shape, &mut self.join, lanes, time, &self.blocks);
        let is_same = |(one, other): (&Change, &Change)| one.sign == other.sign && one.rows == other.rows;
        let same = done.changes.iter().zip(&twin.changes).all(is_same);
        assert!(same && done.changes.len() == twin.changes.len(), "an epoch that is run again emits the same rows");
        assert_eq!(changes.puts, of_twin.puts, "and writes the same blocks");
        assert_eq!((&changes.deletes, &changes.drops), (&of_twin.deletes, &of_twin.drops));
        self.blocks.apply(&changes);
        self.join.committed();
        self.last = Some(time);
        done
    }

    /// One lane with all left rows, then all right rows.
    pub fn simple(&mut self, left: &[Row], right: &[Row], time: EpochTime) -> EpochOutput {
        let lane = vec![(Side::Left, Sign::Add, left.to_vec()), (Side::Right, Sign::Add, right.to_vec())];
        self.epoch(&[lane], time)
    }
}

fn run(
    spec: &Arc<JoinSpec>,
    shape: &Shape,
    join: &mut Join,
    lanes: &[Vec<Chunk>],
    time: EpochTime,
    blocks: &MemoryBlocks,
) -> (EpochOutput, BlockChanges) {
    let mut late = 0;
    for (number, chunks) in lanes.iter().enumerate() {
        let mut lane = Arc::clone(spec).lane(KeyPartitioning::default()).unwrap();
        for (side, sign, rows) in chunks {
            let LateRows { late: of_chunk, .. } =
                lane.push(*side as usize, *sign, &shape.batch(*side, rows), &time).unwrap();
            late += of_chunk;
        }
        join.absorb(&time, lane.finish().unwrap(), number as u16).unwrap();
    }
    let tasks = join.tasks(&time).unwrap();
    let mut changes = Vec::new();
    for task in tasks {
        changes.extend(join.run(task, &time, blocks).unwrap());
    }
    assert!(changes.iter().all(|change| change.rows.schema_ref() == spec.output() && change.rows.num_rows() > 0));
    let written = join.prepare_commit(&time, blocks).unwrap();
    (EpochOutput { changes, late }, written)
}

/// The time of an epoch; the watermark of the epoch before decides what is late.
pub fn epoch_time(epoch: u64, late_us: Option<i64>, watermark_us: Option<i64>) -> EpochTime {
    EpochTime { epoch: EpochId(epoch), batch_time_us: epoch as i64, watermark_us, late_us }
}

/// Runs epochs as Spark does: the watermark follows the rows of both sides, and an epoch without rows follows when it moved.
pub struct Driver {
    pub machine: Machine,
    delays: [Option<i64>; 2],
    newest: [Option<i64>; 2],
    watermark: Option<i64>,
    late: Option<i64>,
    epoch: u64,
    /// Since the last look: rows added or changed, and late rows.
    updated: u64,
    dropped: u64,
}

impl Driver {
    /// `delays` are the watermarks' delays of both sides in seconds.
    pub fn new(shape: Shape, delays: [Option<i64>; 2]) -> Driver {
        let machine = Machine::new(shape, shape.spec(delays.map(|delay| delay.is_some())));
        Driver { machine, delays, newest: [None; 2], watermark: None, late: None, epoch: 0, updated: 0, dropped: 0 }
    }

    /// Takes rows and what follows from them; the result sorted.
    pub fn add(&mut self, left: &[Row], right: &[Row]) -> Vec<Joined> {
        let mut rows = self.epoch(left, right);
        for (side, of_side) in [left, right].into_iter().enumerate() {
            self.newest[side] = self.newest[side].max(of_side.iter().filter_map(|row| row.time).max());
        }
        let timed = (0..2).filter_map(|side| Some((self.newest[side], self.delays[side]?)));
        let marks: Option<Vec<i64>> =
            timed.map(|(newest, delay)| Some(newest? - delay * super::rows::SECOND)).collect();
        let watermark = self.watermark.max(marks.and_then(|marks| marks.into_iter().min()));
        if watermark > self.watermark {
            self.watermark = watermark;
            rows.extend(self.epoch(&[], &[]));
        }
        rows.sort_unstable();
        rows
    }

    fn epoch(&mut self, left: &[Row], right: &[Row]) -> Vec<Joined> {
        let now = epoch_time(self.epoch, self.late, self.watermark);
        let done = self.machine.simple(left, right, now);
        self.late = self.watermark;
        self.epoch += 1;
        self.updated += self.machine.join.metrics().updated;
        self.dropped += done.late;
        assert!(!self.machine.join.has_pending_output(&now), "what was due is gone");
        done.added()
    }

    /// Rows kept; rows added or changed and late rows since the last look.
    pub fn state(&mut self) -> (u64, u64, u64) {
        let rows = self.machine.join.metrics().rows;
        let sides = Side::BOTH.map(|side| self.machine.join.side_metrics(side).rows);
        assert_eq!(rows, sides.iter().sum::<u64>());
        (rows, std::mem::take(&mut self.updated), std::mem::take(&mut self.dropped))
    }
}
