//! The texts of errors: place, range and remedy.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;

#[test]
fn data_loss_names_the_place_the_range_and_the_remedy() {
    let loss = SourceError::DataLoss(Box::new(DataLoss {
        source: "events".into(),
        topic: "clicks".into(),
        partition: 3,
        from: 100,
        until: 250,
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
    let text = SourceError::Unavailable {
        source: "events".into(),
        brokers: "10.0.0.1:9092".into(),
        what: "connection refused".into(),
    }
    .to_string();
    for part in ["10.0.0.1:9092", "scripts/services start kafka", "engine broker", "connection refused"] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}
