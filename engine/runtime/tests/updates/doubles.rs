//! Update tables over doubles, past the second compaction of sixteen blocks: max over sums, a join of two of them, the best by average.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use testkit::{MemoryRecord, MemoryRun};

use crate::{Dice, answer, lines, open};

const JOB: &str = r#"
[job]
name = "doubles"
checkpoint = "checkpoint"
warehouse = "warehouse"

[source.events]
connector = "kafka"
brokers = "localhost:9092"
topic = "events"
starting_offsets = "earliest"
watermark = { column = "at", delay = "2 hours" }
schema = { k = "string", x = "double", at = "timestamp" }

[table.silver.totals]
mode = "update"
sql = "SELECT k, sum(x) AS total, avg(x) AS mean, stddev(x) AS spread, count(*) AS n FROM events GROUP BY k"

[table.silver.weights]
mode = "update"
sql = "SELECT k, sum(x * 3) AS weight, var_pop(x) AS variance FROM events GROUP BY k"

[table.silver.windows]
mode = "update"
sql = "SELECT window.start AS start, k, sum(x) AS total, stddev_pop(x) AS spread FROM events GROUP BY window(at, '20 minutes', '10 minutes'), k"

[table.gold.most]
mode = "update"
sql = "SELECT max(total) AS most, min(mean) AS least, max(spread) AS widest, sum(n) AS n FROM silver.totals"

[table.gold.both]
mode = "update"
state_ttl = "unbounded"
sql = "SELECT t.k AS k, t.total AS total, t.spread AS spread, w.weight AS weight, w.variance AS variance FROM silver.totals t JOIN silver.weights w ON t.k = w.k"

[table.gold.top]
mode = "update"
sql = "SELECT k, mean FROM (SELECT k, mean, row_number() OVER (ORDER BY mean DESC, k) AS place FROM silver.totals) q WHERE place <= 3"

[table.gold.windows]
mode = "update"
sql = "SELECT k, max(total) AS most, sum(total) AS twice, max(spread) AS widest FROM silver.windows GROUP BY k"
"#;

const TOTALS: &str =
    "SELECT k, sum(x) AS total, avg(x) AS mean, stddev(x) AS spread, count(*) AS n FROM events GROUP BY k";
const WEIGHTS: &str = "SELECT k, sum(x * 3) AS weight, var_pop(x) AS variance FROM events GROUP BY k";
const WINDOWS: &str = "SELECT start, k, sum(x) AS total, stddev_pop(x) AS spread FROM (SELECT k, x, minute / 10 * 10 AS start FROM events UNION ALL SELECT k, x, minute / 10 * 10 - 10 AS start FROM events) GROUP BY start, k";

/// A record: a key, a value, a minute after noon.
type Row = (&'static str, f64, i64);

fn row(dice: &mut Dice) -> Row {
    let key = ["a", "b", "c", "d", "e"][dice.below(5) as usize];
    (key, (dice.below(20_000) - 5_000) as f64 / 7.0, dice.below(60))
}

fn record((key, value, minute): &Row) -> MemoryRecord {
    MemoryRecord::of(format!(r#"{{"k":"{key}","x":{value},"at":"2026-01-01T12:{minute:02}:00Z"}}"#))
}

fn batch(rows: &[Row]) -> RecordBatch {
    let columns: [(&str, ArrayRef); 3] = [
        ("k", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0)))),
        ("x", Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.1)))),
        ("minute", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.2)))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Eighty epochs of a few records in four partitions, with a restart now and then.
fn played(lanes: u32) -> (MemoryRun, Vec<Row>) {
    let (mut run, mut dice, mut rows) = (open(JOB, lanes), Dice(3), Vec::new());
    for epoch in 0..80 {
        for partition in 0..4 {
            let row = row(&mut dice);
            run.append("events", partition, [record(&row)]).unwrap();
            rows.push(row);
        }
        run.step().unwrap_or_else(|error| panic!("epoch {epoch}: {error}"));
        if epoch % 23 == 22 {
            run.restart().unwrap();
        }
    }
    (run, rows)
}

#[test]
fn update_tables_over_doubles_are_read_on_after_compaction() {
    for lanes in [1, 3] {
        let (mut run, rows) = played(lanes);
        let tables = [("events", batch(&rows))];
        for (table, sql) in [
            ("silver.totals", TOTALS.to_string()),
            ("gold.most", format!("SELECT max(total), min(mean), max(spread), sum(n) FROM ({TOTALS})")),
            (
                "gold.both",
                format!(
                    "SELECT t.k, t.total, t.spread, w.weight, w.variance FROM ({TOTALS}) t JOIN ({WEIGHTS}) w ON t.k = w.k"
                ),
            ),
            ("gold.top", format!("SELECT k, mean FROM ({TOTALS}) ORDER BY mean DESC, k LIMIT 3")),
            ("gold.windows", format!("SELECT k, max(total), sum(total), max(spread) FROM ({WINDOWS}) GROUP BY k")),
        ] {
            assert_eq!(lines(&run.rows(table).unwrap()), answer(&sql, &tables), "{table} on {lanes} lanes");
        }
    }
}

/// The number of lanes is that of the cores.
#[test]
fn sums_of_doubles_do_not_depend_on_the_number_of_cores() {
    let totals = |lanes: u32| {
        let (mut run, _) = played(lanes);
        let batches = run.rows("silver.totals").unwrap();
        let mut rows: Vec<String> = batches
            .iter()
            .flat_map(|rows| {
                let text = |column: usize, row: usize| {
                    arrow::util::display::array_value_to_string(rows.column(column), row).unwrap()
                };
                // The key, the sum, the average, the count: to the last bit.
                (0..rows.num_rows())
                    .map(|row| [0, 1, 2, 4].map(|column| text(column, row)).join(" "))
                    .collect::<Vec<_>>()
            })
            .collect();
        rows.sort();
        rows
    };
    let one = totals(1);
    assert_eq!(one.len(), 5);
    assert_eq!(one, totals(2));
    assert_eq!(one, totals(4));
}
