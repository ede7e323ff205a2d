//! Event times of what was read: for watermarks, by split, and for progress, of all rows.

use arrow::array::{Array, AsArray, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::TimestampMicrosecondType;
use epoch::{PerSplit, Split};

use crate::error::RunError;

/// Event times of rows, microseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTimes {
    /// The oldest.
    pub min_us: i64,
    /// The newest.
    pub max_us: i64,
    /// Sum of them all.
    pub sum_us: i128,
    /// Rows that have one.
    pub rows: u64,
}

impl EventTimes {
    /// Their mean, cut to the microsecond.
    pub fn avg_us(&self) -> i64 {
        i64::try_from(self.sum_us.div_euclid(i128::from(self.rows.max(1)))).unwrap_or(self.max_us)
    }

    /// Those of both.
    #[must_use]
    pub fn and(self, other: EventTimes) -> EventTimes {
        EventTimes {
            min_us: self.min_us.min(other.min_us),
            max_us: self.max_us.max(other.max_us),
            sum_us: self.sum_us + other.sum_us,
            rows: self.rows + other.rows,
        }
    }
}

/// Notes the event times of a batch, whose rows stand split by split, and the newest of each split.
///
/// # Errors
/// If the column is no column of times.
pub fn note_times(
    batch: &RecordBatch,
    column: usize,
    newest: &mut PerSplit<i64>,
    all: &mut Option<EventTimes>,
) -> Result<(), RunError> {
    let metadata = batch.num_columns() - plan::METADATA_COLUMNS.len();
    let topics = batch.column(metadata + 1).as_string::<i32>();
    let partitions = batch.column(metadata + 2).as_primitive::<arrow::datatypes::Int32Type>();
    let times = batch
        .column(column)
        .as_primitive_opt::<TimestampMicrosecondType>()
        .ok_or_else(|| RunError::Internal("the event time is not a timestamp".to_string().into()))?;
    *all = [*all, times_of(times)].into_iter().flatten().reduce(EventTimes::and);
    let mut start = 0;
    while start < batch.num_rows() {
        let (topic, partition) = (topics.value(start), partitions.value(start));
        let length = (start..batch.num_rows())
            .take_while(|row| partitions.value(*row) == partition && topics.value(*row) == topic)
            .count();
        if let Some(newest_us) = arrow::compute::max(&times.slice(start, length)) {
            let slot = newest.entry_or_insert_with(&Split::new(topic, partition), || newest_us);
            *slot = newest_us.max(*slot);
        }
        start += length;
    }
    Ok(())
}

/// Least, greatest and sum of a column of times.
fn times_of(times: &TimestampMicrosecondArray) -> Option<EventTimes> {
    let (min_us, max_us) = (arrow::compute::min(times)?, arrow::compute::max(times)?);
    let sum_us = match times.null_count() {
        0 => times.values().iter().map(|us| i128::from(*us)).sum(),
        _ => times.iter().flatten().map(i128::from).sum(),
    };
    Some(EventTimes { min_us, max_us, sum_us, rows: (times.len() - times.null_count()) as u64 })
}
