//! The rows of a table beside those of its batch answer, as multisets.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef, TimestampMicrosecondType};
use connector::TableSnapshot;
use datafusion::common::Column;
use datafusion::functions_nested::expr_fn::array_sort;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use epoch::EpochId;
use plan::batch::Batch;
use plan::{EventTime, TimeKind};

use super::reach::rows_since;
use crate::difference::one_sided;
use crate::rows::{RowKey, Rows};

/// Rows shown of each side.
const SHOWN: usize = 5;

/// When a row of the batch must be in the table.
pub struct Due {
    /// Where the table's watermark stood in the last epoch.
    pub watermark_us: Option<i64>,
    /// Which columns carry event time.
    pub times: Vec<Option<EventTime>>,
}

/// What came of a comparison.
#[derive(Debug, Default)]
pub struct Compared {
    /// Rows on both sides.
    pub equal: u64,
    /// What differs; `None` if nothing does.
    pub lines: Option<Vec<String>>,
    /// What is left out of the comparison.
    pub notes: Vec<String>,
}

/// The query whose rows are those of the batch with the table's names. `sorts_lists`: the order in which rows came does not count.
pub fn query(plan: &LogicalPlan, schema: &SchemaRef, sorts_lists: bool) -> Result<LogicalPlan, String> {
    let columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
    let words = |error: datafusion::error::DataFusionError| error.to_string();
    let columns: Vec<Expr> = columns
        .into_iter()
        .zip(schema.fields())
        .map(|(column, field)| ordered(column, field.data_type(), sorts_lists).alias(field.name()))
        .collect();
    LogicalPlanBuilder::from(plan.clone()).project(columns).and_then(LogicalPlanBuilder::build).map_err(words)
}

/// The rows of the table, or those that it got in an epoch and later ones.
pub async fn actual(
    batch: &Batch<'_>,
    shown: &TableSnapshot,
    schema: &SchemaRef,
    sorts_lists: bool,
    since: Option<EpochId>,
) -> Result<Rows, String> {
    let own = shown.provider.schema();
    if let Some(field) = schema.fields().iter().find(|field| own.index_of(field.name()).is_err()) {
        return Err(format!("the table has no column {}, which its query gives: run the job first", field.name()));
    }
    let words = |error: datafusion::error::DataFusionError| error.to_string();
    let column = |name: &String| Expr::Column(Column::from_name(name));
    let columns: Vec<Expr> = schema
        .fields()
        .iter()
        .map(|field| ordered(column(field.name()), field.data_type(), sorts_lists).alias(field.name()))
        .collect();
    let frame = batch.context().read_table(Arc::clone(&shown.provider)).map_err(words)?;
    let frame = rows_since(frame, shown, since)?.select(columns).map_err(words)?;
    let batches = frame.collect().await.map_err(words)?;
    of(batches, schema)
}

/// A list that was gathered stands in the order in which its rows came.
fn ordered(column: Expr, kind: &DataType, sorts_lists: bool) -> Expr {
    match (kind, sorts_lists) {
        (DataType::List(_), true) => array_sort(column, lit("ASC"), lit("NULLS FIRST")),
        _ => column,
    }
}

/// Rows in the types of a table.
pub fn of(batches: Vec<RecordBatch>, schema: &SchemaRef) -> Result<Rows, String> {
    let in_types = |batch: &RecordBatch| {
        let columns = batch.columns().iter().zip(schema.fields());
        let columns = columns.map(|(column, field)| cast(column, field.data_type())).collect::<Result<Vec<_>, _>>()?;
        RecordBatch::try_new(nullable(schema), columns)
    };
    let batches = batches.iter().map(in_types).collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    Ok(Rows::of("", batches, &BTreeSet::new()))
}

fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(arrow::datatypes::Schema::new(fields.collect::<Vec<_>>()))
}

/// Compares the two. `due` says which rows of the batch must be there already; `None`: all.
pub fn between(expected: &Rows, actual: &Rows, due: Option<&Due>) -> Compared {
    let (missing, extra) = one_sided(&expected.keys, &actual.keys);
    let equal = (actual.keys.len() - extra.len()) as u64;
    let (missing, open): (Vec<&RowKey>, Vec<&RowKey>) =
        missing.into_iter().partition(|key| due.is_none_or(|due| due.is_due(expected, key)));
    let mut notes = Vec::new();
    if !open.is_empty() {
        notes.push(format!("{} not final yet in the batch, and left out", rows_are(open.len())));
    }
    if missing.is_empty() && extra.is_empty() {
        return Compared { equal, lines: None, notes };
    }
    let mut lines = Vec::new();
    if !missing.is_empty() {
        lines.push(format!("{} missing:", rows_are(missing.len())));
        lines.extend(missing.iter().take(SHOWN).map(|key| format!("  batch: {}", expected.show(key))));
    }
    if !extra.is_empty() {
        lines.push(format!("{} there and should not be:", rows_are(extra.len())));
        lines.extend(extra.iter().take(SHOWN).map(|key| format!("  table: {}", actual.show(key))));
    }
    Compared { equal, lines: Some(lines), notes }
}

fn rows_are(count: usize) -> String {
    if count == 1 { "1 row is".to_owned() } else { format!("{count} rows are") }
}

impl Due {
    /// True if the watermark has passed an event time of the row.
    fn is_due(&self, rows: &Rows, key: &RowKey) -> bool {
        let (Some(watermark_us), Some((batch, row))) = (self.watermark_us, rows.place(key)) else { return false };
        self.times.iter().zip(batch.columns()).any(|(time, column)| {
            let Some(time) = time else { return false };
            let end = instant(column.as_ref(), row, time.kind);
            end.is_some_and(|end_us| end_us <= watermark_us.saturating_sub(time.lag_us))
        })
    }
}

/// The instant in a row that counts, microseconds since 1970 UTC: of a window its end.
fn instant(column: &dyn Array, row: usize, kind: TimeKind) -> Option<i64> {
    if column.is_null(row) {
        return None;
    }
    let instants = match kind {
        TimeKind::Instant => column,
        TimeKind::Window(_) => column.as_struct_opt()?.column_by_name("end")?.as_ref(),
    };
    let instants = instants.as_primitive_opt::<TimestampMicrosecondType>()?;
    instants.is_valid(row).then(|| instants.value(row))
}
