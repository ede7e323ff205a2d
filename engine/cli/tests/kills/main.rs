//! SIGKILL, again and again: the real binary on real Kafka, on a local warehouse and on MinIO, judged by three oracles.
//!
//! One job is killed again and again: at a fail point (before and after each step, epoch after epoch), or at a random moment,
//! which may be while it starts, recovers, works or publishes. It is started again each time, and at last left alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    reason = "tests; parts of `streams` are not used here"
)]

mod batch;
#[path = "../../src/connectors.rs"]
mod connectors;
mod drilled;
#[path = "../streams/kafka.rs"]
mod kafka;
#[path = "../streams/oracle.rs"]
mod oracle;
mod oracles;
#[path = "../streams/run.rs"]
mod run;
mod sent;
#[path = "../streams/shop.rs"]
mod shop;
mod siege;

use kafka::Topic;
use run::Job;
use sent::Sent;
use siege::Siege;

/// Records of an epoch while the job is under fire.
const EPOCH_RECORDS: u64 = 60;

fn besieged(purpose: &str, records: u64, kills: u32, random_every: u32, place: impl Fn(Job) -> Job) {
    let topic = Topic::new(purpose, 6);
    let sent = Sent::to(&topic, records, 21);
    let job = place(Job::ecommerce(&topic, EPOCH_RECORDS)).set("job.retain_epochs", "1000000");
    let mut siege = Siege::new(&job, 21, random_every);
    siege.begin();
    while siege.kills < kills {
        siege.attack();
    }
    siege.assert_covered();
    let read = siege.records();
    assert!(read < records, "the topic was empty before the last kill: send more");
    let job = job.set("source.events.max_offsets_per_trigger", "6000");
    job.run().succeeded();
    oracles::assert_identity(&job, &sent);
    shop::assert_replay(&job);
    batch::assert_equal(&job);
    oracles::assert_accounts(&job, &sent);
}

/// A hundred, or as many as the variable `ENGINE_KILLS` says: a thousand take about ten minutes.
#[test]
fn a_hundred_kills_on_a_local_warehouse_change_nothing() {
    let kills = std::env::var("ENGINE_KILLS").map_or(100, |kills| kills.parse().unwrap());
    besieged("kills", 600 * u64::from(kills), kills, 2, |job| job);
}

#[test]
fn twenty_kills_on_minio_change_nothing() {
    for variable in ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        assert!(
            std::env::var_os(variable).is_some(),
            "{variable} is not set: run scripts/test, or start MinIO with `scripts/services start minio` and set what it prints"
        );
    }
    besieged("kills-minio", 24_000, 20, 5, |job| {
        job.warehouse_at(format!("s3://warehouse/{}", kafka::unique("kills")))
    });
}
