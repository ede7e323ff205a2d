//! What the lanes of an epoch handed over to a keyed operator, task by task.

use std::ops::Range;

use arrow::array::RecordBatch;

use super::lane::ShardedRows;
use super::shards::{ALL_SHARDS, SHARDS, SMALL_EPOCH_BYTES, SMALL_EPOCH_ROWS};
use crate::OperatorError;
use crate::change::Sign;
use crate::cut::{batch_bytes, runs};
use crate::operator::{LanePart, Task};

/// The rows of one epoch.
#[derive(Debug, Default)]
pub struct KeyedInput {
    parts: Vec<ShardedRows>,
}

/// Rows of one shard, port and sign, in the order in which they came.
#[derive(Debug)]
pub struct ShardInput<'a> {
    /// The shard.
    pub shard: u8,
    /// The port.
    pub port: usize,
    /// What they do.
    pub sign: Sign,
    /// The rows.
    pub rows: RecordBatch,
    /// What stands for their keys in memory.
    pub keys: &'a [u128],
    /// True for rows with a null among their keys; empty if there is none.
    pub has_null: &'a [bool],
}

impl KeyedInput {
    /// Takes in what one [`super::KeyedLane`] handed over.
    ///
    /// # Errors
    /// If it comes from a lane of another kind.
    pub fn absorb(&mut self, part: LanePart) -> Result<(), OperatorError> {
        let part = part.downcast::<Vec<ShardedRows>>();
        let part = part.map_err(|_| OperatorError::Compute("a lane handed over what is not keyed rows".to_string()))?;
        let ends = |part: &ShardedRows| part.starts.last().is_some_and(|end| *end as usize == part.rows.num_rows());
        debug_assert!(part.iter().all(|part| part.starts.is_sorted() && ends(part)), "every row is of one shard");
        self.parts.extend(*part);
        Ok(())
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.parts.iter().map(|part| part.rows.num_rows()).sum()
    }

    fn bytes(&self) -> usize {
        self.parts.iter().map(|part| batch_bytes(&part.rows)).sum()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// All shards as one task for a small epoch, else one task a shard. `always` asks for a task even without rows.
    pub fn tasks(&self, always: bool) -> Vec<Task> {
        match self.rows() {
            0 if !always => Vec::new(),
            0..SMALL_EPOCH_ROWS if self.bytes() < SMALL_EPOCH_BYTES => vec![Task { group: ALL_SHARDS, shard: None }],
            _ => (0..SHARDS).map(|shard| Task { group: i64::from(shard), shard: None }).collect(),
        }
    }

    /// The shards of a task.
    pub fn shards_of(task: Task) -> Range<u8> {
        match u8::try_from(task.group) {
            Ok(shard) if shard < SHARDS => shard..shard + 1,
            _ => 0..SHARDS,
        }
    }

    /// The rows of one shard, in the order in which they came: port by port for each lane. Parts without rows are left out.
    pub fn of_shard<'a>(&'a self, shard: u8) -> impl Iterator<Item = ShardInput<'a>> + use<'a> {
        self.of_shard_in(0..self.parts.len(), shard)
    }

    /// Runs of parts, in the order in which they came, whose rows of these shards can be put together: one for all but huge epochs.
    pub fn portions(&self, shards: &Range<u8>) -> Vec<Range<usize>> {
        let bytes = |part: &ShardedRows| {
            let from = part.starts[shards.start as usize] as usize;
            let until = part.starts[shards.end as usize] as usize;
            batch_bytes(&part.rows.slice(from, until - from))
        };
        let mut portions = runs(self.parts.iter().map(bytes), usize::MAX);
        if portions.is_empty() {
            portions.push(0..0);
        }
        portions
    }

    /// The rows of one shard in these parts.
    pub fn of_shard_in<'a>(&'a self, parts: Range<usize>, shard: u8) -> impl Iterator<Item = ShardInput<'a>> + use<'a> {
        self.parts[parts].iter().filter_map(move |part| {
            let (from, until) = (part.starts[shard as usize] as usize, part.starts[shard as usize + 1] as usize);
            (from < until).then(|| ShardInput {
                shard,
                port: part.port,
                sign: part.sign,
                rows: part.rows.slice(from, until - from),
                keys: &part.keys[from..until],
                has_null: if part.has_null.is_empty() { &[] } else { &part.has_null[from..until] },
            })
        })
    }

    /// Forgets the rows: the epoch is done.
    pub fn clear(&mut self) {
        self.parts.clear();
    }
}
