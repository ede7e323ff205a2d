//! The progress record has Spark's field names, and the epoch's own count comes first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use serde_json::{Value, json};

use super::{EpochProgress, EventTimes, SourceProgress, StateProgress, TableProgress, WaitProgress};

fn times() -> EventTimes {
    let one = |us: i64| EventTimes { min_us: us, max_us: us, sum_us: us.into(), rows: 1 };
    one(1_767_225_600_000_000).and(one(1_767_225_603_000_000)).and(one(1_767_225_601_000_000))
}

fn progress() -> EpochProgress {
    EpochProgress {
        job: "shop".to_string(),
        id: "c0ffee00".to_string(),
        run_id: "1".to_string(),
        epoch: 7,
        started_us: 1_767_225_600_123_456,
        duration_ms: 250,
        rows_read: 1000,
        input_rows_per_second: 2000.0,
        rows_per_second: 4000.0,
        watermark_us: Some(1_767_225_300_000_000),
        durations_ms: vec![("triggerExecution", 250), ("walCommit", 1)],
        tables: vec![TableProgress {
            name: "gold.a".to_string(),
            written: 12,
            late: 3,
            rejected: 2,
            filtered: 1,
            watermark_us: None,
        }],
        state: vec![StateProgress {
            name: "gold.a/join".to_string(),
            table: "gold.a".to_string(),
            rows: Some(8),
            updated: 5,
            removed: 2,
            late: 3,
            blocks: 4,
            bytes: 99,
            memory_bytes: 512,
        }],
        event_times: Some(times()),
        sink: "Delta",
        sources: vec![SourceProgress {
            name: "events".to_string(),
            title: "Kafka",
            start_offset: json!({"t": {"0": 5}}),
            end_offset: json!({"t": {"0": 1005}}),
            latest_offset: json!({"t": {"0": 2000}}),
            rows_read: 1000,
            lag: 995,
            event_times: Some(times()),
        }],
        ..EpochProgress::default()
    }
}

#[test]
fn every_field_that_spark_gives_a_listener_is_there_under_its_name() {
    let text = progress().to_json();
    assert!(!text.contains('\n'), "one line: {text}");
    let json: Value = serde_json::from_str(&text).unwrap();
    for field in [
        "id",
        "runId",
        "name",
        "timestamp",
        "batchId",
        "batchDuration",
        "numInputRows",
        "inputRowsPerSecond",
        "processedRowsPerSecond",
        "durationMs",
        "eventTime",
        "stateOperators",
        "sources",
        "sink",
    ] {
        assert!(!json[field].is_null(), "{field} is missing in {text}");
    }
    assert_eq!(json["timestamp"], "2026-01-01T00:00:00.123Z");
    assert_eq!(json["eventTime"]["watermark"], "2025-12-31T23:55:00.000Z");
    assert_eq!(json["durationMs"]["triggerExecution"], 250);
    assert_eq!(json["sources"][0]["endOffset"]["t"]["0"], 1005);
    assert_eq!(json["eventTime"]["max"], "2026-01-01T00:00:03.000Z");
    assert_eq!(json["eventTime"]["min"], "2026-01-01T00:00:00.000Z");
    assert_eq!(json["eventTime"]["avg"], "2026-01-01T00:00:01.333Z");
    assert_eq!(json["sources"][0]["eventTime"]["max"], "2026-01-01T00:00:03.000Z");
    let state = &json["stateOperators"][0];
    let metrics = ["numRowsTotal", "numRowsUpdated", "numRowsRemoved", "numRowsDroppedByWatermark", "memoryUsedBytes"];
    assert_eq!(metrics.map(|name| state[name].as_u64().unwrap()), [8, 5, 2, 3, 512]);
    assert_eq!(json["sink"]["numOutputRows"], 12);
}

#[test]
fn what_an_epoch_waited_for_stands_among_the_metrics_of_its_sink() {
    let json: Value = serde_json::from_str(&progress().to_json()).unwrap();
    assert_eq!(json["sink"], json!({"description": "Delta", "numOutputRows": 12}));
    let waited = Some(WaitProgress { ms: 1_500, reason: "the bucket is away".to_string() });
    let json: Value = serde_json::from_str(&EpochProgress { waited, ..progress() }.to_json()).unwrap();
    assert_eq!(json["sink"]["metrics"], json!({"waitedMs": "1500", "waitedFor": "the bucket is away"}));
}

#[test]
fn the_first_count_of_input_rows_is_the_epochs() {
    let text = progress().to_json();
    let first = text.find("numInputRows").unwrap();
    assert!(first < text.find("\"sources\"").unwrap());
}

#[test]
fn without_a_watermark_there_is_none_in_the_record() {
    let json: Value = serde_json::from_str(&EpochProgress::default().to_json()).unwrap();
    assert_eq!(json["eventTime"], json!({}));
}

#[test]
fn rows_of_state_that_were_not_counted_are_left_out() {
    let state = vec![StateProgress::default()];
    let json: Value = serde_json::from_str(&EpochProgress { state, ..EpochProgress::default() }.to_json()).unwrap();
    assert_eq!(json["stateOperators"][0]["numRowsTotal"], Value::Null);
}

#[test]
fn the_mean_of_times_before_1970_is_cut_downwards() {
    let one = |us: i64| EventTimes { min_us: us, max_us: us, sum_us: us.into(), rows: 1 };
    assert_eq!(one(-3).and(one(0)).avg_us(), -2);
    assert_eq!(one(i64::MAX).and(one(i64::MAX)).avg_us(), i64::MAX);
}
