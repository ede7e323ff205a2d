//! The computed columns of a source's rows, once a chunk; records that these have no value for are told apart.

use arrow::array::{Array, AsArray, BinaryArray, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use epoch::{Message, Split};
use operators::sift;
use plan::{Computed, METADATA_COLUMNS};

use crate::error::RunError;
use crate::rejected::Rejected;

/// Decoded records, with the metadata columns.
pub struct Decoded {
    /// Their rows.
    pub rows: RecordBatch,
    /// Their values as they came, where one may be rejected yet; at least as many as rows.
    pub values: Option<BinaryArray>,
}

/// Rows with their computed columns, and the records that were rejected.
#[derive(Default)]
pub struct ComputedRows {
    /// The rows.
    pub rows: Vec<RecordBatch>,
    /// The rejected.
    pub rejected: Vec<Rejected>,
}

/// The times after which a computed event time is rejected.
#[derive(Debug, Clone, Copy)]
pub struct FutureLimit {
    /// The column of the event time.
    pub column: usize,
    /// The latest time allowed, microseconds since 1970 UTC.
    pub latest_us: i64,
}

/// Computes the columns. A record is rejected if an expression has no value for it, if a required column is NULL, or if it is dated
/// beyond the limit.
///
/// # Errors
/// An expression fails for a reason that is no record's.
pub fn compute(computed: &Computed, decoded: Decoded, limit: Option<FutureLimit>) -> Result<ComputedRows, RunError> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        RunError::Internal(Message::caused_by(format!("a computed column fails: {error}"), error))
    };
    let sifted = sift(&decoded.rows, &|rows| computed.rows(rows)).map_err(|error| failed(&error))?;
    let mut faulty = sifted.faulty;
    let mut made = sifted.made;
    if made.len() > 1
        && let Ok(whole) = concat_batches(&computed.schema, &made)
    {
        // Where the rows come to more text than a column can hold, they stay apart.
        made = vec![whole];
    }
    let mut places = (0..decoded.rows.num_rows()).filter(|row| {
        let is_faulty = faulty.binary_search_by_key(row, |(place, _)| *place).is_ok();
        !is_faulty
    });
    let (mut rows, mut refused) = (Vec::with_capacity(made.len()), Vec::new());
    let is_looked_at = limit.is_some() || computed.columns.iter().any(|column| column.required);
    if !is_looked_at {
        rows.append(&mut made);
    }
    for batch in made {
        let mut is_kept = vec![true; batch.num_rows()];
        for (row, place) in (0..batch.num_rows()).zip(places.by_ref()) {
            if let Some(reason) = refusal(computed, &batch, row, limit) {
                is_kept[row] = false;
                refused.push((place, reason));
            }
        }
        let is_whole = is_kept.iter().all(|kept| *kept);
        rows.push(match is_whole {
            true => batch,
            false => filter_record_batch(&batch, &BooleanArray::from(is_kept)).map_err(|error| failed(&error))?,
        });
    }
    drop(places);
    faulty.extend(refused);
    faulty.sort_by_key(|(place, _)| *place);
    let rejected = faulty.into_iter().map(|(row, reason)| rejected(&decoded, row, reason)).collect();
    Ok(ComputedRows { rows, rejected })
}

/// Why a row is rejected whose columns have values.
fn refusal(computed: &Computed, rows: &RecordBatch, row: usize, limit: Option<FutureLimit>) -> Option<String> {
    let is_missing = |column: &&plan::CompiledColumn| column.required && rows.column(column.at).is_null(row);
    if let Some(column) = computed.columns.iter().find(is_missing) {
        return Some(format!("column \"{}\": required, and its expression is NULL", column.name));
    }
    let FutureLimit { column, latest_us } = limit?;
    let times = rows.column(column).as_primitive_opt::<TimestampMicrosecondType>()?;
    let event_us = times.is_valid(row).then(|| times.value(row))?;
    (event_us > latest_us).then(|| too_far_ahead(event_us))
}

/// The reason for which a record is rejected that would close every window.
pub fn too_far_ahead(event_us: i64) -> String {
    format!("event time {event_us} µs lies further ahead than future_limit allows")
}

fn rejected(decoded: &Decoded, row: usize, reason: String) -> Rejected {
    let metadata = decoded.rows.num_columns() - METADATA_COLUMNS.len();
    let column = |at: usize| decoded.rows.column(metadata + at);
    let times = column(4).as_primitive::<TimestampMicrosecondType>();
    let stream = column(1).as_string::<i32>().value(row);
    Rejected {
        value: decoded.values.as_ref().map(|values| values.value(row).to_vec()),
        at: Split::new(stream, column(2).as_primitive::<Int32Type>().value(row)),
        offset: column(3).as_primitive::<Int64Type>().value(row),
        timestamp_us: times.is_valid(row).then(|| times.value(row)),
        reason,
    }
}
