//! The tables of a warehouse as of one epoch, and the queries over them.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use datafusion::common::TableReference;
use datafusion::execution::context::SQLOptions;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::dialect::SparkSqlDialect;
use delta::{AsOf, Pointer, TableInfo, Warehouse};
use futures::StreamExt;
use plan::{ReadFault, Readable};

use super::output::{Format, Output};
use super::state::StateFunction;
use super::trouble;
use crate::ending::{Failure, Outcome};
use crate::progress::Progress;

/// Time between two looks at how long a query has been running.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// An open warehouse.
pub struct Session {
    context: SessionContext,
    warehouse: Warehouse,
    tables: Vec<TableInfo>,
    pointers: Vec<Pointer>,
    readable: Readable,
}

impl Session {
    /// Opens the warehouse and registers its tables; `job` is the job whose state can be asked for.
    ///
    /// # Errors
    /// It cannot be opened, or a table in it is damaged.
    pub async fn open(location: &str, job: Option<PathBuf>) -> Result<Session, Failure> {
        let warehouse = Warehouse::open(location).await.map_err(failed)?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut config = plan::session_config().with_target_partitions(threads).with_information_schema(true);
        // Names have no case; each is spelled as what it means.
        config.options_mut().sql_parser.enable_ident_normalization = false;
        let context = plan::session(config);
        plan::register_batch(&context).map_err(|error| trouble::explain(&error, &[]))?;
        context.register_udtf("state", Arc::new(StateFunction { job }));
        let mut session =
            Session { context, warehouse, tables: Vec::new(), pointers: Vec::new(), readable: Readable::default() };
        session.refresh().await?;
        Ok(session)
    }

    /// Takes in what was published since.
    ///
    /// # Errors
    /// The warehouse does not answer, or a table in it is damaged.
    pub async fn refresh(&mut self) -> Outcome {
        let pointers = delta::read_pointers(&self.warehouse).await.map_err(failed)?;
        // Tables that no job points at may be new at any time.
        if pointers.is_empty() || pointers != self.pointers {
            self.tables =
                delta::register_tables(&self.context, &self.warehouse, AsOf::Published).await.map_err(failed)?;
            self.pointers = pointers;
            self.readable = self.columns_of_all().await?;
        }
        Ok(())
    }

    /// The tables, by name.
    pub fn tables(&self) -> &[TableInfo] {
        &self.tables
    }

    /// Where the tables are.
    pub fn place(&self) -> &str {
        self.warehouse.url().as_str()
    }

    async fn columns_of_all(&self) -> Result<Readable, Failure> {
        let mut tables = Vec::with_capacity(self.tables.len());
        for table in &self.tables {
            tables.push((table.name.clone(), self.columns(&table.name).await?));
        }
        Ok(Readable::new(tables))
    }

    /// The columns of a table.
    ///
    /// # Errors
    /// There is no such table.
    pub async fn columns(&self, table: &str) -> Result<SchemaRef, Failure> {
        let provider = self.context.table_provider(TableReference::parse_str(table)).await;
        provider.map(|provider| provider.schema()).map_err(|_| trouble::unknown_table(table, &self.tables))
    }

    /// Runs all statements of a text, and returns how many rows came out.
    ///
    /// # Errors
    /// The first statement that is wrong or fails.
    pub async fn run(&self, text: &str, format: Format, out: &mut impl Write) -> Result<u64, Failure> {
        let text = plan::with_literals(text);
        let statements = DFParserBuilder::new(text.as_str())
            .with_dialect(&SparkSqlDialect {})
            .build()
            .and_then(|mut parser| parser.parse_statements())
            .map_err(|error| trouble::explain(&error, &self.tables))?;
        if statements.is_empty() {
            return Err(Failure::WrongInput("there is no query\n  write for example SELECT 1".to_owned()));
        }
        let mut rows = 0;
        for statement in statements {
            let stream = self.start(statement).await?;
            rows += self.write(stream, Output::new(format, out)).await?;
        }
        Ok(rows)
    }

    async fn start(&self, statement: Statement) -> Result<SendableRecordBatchStream, Failure> {
        let explain = |error| trouble::explain(&error, &self.tables);
        // The same names, functions, windows and casts as in a job, or a query would not give what the job's table holds.
        let planned = self.readable.plan(&self.context.state(), statement).await;
        let plan = planned.map_err(|fault| match fault {
            ReadFault::Problem(problem) => Failure::WrongInput(format!("{}\n  {}", problem.message, problem.help)),
            ReadFault::Plan(error) => explain(error),
        })?;
        let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        options.verify_plan(&plan).map_err(|error| trouble::only_reading(&error))?;
        let frame = self.context.execute_logical_plan(plan).await.map_err(explain)?;
        frame.execute_stream().await.map_err(explain)
    }

    async fn write(&self, mut stream: SendableRecordBatchStream, mut output: Output<'_>) -> Result<u64, Failure> {
        let schema = stream.schema();
        let mut progress = Progress::begin();
        loop {
            let next = tokio::time::timeout(LOOK_EVERY, stream.next()).await;
            match next {
                Err(_) => progress.tell(|running| format!("the query is running: {} s", running.as_secs())),
                Ok(Some(batch)) => {
                    progress.end();
                    output.write(&batch.map_err(|error| trouble::explain(&error, &self.tables))?)?;
                }
                Ok(None) => break,
            }
        }
        progress.end();
        output.end(&schema)
    }
}

fn failed(error: delta::SinkError) -> Failure {
    match error {
        delta::SinkError::Settings(_) => Failure::WrongInput(error.to_string()),
        _ => Failure::Failed(error.to_string()),
    }
}
