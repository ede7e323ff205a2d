//! Log entries: Delta's own words, read back by us and by the Delta library.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use epoch::offsets::OffsetRange;
use epoch::{CommitId, EpochId, Owner, Split};

use super::*;

fn file(path: &str) -> StagedFile {
    StagedFile {
        path: path.to_string(),
        bytes: 10,
        rows: 2,
        bucket: None,
        stats: r#"{"numRecords":2}"#.to_string(),
        effect: Default::default(),
    }
}

#[test]
fn an_epoch_is_a_transaction_and_its_files() {
    let change =
        TableCommit { added: vec![file("new.parquet")], removed: vec![file("old.parquet")], ..Default::default() };
    let apps = Applications::of("shop", "00000077");
    let record = Record { commit: CommitId::new(EpochId(9), 5), owner: Owner::after(2, 6) };
    let mut commit = Commit::bare(record.commit).with_tables(None, [("gold.t".to_string(), change.clone())].into());
    let events = commit.plan.sources.entry("events".to_string()).or_default();
    events.ranges.insert(Split::new("t", 3), OffsetRange { from: 5, until: 12 }.into());
    let entry = commit_entry(&apps, (&record, &commit), 4, &change, 1_700_000_000_000).unwrap();
    let actions = read_entry(&entry).unwrap();
    let of = |app: &str, version| (format!("engine-shop-00000077{app}"), version);
    let expected = [of("", 9), of("/commit", 5), of("/term", 3), of("/run", 6), of("/offset/events/t/3", 12)];
    assert_eq!(actions.transactions, expected);
    assert_eq!(apps.find(&actions.transactions), Some(record));
    assert_eq!(actions.removed, ["old.parquet"]);
    assert!(!actions.redefined);
    let lines: Vec<serde_json::Value> =
        std::str::from_utf8(&entry).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 8);
    assert_eq!(lines[0]["commitInfo"]["operation"], "STREAMING UPDATE");
    assert_eq!(lines[0]["commitInfo"]["isBlindAppend"], false);
    assert_eq!(lines[7]["add"]["path"], "new.parquet");
    assert_eq!(lines[7]["add"]["dataChange"], true);
    assert_eq!(lines[7]["add"]["stats"], r#"{"numRecords":2}"#);
    assert_eq!(lines[6]["remove"]["deletionTimestamp"], 1_700_000_000_000_i64);
}

#[test]
fn entries_of_others_are_read_for_what_matters() {
    let foreign = br#"{"commitInfo":{"operation":"OPTIMIZE","anything":[1]}}
{"remove":{"path":"a.parquet","dataChange":false,"deletionTimestamp":1}}
{"add":{"path":"b.parquet","size":1,"dataChange":false}}

{"somethingNew":{"x":1}}
{"txn":{"appId":"spark","version":3,"lastUpdated":5}}
"#;
    let actions = read_entry(foreign).unwrap();
    assert_eq!(
        actions,
        EntryActions {
            transactions: vec![("spark".to_string(), 3)],
            added: vec!["b.parquet".to_string()],
            removed: vec!["a.parquet".to_string()],
            redefined: false,
            operation: Some("OPTIMIZE".to_string()),
            touched: Vec::new(),
            identities: Default::default(),
        }
    );
    assert!(read_entry(br#"{"metaData":{"id":"1"}}"#).unwrap().redefined);
    assert!(read_entry(br#"{"protocol":{"minReaderVersion":3}}"#).unwrap().redefined);
    assert!(read_entry(b"{\"txn\":").is_err());
}
