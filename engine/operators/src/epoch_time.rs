//! What time it is in an epoch: what is late, and what is final.

use epoch::EpochId;

/// What time it is for one operator in one epoch. Watermarks differ from operator to operator: each table has its own, and
/// an operator whose input may lag behind the table's watermark has that much less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochTime {
    /// The epoch.
    pub epoch: EpochId,
    /// The epoch's time as the table's `state_ttl` counts it, microseconds since 1970 UTC. It advances by what really passed and
    /// never goes back; `current_timestamp`, which follows the wall clock, does.
    pub batch_time_us: i64,
    /// What ends at or before it is final, and is evicted: the watermark of this epoch, microseconds since 1970 UTC.
    pub watermark_us: Option<i64>,
    /// Rows that end at or before it are late: the watermark of the epoch before (Spark, SPARK-40925).
    pub late_us: Option<i64>,
}
