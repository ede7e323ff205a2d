//! The batch answer is the oracle: random jobs over random data, with restarts and kills, against DataFusion and DuckDB.
//!
//! `ENGINE_ORACLE_SEEDS=100000 scripts/test -p runtime --test oracle` tries so many, `ENGINE_ORACLE_FIRST=5000` begins elsewhere,
//! `ENGINE_ORACLE_SHAPE=session` makes jobs of one shape only (`SHAPES` of `generate.rs`); a failure of such a run is repeated with it.
//! `ENGINE_ORACLE_SEED=17` repeats one, with `ENGINE_ORACLE_WHOLE=1` as it was made, with `ENGINE_ORACLE_TRACE=1` epoch by epoch.
//! Replay (`replay.rs`) takes a tenth of the seeds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests"
)]

mod case;
mod cell;
mod compare;
mod dice;
mod duck;
mod fusion;
mod generate;
mod marks;
mod model;
mod place;
mod query;
mod replay;
mod run;
mod shrink;
mod times;

use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use run::{Oracles, check};

/// As the binary has it: malloc is a seventh of the time of a run.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Seeds of a run of the tests; `ENGINE_ORACLE_SEEDS` asks for others.
const SEEDS: u64 = 2_000;
/// One test after the other: each takes all cores.
static TURN: Mutex<()> = Mutex::new(());

/// Failures after which a run gives up.
const FAILURES_MAX: usize = 5;

#[test]
fn tables_are_the_batch_answer_over_the_rows_that_were_on_time() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
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
        // One more than cores: a case waits for its answers now and then.
        for _ in 0..std::thread::available_parallelism().map_or(2, |count| count.get()) + 1 {
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
        "{} seeds in {:.1} s; of all threads: {}",
        next.load(Ordering::Relaxed).min(first + seeds) - first,
        began.elapsed().as_secs_f64(),
        times::shares()
    );
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "seeds {failures:?} fail: see above what each repeats with");
    let seldom = [&compare::LATE, &compare::REJECTED].map(|rows| rows.load(Ordering::Relaxed));
    let is_all = std::env::var_os("ENGINE_ORACLE_SHAPE").is_none();
    assert!(seeds < 500 || !is_all || seldom.iter().all(|rows| *rows >= seeds / 10), "late and rejected: {seldom:?}");
}

#[test]
fn an_epoch_that_is_run_again_gives_the_same_bytes() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let one = number("ENGINE_ORACLE_SEED");
    let seeds = number("ENGINE_ORACLE_SEEDS").unwrap_or(SEEDS) / 10;
    let first = one.or(number("ENGINE_ORACLE_FIRST")).unwrap_or(0);
    let seeds = if one.is_some() { 1 } else { seeds };
    let (next, failures) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    let seen = replay::Seen::default();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, |count| count.get()) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds || failures.lock().unwrap().len() >= FAILURES_MAX {
                        return;
                    }
                    let case = replay::replayed(generate::case_of(seed));
                    let fails = |case: &case::Case| shrink::guarded(|| replay::differs(case, &seen));
                    let Some(what) = fails(&case) else { continue };
                    let (case, what) = match number("ENGINE_ORACLE_WHOLE") {
                        Some(_) => (case, what),
                        None => shrink::shrink_by(case, what, &mut |case| fails(case)),
                    };
                    eprintln!(
                        "\nENGINE_ORACLE_SEED={seed} cargo test --release -p runtime --test oracle an_epoch_that -- --nocapture\n{}\n{}\n{what}",
                        case.job_file(),
                        case.story(),
                    );
                    failures.lock().unwrap().push(seed);
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "seeds {failures:?} fail: see above what each repeats with");
    let enough = |seen: &AtomicU64| seen.load(Ordering::Relaxed) >= seeds / 4;
    assert!(
        seeds < 20 || [&seen.kills, &seen.files, &seen.blocks].into_iter().all(enough),
        "little was compared: {seen:?}"
    );
}

#[test]
fn another_process_gives_the_same_bytes() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let seeds = 0..number("ENGINE_ORACLE_SEEDS").unwrap_or(SEEDS) / 40;
    if number("ENGINE_ORACLE_DIGEST").is_some() {
        seeds.for_each(|seed| println!("{}", replay::digest(seed)));
        return;
    }
    let children = [(), ()].map(|()| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "another_process_gives_the_same_bytes", "--nocapture"]);
        child.env("ENGINE_ORACLE_DIGEST", "1").stdout(Stdio::piped()).spawn().unwrap()
    });
    let digests = children.map(|child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().filter_map(|line| line.find("digest ").map(|at| line[at..].to_string())).collect::<Vec<_>>()
    });
    assert_eq!(digests[0].len() as u64, seeds.end, "a line for each seed");
    let different: Vec<_> = digests[0].iter().zip(&digests[1]).filter(|(one, other)| one != other).collect();
    assert!(different.is_empty(), "two processes wrote different bytes for these seeds: {different:#?}");
}

/// What is wrong with a seed's case, made small.
fn try_seed(seed: u64, oracles: &mut Oracles) -> Option<String> {
    let case = generate::case_of(seed);
    let failure = times::spent_besides(times::Part::Rest, || check(&case, oracles).err())?;
    let (case, failure) = match number("ENGINE_ORACLE_WHOLE") {
        Some(_) => (case, failure),
        None => shrink::shrink(case, failure, oracles),
    };
    if std::env::var_os("ENGINE_ORACLE_TRACE").is_some() {
        eprintln!("-- the smallest case again");
        let _ = check(&case, oracles);
    }
    Some(format!(
        "\n{}ENGINE_ORACLE_SEED={seed} cargo test --release -p runtime --test oracle tables_are -- --nocapture\n{}\n{}{}",
        std::env::var("ENGINE_ORACLE_SHAPE").map_or(String::new(), |shape| format!("ENGINE_ORACLE_SHAPE={shape} ")),
        case.job_file(),
        case.story(),
        failure.text
    ))
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a whole number, not {text}")))
}
