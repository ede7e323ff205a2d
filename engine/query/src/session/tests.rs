//! A session over a warehouse without tables: what it runs, what it refuses, and state that the caller reads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;

use super::*;

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

async fn opened(state: Option<ReadState>) -> (tempfile::TempDir, Session) {
    let folder = tempfile::tempdir().unwrap();
    let session = Session::open(folder.path().to_str().unwrap(), state).await.unwrap();
    (folder, session)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_are_answered_one_after_the_other() {
    let (_folder, mut session) = opened(None).await;
    session.refresh().await.unwrap();
    assert!(session.tables().is_empty() && session.location().starts_with("file://"));
    assert_eq!(numbers(&session, "SELECT 1 AS n; SELECT 2 + 3 AS n").await, Ok(vec![1, 5]));
    assert!(wrong(numbers(&session, " -- nothing").await).starts_with("there is no query"));
    assert!(wrong(numbers(&session, "SELEC 1").await).starts_with("this is not SQL"));
    assert!(wrong(numbers(&session, "SELECT n FROM gold.counts").await).contains("there is no table gold.counts"));
    assert!(matches!(session.columns("gold.counts").await, Err(QueryError::WrongInput(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_reading_is_planned() {
    let (_folder, session) = opened(None).await;
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
        "gold.users" => Ok(RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![7, 8])) as _)]).unwrap()),
        other => Err(format!("{other} keeps no state")),
    });
    let (_folder, session) = opened(Some(read)).await;
    assert_eq!(numbers(&session, "SELECT n FROM state('gold.users') ORDER BY n").await, Ok(vec![7, 8]));
    assert_eq!(wrong(numbers(&session, "SELECT n FROM state('gold.other')").await), "gold.other keeps no state");
    assert!(wrong(numbers(&session, "SELECT n FROM state()").await).contains("state('gold.counts')"));
    let (_folder, session) = opened(None).await;
    assert!(wrong(numbers(&session, "SELECT n FROM state('gold.users')").await).contains("--job JOB"));
}
