//! All expressions through the engine, on all cores. Those that are expected to be equal go together, because planning takes the time.

use futures::StreamExt;

use crate::asking::{Engine, Rows};
use crate::ledger::Ledger;
use crate::outcome::{Compared, Outcome, of_columns, of_literals};
use crate::recorded::{Answer, Recorded};

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
    let literal = if group.len() > 1 { all_equal(engine, &group, |one| Some(&one.expression)).await } else { false };
    let mut compared = Vec::with_capacity(group.len());
    for recorded in group {
        let (mut outcome, mut answer) = if literal {
            (Outcome::Equal, String::new())
        } else {
            of_literals(&recorded, engine.ask(&recorded.query()).await)
        };
        if outcome == Outcome::Equal
            && let Some(query) = &recorded.over_columns
        {
            (outcome, answer) = of_columns(&recorded, engine.ask(query).await);
        }
        compared.push(Compared { recorded, outcome, engine: answer });
    }
    compared
}

/// True if one query for all of them gives all the right answers.
async fn all_equal(engine: &Engine, group: &[Recorded], part: impl Fn(&Recorded) -> Option<&String>) -> bool {
    let parts: Vec<String> =
        group.iter().enumerate().filter_map(|(at, one)| Some(format!("{} AS v{at}", part(one)?))).collect();
    let Ok(Rows { kinds, rows }) = engine.ask(&format!("SELECT {}", parts.join(", "))).await else { return false };
    let [row] = rows.as_slice() else { return false };
    let is_right = |(at, one): (usize, &Recorded)| match &one.answer {
        Answer::Value { kind, text } => kinds.get(at) == Some(kind) && row.get(at) == Some(text),
        Answer::Error(_) => false,
    };
    group.iter().enumerate().all(is_right)
}
