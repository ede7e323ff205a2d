//! Identity and accounting: what went in is what is there, once, and every table's books say so.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::oracle::{Oracle, Rows, assert_books, numbers};
use crate::run::Job;
use crate::sent::Sent;
use crate::shop::ALL_TABLES;

fn texts(rows: &Rows) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned();
    let mut texts: Vec<String> = rows.iter().map(|row| text(&row[0])).collect();
    texts.sort();
    texts
}

/// Every id sent is in bronze once, every malformed record among the rejected once, and nothing else is there.
pub fn assert_identity(job: &Job, sent: &Sent) {
    let answers = Oracle::over(&job.warehouse, &["bronze.raw_events", "rejected.events"]).ask_all(&[
        ("ids", "SELECT event_id FROM bronze.raw_events"),
        ("values", "SELECT lower(hex(value)) FROM rejected.events"),
    ]);
    let distinct: BTreeSet<&String> = sent.ids.iter().collect();
    assert_eq!(distinct.len(), sent.ids.len(), "the generator repeats ids, so that they identify nothing");
    assert_same_list("event ids in bronze", &texts(&answers[0]), &sent.ids);
    assert_same_list("rejected values", &texts(&answers[1]), &sent.malformed);
}

fn assert_same_list(what: &str, ours: &[String], sent: &[String]) {
    if ours == sent {
        return;
    }
    let (here, there): (BTreeSet<_>, BTreeSet<_>) = (ours.iter().collect(), sent.iter().collect());
    let lost: Vec<_> = there.difference(&here).take(3).collect();
    let invented: Vec<_> = here.difference(&there).take(3).collect();
    panic!(
        "{what}: {} for {} sent; lost {lost:?}, invented {invented:?}; equal sets mean that some are doubled",
        ours.len(),
        sent.len()
    );
}

/// read = emitted + rejected + late + filtered in every epoch; the sums over all epochs are the records sent, and each table
/// holds the rows that its commits say.
pub fn assert_accounts(job: &Job, sent: &Sent) {
    let commits = job.commits();
    assert_books(&commits);
    let epochs: Vec<u64> = commits.iter().map(|commit| commit.plan.epoch.0).collect();
    assert_eq!(epochs, (0..commits.len() as u64).collect::<Vec<_>>(), "epochs follow each other without a gap");
    let sources = || commits.iter().flat_map(|commit| commit.sources.values());
    assert_eq!(sources().map(|counts| counts.read).sum::<u64>(), sent.records);
    assert_eq!(sources().map(|counts| counts.rejected).sum::<u64>(), sent.malformed.len() as u64);
    let late: u64 =
        commits.iter().filter_map(|commit| commit.tables.get("gold.event_counts")).map(|table| table.counts.late).sum();
    assert!(late > 0, "no row was late, so that nothing is shown about late rows");
    let queries: Vec<(&str, String)> =
        ALL_TABLES.iter().map(|name| (*name, format!("SELECT count(*) FROM {name}"))).collect();
    let asked: Vec<(&str, &str)> = queries.iter().map(|(name, sql)| (*name, sql.as_str())).collect();
    let counted = Oracle::over(&job.warehouse, &ALL_TABLES).ask_all(&asked);
    for (name, rows) in ALL_TABLES.iter().zip(counted) {
        let written: u64 =
            commits.iter().filter_map(|commit| commit.tables.get(*name)).map(|table| table.counts.written).sum();
        assert!(written > 0, "{name} is empty");
        assert_eq!(numbers(&rows), [written.cast_signed()], "rows of {name}");
    }
}
