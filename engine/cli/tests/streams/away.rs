//! Places that follow each for itself: one is away for a while, or the process dies as soon as one has an epoch.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::kafka::{Topic, event, unique};
use crate::oracle::assert_books;
use crate::run::{Job, KEEP_ALL, Said, engine, run};

const COUNTS: &str =
    "[table.gold.counts]\nmode = \"update\"\nsql = \"SELECT key, count(*) AS n FROM events GROUP BY key\"\n";

/// Sixty records in three epochs.
fn job(purpose: &str) -> Job {
    let topic = Topic::new(purpose, 1);
    topic.send(0, (0..60).map(|id| event(id, ["a", "b", "c"][id % 3], id, 1)));
    Job::new(&topic, "max_offsets_per_trigger = 20\n", &format!("{KEEP_ALL}{COUNTS}"))
}

fn with_fault(job: &Job, fault: &str) -> Said {
    run(job.command(&["--available-now", "--fail-points"]).env("ENGINE_FAIL_POINT", fault))
}

/// All rows are there, once, and all tables hold what their commits say.
fn assert_whole(job: &Job) {
    assert_books(&job.commits());
    let said = run(engine(&["verify", job.path.to_str().unwrap()]).args(job.sets())).succeeded().out;
    assert!(said.contains("counted: 60 rows in ") && said.contains("equal         gold.counts: 3 rows"), "{said}");
    assert!(said.contains("2 tables: 2 right, 0 wrong, 0 not counted"), "{said}");
}

fn is_away_and_comes_back(job: &Job) {
    let said = with_fault(job, "publish:away:1:4:gold.counts").succeeded();
    assert!(said.err.contains("publish:away:1:4:gold.counts is armed: that table will not answer"), "{}", said.err);
    let refused = |line: &&str| line.ends_with("fail point: gold.counts does not answer");
    let (waiting, asked): (Vec<&str>, Vec<&str>) =
        said.err.lines().filter(refused).partition(|line| line.contains("waiting, for "));
    assert_eq!(asked.len(), 4, "{}", said.err);
    assert_eq!(waiting.len(), 4, "each time it is said that it is waited for: {}", said.err);
    assert_eq!(job.commits().len(), 3, "{}", said.err);
    assert_whole(job);
}

#[test]
fn a_table_that_is_away_is_waited_for_and_gets_every_epoch_once() {
    is_away_and_comes_back(&job("away"));
}

#[test]
fn a_table_on_s3_that_is_away_is_waited_for_and_gets_every_epoch_once() {
    is_away_and_comes_back(&job("away-s3").warehouse_at(format!("s3://warehouse/{}", unique("away"))));
}

#[test]
fn a_process_that_dies_when_one_table_has_an_epoch_brings_it_to_the_others() {
    for place in ["bronze.everything", "gold.counts"] {
        let job = job("died-between");
        let killed = with_fault(&job, &format!("publish:after:1:{place}"));
        assert_eq!(killed.code, None, "{killed:#?}");
        job.run().succeeded();
        assert_whole(&job);
    }
}

#[test]
fn a_fault_of_a_place_that_is_mistyped_is_refused() {
    let said = with_fault(&job("mistyped"), "publish:away:1:0:gold.counts");
    assert_eq!(said.code, Some(2), "{said:#?}");
    assert!(said.err.contains("such as publish:away:3:4:gold.t"), "{}", said.err);
}

#[test]
fn a_replay_says_that_it_waits_for_a_broker_that_is_away() {
    let job = job("replay-away");
    job.run().succeeded();
    let scratch = job.beside("scratch");
    let mut replay = engine(&["replay", job.path.to_str().unwrap(), "--scratch", scratch.to_str().unwrap()]);
    replay.args(job.sets()).args(["--set", "source.events.brokers=127.0.0.1:1"]);
    let mut child = replay.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let waiting = said.into_iter().find(|line| line.contains("waiting, for "));
    let _ = child.kill();
    child.wait().unwrap();
    let waiting = waiting.expect("it ended without a word");
    assert!(waiting.contains("127.0.0.1:1"), "{waiting}");
}
