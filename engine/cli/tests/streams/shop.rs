//! The main job and its events: what is sent, and DuckDB's replay of the recorded epochs and watermarks.

use serde_json::Value;

use crate::kafka::Topic;
use crate::oracle::{Oracle, Rows, assert_nearly_same};
use crate::run::{Job, engine, run};

/// What the generator says it sent.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    pub events: u64,
    pub malformed: u64,
    pub duplicates: u64,
}

/// Sends events of the web shop; ten make a second of event time.
pub fn send(topic: &Topic, events: u64, seed: u64) -> Sent {
    let (total, seed) = (events.to_string(), seed.to_string());
    let arguments = [
        "generate",
        "ecommerce",
        "--total",
        &total,
        "--seed",
        &seed,
        "--brokers",
        &topic.brokers,
        "--topic",
        &topic.name,
        "--late",
        "0.01",
        "--malformed",
        "0.005",
        "--duplicates",
        "0.01",
        "--events-per-second",
        "10",
        "--start",
        "2026-01-01T00:00:00Z",
    ];
    let said = run(&mut engine(&arguments)).succeeded().out;
    let line = said.lines().find(|line| line.starts_with("of these")).unwrap_or_else(|| panic!("{said}"));
    let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.replace(',', "").parse().ok()).collect();
    let [late, malformed, duplicates] = numbers[..] else { panic!("{line}") };
    assert!(late > 0 && malformed > 0 && duplicates > 0, "{line}");
    Sent { events, malformed, duplicates }
}

/// One table of the main job.
pub struct Table {
    pub name: &'static str,
    size_s: u64,
    slide_s: u64,
    filter: &'static str,
    /// What the table holds, times in microseconds, counts that are approximate at the end.
    ours: &'static str,
    /// The same of `kept`, the rows of a window that was emitted.
    theirs: &'static str,
    approximate: usize,
}

/// The five tables over windows.
pub const TABLES: [Table; 5] = [
    Table {
        name: "gold.event_counts",
        size_s: 60,
        slide_s: 60,
        filter: "true",
        ours: "epoch_us(window_start), epoch_us(window_end), event_type, event_count, unique_users",
        theirs: "SELECT start, until, event_type, count(*), count(DISTINCT user_id) FROM kept GROUP BY ALL",
        approximate: 1,
    },
    Table {
        name: "gold.user_activity",
        size_s: 300,
        slide_s: 60,
        filter: "true",
        ours: "epoch_us(window_start), epoch_us(window_end), user_id, event_count, event_types, epoch_us(first_event), epoch_us(last_event)",
        theirs: "SELECT start, until, user_id, count(*), list(event_type ORDER BY pane, epoch, lane, partition, _offset), min(time), max(time) FROM kept GROUP BY ALL",
        approximate: 0,
    },
    Table {
        name: "gold.purchase_metrics",
        size_s: 600,
        slide_s: 600,
        filter: "event_type = 'purchase'",
        ours: "epoch_us(window_start), epoch_us(window_end), total_orders, round(total_revenue, 3), round(avg_order_value, 6), max_order_value, min_order_value, unique_buyers",
        theirs: "SELECT start, until, count(*), round(sum(total_amount), 3), round(avg(total_amount), 6), max(total_amount), min(total_amount), count(DISTINCT user_id) FROM kept GROUP BY ALL",
        approximate: 1,
    },
    Table {
        name: "gold.session_metrics",
        size_s: 300,
        slide_s: 300,
        filter: "true",
        ours: "epoch_us(window_start), session_id, events_in_session, session_events, epoch_us(session_start), epoch_us(session_end), session_duration_seconds",
        theirs: "SELECT start, session_id, count(*), list(event_type ORDER BY pane, epoch, lane, partition, _offset), min(time), max(time), max(time) // 1000000 - min(time) // 1000000 FROM kept GROUP BY ALL",
        approximate: 0,
    },
    Table {
        name: "gold.device_stats",
        size_s: 600,
        slide_s: 600,
        filter: "true",
        ours: "epoch_us(\"window\".\"start\"), epoch_us(\"window\".\"end\"), device, location, event_count, unique_users, unique_sessions",
        theirs: "SELECT start, until, device, location, count(*), count(DISTINCT user_id), count(DISTINCT session_id) FROM kept GROUP BY ALL",
        approximate: 2,
    },
];

/// Every table of the job that readers see.
pub const ALL_TABLES: [&str; 8] = [
    "bronze.raw_events",
    "silver.order_items",
    "rejected.events",
    "gold.event_counts",
    "gold.user_activity",
    "gold.purchase_metrics",
    "gold.session_metrics",
    "gold.device_stats",
];

impl Table {
    /// What the table holds.
    pub fn ours(&self) -> String {
        format!("SELECT {} FROM {}", self.ours, self.name)
    }

    /// Spark's rule: a row is left out of a window that ends at or before the late watermark of the row's epoch; a window is
    /// emitted once the watermark has reached its end.
    fn replayed(&self, query: &str) -> String {
        let (size, slide) = (self.size_s * 1_000_000, self.slide_s * 1_000_000);
        let cores = std::thread::available_parallelism().unwrap();
        format!(
            "WITH placed AS (
               SELECT b.*, epoch_us(b.event_time) AS time, e.epoch, e.late_us, e.partition, e.partition % {cores} AS lane
               FROM bronze.raw_events b JOIN epochs e ON b._topic = e.topic AND b._partition = e.partition AND b._offset >= e.first AND b._offset < e.until
               WHERE {filter}),
             windowed AS (
               SELECT placed.*, time // {slide} AS pane, (time // {slide}) * {slide} - i.step * {slide} AS start, start + {size} AS until
               FROM placed, range({size} // {slide}) i(step)),
             kept AS (
               SELECT * FROM windowed
               WHERE (late_us IS NULL OR until > late_us) AND until <= (SELECT max(watermark_us) FROM epochs))
             {query}",
            filter = self.filter,
        )
    }

    /// Rows of each epoch that are late for all their windows.
    fn late(&self) -> String {
        self.replayed(
            "SELECT epoch, count(*) FROM (SELECT epoch, partition, _offset FROM windowed GROUP BY ALL HAVING bool_and(until <= late_us)) GROUP BY ALL",
        )
    }

    /// Rows that each epoch emits.
    fn written(&self) -> String {
        let groups = self.replayed(self.theirs);
        format!(
            "SELECT e.epoch, count(*) FROM ({groups}) g JOIN (SELECT DISTINCT epoch, late_us, watermark_us FROM epochs) e
             ON g.start + {size} <= e.watermark_us AND (e.late_us IS NULL OR g.start + {size} > e.late_us) GROUP BY ALL",
            size = self.size_s * 1_000_000,
        )
    }
}

/// The five tables, the late rows and the rows emitted in each epoch equal DuckDB's replay. Returns the number of late rows.
pub fn assert_replay(job: &Job) -> u64 {
    let commits = job.commits();
    let names: Vec<String> = TABLES
        .iter()
        .flat_map(|table| ["ours", "theirs", "late", "written"].map(|what| format!("{what} {}", table.name)))
        .collect();
    let queries =
        TABLES.iter().flat_map(|table| [table.ours(), table.replayed(table.theirs), table.late(), table.written()]);
    let named: Vec<(String, String)> = names.into_iter().zip(queries).collect();
    let asked: Vec<(&str, &str)> = named.iter().map(|(name, sql)| (name.as_str(), sql.as_str())).collect();
    let answers = Oracle::over(&job.warehouse, &ALL_TABLES).with_epochs(&commits).ask_all(&asked);
    for (table, answers) in TABLES.iter().zip(answers.chunks(4)) {
        let [ours, theirs, late, written] = answers else { panic!("four answers a table") };
        assert_nearly_same(table.name, ours.clone(), theirs.clone(), table.approximate);
        let counted = |pick: fn(&epoch::RowCounts) -> u64| -> Rows {
            let counts = commits.iter().map(|commit| {
                let counts = commit.tables.get(table.name).map(|change| change.counts).unwrap_or_default();
                (commit.plan.epoch.0, pick(&counts))
            });
            counts.filter(|(_, count)| *count > 0).map(|(epoch, count)| vec![epoch.into(), count.into()]).collect()
        };
        assert_eq!(counted(|counts| counts.late), sorted_by_epoch(late), "late rows of {} in each epoch", table.name);
        assert_eq!(
            counted(|counts| counts.written),
            sorted_by_epoch(written),
            "rows emitted of {} in each epoch",
            table.name
        );
    }
    commits.iter().flat_map(|commit| commit.tables.values()).map(|change| change.counts.late).sum()
}

fn sorted_by_epoch(rows: &[Vec<Value>]) -> Rows {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| row[0].as_u64());
    rows
}
