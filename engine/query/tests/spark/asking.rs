//! The engine's side: one session over a warehouse without tables, asked as `engine sql` asks.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use connector::{AsOf, Catalog, Pointer, SinkError, TableSnapshot};
use datafusion::prelude::SessionContext;
use expr::typing::TypeRules;
use futures::{FutureExt, TryStreamExt};
use query::{QueryError, Session};

use crate::canonical::{text, type_name};
use crate::recorded::is_ordered;

/// No expression here takes a tenth of this.
const LONGEST: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// It is not taken: the parser, the planner or a function says no.
    Refused(String),
    /// It is taken, and fails.
    Fails(String),
    /// It panics, or does not end.
    Panics(String),
}

/// The engine's answer: types and rows by column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// The type of each column.
    pub kinds: Vec<String>,
    /// The texts of each row.
    pub rows: Vec<Vec<String>>,
}

impl Rows {
    /// Types and rows as they are recorded.
    pub fn recorded(mut self, query: &str) -> (String, String) {
        let one = |row: &mut Vec<String>| if row.len() == 1 { row.remove(0) } else { format!("({})", row.join(", ")) };
        let mut rows: Vec<String> = self.rows.iter_mut().map(one).collect();
        if !is_ordered(query) {
            rows.sort();
        }
        (self.kinds.join(", "), rows.join("; "))
    }
}

/// A session, shared by those who ask at the same time.
#[derive(Clone)]
pub struct Engine {
    session: Arc<Session>,
    /// What is being asked, also in a file: a query that ends the process, as one that overflows the stack does, is found there.
    asked: Arc<Mutex<Vec<String>>>,
}

/// The file with what is being asked.
pub fn asked_file() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("spark-being-asked.sql")
}

impl Engine {
    pub async fn open() -> Engine {
        let session = Session::open(Arc::new(Nothing), None, TypeRules::Spark { ansi: true })
            .await
            .expect("an empty warehouse opens");
        Engine { session: Arc::new(session), asked: Arc::default() }
    }

    /// The answer to a query.
    pub async fn ask(&self, query: &str) -> Result<Rows, Silence> {
        self.note(|asked| asked.push(query.to_owned()));
        let answer = self.answer_or_panic(query).await;
        self.note(|asked| asked.retain(|other| other != query));
        answer
    }

    fn note(&self, change: impl FnOnce(&mut Vec<String>)) {
        let mut asked = self.asked.lock().unwrap();
        change(&mut asked);
        std::fs::write(asked_file(), asked.join(";\n")).unwrap();
    }

    async fn answer_or_panic(&self, query: &str) -> Result<Rows, Silence> {
        let asked = AssertUnwindSafe(tokio::time::timeout(LONGEST, self.answer(query))).catch_unwind().await;
        match asked {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Silence::Panics(format!("no answer in {} s", LONGEST.as_secs()))),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                Err(Silence::Panics(text.unwrap_or_default()))
            }
        }
    }

    async fn answer(&self, query: &str) -> Result<Rows, Silence> {
        let mut statements = self.session.statements(query).map_err(silence)?;
        let statement = statements.pop().ok_or_else(|| Silence::Refused("no statement".to_owned()))?;
        let plan = self.session.plan(statement).await.map_err(silence)?;
        let answer = self.session.stream(plan).await.map_err(silence)?;
        let schema = answer.schema();
        let batches: Vec<RecordBatch> = answer.try_collect().await.map_err(silence)?;
        Ok(rows_of(&schema, &batches))
    }
}

fn rows_of(schema: &SchemaRef, batches: &[RecordBatch]) -> Rows {
    let kinds = schema.fields().iter().map(|field| type_name(field)).collect();
    let row = |batch: &RecordBatch, row| batch.columns().iter().map(|column| text(column, row)).collect();
    let rows = batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |at| row(batch, at))).collect();
    Rows { kinds, rows }
}

fn silence(error: QueryError) -> Silence {
    match error {
        QueryError::WrongInput(text) => Silence::Refused(text),
        QueryError::Failed(text) => Silence::Fails(text),
    }
}

/// A warehouse without tables.
struct Nothing;

#[async_trait]
impl Catalog for Nothing {
    fn location(&self) -> String {
        "memory:///".to_owned()
    }

    async fn pointers(&self) -> Result<Vec<Pointer>, SinkError> {
        Ok(Vec::new())
    }

    async fn tables(&self, _: AsOf, _: Option<&str>) -> Result<Vec<TableSnapshot>, SinkError> {
        Ok(Vec::new())
    }

    fn prepare(&self, _: &SessionContext) -> Result<(), SinkError> {
        Ok(())
    }

    async fn remove_all(&self) -> Result<usize, SinkError> {
        Err(SinkError::Internal("questions remove nothing".to_owned().into()))
    }
}
