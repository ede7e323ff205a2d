//! A Delta table's rows for SQL: the Parquet files of one version, read by DataFusion; what needs more than that, by the Delta library's kernel.

mod columns;
mod kernel_scan;
mod pruning;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use async_trait::async_trait;
use connector::{Message, SinkError};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{Result as SqlResult, ScalarValue, Statistics};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use deltalake_core::kernel::LogicalFileView;
use deltalake_core::logstore::LogStore;
use deltalake_core::table::state::DeltaTableState;
use deltalake_core::{DeltaTable, DeltaTableError};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use url::Url;

use crate::error::delta_error;
use columns::Columns;

/// Reader features that leave the data files as they are: plain Parquet, one file one set of rows. (A file with a deletion vector is found by itself.)
const PLAIN_FEATURES: [&str; 4] = ["timestampNtz", "v2Checkpoint", "vacuumProtocolCheck", "deletionVectors"];

/// One version of a Delta table.
pub(crate) struct DeltaRows {
    /// The table in messages: `table gold.sales at version 3`.
    place: String,
    state: DeltaTableState,
    log: Arc<dyn LogStore>,
    columns: Columns,
    /// True if its files cannot be read as they lie.
    needs_kernel: bool,
    /// Its paths begin at the root of the file system or the bucket.
    store: Arc<dyn ObjectStore>,
    /// The name under which a session knows the store.
    store_url: ObjectStoreUrl,
}

impl std::fmt::Debug for DeltaRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeltaRows").field("place", &self.place).finish_non_exhaustive()
    }
}

impl DeltaRows {
    /// The rows of a loaded table; with `file_column`, a column of that name holds the URL of each row's data file.
    ///
    /// # Errors
    /// `Data` if the table was not loaded; `Internal`.
    pub(crate) fn new(table: &DeltaTable, name: &str, file_column: Option<&str>) -> Result<DeltaRows, SinkError> {
        let state = table.snapshot().map_err(|error| delta_error(name, &error))?;
        let log = table.log_store();
        let store = log.root_object_store(None);
        let store_url = store_url(&store)?;
        Ok(DeltaRows {
            place: format!("{name} at version {}", state.version()),
            columns: Columns::new(state, file_column),
            needs_kernel: needs_kernel(state),
            state: state.clone(),
            log,
            store,
            store_url,
        })
    }

    /// The data files that may hold rows for the filters.
    fn files(&self, session: &dyn Session, filters: &[Expr]) -> SqlResult<Vec<DataFile>> {
        let external = |error: DeltaTableError| DataFusionError::External(Box::new(error));
        let kept = pruning::kept_files(&self.state, &self.columns.shown, filters, session);
        let values = self.partition_values()?;
        let folder = Path::from_url_path(self.log.root_url().path())?;
        let mut files = Vec::new();
        for (at, view) in self.state.log_data().iter().enumerate() {
            if kept.as_ref().is_some_and(|kept| !kept[at]) {
                continue;
            }
            let mut object = ObjectMeta::try_from(&view).map_err(external)?;
            object.location = Path::from_iter(folder.parts().chain(object.location.parts()));
            let mut of_file = values.iter().map(|column| column.value(at)).collect::<SqlResult<Vec<ScalarValue>>>()?;
            if self.columns.has_file_column {
                of_file.push(self.columns.file_value(self.file_url(&view)?)?);
            }
            files.push(DataFile { object, rows: view.num_records(), of_file });
        }
        Ok(files)
    }

    /// A file's URL as the log means it.
    fn file_url(&self, file: &LogicalFileView) -> SqlResult<Url> {
        let mut url = self.log.root_url().clone();
        let no_folder = || DataFusionError::Plan(format!("{}: {} is no folder", self.place, self.log.root_url()));
        url.path_segments_mut().map_err(|()| no_folder())?.pop_if_empty().extend(file.path().split('/'));
        Ok(url)
    }

    /// The values that whole files share, column by column: those of the table's partition columns.
    fn partition_values(&self) -> SqlResult<Vec<PartitionColumn>> {
        let fields = self.columns.partitions();
        if fields.is_empty() {
            return Ok(Vec::new());
        }
        let actions =
            self.state.add_actions_table(false).map_err(|error| DataFusionError::External(Box::new(error)))?;
        let values = actions.column_by_name("partition").and_then(|column| column.as_struct_opt());
        let column = |field: &FieldRef| -> SqlResult<PartitionColumn> {
            let values = values.and_then(|values| values.column_by_name(field.name())).cloned();
            let missing = || DataFusionError::Plan(format!("{}: no values of column {}", self.place, field.name()));
            Ok(PartitionColumn { values: values.ok_or_else(missing)?, kind: field.data_type().clone() })
        };
        fields.iter().map(column).collect()
    }

    /// The plan that reads these files.
    fn read(
        &self,
        session: &dyn Session,
        projection: Vec<usize>,
        files: Vec<DataFile>,
        limit: Option<usize>,
    ) -> SqlResult<Arc<dyn ExecutionPlan>> {
        let mut options = session.config().options().execution.parquet.clone();
        // Spark's old timestamps of 96 bits reach beyond what nanoseconds can hold; the table's are microseconds anyway.
        options.coerce_int96.get_or_insert_with(|| "us".to_string());
        let cache = session.runtime_env().cache_manager.get_file_metadata_cache();
        let source = ParquetSource::new(self.columns.scanned.clone())
            .with_table_parquet_options(TableParquetOptions { global: options, ..Default::default() })
            .with_parquet_file_reader_factory(Arc::new(CachedParquetFileReaderFactory::new(
                Arc::clone(&self.store),
                cache,
            )));
        let statistics = self.statistics(&files);
        let files: Vec<PartitionedFile> = files.into_iter().map(DataFile::into_scan).collect();
        let config = FileScanConfigBuilder::new(self.store_url.clone(), Arc::new(source))
            .with_file_groups(FileGroup::new(files).split_files(session.config().target_partitions()))
            .with_statistics(statistics)
            .with_projection_indices(Some(projection))?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    /// The number of rows is exact, if all files say theirs: `count(*)` is answered from it. Bounds of columns are left out: a
    /// writer may cut long texts, so no `max` can be answered from them, and files are skipped by them before.
    fn statistics(&self, files: &[DataFile]) -> Statistics {
        let mut statistics = Statistics::new_unknown(self.columns.scanned.table_schema());
        let rows = |file: &DataFile| file.rows.map_or(Precision::Absent, Precision::Exact);
        statistics.num_rows = files.iter().fold(Precision::Exact(0), |sum, file| sum.add(&rows(file)));
        let bytes: u64 = files.iter().map(|file| file.object.size).sum();
        statistics.total_byte_size = Precision::Inexact(usize::try_from(bytes).unwrap_or(usize::MAX));
        statistics
    }
}

/// The name under which sessions know a store.
fn store_url(store: &Arc<dyn ObjectStore>) -> Result<ObjectStoreUrl, SinkError> {
    // Stores are known by their address: two warehouses of one session, or a warehouse and the session's own files,
    // may have the same URL. A session holds its stores, so their addresses stay theirs.
    let address = Arc::as_ptr(store).cast::<()>().addr();
    ObjectStoreUrl::parse(format!("delta://store-{address:x}"))
        .map_err(|error| SinkError::Internal(Message::caused_by(format!("the name of a store: {error}"), &error)))
}

/// Lets a session read the files of the tables in a store.
///
/// # Errors
/// `Internal`.
pub(crate) fn register_store(session: &RuntimeEnv, store: &Arc<dyn ObjectStore>) -> Result<(), SinkError> {
    session.register_object_store(store_url(store)?.as_ref(), Arc::clone(store));
    Ok(())
}

#[async_trait]
impl TableProvider for DeltaRows {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.columns.shown)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> SqlResult<Arc<dyn ExecutionPlan>> {
        let shown: Vec<usize> = projection.cloned().unwrap_or_else(|| (0..self.columns.shown.fields().len()).collect());
        if self.needs_kernel {
            return kernel_scan::plan(self, &shown, limit).await;
        }
        let files = self.files(session, filters)?;
        if files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(Arc::new(self.columns.shown.project(&shown)?))));
        }
        let scanned = shown.iter().map(|at| self.columns.positions[*at]).collect();
        self.read(session, scanned, files, limit)
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> SqlResult<Vec<TableProviderFilterPushDown>> {
        // Files are skipped by a filter; its rows are still to be picked above the scan.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}

/// A data file that is to be read.
struct DataFile {
    object: ObjectMeta,
    rows: Option<usize>,
    /// Its values of the columns that are not in it.
    of_file: Vec<ScalarValue>,
}

impl DataFile {
    fn into_scan(self) -> PartitionedFile {
        PartitionedFile::from(self.object).with_partition_values(self.of_file)
    }
}

/// The values of a partition column, file by file.
struct PartitionColumn {
    values: ArrayRef,
    kind: DataType,
}

impl PartitionColumn {
    fn value(&self, file: usize) -> SqlResult<ScalarValue> {
        ScalarValue::try_from_array(&self.values, file)?.cast_to(&self.kind)
    }
}

/// True if the data files are not the table's rows as they lie: rows are deleted beside them, columns have other names in them,
/// they lie outside the table's folder, or the protocol asks for a feature that may mean anything.
fn needs_kernel(state: &DeltaTableState) -> bool {
    let in_json = (serde_json::to_value(state.protocol()), serde_json::to_value(state.metadata()));
    let (Ok(protocol), Ok(metadata)) = in_json else { return true };
    let mapping = metadata["configuration"]["delta.columnMapping.mode"].as_str();
    if mapping.is_some_and(|mode| mode != "none") {
        return true;
    }
    let plain = |feature: &serde_json::Value| {
        feature.as_str().is_some_and(|feature| feature == "columnMapping" || PLAIN_FEATURES.contains(&feature))
    };
    let features = protocol["readerFeatures"].as_array();
    if features.is_some_and(|features| !features.iter().all(plain)) {
        return true;
    }
    state.log_data().iter().any(|file| file.deletion_vector_descriptor().is_some() || file.path().contains("://"))
}
