//! What sessions come to: rows and old states to new states, states to results.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, RecordBatch, StructArray, TimestampMicrosecondArray, UInt32Array, make_comparator,
};
use arrow::compute::{SortOptions, filter_record_batch, take, take_record_batch};
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use arrow::row::{RowConverter, SortField};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use expr::group_key::normalized;
use expr::types::{instants, window_fields};

use super::intervals::MergedSessions;
use super::spec::{GroupTime, SessionSpec};
use crate::OperatorError;
use crate::aggregate::{GroupColumn, accumulators, state_widths};
use crate::sized_batch::sized_batch;

/// The state rows of merged sessions: the old states go in first, in order of time, then the rows as they came. `now_us` is the
/// epoch's time.
///
/// # Errors
/// If a function fails on a row.
pub(super) fn merge(
    spec: &SessionSpec,
    schema: &SchemaRef,
    merged: &MergedSessions,
    old: &RecordBatch,
    rows: &RecordBatch,
    now_us: i64,
) -> Result<RecordBatch, OperatorError> {
    let first = UInt32Array::from(merged.first_row.clone());
    let mut columns = Vec::with_capacity(schema.fields().len());
    for key in &spec.keys {
        columns.push(normalized(&take(rows.column(*key), &first, None)?));
    }
    match spec.time {
        GroupTime::Session { .. } => columns.extend([instant_array(&merged.start), instant_array(&merged.end)]),
        GroupTime::Key(position) if !spec.is_instant(position) => {
            let ends = instants(&columns[position])?;
            columns.push(instant_array_of(ends.as_primitive::<TimestampMicrosecondType>()));
        }
        GroupTime::Key(_) | GroupTime::Never => {}
    }
    let forgotten_us = spec.forgotten_after_us.map(|us| now_us.saturating_add(us));
    columns.extend(forgotten_us.map(|us| instant_array(&vec![us; merged.len()])));
    let mut accumulators = accumulators(&spec.calls)?;
    let values = spec.calls.iter().map(|call| call.values(rows)).collect::<Result<Vec<_>, _>>()?;
    if old.num_rows() > 0 {
        announce_new(&mut accumulators, &values, merged)?;
    }
    merge_states(spec, &mut accumulators, old, &merged.old_session, merged.len())?;
    for ((call, values), accumulator) in spec.calls.iter().zip(values).zip(&mut accumulators) {
        let mask = call.mask(rows)?;
        accumulator.update_batch(&values, &merged.row_session, mask.as_ref(), merged.len())?;
        columns.extend(accumulator.state(EmitTo::All)?);
    }
    Ok(sized_batch(schema, columns, merged.len())?)
}

/// Names the sessions without an old state to the functions, by a row each that is filtered out. DataFusion takes every group that
/// was not named to have a value once others have: `bool_and` of NULLs would be true.
fn announce_new(
    accumulators: &mut [Box<dyn GroupsAccumulator>],
    values: &[Vec<ArrayRef>],
    merged: &MergedSessions,
) -> Result<()> {
    let mut is_new = vec![true; merged.len()];
    merged.old_session.iter().for_each(|session| is_new[*session] = false);
    let new: Vec<usize> = (0..merged.len()).filter(|session| is_new[*session]).collect();
    if new.is_empty() {
        return Ok(());
    }
    let none = BooleanArray::from(vec![false; new.len()]);
    for (accumulator, values) in accumulators.iter_mut().zip(values) {
        let nulls: Vec<ArrayRef> =
            values.iter().map(|values| arrow::array::new_null_array(values.data_type(), new.len())).collect();
        accumulator.update_batch(&nulls, &new, Some(&none), merged.len())?;
    }
    Ok(())
}

/// The result rows of state rows, in the same order.
///
/// # Errors
/// If a state is not what its function wrote.
pub(super) fn evaluate(spec: &SessionSpec, states: &RecordBatch) -> Result<RecordBatch, OperatorError> {
    let count = states.num_rows();
    if count == 0 {
        return Ok(RecordBatch::new_empty(Arc::clone(&spec.output)));
    }
    let mut columns = Vec::with_capacity(spec.output.fields().len());
    for column in &spec.group {
        columns.push(match (column, spec.time) {
            (GroupColumn::Key(position), _) => Arc::clone(states.column(*position)),
            (GroupColumn::Window, GroupTime::Session { .. }) => session_column(spec, states)?,
            (GroupColumn::Window, _) => {
                return Err(DataFusionError::Internal("a session column without sessions".to_string()).into());
            }
        });
    }
    let mut accumulators = accumulators(&spec.calls)?;
    let groups: Vec<usize> = (0..count).collect();
    merge_states(spec, &mut accumulators, states, &groups, count)?;
    for accumulator in &mut accumulators {
        columns.push(accumulator.evaluate(EmitTo::All)?);
    }
    Ok(sized_batch(&spec.output, columns, count)?)
}

/// What turns the old results into the new ones: rows to retract, rows to add. Results that stay as they are, are neither.
///
/// # Errors
/// If results cannot be compared.
pub(super) fn difference(
    merged: &MergedSessions,
    old: RecordBatch,
    new: RecordBatch,
) -> Result<(RecordBatch, RecordBatch), OperatorError> {
    let options = SortOptions::default();
    let pairs = old.columns().iter().zip(new.columns());
    let same = pairs.map(|(old, new)| make_comparator(old, new, options)).collect::<Result<Vec<_>, _>>()?;
    let mut is_retracted = vec![true; old.num_rows()];
    let mut is_added = vec![true; new.num_rows()];
    let sessions = &merged.old_session;
    for (at, session) in sessions.iter().enumerate() {
        let is_alone = (at == 0 || sessions[at - 1] != *session) && sessions.get(at + 1) != Some(session);
        if is_alone && same.iter().all(|compare| compare(at, *session) == Ordering::Equal) {
            (is_retracted[at], is_added[*session]) = (false, false);
        }
    }
    let keep = |rows: RecordBatch, mask: Vec<bool>| match mask.iter().all(|keep| *keep) {
        true => Ok(rows),
        false => filter_record_batch(&rows, &BooleanArray::from(mask)),
    };
    Ok((keep(old, is_retracted)?, keep(new, is_added)?))
}

/// State rows in an order that depends on nothing but themselves: by end, then by start, then by key.
///
/// # Errors
/// If a key type has no order.
pub(super) fn in_order(spec: &SessionSpec, states: RecordBatch) -> Result<RecordBatch, OperatorError> {
    let time = |column: usize| states.column(column).as_primitive::<TimestampMicrosecondType>().values();
    // A group without an end stands behind all others: its value is whatever lies under the null.
    let end = spec.end_column().map(|column| (time(column), states.column(column).nulls()));
    let start = matches!(spec.time, GroupTime::Session { .. }).then(|| time(spec.keys.len()));
    let times: Vec<(i64, i64)> = (0..states.num_rows())
        .map(|row| {
            let end_us = end.map_or(0, |(values, nulls)| match nulls.is_some_and(|nulls| nulls.is_null(row)) {
                true => i64::MAX,
                false => values[row],
            });
            (end_us, start.map_or(0, |values| values[row]))
        })
        .collect();
    let mut order: Vec<u32> = (0..states.num_rows() as u32).collect();
    order.sort_unstable_by_key(|row| (times[*row as usize], *row));
    let has_ties = order.windows(2).any(|pair| times[pair[0] as usize] == times[pair[1] as usize]);
    if has_ties && !spec.keys.is_empty() {
        let keys = &states.columns()[..spec.keys.len()];
        let fields = keys.iter().map(|key| SortField::new(key.data_type().clone())).collect();
        let keys = RowConverter::new(fields)?.convert_columns(keys)?;
        let full = |row: &u32| (times[*row as usize], keys.row(*row as usize));
        order.sort_unstable_by(|left, right| full(left).cmp(&full(right)));
    }
    match order.iter().enumerate().all(|(at, row)| at == *row as usize) {
        true => Ok(states),
        false => Ok(take_record_batch(&states, &UInt32Array::from(order))?),
    }
}

fn merge_states(
    spec: &SessionSpec,
    accumulators: &mut [Box<dyn GroupsAccumulator>],
    states: &RecordBatch,
    groups: &[usize],
    count: usize,
) -> Result<()> {
    if states.num_rows() == 0 {
        return Ok(());
    }
    let mut from = spec.head();
    for (accumulator, width) in accumulators.iter_mut().zip(state_widths(&spec.calls)?) {
        accumulator.merge_batch(&states.columns()[from..from + width], groups, count)?;
        from += width;
    }
    Ok(())
}

fn session_column(spec: &SessionSpec, states: &RecordBatch) -> Result<ArrayRef> {
    let columns = states.columns()[spec.keys.len()..spec.keys.len() + 2].to_vec();
    Ok(Arc::new(StructArray::try_new(window_fields(), columns, None)?))
}

fn instant_array(values: &[i64]) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values.to_vec()).with_timezone("UTC"))
}

/// The same instants, of UTC whatever the zone they are shown in.
fn instant_array_of(values: &TimestampMicrosecondArray) -> ArrayRef {
    Arc::new(values.clone().with_timezone("UTC"))
}
