//! One owner at a time, an orderly stop, and SQL that no longer fits the state.

use std::time::Duration;

use crate::kafka::{Topic, event};
use crate::run::{Job, KEEP_ALL};

const COUNTS: &str = r#"
[table.gold.counts]
sql = "SELECT window.start AS window_start, key, count(*) AS events FROM events GROUP BY window(moment, '1 minute'), key"
"#;

const SOURCE: &str = "max_offsets_per_trigger = 5000\nwatermark = { column = \"moment\", delay = \"1 minute\" }\n";

fn total(job: &Job) -> u64 {
    job.sql("SELECT count(*) AS n FROM bronze.everything")[0]["n"].as_u64().unwrap()
}

#[test]
fn a_second_owner_is_refused_with_host_and_process_of_the_first() {
    let topic = Topic::new("owners", 1);
    topic.send(0, [event(0, "a", 0, 1)]);
    let job = Job::new(&topic, SOURCE, KEEP_ALL);
    let mut running = job.start();
    running.wait_for_records(1);
    let error = job.run().failed();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    for part in [host.trim(), &format!("process {}", running.process()), job.checkpoint.to_str().unwrap()] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    topic.send(0, [event(1, "a", 1, 1)]);
    running.wait_for_records(2);
    let (code, took, errors) = running.stop();
    assert_eq!(code, Some(0), "{errors}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    // The place is free again, and nothing was counted twice.
    job.run().succeeded();
    assert_eq!(total(&job), 2);
}

#[test]
fn sigterm_under_load_ends_in_order_and_the_next_run_completes() {
    let topic = Topic::new("sigterm", 2);
    for partition in 0..2 {
        topic.send(partition, (0..60_000).map(|n| event(n * 2 + partition as usize, "a", n / 100, 1)));
    }
    let job = Job::new(&topic, SOURCE, &format!("{KEEP_ALL}{COUNTS}"));
    let mut running = job.start();
    running.wait("an epoch", |running| !running.epochs.is_empty());
    let (code, took, errors) = running.stop();
    assert_eq!(code, Some(0), "{errors}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let commits = job.commits();
    assert!(running.records() < 120_000, "it was done before it was stopped");
    assert_eq!(commits.len(), running.epochs.len(), "the last epoch was reported, committed and published");
    assert_eq!(total(&job), running.records());
    job.run().succeeded();
    let rows = job.sql("SELECT count(*) AS n, count(DISTINCT id) AS ids FROM bronze.everything");
    assert_eq!((rows[0]["n"].as_u64(), rows[0]["ids"].as_u64()), (Some(120_000), Some(120_000)));
}

#[test]
fn sql_that_does_not_fit_the_state_is_refused_and_says_what_changed() {
    let topic = Topic::new("changed", 1);
    topic.send(0, (0..300).map(|n| event(n, "a", n, 1)));
    let job = Job::new(&topic, SOURCE, &format!("{KEEP_ALL}{COUNTS}"));
    job.run().succeeded();
    let changes = [
        ("'1 minute'", "'2 minutes'", "window size"),
        ("count(*) AS events", "count(*) AS events, sum(amount) AS amount", "sum"),
        ("key, count(*)", "key, amount, count(*)", "key amount"),
    ];
    for (from, to, said) in changes {
        job.edit(from, to);
        if said.starts_with("key") {
            job.edit("'1 minute'), key", "'1 minute'), key, amount");
        }
        let error = job.run().failed();
        for part in ["gold.counts", "does not fit the state", said, "new checkpoint"] {
            assert!(error.contains(part), "{part} is not in: {error}");
        }
        job.edit(to, from);
        if said.starts_with("key") {
            job.edit("'1 minute'), key, amount", "'1 minute'), key");
        }
    }
    assert_eq!(job.commits().last().unwrap().plan.epoch.0 + 1, job.commits().len() as u64);
    // The old SQL still runs, and a new table begins with the next records.
    topic.send(0, (300..600).map(|n| event(n, "a", n, 1)));
    job.edit("[table.gold.counts]", "[table.gold.added]\nmode = \"update\"\nsql = \"SELECT key, count(*) AS events FROM events GROUP BY key\"\n[table.gold.counts]");
    job.run().succeeded();
    assert_eq!(job.sql("SELECT events FROM gold.added")[0]["events"], 300);
    assert_eq!(total(&job), 600);
}
