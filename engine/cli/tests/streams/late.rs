//! Rows that come too late: kept in a table of their own, with the watermark that they missed.

use crate::kafka::{Topic, event};
use crate::oracle::{Oracle, assert_books, assert_same};
use crate::run::{Job, KEEP_ALL};

const TABLE: &str = r#"
[table.gold.counts]
late = "table"
sql = "SELECT window.start AS window_start, key, count(*) AS events, sum(id) AS ids FROM events WHERE amount > 0 GROUP BY window(moment, '1 minute'), key"
"#;

const PLACED: &str = "SELECT b.*, epoch_us(moment) AS time, time // 60000000 * 60000000 AS start, e.epoch, e.late_us
    FROM bronze.everything b JOIN epochs e ON b._offset >= e.first AND b._offset < e.until WHERE amount > 0";

#[test]
fn late_rows_are_kept_with_the_watermark_that_they_missed() {
    let topic = Topic::new("late", 1);
    let source = "max_offsets_per_trigger = 30\nwatermark = { column = \"moment\", delay = \"1 minute\" }\n";
    let job = Job::new(&topic, source, &format!("{KEEP_ALL}{TABLE}"));
    let mut values = Vec::new();
    for n in 0..300 {
        // Every ninth event is far behind the others; the limit of one hour keeps it in the first hours.
        let second = if n % 9 == 8 { (n * 4) / 3 } else { n * 4 };
        values.push(if n % 50 == 49 {
            "nonsense".to_owned()
        } else {
            event(n, ["a", "b"][n % 2], second, (n % 10) as i64)
        });
    }
    topic.send(0, values);
    job.run().succeeded();
    let commits = job.commits();
    assert!(commits.len() >= 10, "{} epochs", commits.len());
    assert_books(&commits);
    let total = |pick: fn(&epoch::RowCounts) -> u64| {
        commits.iter().map(|commit| pick(&commit.tables["gold.counts"].counts)).sum::<u64>()
    };
    let totals = (total(|counts| counts.rejected), total(|counts| counts.filtered), total(|counts| counts.late));
    assert_eq!((totals.0, totals.1), (6, 30), "rejected, filtered");
    let tables = ["bronze.everything", "gold.counts", "gold.counts__late"];
    let oracle = || Oracle::over(&job.warehouse, &tables).with_epochs(&commits);
    let answers = oracle().ask_all(&[
        ("late", "SELECT id, key, amount, epoch_us(moment), epoch_us(_watermark), _epoch FROM gold.counts__late"),
        ("theirs late", &format!("SELECT id, key, amount, time, late_us, epoch FROM ({PLACED}) WHERE start + 60000000 <= late_us")),
        ("counts", "SELECT epoch_us(window_start), key, events, CAST(ids AS BIGINT) FROM gold.counts"),
        (
            "theirs",
            &format!(
                "SELECT start, key, count(*), CAST(sum(id) AS BIGINT) FROM ({PLACED}) WHERE (late_us IS NULL OR start + 60000000 > late_us)
                 AND start + 60000000 <= (SELECT max(watermark_us) FROM epochs) GROUP BY ALL"
            ),
        ),
    ]);
    assert_eq!(answers[1].len() as u64, totals.2, "late rows in the commit records");
    assert_same("gold.counts__late", answers[0].clone(), answers[1].clone());
    assert_same("gold.counts", answers[2].clone(), answers[3].clone());
}
