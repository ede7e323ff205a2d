//! The rows that a table's batch query reads: for a table its own, for a source those of a table that keeps its records.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use connector::{Registry, TableSnapshot};
use datafusion::common::Column;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, Expr, Volatility, cast, create_udf};
use epoch::{EpochId, paths};
use job::{Job, OutputMode};
use plan::batch::{Batch, LATE_BY};
use plan::{Graph, TablePlan};

use super::reach::{knows_epochs, rows_since};
use super::snapshot::{FILE, WarehouseSnapshot};
use crate::definitions::is_as_it_came;

/// What one table reads.
pub struct Inputs<'a> {
    pub job: &'a Job,
    pub graph: &'a Graph,
    pub connectors: &'a Registry,
    pub table: &'a TablePlan,
    pub snapshot: &'a WarehouseSnapshot,
    /// Only what its inputs got in this epoch and later ones.
    pub since: Option<EpochId>,
}

/// A table that stands for a source, whose records it keeps.
pub struct SourceCopy {
    pub source: String,
    pub table: String,
}

impl Inputs<'_> {
    /// Puts rows in the place of everything that the table reads. Returns what stands for its sources.
    pub async fn fill(&self, batch: &mut Batch<'_>) -> Result<Vec<SourceCopy>, String> {
        let mut copies = Vec::new();
        for input in &self.table.inputs {
            let source = self.job.sources.keys().find(|name| name.eq_ignore_ascii_case(input));
            let table = self.graph.tables.iter().find(|table| table.name.eq_ignore_ascii_case(input));
            let fixed = self.job.statics.keys().find(|name| name.eq_ignore_ascii_case(input));
            match (source, table, fixed) {
                (Some(source), ..) => copies.push(self.fill_source(source, batch)?),
                (_, Some(table), _) => {
                    let columns =
                        table.schema.fields().iter().map(|field| (field.name().clone(), field.name().clone()));
                    self.fill_with(&table.name, table, &columns.collect(), &table.schema, batch)?;
                }
                (.., Some(name)) => self.fill_static(name, batch).await?,
                _ => return Err(format!("it reads {input}, which the job does not have")),
            }
        }
        Ok(copies)
    }

    fn fill_source(&self, source: &str, batch: &mut Batch<'_>) -> Result<SourceCopy, String> {
        let copies = batch.copies(source);
        let widest = copies.into_iter().min_by_key(|copy| Reverse(copy.columns.len())).ok_or_else(|| {
            format!("no table keeps the records of {source}; add one, such as [table.bronze.{source}] with sql = \"SELECT * FROM {source}\"")
        })?;
        if widest.table == self.table.name {
            return Err(format!("it keeps the records of {source} themselves: other tables are compared with it"));
        }
        let plan = self.graph.plan_of(&widest.table).ok_or_else(|| format!("{} was not planned", widest.table))?;
        let schema = self.graph.sources.get(source).map(|relation| Arc::clone(&relation.schema));
        let schema = schema.ok_or_else(|| format!("{source} was not planned"))?;
        self.fill_with(source, plan, &widest.columns, &schema, batch)?;
        Ok(SourceCopy { source: source.to_owned(), table: widest.table })
    }

    /// Rows of a table of the warehouse under a name; `columns` are names there by names of the table, in the types of `schema`.
    fn fill_with(
        &self,
        name: &str,
        table: &TablePlan,
        columns: &BTreeMap<String, String>,
        schema: &SchemaRef,
        batch: &mut Batch<'_>,
    ) -> Result<(), String> {
        let words = |error: DataFusionError| error.to_string();
        self.snapshot.check_origin(&table.name)?;
        let shown = self.snapshot.table(&table.name)?;
        let frame = batch.context().read_table(Arc::clone(&shown.provider)).map_err(words)?;
        let frame = rows_since(frame, shown, self.since_in(table))?;
        let present = |field: &&Arc<arrow::datatypes::Field>| columns.contains_key(field.name());
        let mut exprs: Vec<Expr> = Vec::new();
        for field in schema.fields().iter().filter(present) {
            let own = Expr::Column(Column::from_name(&columns[field.name()]));
            exprs.push(cast(own, field.data_type().clone()).alias(field.name()));
        }
        if is_as_it_came(self.graph, table) {
            self.check_epochs_are_known(shown)?;
            exprs.push(self.late_by().alias(LATE_BY));
        }
        let rows = frame.select(exprs).map_err(words)?;
        batch.fill(name, rows.into_view())
    }

    /// From which epoch on an input counts. Rows that take the place of others say nothing of when their records came; but a table with
    /// such rows is no older than the one that reads them.
    fn since_in(&self, input: &TablePlan) -> Option<EpochId> {
        self.since.filter(|_| input.mode == OutputMode::Append)
    }

    /// Refuses an input whose files no longer say in which epoch a row came, if that matters: some rows came too late.
    fn check_epochs_are_known(&self, shown: &TableSnapshot) -> Result<(), String> {
        let late = self.snapshot.late_rows(&self.table.name);
        if late == 0 || knows_epochs(shown) {
            return Ok(());
        }
        Err(format!(
            "{late} rows came too late for it, and which ones cannot be told any more: another program (OPTIMIZE) rewrote data files of {}, \
             whose names said in which epoch a row came",
            shown.info.name
        ))
    }

    /// The watermark by which a row is late, from the epoch in the name of its data file.
    fn late_by(&self) -> Expr {
        let commits = self.snapshot.commits.iter();
        let times = commits.map(|(epoch, commit)| {
            let time = runtime::table_time(self.table, self.job.watermark_policy, &commit.plan);
            (*epoch, time.late_us)
        });
        let times: BTreeMap<EpochId, Option<i64>> = times.collect();
        let look = move |arguments: &[ColumnarValue]| {
            let rows = match &arguments[0] {
                ColumnarValue::Array(files) => files.len(),
                ColumnarValue::Scalar(_) => 1,
            };
            let files = arguments[0].to_array(rows)?;
            let late = files.as_string::<i32>().iter().map(|file| {
                let (_, epoch) = paths::origin_of(file?)?;
                times.get(&epoch).copied().flatten()
            });
            let late = late.collect::<TimestampMicrosecondArray>().with_timezone("UTC");
            Ok(ColumnarValue::Array(Arc::new(late) as ArrayRef))
        };
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let function = create_udf("late_by", vec![DataType::Utf8], instant, Volatility::Immutable, Arc::new(look));
        function.call(vec![cast(Expr::Column(Column::from_name(FILE)), DataType::Utf8)])
    }

    /// A static table's rows, if every epoch saw the same.
    async fn fill_static(&self, name: &str, batch: &mut Batch<'_>) -> Result<(), String> {
        let commits = self.snapshot.commits.values();
        let mut versions: Vec<&String> = commits.filter_map(|commit| commit.plan.statics.get(name)).collect();
        versions.dedup();
        if versions.len() > 1 || self.snapshot.first_missing().is_some() {
            return Err(format!("the static table {name} was another in earlier epochs, or may have been"));
        }
        let table = self.job.statics.get(name).ok_or_else(|| format!("{name} was not planned"))?;
        let rows = self.connectors.static_table(table).map_err(|error| error.to_string())?;
        let rows = rows.load_current().await.map_err(|error| error.to_string())?;
        if versions.first().is_some_and(|version| **version != rows.version) {
            return Err(format!("the static table {name} has changed since the last epoch"));
        }
        let rows = MemTable::try_new(rows.schema(), vec![vec![rows.batch]]).map_err(|error| error.to_string())?;
        batch.fill(name, Arc::new(rows))
    }
}
