//! The batch answer: DataFusion over bronze, with the rows left out that were late when their epoch read them.

use epoch::Commit;

use crate::run::Job;

/// A window table and the batch query that gives the same rows; `start` is the window's, in microseconds.
struct Batch {
    table: &'static str,
    size_s: i64,
    slide_s: i64,
    filter: &'static str,
    ours: &'static str,
    theirs: &'static str,
}

const US: &str = "'Int64'";

const BATCHES: [Batch; 5] = [
    Batch {
        table: "gold.event_counts",
        size_s: 60,
        slide_s: 60,
        filter: "true",
        ours: "us(window_start), event_type, event_count",
        theirs: "start, event_type, count(*) FROM kept GROUP BY start, event_type",
    },
    Batch {
        table: "gold.user_activity",
        size_s: 300,
        slide_s: 60,
        filter: "true",
        ours: "us(window_start), user_id, event_count, CAST(array_length(event_types) AS BIGINT), us(first_event), us(last_event)",
        theirs: "start, user_id, count(*) AS n, count(*) AS listed, min(t), max(t) FROM kept GROUP BY start, user_id",
    },
    Batch {
        table: "gold.purchase_metrics",
        size_s: 600,
        slide_s: 600,
        filter: "event_type = 'purchase'",
        ours: "us(window_start), total_orders, round(total_revenue, 2), max_order_value, min_order_value",
        theirs: "start, count(*), round(sum(total_amount), 2), max(total_amount), min(total_amount) FROM kept GROUP BY start",
    },
    Batch {
        table: "gold.session_metrics",
        size_s: 300,
        slide_s: 300,
        filter: "true",
        ours: "us(window_start), session_id, events_in_session, us(session_start), us(session_end)",
        theirs: "start, session_id, count(*), min(t), max(t) FROM kept GROUP BY start, session_id",
    },
    Batch {
        table: "gold.device_stats",
        size_s: 600,
        slide_s: 600,
        filter: "true",
        ours: "us(window.start), device, location, event_count",
        theirs: "start, device, location, count(*) FROM kept GROUP BY start, device, location",
    },
];

/// Every window table holds the rows of its batch query, no more and no fewer.
pub fn assert_equal(job: &Job) {
    let commits = job.commits();
    let epochs = epochs(&commits);
    let watermark_us = commits.iter().filter_map(|commit| commit.plan.watermark_us).max().unwrap();
    for batch in &BATCHES {
        let rows = job.sql(&format!("SELECT count(*) AS n FROM {}", batch.table))[0]["n"].as_i64().unwrap();
        assert!(rows > 0, "{} is empty, so that nothing is compared", batch.table);
        let differences = job.sql(&batch.differences(&epochs, watermark_us));
        assert!(differences.is_empty(), "{} is not the batch answer: {differences:#?}", batch.table);
    }
}

impl Batch {
    /// Rows of one side only, the first ten.
    fn differences(&self, epochs: &str, watermark_us: i64) -> String {
        let (size, slide) = (self.size_s * 1_000_000, self.slide_s * 1_000_000);
        let steps: Vec<String> = (0..size / slide).map(|step| format!("({step})")).collect();
        let ours = with_us(self.ours);
        format!(
            "WITH epochs(p, f, u, late) AS (VALUES {epochs}),
             placed AS (SELECT b.*, arrow_cast(event_time, {US}) AS t, late FROM bronze.raw_events b JOIN epochs ON _partition = p AND _offset >= f AND _offset < u WHERE {filter}),
             windowed AS (SELECT placed.*, t - t % {slide} - step * {slide} AS start FROM placed CROSS JOIN (VALUES {steps}) s(step)),
             kept AS (SELECT * FROM windowed WHERE start + {size} > late AND start + {size} <= {watermark_us}),
             ours AS (SELECT {ours} FROM {table}), theirs AS (SELECT {theirs})
             SELECT 'not in the table' AS which, * FROM (SELECT * FROM theirs EXCEPT ALL SELECT * FROM ours)
             UNION ALL SELECT 'in the table only', * FROM (SELECT * FROM ours EXCEPT ALL SELECT * FROM theirs) LIMIT 10",
            filter = self.filter,
            steps = steps.join(","),
            table = self.table,
            theirs = self.theirs,
        )
    }
}

/// `us(x)` as DataFusion writes microseconds since 1970.
fn with_us(columns: &str) -> String {
    let mut text = String::new();
    let mut rest = columns;
    while let Some((before, after)) = rest.split_once("us(") {
        let (column, behind) = after.split_once(')').unwrap();
        text.push_str(&format!("{before}arrow_cast({column}, {US})"));
        rest = behind;
    }
    text + rest
}

/// What each epoch read of each partition, and the watermark by which its rows were late.
fn epochs(commits: &[Commit]) -> String {
    let mut values = Vec::new();
    for plan in commits.iter().map(|commit| &commit.plan) {
        let late_us = plan.late_watermark_us.unwrap_or(i64::MIN + 1);
        let ranges = plan.sources["events"].ranges.iter().filter(|(_, range)| !range.is_unmoved());
        values.extend(ranges.map(|(at, range)| format!("({},{},{},{late_us})", at.partition, range.from, range.until)));
    }
    values.join(",")
}
