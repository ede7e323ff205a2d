//! `state('gold.table')` in `engine sql`: what operators keep, while the job runs and after it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::support::{Broker, engine, finish, run, signal, start};

const JOB: &str = r#"[job]
name = "shop"
checkpoint = "c"
warehouse = "w"
trigger = "asap"

[source.events]
connector = "kafka"
brokers = "ADDRESS"
topic = "shop"
starting_offsets = "earliest"
max_offsets_per_trigger = 2000
watermark = { column = "event_time", delay = "2 minutes" }
[source.events.schema]
event_id = "string"
event_type = "string"
user_id = "string"
event_time = { type = "timestamp", field = "timestamp" }

[table.bronze.raw]
sql = "SELECT * FROM events"
[table.gold.minutes]
sql = "SELECT window.start AS s, event_type, count(*) AS n FROM events GROUP BY window(event_time, '1 minute'), event_type"
[table.gold.users]
mode = "update"
sql = "SELECT user_id, count(*) AS n FROM events GROUP BY user_id"
[table.gold.sessions]
sql = "SELECT user_id, session_window.start AS s, count(*) AS n FROM events GROUP BY user_id, session_window(event_time, '3 seconds')"
[table.gold.once]
sql = "SELECT event_id, event_time FROM events"
deduplicate = { keys = ["event_id"], within = "10 minutes" }
[table.gold.pairs]
sql = "SELECT a.event_id, b.event_time FROM bronze.raw a JOIN bronze.raw b ON a.user_id = b.user_id AND b.event_time BETWEEN a.event_time AND a.event_time + INTERVAL 1 MINUTE"
"#;

struct Shop {
    folder: tempfile::TempDir,
    broker: Broker,
}

impl Shop {
    fn new() -> Shop {
        let shop = Shop { folder: tempfile::tempdir().unwrap(), broker: Broker::start(&["shop"]) };
        fs::write(shop.path().join("job.toml"), JOB.replace("ADDRESS", &shop.broker.address)).unwrap();
        let arguments = "generate ecommerce --topic shop --total 10000 --events-per-second 20 --start 2026-01-01T00:00:00Z --brokers";
        let mut arguments: Vec<&str> = arguments.split(' ').collect();
        arguments.push(&shop.broker.address);
        run(engine(&arguments).current_dir(shop.path())).succeeded();
        shop
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The rows of a query, as lines of CSV without their heading.
    fn ask(&self, query: &str) -> Vec<String> {
        let said =
            run(engine(&["sql", "--job", "job.toml", "--format", "csv", query]).current_dir(self.path())).succeeded();
        said.lines().skip(1).map(str::to_owned).collect()
    }

    fn refused(&self, query: &str) -> String {
        run(engine(&["sql", "--job", "job.toml", query]).current_dir(self.path())).failed_with(2)
    }
}

#[test]
fn the_state_of_every_operator_can_be_asked_for() {
    let shop = Shop::new();
    run(engine(&["submit", "job.toml", "--available-now"]).current_dir(shop.path())).succeeded();
    // Plain keys: all there ever were.
    let users = shop.ask("SELECT user_id, `count(*)` FROM state('gold.users') ORDER BY user_id");
    assert!(users.len() > 900, "{}", users.len());
    let counted = shop.ask("SELECT user_id, count(*) FROM bronze.raw GROUP BY user_id ORDER BY user_id");
    assert!(users == counted, "{:?}, not {:?}", &users[..3], &counted[..3]);
    // Windows: those that the table has not, and together all rows.
    let open = "SELECT CAST(window['start'] AS STRING), event_type, `count(*)` FROM state('gold.minutes')";
    let all =
        "SELECT CAST(date_trunc('minute', event_time) AS STRING), event_type, count(*) FROM bronze.raw GROUP BY 1, 2";
    let closed = "SELECT CAST(s AS STRING), event_type, n FROM gold.minutes";
    let mut both = shop.ask(&format!("SELECT * FROM ({closed} UNION ALL {open})"));
    let mut all = shop.ask(all);
    both.sort();
    all.sort();
    assert_eq!(both, all);
    let count = |query: &str| shop.ask(query)[0].parse::<u64>().unwrap();
    let sessions =
        count("SELECT sum(`count(*)`) FROM state('gold.sessions')") + count("SELECT sum(n) FROM gold.sessions");
    assert_eq!(sessions, 10_000);
    assert!(count("SELECT count(*) FROM state('gold.once')") > 5_000);
    assert!(count("SELECT count(*) FROM state('gold.pairs/join.left') WHERE user_id IS NOT NULL") > 1_000);
    for (query, part) in [
        ("SELECT * FROM state('gold.pairs')", "state('gold.pairs/join.left') or state('gold.pairs/join.right')"),
        ("SELECT * FROM state('bronze.raw')", "bronze.raw keeps no state"),
        ("SELECT * FROM state('gold.other')", "no table gold.other; its tables are bronze.raw"),
        ("SELECT * FROM state()", "state('gold.counts')"),
    ] {
        let error = shop.refused(query);
        assert!(error.contains(part), "{query}: {error}");
    }
    let error = run(engine(&["sql", "--warehouse", "w", "SELECT * FROM state('gold.users')"]).current_dir(shop.path()));
    assert!(error.failed_with(2).contains("--job JOB"));
}

#[test]
fn a_running_job_can_be_asked_for_its_state_and_verified() {
    let shop = Shop::new();
    let mut child = start(engine(&["submit", "job.toml", "--progress", "json"]).current_dir(shop.path()));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut read = 0;
    let mut seen = 0;
    while read < 10_000 {
        let epoch: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        read += epoch["numInputRows"].as_u64().unwrap();
        let kept = shop.ask("SELECT sum(`count(*)`) FROM state('gold.users')")[0].parse::<u64>().unwrap();
        // The job goes on while it is asked.
        assert!(kept >= read.max(seen) && kept <= 10_000, "{kept} rows kept of {read}");
        seen = kept;
        let said = run(engine(&["verify", "job.toml"]).current_dir(shop.path())).succeeded();
        assert!(said.contains(" 0 different, 2 not compared"), "{said}");
    }
    assert_eq!(seen, 10_000);
    signal(child.id(), libc::SIGINT);
    assert_eq!(finish(child).code, Some(0));
}
