//! Plans are run again only by a job that has what they read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use epoch::offsets::OffsetRange;
use epoch::{CommitId, Split};

use super::*;

fn job() -> Job {
    let text = "[job]\nname = \"small\"\ncheckpoint = \"c\"\nwarehouse = \"w\"\n\
                [source.events]\nconnector = \"kafka\"\nbrokers = \"b:1\"\ntopic = \"t\"\n\
                [source.events.schema]\nid = \"bigint\"\n[table.gold.t]\nsql = \"SELECT id FROM events\"\n";
    let connectors = job::Connectors::new(&[&kafka::KafkaConnector]);
    job::parse("job.toml", text, &[], &|_| None, connectors).unwrap_or_else(|problems| panic!("{problems}"))
}

fn plan(source: &str, until: i64) -> Plan {
    let mut plan = Commit::bare(CommitId::new(EpochId(3), 9)).plan;
    let planned = plan.sources.entry(source.to_string()).or_default();
    planned.ranges.insert(Split::new("t", 0), OffsetRange { from: 0, until }.into());
    plan
}

#[test]
fn an_epoch_that_read_a_source_which_left_the_job_is_not_run_again_without_it() {
    refuse_unknown_sources(&plan("events", 10), &job()).unwrap();
    refuse_unknown_sources(&plan("others", 0), &job()).unwrap();
    let error = refuse_unknown_sources(&plan("others", 10), &job()).unwrap_err().to_string();
    assert!(error.contains("epoch 3 read source others, which the job does not have"), "{error}");
}
