//! The batch answer is the oracle: random jobs over random data, with restarts and kills, against DataFusion and DuckDB.
//!
//! `ENGINE_ORACLE_SEEDS=100000 scripts/test -p runtime --test oracle` tries so many; `ENGINE_ORACLE_SEED=17` repeats one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests")]

mod case;
mod cell;
mod dice;
mod duck;
mod fusion;
mod generate;
mod marks;
mod model;
mod query;
mod run;
mod shrink;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use run::{Oracles, check};

/// Seeds of a run of the tests; `ENGINE_ORACLE_SEEDS` asks for others.
const SEEDS: u64 = 2_000;
/// Failures after which a run gives up.
const FAILURES_MAX: usize = 5;

#[test]
fn tables_are_the_batch_answer_over_the_rows_that_were_on_time() {
    if let Some(seed) = number("ENGINE_ORACLE_SEED") {
        if let Some(text) = try_seed(seed, &mut Oracles::start()) {
            panic!("{text}");
        }
        return;
    }
    let seeds = number("ENGINE_ORACLE_SEEDS").unwrap_or(SEEDS);
    let first = number("ENGINE_ORACLE_FIRST").unwrap_or(0);
    let (next, failures) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, |count| count.get()) {
            scope.spawn(|| {
                let mut oracles = Oracles::start();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds || failures.lock().unwrap().len() >= FAILURES_MAX {
                        return;
                    }
                    if let Some(text) = try_seed(seed, &mut oracles) {
                        eprintln!("{text}");
                        failures.lock().unwrap().push(seed);
                    }
                }
            });
        }
    });
    eprintln!(
        "{} seeds in {:.1} s",
        next.load(Ordering::Relaxed).min(first + seeds) - first,
        began.elapsed().as_secs_f64()
    );
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "seeds {failures:?} fail: see above what each repeats with");
}

/// What is wrong with a seed's case, made small.
fn try_seed(seed: u64, oracles: &mut Oracles) -> Option<String> {
    let case = generate::case_of(seed);
    let failure = check(&case, oracles).err()?;
    let (case, failure) = match number("ENGINE_ORACLE_WHOLE") {
        Some(_) => (case, failure),
        None => shrink::shrink(case, failure, oracles),
    };
    if std::env::var_os("ENGINE_ORACLE_TRACE").is_some() {
        eprintln!("-- the smallest case again");
        let _ = check(&case, oracles);
    }
    Some(format!(
        "\nENGINE_ORACLE_SEED={seed} cargo test --release -p runtime --test oracle tables_are -- --nocapture\n{}\n{}{}",
        case.job_file(),
        case.story(),
        failure.text
    ))
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a whole number, not {text}")))
}
