//! Random queries, well-formed and ill-formed: what `check` passes, runs. None stops its job and nothing panics, whatever the rows are.
//!
//! `ENGINE_QUERIES=20000 scripts/test -p runtime --test queries` tries so many (the whole of it), `ENGINE_QUERIES_FIRST=5000` begins elsewhere;
//! `ENGINE_QUERIES_SEED=17` tries one and shows it. The expressions are those of `query/tests/spark`, over columns of a stream, in
//! queries of all shapes; a third of the queries are broken by hand afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests")]

#[allow(dead_code, reason = "the oracle uses all of it")]
#[path = "../oracle/dice.rs"]
mod dice;

mod corpus;
mod generate;
mod rows;
mod trial;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use corpus::Corpus;
use trial::{Outcome, Outcomes, try_query};

/// As the binary has it: malloc is a seventh of the time of a run.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Queries of a run of the tests; `ENGINE_QUERIES` asks for others.
const QUERIES: u64 = 600;

/// Failures after which a run gives up.
const FAILURES_MAX: usize = 60;

#[test]
fn what_check_passes_runs() {
    let corpus = Corpus::read();
    if let Some(seed) = number("ENGINE_QUERIES_SEED") {
        let query = generate::query_of(seed, &corpus);
        eprintln!("{}", query.job_file());
        let outcome = try_query(&query, seed);
        assert!(!matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        eprintln!("{outcome:?}");
        return;
    }
    let first = number("ENGINE_QUERIES_FIRST").unwrap_or(0);
    let last = first + number("ENGINE_QUERIES").unwrap_or(QUERIES);
    let (next, failures) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    let outcomes = Outcomes::default();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, |count| count.get()) {
            // Queries may be nested as deeply as the engine lets them: its own threads have as much.
            let thread = std::thread::Builder::new().stack_size(8 << 20);
            thread.spawn_scoped(scope, || tried(&next, last, &corpus, &outcomes, &failures)).unwrap();
        }
    });
    eprintln!("{outcomes} in {:.1} s", began.elapsed().as_secs_f64());
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "queries of the seeds {failures:?} fail: see above");
    let (ran, all) = (outcomes.ran.load(Ordering::Relaxed), last - first);
    assert!(
        all < 100 || ran * 5 > all,
        "only {ran} of {all} queries were run: the generator makes too many that are refused"
    );
}

fn tried(next: &AtomicU64, last: u64, corpus: &Corpus, outcomes: &Outcomes, failures: &Mutex<Vec<u64>>) {
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= last || failures.lock().unwrap().len() >= FAILURES_MAX {
            return;
        }
        let query = generate::query_of(seed, corpus);
        let outcome = try_query(&query, seed);
        if let Outcome::Failed(what) = &outcome {
            eprintln!("\nENGINE_QUERIES_SEED={seed}\n{}\n-- {what}", query.table());
            failures.lock().unwrap().push(seed);
        }
        outcomes.count(&outcome);
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a whole number, not {text}")))
}
