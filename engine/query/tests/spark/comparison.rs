//! All expressions through the engine, on all cores. Those that are expected to be equal go together, because planning takes the time.

use futures::StreamExt;

use crate::asking::{Engine, Rows};
use crate::ledger::Ledger;
use crate::outcome::{Compared, Outcome, of_columns, of_literals};
use crate::recorded::{Answer, Recorded, over_columns};

/// Expressions in one query.
const TOGETHER: usize = 12;
/// Deep plans recurse, and a check of them in a test build takes more stack than a thread has by default.
const STACK: usize = 32 * 1024 * 1024;

/// Compares everything. The order is that of the recorded answers.
pub fn compare(recorded: Vec<Recorded>, ledger: &Ledger) -> Vec<Compared> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_stack_size(STACK)
        .enable_all()
        .build()
        .expect("threads start");
    // A panic is an outcome here; its text is in the report.
    let usual_hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let groups = grouped(recorded, ledger);
    let compared = runtime.block_on(async {
        let engine = Engine::open().await;
        let tasks = futures::stream::iter(groups).map(|group| {
            let engine = engine.clone();
            tokio::spawn(async move { compare_group(&engine, group).await })
        });
        tasks
            .buffered(threads)
            .map(|outcome| outcome.expect("a panic is caught where it is asked"))
            .collect::<Vec<_>>()
            .await
    });
    std::panic::set_hook(usual_hook);
    // A query that does not end must not keep the test.
    runtime.shutdown_background();
    compared.into_iter().flatten().collect()
}

/// Neighbours that may be asked in one query: plain expressions with a value, and not in the ledger.
fn grouped(recorded: Vec<Recorded>, ledger: &Ledger) -> Vec<Vec<Recorded>> {
    let mut groups: Vec<Vec<Recorded>> = Vec::new();
    let mut goes_on = false;
    for one in recorded {
        let joins = matches!(one.answer, Answer::Value { .. }) && !one.is_query() && !ledger.lists(&one.expression);
        match groups.last_mut().filter(|group| goes_on && joins && group.len() < TOGETHER) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
        goes_on = joins;
    }
    groups
}

async fn compare_group(engine: &Engine, group: Vec<Recorded>) -> Vec<Compared> {
    let all: Vec<&Recorded> = group.iter().collect();
    let literals = all.len() > 1 && all_equal(engine, &all, together(&all)).await;
    let marked: Vec<&Recorded> = all.iter().copied().filter(|one| one.marked.is_some()).collect();
    let columns = literals && marked.len() > 1 && {
        let query = over_columns(marked.iter().filter_map(|one| one.marked.as_deref()));
        all_equal(engine, &marked, query).await
    };
    let mut compared = Vec::with_capacity(group.len());
    for recorded in group {
        let (mut outcome, mut answer) = (Outcome::Equal, String::new());
        if !literals {
            (outcome, answer) = of_literals(&recorded, engine.ask(&recorded.query()).await);
        }
        if outcome == Outcome::Equal
            && !columns
            && let Some(marked) = &recorded.marked
        {
            (outcome, answer) = of_columns(&recorded, engine.ask(&over_columns([marked.as_str()].into_iter())).await);
        }
        compared.push(Compared { recorded, outcome, engine: answer });
    }
    compared
}

/// One query for all of them.
fn together(group: &[&Recorded]) -> String {
    let named = |(at, one): (usize, &&Recorded)| format!("{} AS v{at}", one.expression);
    format!("SELECT {}", group.iter().enumerate().map(named).collect::<Vec<_>>().join(", "))
}

/// True if one query for all of them gives all the right answers.
async fn all_equal(engine: &Engine, group: &[&Recorded], query: String) -> bool {
    let Ok(Rows { kinds, rows }) = engine.ask(&query).await else { return false };
    let [row] = rows.as_slice() else { return false };
    let is_right = |(at, one): (usize, &&Recorded)| match &one.answer {
        Answer::Value { kind, text } => kinds.get(at) == Some(kind) && row.get(at) == Some(text),
        Answer::Error(_) => false,
    };
    group.iter().enumerate().all(is_right)
}
