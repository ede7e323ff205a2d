//! What is known of a store without reading its rows: one small block, written whenever it changes.

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, UInt64Type};

use super::index::{BUCKETS, Index};
use super::times::NEVER;
use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::epoch_time::EpochTime;
use crate::keyed::SHARDS;

/// Times that have passed: what expires at or before them is evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PassedTimes {
    pub watermark_us: i64,
    pub batch_time_us: i64,
}

impl PassedTimes {
    /// Nothing has passed.
    pub const NOTHING: PassedTimes = PassedTimes { watermark_us: i64::MIN, batch_time_us: i64::MIN };

    pub fn at(time: &EpochTime) -> PassedTimes {
        PassedTimes { watermark_us: time.watermark_us.unwrap_or(i64::MIN), batch_time_us: time.batch_time_us }
    }

    /// What has passed by either.
    #[must_use]
    pub fn and(self, other: PassedTimes) -> PassedTimes {
        PassedTimes {
            watermark_us: self.watermark_us.max(other.watermark_us),
            batch_time_us: self.batch_time_us.max(other.batch_time_us),
        }
    }
}

/// The live rows of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShardFacts {
    /// Rows in blocks of the shard alone.
    pub own: u64,
    /// Rows in blocks of all shards.
    pub all: u64,
    /// The least watermark at which one is evicted.
    pub expires_us: i64,
    /// The least epoch time at which one is evicted.
    pub expires_at_batch_time_us: i64,
}

impl ShardFacts {
    pub const EMPTY: ShardFacts = ShardFacts { own: 0, all: 0, expires_us: NEVER, expires_at_batch_time_us: NEVER };

    /// True if a row is due. One that is never evicted is not, whatever the time.
    pub fn is_due(&self, until: PassedTimes) -> bool {
        let due = |least_us: i64, until_us: i64| least_us != NEVER && least_us <= until_us;
        due(self.expires_us, until.watermark_us) || due(self.expires_at_batch_time_us, until.batch_time_us)
    }

    pub fn rows(&self) -> u64 {
        self.own + self.all
    }
}

/// The blocks of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct BucketFacts {
    /// Rows and ids in its blocks, dead ones included.
    pub stored: u64,
    /// Rows and ids that were left when it was last merged whole, besides the live rows.
    pub kept: u64,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Summary {
    /// Shard by shard.
    pub shards: Vec<ShardFacts>,
    /// Bucket by bucket.
    pub buckets: Vec<BucketFacts>,
    /// What had passed when it was written. A row that was evicted later would have changed it.
    pub passed: PassedTimes,
}

impl Summary {
    /// Of a store without rows.
    pub fn empty() -> Summary {
        Summary {
            shards: vec![ShardFacts::EMPTY; SHARDS as usize],
            buckets: vec![BucketFacts::default(); BUCKETS],
            passed: PassedTimes::NOTHING,
        }
    }

    /// Of a store with these blocks, read from the one that says so.
    ///
    /// # Errors
    /// If there are blocks but none that says what there is, or it is damaged.
    pub fn read(index: &Index, store: &str, committed: &dyn BlockSource) -> Result<Summary, OperatorError> {
        if let Some(key) = index.foreign {
            return Err(OperatorError::Damaged(format!("{key} is no block of store {store}")));
        }
        match index.summary {
            Some(block) => Summary::decode(&committed.block(&block.key)?),
            None if index.blocks().next().is_none() => Ok(Summary::empty()),
            None => Err(OperatorError::Damaged(format!("store {store} has blocks but no summary of them"))),
        }
    }

    /// Live rows in blocks of all shards.
    pub fn rows_in_all(&self) -> u64 {
        self.shards.iter().map(|shard| shard.all).sum()
    }

    pub fn encode(&self) -> Result<Arc<[u8]>, OperatorError> {
        let all = self.shards.iter().copied().chain([ShardFacts::EMPTY]);
        let counts = |of: fn(&ShardFacts) -> u64| UInt64Array::from_iter_values(all.clone().map(|facts| of(&facts)));
        let times = |of: fn(&ShardFacts) -> i64| Int64Array::from_iter_values(all.clone().map(|facts| of(&facts)));
        let stored = |of: fn(&BucketFacts) -> u64| UInt64Array::from_iter_values(self.buckets.iter().map(of));
        let passed = |us: i64| Int64Array::from_value(us, BUCKETS);
        let rows = RecordBatch::try_new(
            schema(),
            vec![
                Arc::new(counts(|facts| facts.own)),
                Arc::new(counts(|facts| facts.all)),
                Arc::new(times(|facts| facts.expires_us)),
                Arc::new(times(|facts| facts.expires_at_batch_time_us)),
                Arc::new(stored(|facts| facts.stored)),
                Arc::new(stored(|facts| facts.kept)),
                Arc::new(passed(self.passed.watermark_us)),
                Arc::new(passed(self.passed.batch_time_us)),
            ],
        )?;
        crate::block::encode(&rows)
    }

    pub fn decode(bytes: &[u8]) -> Result<Summary, OperatorError> {
        let rows = crate::block::decode(bytes, &schema())?;
        if rows.num_rows() != BUCKETS {
            return Err(OperatorError::Damaged(format!("a summary of {} buckets, not {BUCKETS}", rows.num_rows())));
        }
        let count = |column: usize, row: usize| rows.column(column).as_primitive::<UInt64Type>().value(row);
        let time = |column: usize, row: usize| rows.column(column).as_primitive::<Int64Type>().value(row);
        let shard = |row| ShardFacts {
            own: count(0, row),
            all: count(1, row),
            expires_us: time(2, row),
            expires_at_batch_time_us: time(3, row),
        };
        Ok(Summary {
            shards: (0..SHARDS as usize).map(shard).collect(),
            buckets: (0..BUCKETS).map(|row| BucketFacts { stored: count(4, row), kept: count(5, row) }).collect(),
            passed: PassedTimes { watermark_us: time(6, 0), batch_time_us: time(7, 0) },
        })
    }
}

fn schema() -> SchemaRef {
    let field = |name: &str, kind: DataType| Field::new(name, kind, false);
    Arc::new(Schema::new(vec![
        field("own", DataType::UInt64),
        field("all", DataType::UInt64),
        field("expires_us", DataType::Int64),
        field("expires_at_batch_time_us", DataType::Int64),
        field("stored", DataType::UInt64),
        field("kept", DataType::UInt64),
        field("passed_watermark_us", DataType::Int64),
        field("passed_batch_time_us", DataType::Int64),
    ]))
}
