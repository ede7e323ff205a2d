//! Positions that are offsets: for connectors whose splits are logs (Kafka, memory). Nobody else looks into a position.

use crate::record::Plan;
use crate::splits::{PerSplit, Position, Positions, Ranges, Split, SplitRange};

/// The next offset to read, per split.
pub type Offsets = PerSplit<i64>;

/// Offsets from `from` (inclusive) to `until` (exclusive). A span, not a count: compaction and transaction markers leave gaps.
pub type OffsetRange = SplitRange<i64>;

/// Offsets to read, per split.
pub type OffsetRanges = PerSplit<OffsetRange>;

impl SplitRange<i64> {
    /// Number of offsets in the range: an upper bound of its records.
    pub fn span(&self) -> u64 {
        u64::try_from(self.until - self.from).unwrap_or(0)
    }

    /// True if nothing can be in it.
    pub fn is_empty(&self) -> bool {
        self.until <= self.from
    }
}

impl From<OffsetRange> for SplitRange {
    fn from(range: OffsetRange) -> Self {
        SplitRange { from: range.from.into(), until: range.until.into() }
    }
}

impl Position {
    /// The offset that it is; `None` if it is the position of something that is no log.
    pub fn offset(&self) -> Option<i64> {
        self.0.as_i64()
    }
}

impl SplitRange {
    /// The offsets that it is; `None` as for [`Position::offset`].
    pub fn offsets(&self) -> Option<OffsetRange> {
        Some(OffsetRange { from: self.from.offset()?, until: self.until.offset()? })
    }
}

/// Positions as offsets. What is no offset is left out.
pub fn offsets(positions: &Positions) -> Offsets {
    positions.iter().filter_map(|(split, position)| Some((split, position.offset()?))).collect()
}

/// Ranges as offsets. What is no offset is left out.
pub fn offset_ranges(ranges: &Ranges) -> OffsetRanges {
    ranges.iter().filter_map(|(split, range)| Some((split, range.offsets()?))).collect()
}

/// Offsets as positions.
pub fn positions(offsets: &Offsets) -> Positions {
    offsets.iter().map(|(split, offset)| (split, Position::from(*offset))).collect()
}

/// Ranges of offsets as ranges of positions.
pub fn ranges(ranges: &OffsetRanges) -> Ranges {
    ranges.iter().map(|(split, range)| (split, SplitRange::from(*range))).collect()
}

/// Number of offsets that a plan over logs spans, an upper bound of its records.
pub fn span(plan: &Plan) -> u64 {
    plan.sources.values().map(|source| source_span(&source.ranges)).sum()
}

/// Number of offsets in all ranges of a source.
pub fn source_span(ranges: &Ranges) -> u64 {
    offset_ranges(ranges).iter().map(|(_, range)| range.span()).sum()
}

/// Offsets between the end of what was read and the end of what is there, summed over the splits: how far a reader is behind.
pub fn lag(ranges: &Ranges, latest: &Positions) -> u64 {
    let behind = |(split, range): (Split, &SplitRange)| split_lag(range, latest.get(&split)?);
    ranges.iter().filter_map(behind).sum()
}

/// How far the reader of one split is behind its end, in offsets.
pub fn split_lag(range: &SplitRange, latest: &Position) -> Option<u64> {
    Some(u64::try_from(latest.offset()? - range.until.offset()?).unwrap_or(0))
}

/// Spreads `limit` records over partitions in proportion to their backlog, as Spark's `maxOffsetsPerTrigger` does.
///
/// Spark `KafkaMicroBatchStream.rateLimit`: a share below one record is rounded up, so that no partition starves, any
/// other down; the sum may so pass the limit by less than the number of partitions. Shares are exact here where Spark
/// computes with doubles, which can differ by one record where a double cannot hold the share.
pub fn spread_limit(backlog: &OffsetRanges, limit: Option<u64>) -> OffsetRanges {
    let total: u128 = backlog.iter().map(|(_, range)| u128::from(range.span())).sum();
    let Some(limit) = limit.filter(|limit| u128::from(*limit) < total) else { return backlog.clone() };
    backlog
        .iter()
        .map(|(at, range)| {
            let size = range.span();
            let share = u128::from(limit) * u128::from(size);
            let take = if share < total { share.div_ceil(total) } else { share / total };
            // Below `size`, as the limit is below the total, so it fits.
            (at, OffsetRange { from: range.from, until: range.from + take as i64 })
        })
        .collect()
}

#[cfg(test)]
mod tests;
