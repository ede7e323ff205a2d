//! A session over a warehouse in memory: what it runs, what it refuses, what it sees anew, and state that the caller reads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::Int64Type;
use async_trait::async_trait;
use connector::{AsOf, Pointer, SinkError, TableSnapshot};
use datafusion::datasource::MemTable;
use epoch::EpochId;
use futures::TryStreamExt;

use super::*;

/// A warehouse with one table, `gold.counts`, whose only row is the version that was published last; 0: there is no table yet.
#[derive(Default)]
struct Counts {
    version: AtomicI64,
}

fn rows_of(numbers: Vec<i64>) -> RecordBatch {
    RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(numbers)) as _)]).unwrap()
}

#[async_trait]
impl Catalog for Counts {
    fn location(&self) -> String {
        "memory:///".to_owned()
    }

    async fn pointers(&self) -> Result<Vec<Pointer>, SinkError> {
        let version = self.version.load(Ordering::SeqCst);
        let versions = BTreeMap::from([("gold.counts".to_owned(), version)]);
        let pointer = Pointer {
            format: 1,
            job: "counts".to_owned(),
            epoch: EpochId(version.cast_unsigned()),
            versions,
            ..Pointer::default()
        };
        Ok(if version == 0 { Vec::new() } else { vec![pointer] })
    }

    async fn tables(&self, as_of: AsOf, _: Option<&str>) -> Result<Vec<TableSnapshot>, SinkError> {
        assert_eq!(as_of, AsOf::Published, "a session reads what is published");
        let version = self.version.load(Ordering::SeqCst);
        let name = "gold.counts".to_owned();
        let info = TableInfo { name, version, epoch: None, rows: Some(1), files: 1, bytes: 8, damage: None };
        let rows = rows_of(vec![version]);
        let provider = Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap());
        let table = TableSnapshot { info, files: Vec::new(), provider };
        Ok(if version == 0 { Vec::new() } else { vec![table] })
    }

    fn prepare(&self, _: &SessionContext) -> Result<(), SinkError> {
        Ok(())
    }

    async fn remove_all(&self) -> Result<usize, SinkError> {
        Err(SinkError::Internal("a session never removes".to_owned().into()))
    }
}

async fn opened(state: Option<ReadState>) -> (Arc<Counts>, Session) {
    let warehouse = Arc::new(Counts::default());
    let session =
        Session::open(Arc::<Counts>::clone(&warehouse), state, expr::typing::TypeRules::Before).await.unwrap();
    (warehouse, session)
}

/// The numbers of the first column, or what is wrong with the query.
async fn numbers(session: &Session, text: &str) -> Result<Vec<i64>, QueryError> {
    let mut numbers = Vec::new();
    for statement in session.statements(text)? {
        let answer = session.stream(session.plan(statement).await?).await?;
        assert!(!answer.schema().fields().is_empty());
        let batches: Vec<RecordBatch> = answer.try_collect().await?;
        numbers.extend(batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()));
    }
    Ok(numbers)
}

fn wrong(outcome: Result<Vec<i64>, QueryError>) -> String {
    match outcome {
        Err(QueryError::WrongInput(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_are_answered_one_after_the_other() {
    let (_, session) = opened(None).await;
    assert!(session.tables().is_empty() && session.location() == "memory:///");
    assert_eq!(numbers(&session, "SELECT 1 AS n; SELECT 2 + 3 AS n").await, Ok(vec![1, 5]));
    assert!(wrong(numbers(&session, " -- nothing").await).starts_with("there is no query"));
    assert!(wrong(numbers(&session, "SELEC 1").await).starts_with("this is not SQL"));
    assert!(wrong(numbers(&session, "SELECT n FROM gold.counts").await).contains("there is no table gold.counts"));
    assert!(matches!(session.columns("gold.counts").await, Err(QueryError::WrongInput(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_published_is_seen_after_a_refresh() {
    let (warehouse, mut session) = opened(None).await;
    for version in 1..4 {
        warehouse.version.store(version, Ordering::SeqCst);
        let before = numbers(&session, "SELECT n FROM gold.counts").await;
        assert_eq!(before.ok(), (version > 1).then(|| vec![version - 1]), "version {version} was not asked for yet");
        session.refresh().await.unwrap();
        assert_eq!(session.tables()[0].version, version);
        assert_eq!(numbers(&session, "SELECT N FROM Gold.Counts").await, Ok(vec![version]));
    }
    assert_eq!(session.columns("gold.counts").await.unwrap().field(0).name(), "n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_reading_is_planned() {
    let (_, session) = opened(None).await;
    for text in
        ["CREATE TABLE t AS SELECT 1 AS n", "SET datafusion.execution.batch_size = 1", "COPY (SELECT 1) TO 'x.csv'"]
    {
        for statement in session.statements(text).unwrap() {
            assert!(session.plan(statement).await.is_err(), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn state_is_read_by_the_caller() {
    let read: ReadState = Arc::new(|name| match name {
        "gold.users" => Ok(rows_of(vec![7, 8])),
        other => Err(format!("{other} keeps no state")),
    });
    let (_, session) = opened(Some(read)).await;
    assert_eq!(numbers(&session, "SELECT n FROM state('gold.users') ORDER BY n").await, Ok(vec![7, 8]));
    assert_eq!(wrong(numbers(&session, "SELECT n FROM state('gold.other')").await), "gold.other keeps no state");
    assert!(wrong(numbers(&session, "SELECT n FROM state()").await).contains("state('gold.counts')"));
    let (_, session) = opened(None).await;
    assert!(wrong(numbers(&session, "SELECT n FROM state('gold.users')").await).contains("--job JOB"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_nobody_waits_for_any_more_ends() {
    let (_, session) = opened(None).await;
    for query in [
        "SELECT count(*) AS n FROM generate_series(1, 3000000) a CROSS JOIN generate_series(1, 3000000) b",
        "SELECT count(*) AS n FROM generate_series(1, 3000000) a(x) JOIN generate_series(1, 3000000) b(y) ON a.x + b.y > 3",
    ] {
        let statement = session.statements(query).unwrap().remove(0);
        let mut answer = session.stream(session.plan(statement).await.unwrap()).await.unwrap();
        let waited = tokio::time::timeout(Duration::from_millis(300), answer.next()).await;
        assert!(waited.is_err(), "nine million millions of rows were counted: {waited:?}");
        drop(answer);
        let next = tokio::time::timeout(Duration::from_secs(30), numbers(&session, "SELECT 7 AS n")).await;
        assert_eq!(next.expect("the threads are still at it"), Ok(vec![7]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_said_to_those_who_ask_for_it() {
    let damaged = TableSnapshot::damaged("gold.Broken".to_owned(), "the log is torn".to_owned()).info;
    let context = SessionContext::new();
    let error = QueryError::of(&context.sql("SELECT * FROM gold.broken").await.unwrap_err(), &[damaged]);
    assert_eq!(error, QueryError::Failed("the log is torn".to_owned()));
}
