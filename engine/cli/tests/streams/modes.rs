//! Update and complete mode: after every epoch each table is the batch answer over everything read so far.

use serde_json::json;

use crate::kafka::{Topic, event};
use crate::oracle::{Oracle, assert_books, sorted};
use crate::run::{Job, KEEP_ALL};

const TABLES: &str = r#"
[table.gold.by_key]
mode = "update"
sql = "SELECT key, count(*) AS events, sum(amount) AS amount FROM events GROUP BY key"
[table.gold.by_window]
mode = "update"
sql = "SELECT window.start AS window_start, key, count(*) AS events FROM events GROUP BY window(moment, '1 minute'), key"
[table.gold.rare]
mode = "update"
sql = "SELECT key, count(*) AS events FROM events GROUP BY key HAVING count(*) < 12"
[table.gold.top]
mode = "complete"
sql = "SELECT key, count(*) AS events FROM events GROUP BY key ORDER BY events DESC, key LIMIT 3"
[table.gold.total]
mode = "update"
sql = "SELECT count(*) AS events, sum(amount) AS amount FROM events"
"#;

/// Each table and the batch query that it must equal.
const QUERIES: [(&str, &str); 10] = [
    ("by_key", "SELECT key, events, amount FROM gold.by_key"),
    ("by_key batch", "SELECT key, count(*), CAST(sum(amount) AS BIGINT) FROM bronze.everything GROUP BY key"),
    ("by_window", "SELECT epoch_us(window_start), key, events FROM gold.by_window"),
    (
        "by_window batch",
        "SELECT epoch_us(moment) // 60000000 * 60000000, key, count(*) FROM bronze.everything GROUP BY ALL",
    ),
    ("rare", "SELECT key, events FROM gold.rare"),
    ("rare batch", "SELECT key, count(*) FROM bronze.everything GROUP BY key HAVING count(*) < 12"),
    ("top", "SELECT key, events FROM gold.top"),
    ("top batch", "SELECT key, count(*) FROM bronze.everything GROUP BY key ORDER BY 2 DESC, 1 LIMIT 3"),
    ("total", "SELECT events, amount FROM gold.total"),
    ("total batch", "SELECT count(*), CAST(sum(amount) AS BIGINT) FROM bronze.everything"),
];

#[test]
fn update_and_complete_tables_equal_the_batch_answer_after_every_epoch() {
    let topic = Topic::new("modes", 2);
    let source = "max_offsets_per_trigger = 40\nwatermark = { column = \"moment\", delay = \"2 minutes\" }\n";
    let job = Job::new(&topic, source, &format!("{KEEP_ALL}{TABLES}"));
    let tables = ["bronze.everything", "gold.by_key", "gold.by_window", "gold.rare", "gold.top", "gold.total"];
    let mut id = 0;
    for round in 0..5 {
        // The first round finds an empty topic.
        for partition in 0..2 {
            let count = if round == 0 { 0 } else { 45 };
            topic.send(
                partition,
                (0..count).map(|n| {
                    id += 1;
                    // Keys of different weight; later rounds bring new ones.
                    let key = ["a", "b", "b", "c", "c", "c", "d", "e", "f"][n % 9].to_owned()
                        + if n % 5 == 0 { "" } else { "x" };
                    let key = if n % 7 == 0 { format!("{key}{round}") } else { key };
                    event(id, &key, round * 150 + n * 3, n as i64 - 20)
                }),
            );
        }
        job.run().succeeded();
    }
    let commits = job.commits();
    assert!(commits.len() >= 10, "{} epochs", commits.len());
    assert_books(&commits);
    assert!(
        commits.iter().all(|commit| commit.tables.values().all(|table| table.counts.late == 0)),
        "no row was sent late"
    );
    let epochs = Oracle::over(&job.warehouse, &tables).ask_every_epoch(commits.len(), &QUERIES);
    let mut rare = Vec::new();
    for (epoch, answers) in epochs.iter().enumerate() {
        for (pair, names) in answers.chunks(2).zip(QUERIES.chunks(2)) {
            assert_eq!(sorted(pair[0].clone()), sorted(pair[1].clone()), "{} after epoch {epoch}", names[0].0);
        }
        rare.push(answers[4].iter().map(|row| row[0].clone()).collect::<Vec<_>>());
    }
    assert_eq!(epochs[0][8], [[json!(0), json!(null)]], "a global aggregate shows its row before any record");
    let last = rare.last().unwrap();
    assert!(
        !last.is_empty() && rare.iter().flatten().any(|key| !last.contains(key)),
        "no row left the table with HAVING: {rare:?}"
    );
    assert!(
        commits.iter().any(|commit| commit.next_watermark_us > Some(1_767_225_600_000_000 + 120_000_000)),
        "no window was closed"
    );
}

#[test]
fn complete_mode_forgets_nothing_and_takes_late_rows() {
    let topic = Topic::new("complete", 1);
    let tables = format!(
        "{KEEP_ALL}[table.gold.windows]\nmode = \"complete\"\nsql = \"SELECT window.start AS window_start, count(*) AS events FROM events GROUP BY window(moment, '1 minute')\"\n"
    );
    let job = Job::new(&topic, "watermark = { column = \"moment\", delay = \"1 minute\" }\n", &tables);
    for second in [0, 700, 5, 1400, 6, 701] {
        topic.send(0, [event(second, "a", second, 1)]);
        job.run().succeeded();
    }
    let count = job.commits().len();
    let epochs = Oracle::over(&job.warehouse, &["bronze.everything", "gold.windows"]).ask_every_epoch(
        count,
        &[
            ("ours", "SELECT epoch_us(window_start), events FROM gold.windows"),
            ("theirs", "SELECT epoch_us(moment) // 60000000 * 60000000, count(*) FROM bronze.everything GROUP BY ALL"),
        ],
    );
    assert!(epochs.len() >= 6);
    for (epoch, answers) in epochs.iter().enumerate() {
        assert_eq!(sorted(answers[0].clone()), sorted(answers[1].clone()), "after epoch {epoch}");
    }
    assert_eq!(epochs.last().unwrap()[0].len(), 3);
}
