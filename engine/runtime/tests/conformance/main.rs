//! Spark's own streaming cases, each as a job file that runs through the engine in memory: all of them, exactly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod by_hand;
mod case;
mod falsify;
mod job_text;
mod modes;
mod play;
mod rows;

use play::Manner;

/// Plays the cases of a suite and names every one that fails.
fn play(suite: &str, manner: Manner) {
    let all = case::all().into_iter().chain(case::golden());
    let cases: Vec<_> = all.filter(|case| case.suite == suite).collect();
    assert!(!cases.is_empty(), "{suite} has no cases");
    let played = cases.iter().map(|case| (case, play::play(case, manner)));
    let failed: Vec<String> =
        played.filter_map(|(case, played)| Some(format!("case \"{}\": {}", case.name, played.err()?))).collect();
    assert!(failed.is_empty(), "{} of {} cases of {suite} fail\n\n{}", failed.len(), cases.len(), failed.join("\n\n"));
}

macro_rules! suites {
    ($($test:ident $suite:literal)*) => {
        const SUITES: &[&str] = &[$($suite),*];
        $(#[test] fn $test() { play($suite, Manner::AsWritten); })*
    };
}

suites! {
    event_time_watermark "EventTimeWatermarkSuite"
    aggregation "StreamingAggregationSuite"
    session_window "StreamingSessionWindowSuite"
    deduplication "StreamingDeduplicationSuite"
    deduplication_within_watermark "StreamingDeduplicationWithinWatermarkSuite"
    several_stateful_operators "MultiStatefulOperatorsSuite"
    join "StreamingJoinSuite"
    time_windowing "DataFrameTimeWindowingSuite"
    golden_vectors "Golden vectors"
}

#[test]
fn restarts_change_nothing() {
    SUITES.iter().for_each(|suite| play(suite, Manner::Restarted));
}

#[test]
fn kills_change_nothing() {
    SUITES.iter().for_each(|suite| play(suite, Manner::Killed));
}

/// Nothing is skipped: all cases are of a suite that is played, and what is written by hand belongs to a case.
#[test]
fn all_cases_are_played() {
    let cases = case::all();
    assert_eq!((cases.len(), cases.iter().map(|case| case.steps.len()).sum::<usize>()), (68, 525));
    assert!(cases.iter().all(|case| SUITES.contains(&case.suite.as_str())));
    let is_case = |name: &str| cases.iter().chain(&case::golden()).filter(|case| case.name == name).count() == 1;
    assert!(by_hand::JOBS.iter().all(|(name, _)| is_case(name)));
    assert!(by_hand::BETTER.iter().all(|better| is_case(better.case)));
    assert!(by_hand::BETTER.len() <= 8);
}

#[test]
fn what_is_better_than_in_spark_is_documented() {
    let differences = include_str!("../../../../docs/spark-differences.md");
    by_hand::BETTER.iter().for_each(|better| assert!(differences.contains(better.documented), "{}", better.case));
}
