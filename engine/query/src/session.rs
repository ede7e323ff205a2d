//! The tables of a warehouse as of one epoch, and the queries over them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use connector::{Catalog, TableInfo};
use datafusion::common::TableReference;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{SendableRecordBatchStream, execute_stream};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use expr::typing::TypeRules;
use futures::{Stream, StreamExt};
use plan::{ReadFault, Readable, SparkDialect};

use crate::error::QueryError;
use crate::state::{ReadState, StateFunction};
use crate::stoppable;
use crate::warehouse::Warehouse;

/// An open warehouse.
pub struct Session {
    context: SessionContext,
    warehouse: Warehouse,
    readable: Readable,
}

/// A plan that was checked to read only.
pub struct ReadPlan(LogicalPlan);

/// The rows of one query, batch by batch. They are as of the epoch that the session was at, whatever it does meanwhile. Dropped, the
/// query ends.
pub struct Answer {
    batches: SendableRecordBatchStream,
    tables: Arc<[TableInfo]>,
}

impl Session {
    /// Registers the tables of a warehouse; `state` reads the state of the job that is asked about, if there is one. Queries go by
    /// these rules of types.
    ///
    /// # Errors
    /// The warehouse does not answer. (Of a damaged table only a query that names it says so.)
    pub async fn open(
        catalog: Arc<dyn Catalog>,
        state: Option<ReadState>,
        rules: TypeRules,
    ) -> Result<Session, QueryError> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut config = plan::with_rules(plan::session_config(), rules)
            .with_target_partitions(threads)
            .with_information_schema(true);
        // Names have no case; each is spelled as what it means.
        config.options_mut().sql_parser.enable_ident_normalization = false;
        let context = plan::session(config);
        expr::register_batch(&context).map_err(|error| QueryError::of(&error, &[]))?;
        context.register_udtf("state", Arc::new(StateFunction { read: state }));
        let warehouse = Warehouse::new(catalog);
        let mut session = Session { context, warehouse, readable: Readable::default() };
        session.refresh().await?;
        Ok(session)
    }

    /// Makes more known to the session than the tables: the functions of a job.
    pub fn define<T>(&self, define: impl FnOnce(&SessionContext) -> T) -> T {
        define(&self.context)
    }

    /// Takes in what was published since.
    ///
    /// # Errors
    /// The warehouse does not answer.
    pub async fn refresh(&mut self) -> Result<(), QueryError> {
        if self.warehouse.refresh(&self.context).await? {
            self.readable = self.columns_of_all().await?;
        }
        Ok(())
    }

    /// The tables, by name.
    pub fn tables(&self) -> &[TableInfo] {
        self.warehouse.tables()
    }

    /// Where the tables are, without any key.
    pub fn location(&self) -> String {
        self.warehouse.location()
    }

    async fn columns_of_all(&self) -> Result<Readable, QueryError> {
        let mut tables = Vec::with_capacity(self.tables().len());
        for table in self.tables().iter().filter(|table| table.damage.is_none()) {
            tables.push((table.name.clone(), self.columns(&table.name).await?));
        }
        Ok(Readable::new(tables))
    }

    /// The columns of a table.
    ///
    /// # Errors
    /// There is no such table, or it is damaged.
    pub async fn columns(&self, table: &str) -> Result<SchemaRef, QueryError> {
        // The name of a folder that another program made may be one that SQL has only in quotes, as `silver.Orders`.
        let name = match self.tables().iter().find(|own| own.name == table).and_then(|own| own.name.split_once('.')) {
            Some((schema, name)) => TableReference::partial(schema, name),
            None => TableReference::parse_str(table),
        };
        let provider = self.context.table_provider(name).await;
        provider.map(|provider| provider.schema()).map_err(|_| QueryError::unknown_table(table, self.tables()))
    }

    /// The statements of a text, one at least.
    ///
    /// # Errors
    /// The text is not SQL, or there is none in it.
    pub fn statements(&self, text: &str) -> Result<Vec<Statement>, QueryError> {
        let rules = TypeRules::of(&self.context.state());
        plan::check_literals(text, rules).map_err(|problem| QueryError::of_problem(&problem))?;
        let text = plan::with_literals(text, rules);
        let statements: Vec<Statement> = DFParserBuilder::new(text.as_str())
            .with_dialect(&SparkDialect)
            .build()
            .and_then(|mut parser| parser.parse_statements())
            .map_err(|error| self.explain(&error))?
            .into();
        if statements.is_empty() {
            return Err(QueryError::WrongInput("there is no query\n  write for example SELECT 1".to_owned()));
        }
        Ok(statements)
    }

    /// Plans a statement: the same names, functions, windows and casts as in a job, or a query would not give what the job's
    /// table holds.
    ///
    /// # Errors
    /// What is wrong with the statement; it would change something.
    pub async fn plan(&self, statement: Statement) -> Result<ReadPlan, QueryError> {
        let planned = self.readable.plan(&self.context.state(), statement).await;
        let plan = planned.map_err(|fault| match fault {
            ReadFault::Problem(problem) => QueryError::of_problem(&problem),
            ReadFault::Plan(error) => self.explain(&error),
        })?;
        let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        options.verify_plan(&plan).map_err(|error| QueryError::only_reading(&error))?;
        Ok(ReadPlan(plan))
    }

    /// Begins to run a plan.
    ///
    /// # Errors
    /// What cannot be run.
    pub async fn stream(&self, plan: ReadPlan) -> Result<Answer, QueryError> {
        let explained = |error| self.explain(&error);
        let frame = self.context.execute_logical_plan(plan.0).await.map_err(explained)?;
        let task = Arc::new(frame.task_ctx());
        let plan = frame.create_physical_plan().await.and_then(stoppable::plan).map_err(explained)?;
        let batches = execute_stream(plan, task).map(stoppable::beside).map_err(explained)?;
        Ok(Answer { batches, tables: Arc::clone(self.warehouse.tables()) })
    }

    fn explain(&self, error: &datafusion::error::DataFusionError) -> QueryError {
        QueryError::of(error, self.tables())
    }
}

impl Answer {
    /// The columns.
    pub fn schema(&self) -> SchemaRef {
        self.batches.schema()
    }
}

impl Stream for Answer {
    type Item = Result<RecordBatch, QueryError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.batches.poll_next_unpin(context);
        next.map(|batch| batch.map(|batch| batch.map_err(|error| QueryError::of(&error, &self.tables))))
    }
}

#[cfg(test)]
mod tests;
