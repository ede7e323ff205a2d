//! The texts of errors: place, range and remedy.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use connector::{DataLoss, SourceError};

use super::unavailable;

#[test]
fn data_loss_names_the_place_the_range_and_the_remedy() {
    let loss = SourceError::DataLoss(Box::new(DataLoss {
        source: "events".into(),
        stream: "clicks".into(),
        partition: 3,
        from: 100.into(),
        until: 250.into(),
        reason: "retention removed them".into(),
    }));
    let text = loss.to_string();
    for part in [
        "source events",
        "clicks [3]",
        "from offset 100 to 250",
        "retention",
        "on_data_loss = \"continue\"",
        "[source.events]",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

#[test]
fn an_absent_broker_is_named_with_the_two_ways_to_start_one() {
    let text = unavailable("events", "10.0.0.1:9092", "connection refused").to_string();
    for part in ["10.0.0.1:9092", "scripts/services start kafka", "engine broker", "connection refused"] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}
