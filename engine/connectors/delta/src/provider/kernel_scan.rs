//! Reading through the Delta library's kernel: slower, one file after the other, but able to read deletion vectors and mapped columns.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use connector::SinkError;
use datafusion::common::Result as SqlResult;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use deltalake_core::DeltaTableError;
use deltalake_core::kernel::engine::arrow_data::EngineDataArrowExt;
use deltalake_core::kernel::{Scan, Snapshot};
use deltalake_core::logstore::LogStore;

use super::DeltaRows;
use crate::error::reading_error;
use crate::schema::to_table_rows;

/// Batches that wait for whoever asked for them.
const BATCHES_AHEAD: usize = 2;

/// The plan that reads the columns `shown` of the table.
pub(super) async fn plan(rows: &DeltaRows, shown: &[usize], limit: Option<usize>) -> SqlResult<Arc<dyn ExecutionPlan>> {
    let place = &rows.place;
    let failed = |error: DeltaTableError| external(reading_error(place, &error));
    let all = &rows.columns.shown;
    if rows.columns.has_file_column && shown.contains(&(all.fields().len() - 1)) {
        return Err(external(SinkError::Data(format!(
            "{place} has deletion vectors or mapped columns, so the data files of its rows cannot be told apart; read it without them, or copy the table"
        ).into())));
    }
    let schema: SchemaRef = Arc::new(all.project(shown)?);
    // Without any column a batch would not say how many rows it has.
    let read: Vec<&str> = if schema.fields().is_empty() {
        vec![all.field(0).name().as_str()]
    } else {
        schema.fields().iter().map(|field| field.name().as_str()).collect()
    };
    let snapshot = Snapshot::try_new(rows.log.as_ref(), Some(rows.state.version())).await.map_err(failed)?;
    let columns = snapshot.schema().project(&read).map_err(|error| failed(error.into()))?;
    let scan = snapshot.scan_builder().with_schema(columns).build().map_err(failed)?;
    let stream = KernelStream { place: place.clone(), scan: Arc::new(scan), log: Arc::clone(&rows.log), schema };
    let schema = Arc::clone(&stream.schema);
    Ok(Arc::new(StreamingTableExec::try_new(schema, vec![Arc::new(stream)], None, None, false, limit)?))
}

fn external(error: SinkError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// All rows of a table, as the kernel gives them.
struct KernelStream {
    place: String,
    scan: Arc<Scan>,
    log: Arc<dyn LogStore>,
    schema: SchemaRef,
}

impl std::fmt::Debug for KernelStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KernelStream").field("place", &self.place).finish_non_exhaustive()
    }
}

impl PartitionStream for KernelStream {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut stream = RecordBatchReceiverStream::builder(Arc::clone(&self.schema), BATCHES_AHEAD);
        let (batches, engine) = (stream.tx(), self.log.engine(None));
        let (scan, schema, place) = (Arc::clone(&self.scan), Arc::clone(&self.schema), self.place.clone());
        // The kernel waits for the store where it stands.
        stream.spawn_blocking(move || {
            let failed = |error: DeltaTableError| external(reading_error(&place, &error));
            let kernel = Arc::clone(scan.snapshot()).scan_builder().with_schema(Arc::clone(scan.logical_schema()));
            let kernel = kernel.build().map_err(|error| failed(error.into()))?;
            for data in kernel.execute(engine).map_err(|error| failed(error.into()))? {
                let batch = data.try_into_record_batch().map_err(|error| failed(error.into()))?;
                if batches.blocking_send(in_shape(&batch, &schema)).is_err() {
                    break;
                }
            }
            Ok(())
        });
        stream.build()
    }
}

/// The batch in the types that SQL was planned with.
fn in_shape(batch: &RecordBatch, schema: &SchemaRef) -> SqlResult<RecordBatch> {
    if schema.fields().is_empty() {
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        return Ok(RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &rows)?);
    }
    to_table_rows(batch, schema).map_err(external)
}
