//! A job in memory gives what the job gives: epochs, windows, rejects, restarts and crashes at every step.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use epoch::Step;
use job::Job;

use runtime::StepSide;

use crate::{MemoryOptions, MemoryRecord, MemoryRun};

mod abandoned;
mod behind;
mod clocks;
mod kafka;
mod losses;
mod reports;
mod statics;

const TABLES: &str = r#"
[table.bronze.clicks]
sql = "SELECT *, _partition, _offset, _timestamp FROM clicks"

[table.gold.counts]
sql = """SELECT window.start AS start, user, count(*) AS clicks, sum(price) AS total, collect_list(price) AS prices
         FROM bronze.clicks GROUP BY window(at, '1 minute'), user"""

[table.gold.users]
mode = "update"
sql = "SELECT user, count(*) AS clicks FROM bronze.clicks GROUP BY user"
"#;

fn job(tables: &str) -> Job {
    let text = format!(
        r#"
[job]
name = "shop"
checkpoint = "nowhere"
warehouse = "nowhere-else"

[source.clicks]
connector = "kafka"
brokers = "127.0.0.1:1"
topic = "clicks"
starting_offsets = "latest"
watermark = {{ column = "at", delay = "10 seconds" }}
[source.clicks.schema]
user = "string"
price = "double"
at = "timestamp"
{tables}"#
    );
    job::parse("shop.toml", &text, &[], &|_| None, job::Connectors::new(&[&::kafka::KafkaConnector]))
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

fn open(tables: &str) -> MemoryRun {
    MemoryRun::open(job(tables), &MemoryOptions::default()).unwrap()
}

fn click(user: &str, second: i64, price: f64) -> MemoryRecord {
    MemoryRecord::of(format!(r#"{{"user":"{user}","price":{price},"at":{second}}}"#))
}

/// The rows of a table, sorted, as text without its frame.
fn rows(run: &mut MemoryRun, table: &str) -> Vec<String> {
    text_of(&run.rows(table).unwrap())
}

fn text_of(batches: &[RecordBatch]) -> Vec<String> {
    if batches.is_empty() {
        return Vec::new();
    }
    let text = pretty_format_batches(batches).unwrap().to_string();
    let cells = |line: &str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join(" ");
    let mut lines: Vec<String> = text.lines().filter(|line| line.starts_with('|')).skip(1).map(cells).collect();
    lines.sort();
    lines
}

/// Five epochs with late rows, a bad record, an empty partition and a moving watermark.
fn feed(run: &MemoryRun, epoch: usize) {
    let epochs: [&[(u16, MemoryRecord)]; 5] = [
        &[(0, click("ann", 1, 1.5)), (1, click("bob", 2, 2.0)), (0, click("ann", 61, 0.25))],
        &[(1, click("ann", 30, 4.0)), (0, MemoryRecord::of("{")), (0, click("bob", 75, 3.0))],
        &[(1, click("cid", 100, 1.0)), (0, click("ann", 130, 1.0))],
        &[],
        &[(1, click("late", 3, 9.0)), (1, click("cid", 200, 1.0)), (0, click("ann", 201, 1.0))],
    ];
    for (partition, record) in epochs[epoch] {
        run.append("clicks", *partition, [record.clone()]).unwrap();
    }
    run.set_time(1_000_000 * (1 + epoch as i64));
}

#[test]
fn windows_close_when_the_watermark_passes_them() {
    let mut run = open(TABLES);
    feed(&run, 0);
    let epochs = run.step().unwrap();
    assert_eq!((epochs[0].epoch, epochs[0].rows_read, epochs[0].started_us), (0, 3, 1_000_000));
    // The slower partition stands at second 2.
    assert_eq!(run.watermark("clicks"), Some(-8_000_000));
    assert_eq!(run.watermark("gold.counts"), Some(-8_000_000));
    assert_eq!(run.watermark("nothing"), None);
    assert!(rows(&mut run, "gold.counts").is_empty());
    assert_eq!(rows(&mut run, "gold.users"), ["ann 2", "bob 1"]);
    assert!(run.metrics("gold.counts").unwrap().blocks > 0);
    assert_eq!(run.metrics("bronze.clicks").unwrap(), super::TableStateMetrics::default());

    feed(&run, 1);
    run.step().unwrap();
    assert_eq!(rows(&mut run, "rejected.clicks").len(), 1);
    feed(&run, 2);
    let epochs = run.step().unwrap();
    // The epoch that moves the watermark to second 90, and one without records that emits the first minute.
    assert_eq!(epochs.iter().map(|epoch| epoch.rows_read).collect::<Vec<_>>(), [2, 0]);
    assert_eq!(
        rows(&mut run, "gold.counts"),
        ["1970-01-01T00:00:00Z ann 2 5.5 [1.5, 4.0]", "1970-01-01T00:00:00Z bob 1 2.0 [2.0]"]
    );
    feed(&run, 3);
    assert!(run.step().unwrap().is_empty());
    feed(&run, 4);
    let epochs = run.step().unwrap();
    assert_eq!(epochs[0].tables.iter().find(|table| table.name == "gold.counts").unwrap().late, 1);
    assert_eq!(rows(&mut run, "gold.users"), ["ann 5", "bob 2", "cid 2", "late 1"]);
}

/// A table once got the least watermark of all sources, also of those that it does not read.
#[test]
fn a_table_goes_by_the_watermarks_of_its_own_sources() {
    let of = |name: &str, delay: u32| {
        format!(
            "[source.{name}]\nconnector = \"kafka\"\nbrokers = \"127.0.0.1:1\"\ntopic = \"{name}\"\n\
             watermark = {{ column = \"at\", delay = \"{delay} seconds\" }}\nschema = {{ at = \"timestamp\" }}\n"
        )
    };
    let text = |policy: &str| {
        let (ten, five) = (of("ten", 10), of("five", 5));
        format!(
            "[job]\nname = \"two\"\ncheckpoint = \"c\"\nwarehouse = \"w\"\nwatermark_policy = \"{policy}\"\n{ten}{five}\
             [table.gold.five]\nsql = \"SELECT at FROM five\"\n\
             [table.gold.both]\nsql = \"SELECT at FROM five UNION ALL SELECT at FROM ten\"\n"
        )
    };
    for (policy, of_both) in [("min", 90), ("max", 95)] {
        let job =
            job::parse("two.toml", &text(policy), &[], &|_| None, job::Connectors::new(&[&::kafka::KafkaConnector]))
                .unwrap();
        let mut run = MemoryRun::open(job, &MemoryOptions::default()).unwrap();
        assert_eq!(run.watermark("gold.both"), None);
        for source in ["ten", "five"] {
            run.append(source, 0, [MemoryRecord::of(r#"{"at":100}"#)]).unwrap();
        }
        let epochs = run.step().unwrap();
        let seconds = |name: &str| run.watermark(name).map(|us| us / 1_000_000);
        assert_eq!(["ten", "five", "gold.five"].map(seconds), [Some(90), Some(95), Some(95)]);
        assert_eq!(seconds("gold.both"), Some(of_both), "{policy}");
        let times = epochs[0].event_times.unwrap();
        assert_eq!((times.min_us, times.avg_us(), times.rows), (100_000_000, 100_000_000, 2));
        run.append("ten", 0, [MemoryRecord::of(r#"{"at":101}"#), MemoryRecord::of(r#"{"at":null}"#)]).unwrap();
        let epoch = run.step().unwrap().remove(0);
        let used = epoch.tables.iter().map(|table| table.watermark_us.map(|us| us / 1_000_000)).collect::<Vec<_>>();
        assert_eq!(used, [Some(of_both)], "only a table that gets rows is reported");
        let of_source = |at: usize| epoch.sources[at].event_times.map(|times| (times.max_us, times.rows));
        assert_eq!((of_source(0), of_source(1)), (None, Some((101_000_000, 1))));
    }
}

/// The rows of a state were not counted at all.
#[test]
fn the_rows_of_a_state_are_counted_exactly_also_after_a_restart() {
    let mut run = open(TABLES);
    for (epoch, rows, updated) in [(0, 3, 3), (1, 4, 2), (2, 4, 2)] {
        feed(&run, epoch);
        let first = run.epochs_committed();
        let epochs = run.step().unwrap();
        let state = epochs.last().unwrap().state.iter().find(|state| state.name == "gold.counts").unwrap();
        assert_eq!((state.rows, run.updated_since("gold.counts", first)), (Some(rows), updated), "epoch {epoch}");
        assert_eq!(run.metrics("gold.counts").unwrap().rows, rows);
        run.restart().unwrap();
        assert_eq!(run.metrics("gold.counts").unwrap().rows, rows);
        assert!(run.metrics("gold.users").unwrap().rows > 0);
    }
}

/// Every table of the job at the end, as text.
fn tables(run: &mut MemoryRun) -> Vec<(String, Vec<String>)> {
    ["bronze.clicks", "gold.counts", "gold.users", "rejected.clicks"]
        .map(|table| (table.to_string(), rows(run, table)))
        .to_vec()
}

/// The newest commit counts the rows of every table that got any as they are.
fn assert_counted(run: &mut MemoryRun, what: &str) {
    let newest = run.commits_since(0).unwrap().pop().unwrap();
    assert!(newest.sinks.len() >= 4, "{what}: {:?}", newest.sinks.keys());
    for (table, link) in &newest.sinks {
        let there = run.rows(table).unwrap().iter().map(|batch| batch.num_rows() as u64).sum::<u64>();
        let counted = link.rows.unwrap_or_else(|| panic!("{what}: {table} is not counted"));
        assert_eq!((counted.rows, counted.since), (there, None), "{what}: {table}");
    }
}

fn undisturbed() -> Vec<(String, Vec<String>)> {
    let mut run = open(TABLES);
    for epoch in 0..5 {
        feed(&run, epoch);
        run.step().unwrap();
    }
    tables(&mut run)
}

#[test]
fn restarts_and_crashes_at_every_step_change_nothing() {
    let expected = undisturbed();
    assert_eq!(expected[1].1.len(), 6, "{expected:#?}");
    let sides = [StepSide::Before, StepSide::After];
    for (step, side) in Step::ALL.into_iter().flat_map(|step| sides.map(|side| (step, side))) {
        let mut run = open(TABLES);
        let mut fired = 0;
        for epoch in 0..5 {
            feed(&run, epoch);
            if run.crash(step, side).unwrap() {
                fired += 1;
                // Also while the same epoch is run again.
                fired += usize::from(epoch == 2 && run.crash(step, side).unwrap());
            }
            run.step().unwrap();
        }
        assert!(fired >= 4, "{} {side:?} fired {fired} times", step.name());
        assert_counted(&mut run, &format!("{} {side:?}", step.name()));
        assert_eq!(tables(&mut run), expected, "{} {side:?}", step.name());
    }
    let mut run = open(TABLES);
    for epoch in 0..5 {
        run.restart().unwrap();
        feed(&run, epoch);
        run.step().unwrap();
        run.restart().unwrap();
    }
    assert_eq!(tables(&mut run), expected);
    assert_counted(&mut run, "restarted");
}

/// A query that changed is known by the commits, with the epoch that it came into force in; a new table and one that left are, too.
#[test]
fn commits_know_which_definition_made_them() {
    use epoch::EpochId;
    use epoch::definition::Before;
    let mut run = open(TABLES);
    for epoch in 0..2 {
        feed(&run, epoch);
        run.step().unwrap();
    }
    let changed =
        TABLES.replace("*, _partition, _offset, _timestamp FROM", "*, _partition, _offset, _timestamp   FROM");
    run.restart_as(job(&changed)).unwrap();
    let more = "[table.gold.more]\nsql = \"SELECT user FROM bronze.clicks\"\n";
    let narrowed =
        TABLES.replace("FROM bronze.clicks GROUP BY user", "FROM bronze.clicks WHERE price > 0 GROUP BY user");
    run.restart_as(job(&format!("{narrowed}{more}"))).unwrap();
    let first = run.epochs_committed();
    feed(&run, 2);
    run.step().unwrap();
    let newest = run.commits_since(0).unwrap().pop().unwrap();
    let definition = |table: &str| (newest.definitions[table].since, newest.definitions[table].before);
    for table in ["bronze.clicks", "gold.counts", "rejected.clicks"] {
        assert_eq!(definition(table), (EpochId(0), Before::Nothing), "{table}: a blank is no change");
    }
    assert_eq!(definition("gold.users"), (EpochId(first), Before::Another));
    assert_eq!(definition("gold.more"), (EpochId(first), Before::Nothing));
    assert_counted(&mut run, "changed");
}

/// The sink is a choice of whoever starts the run: Delta's tables, or tables in memory, through the same traits.
#[test]
fn another_sink_holds_the_same_tables() {
    let expected = undisturbed();
    let mut run = open(TABLES);
    run.backends.registry = connector::Registry::new(Arc::new(::memory::MemorySink::default()))
        .with_source(Arc::new(run.place.topics.clone()));
    run.restart().unwrap();
    for epoch in 0..5 {
        feed(&run, epoch);
        run.crash(Step::Publish, StepSide::Before).unwrap();
        run.step().unwrap();
        run.restart().unwrap();
    }
    assert_eq!(tables(&mut run), expected);
}

#[test]
fn many_lanes_and_a_limit_give_the_same_rows() {
    let expected = undisturbed();
    let options = MemoryOptions { lanes: 3, ..MemoryOptions::default() };
    let mut run = MemoryRun::open(job(TABLES), &options).unwrap();
    for epoch in 0..5 {
        feed(&run, epoch);
        run.run_all().unwrap();
    }
    assert_eq!(tables(&mut run), expected);
    let limited = job(TABLES);
    let mut limited = Job { sources: limited.sources, ..limited };
    limited.sources.get_mut("clicks").unwrap().records_per_epoch_max = Some(1);
    let mut run = MemoryRun::open(limited, &MemoryOptions::default()).unwrap();
    feed(&run, 0);
    assert_eq!(run.step().unwrap()[0].rows_read, 2, "one of each partition");
    assert_eq!(run.step().unwrap()[0].rows_read, 1);
    assert!(run.step().unwrap().is_empty());
}

#[test]
fn another_version_of_a_job_goes_on_or_is_refused() {
    let mut run = open(TABLES);
    feed(&run, 0);
    run.step().unwrap();
    let more = format!("{TABLES}\n[table.gold.all]\nmode = \"complete\"\nsql = \"SELECT count(*) AS n FROM clicks\"\n");
    run.restart_as(job(&more)).unwrap();
    feed(&run, 1);
    run.step().unwrap();
    assert_eq!(rows(&mut run, "gold.all"), ["2"], "what was read before is not read again");
    assert_eq!(rows(&mut run, "gold.users"), ["ann 3", "bob 2"]);
    let changed = TABLES.replace("count(*) AS clicks FROM", "sum(price) AS clicks FROM");
    assert!(matches!(run.restart_as(job(&changed)), Err(runtime::RunError::StateMismatch(_))));
    feed(&run, 2);
    run.step().unwrap();
    assert_eq!(rows(&mut run, "gold.users").len(), 3, "the version before goes on");
}

#[test]
fn sql_over_the_warehouse_sees_what_rows_gives() {
    let mut run = open(TABLES);
    for epoch in 0..5 {
        feed(&run, epoch);
        run.step().unwrap();
    }
    let warehouse = run.warehouse().clone();
    for table in ["bronze.clicks", "gold.counts", "gold.users"] {
        let seen = super::handle().unwrap().block_on(async {
            let context = datafusion::prelude::SessionContext::new();
            let found = connector::register_tables(&context, &warehouse, connector::AsOf::Published).await.unwrap();
            assert_eq!(found.len(), 4);
            batch::rows(&context, &format!("SELECT * FROM {table}")).await.unwrap()
        });
        assert_eq!(text_of(&seen), rows(&mut run, table), "{table}");
    }
}

/// `cargo test -- --ignored costs --nocapture`
#[test]
#[ignore = "a measurement"]
fn costs() {
    use std::time::{Duration, Instant};
    let runs = 50;
    let mut spent = [Duration::ZERO; 5];
    let mut last = Vec::new();
    for _ in 0..runs {
        let mut at = Instant::now();
        let mut lap = |slot: usize| {
            spent[slot] += at.elapsed();
            at = Instant::now();
        };
        let job = job(TABLES);
        lap(0);
        let graph = plan::plan_job(&job, &runtime::source_schemas(&job), &connector::Capabilities::FILES).unwrap();
        lap(1);
        let mut run = MemoryRun::of_graph(job, graph.into(), &MemoryOptions::default()).unwrap();
        lap(2);
        for epoch in 0..10 {
            feed(&run, epoch % 5);
            last = run.step().unwrap();
        }
        lap(3);
        tables(&mut run);
        lap(4);
    }
    println!("parse, plan, open, 10 epochs, read: {:?}", spent.map(|spent| spent / runs));
    println!("{:?}", last.last().unwrap().durations_ms);
}
