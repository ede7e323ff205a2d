//! Which data files may hold rows for a filter, by what the table's log says of them.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{is_null, nullif};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit, TimestampMicrosecondType};
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use deltalake_core::table::state::DeltaTableState;

/// Writers cut the largest instant to milliseconds, so it may be that much later.
const CUT_OFF_US: i64 = 999;

/// For each file of the log, in its order, if it may hold rows for the filters; `None`: all may.
///
/// What cannot be found out costs time, nothing else: the filters are applied to the rows again.
pub(super) fn kept_files(
    state: &DeltaTableState,
    schema: &SchemaRef,
    filters: &[Expr],
    session: &dyn Session,
) -> Option<Vec<bool>> {
    let filter = conjunction(filters.iter().cloned())?;
    let columns = DFSchema::try_from(Arc::clone(schema)).ok()?;
    let filter = session.create_physical_expr(filter, &columns).ok()?;
    let predicate = PruningPredicateBuilder::new().with_file_schema(Arc::clone(schema)).build(filter)?;
    let actions = state.add_actions_table(false).ok()?;
    if actions.num_rows() != state.log_data().num_files() {
        return None;
    }
    match predicate.prune(&FileStatistics { actions }) {
        Ok(kept) => Some(kept),
        Err(error) => {
            tracing::debug!(%error, "files are not skipped by their statistics");
            None
        }
    }
}

/// What the log says of the files: a row is a file.
struct FileStatistics {
    actions: RecordBatch,
}

impl FileStatistics {
    /// A column of one of the log's structs `partition`, `min`, `max` and `null_count`.
    fn of(&self, kind: &str, column: &Column) -> Option<ArrayRef> {
        let all = self.actions.column_by_name(kind)?;
        let values = all.as_struct_opt()?.column_by_name(column.name())?;
        // Where a file says nothing at all, what stands in the struct is not to be read.
        if all.null_count() > 0 { nullif(values, &is_null(all).ok()?).ok() } else { Some(Arc::clone(values)) }
    }

    /// Bounds; those of numbers with a fraction say nothing of NaN, which SQL takes for the largest.
    fn bound(&self, side: &str, column: &Column) -> Option<ArrayRef> {
        self.of("partition", column).or_else(|| self.of(side, column).filter(|bound| !bound.data_type().is_floating()))
    }
}

impl PruningStatistics for FileStatistics {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bound("min", column)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        let largest = self.bound("max", column)?;
        match largest.data_type() {
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                let exact = largest.as_primitive::<TimestampMicrosecondType>();
                let later = exact.unary::<_, TimestampMicrosecondType>(|instant| instant.saturating_add(CUT_OFF_US));
                Some(Arc::new(later.with_timezone_opt(zone.clone())))
            }
            _ => Some(largest),
        }
    }

    fn num_containers(&self) -> usize {
        self.actions.num_rows()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        self.of("null_count", column)
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        self.actions.column_by_name("num_records").cloned()
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
