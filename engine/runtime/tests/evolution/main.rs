//! A checkpoint written with one version of a job, opened with another: taken over with all its rows, or refused with a reason. Never misread.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod changes;
mod event_times;

use arrow::util::pretty::pretty_format_batches;
use job::Job;
use testkit::{MemoryOptions, MemoryRecord, MemoryRun};

const HEAD: &str = r#"
[job]
name = "shop"
trigger = "1s"
checkpoint = "checkpoint"
warehouse = "warehouse"

[source.events]
connector = "kafka"
brokers = "localhost:9092"
topic = "events"
watermark = { column = "event_time", delay = "1 minute" }
schema = { user_id = "string", amount = "AMOUNT", event_time = "timestamp" }

[source.clicks]
connector = "kafka"
brokers = "localhost:9092"
topic = "clicks"
watermark = { column = "clicked", delay = "1 minute" }
schema = { user_id = "string", clicked = "timestamp" }
"#;

/// The type of the amounts; the tables.
#[derive(Debug, Clone, Copy)]
pub struct Version(pub &'static str, pub &'static str);

fn job(version: Version) -> Job {
    let text = HEAD.replace("AMOUNT", version.0) + version.1;
    job::parse("shop.toml", &text, &[], &|_| None, job::Connectors::new(&[&kafka::KafkaConnector]))
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

/// An event of a user, so many seconds after noon.
fn event(user: &str, amount: i64, second: i64) -> MemoryRecord {
    let time = format!("2026-01-01T12:{:02}:{:02}Z", second / 60, second % 60);
    MemoryRecord::of(format!(r#"{{"user_id":"{user}","amount":{amount},"event_time":"{time}","clicked":"{time}"}}"#))
}

/// The rows of a table, one a line, sorted.
fn rows(run: &mut MemoryRun, table: &str) -> Vec<String> {
    let batches = run.rows(table).unwrap();
    let text = pretty_format_batches(&batches).unwrap().to_string();
    let lines = text.lines().filter(|line| line.starts_with('|')).skip(1);
    let mut lines: Vec<String> =
        lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join(" ")).collect();
    lines.sort();
    lines
}

/// Runs the first version over the first events, then the second over the others.
fn evolve(before: Version, after: Version) -> Result<MemoryRun, String> {
    let mut run = MemoryRun::open(job(before), &MemoryOptions::default()).unwrap();
    run.append("events", 0, [event("ann", 1, 0), event("bob", 2, 10), event("ann", 3, 20)]).unwrap();
    run.append("clicks", 0, [event("ann", 0, 5)]).unwrap();
    run.run_all().unwrap();
    run.restart_as(job(after)).map_err(|error| error.to_string())?;
    run.append("events", 0, [event("ann", 4, 30), event("cid", 5, 40), event("bob", 6, 300)]).unwrap();
    run.append("clicks", 0, [event("cid", 0, 35), event("bob", 0, 300)]).unwrap();
    run.run_all().unwrap();
    Ok(run)
}
