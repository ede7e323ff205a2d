//! Which pane each row belongs to, and which rows are late.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::error::{DataFusionError, Result};
use expr::window::WindowSpec;

use crate::operator::LateRows;

/// The panes of a batch's rows.
pub(super) struct Panes {
    /// Where the pane of each row starts, microseconds since 1970 UTC.
    pub starts: Vec<i64>,
    /// Rows that are neither late nor untimed; empty if all are kept.
    pub kept: BooleanArray,
}

/// The pane of each row, and which rows are late or have no time.
pub(super) fn panes(
    window: &WindowSpec,
    times: &ArrayRef,
    late_watermark_us: Option<i64>,
) -> Result<(Panes, LateRows)> {
    if !matches!(times.data_type(), DataType::Timestamp(TimeUnit::Microsecond, _)) {
        return Err(DataFusionError::Internal(format!("a window over {} instead of a timestamp", times.data_type())));
    }
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let pane_us = window.pane_us();
    let mut starts = Vec::with_capacity(times.len());
    let mut pane = window.pane_of(0);
    for time_us in times.values() {
        // Rows come nearly in order of time: most fall into the pane of the row before.
        if *time_us < pane || time_us.saturating_sub(pane) >= pane_us {
            pane = window.pane_of(*time_us);
        }
        starts.push(pane);
    }
    let is_late =
        |pane_us: i64| late_watermark_us.is_some_and(|watermark_us| window.last_end_of(pane_us) <= watermark_us);
    let oldest = starts.iter().min().copied();
    if times.null_count() == 0 && !oldest.is_some_and(is_late) {
        return Ok((Panes { starts, kept: BooleanArray::new_null(0) }, LateRows::default()));
    }
    let late: BooleanArray = (0..times.len()).map(|row| Some(times.is_valid(row) && is_late(starts[row]))).collect();
    let kept: BooleanArray = (0..times.len()).map(|row| Some(times.is_valid(row) && !late.value(row))).collect();
    debug_assert_eq!(starts.len(), times.len(), "every row has a pane, late ones too");
    let left = LateRows { late: late.true_count() as u64, untimed: times.null_count() as u64, mask: Some(late) };
    Ok((Panes { starts, kept }, left))
}

/// Rows with the pane that each belongs to, pane by pane, oldest first. The order within a pane is kept.
pub(super) fn split_by_pane(rows: &RecordBatch, panes: &ArrayRef) -> Result<Vec<(i64, RecordBatch)>> {
    let panes = panes.as_primitive::<Int64Type>();
    let mut positions: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
    for (row, pane) in panes.values().iter().enumerate() {
        positions.entry(*pane).or_default().push(row as u32);
    }
    if let (1, Some((pane, _))) = (positions.len(), positions.first_key_value()) {
        return Ok(vec![(*pane, rows.clone())]);
    }
    if rows.num_columns() == 0 {
        // Nothing but the window is asked for: a pane is one row without columns.
        return Ok(positions.into_iter().map(|(pane, of_pane)| (pane, rows.slice(0, of_pane.len()))).collect());
    }
    positions
        .into_iter()
        .map(|(pane, of_pane)| Ok((pane, take_record_batch(rows, &UInt32Array::from(of_pane))?)))
        .collect()
}
