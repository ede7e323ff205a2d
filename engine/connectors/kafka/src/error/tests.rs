//! The texts of errors: place, range and remedy.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use connector::DataLoss;

use super::*;

#[test]
fn data_loss_names_the_place_the_range_and_the_remedy() {
    let loss = SourceError::DataLoss(Box::new(DataLoss {
        source: "events".into(),
        stream: "clicks".into(),
        partition: 3,
        from: 100.into(),
        until: 250.into(),
        reason: "retention removed them".into(),
        others: vec![epoch::DataGap {
            stream: "clicks".into(),
            partition: 4,
            from: 7.into(),
            until: 9.into(),
            reason: String::new(),
        }],
    }));
    let text = loss.to_string();
    for part in [
        "source events",
        "clicks [3]",
        "from offset 100 to 250",
        "clicks [4]: from offset 7 to 9",
        "retention",
        "on_data_loss = \"continue\"",
        "[source.events]",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

#[test]
fn an_absent_broker_is_named_with_the_two_ways_to_start_one() {
    let text = unavailable("events", "10.0.0.1:9092", "connection refused", &KafkaError::Canceled).to_string();
    for part in ["10.0.0.1:9092", "scripts/services start kafka", "engine broker", "connection refused"] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

/// A gigabyte of zeros in a small batch was waited for without end.
#[test]
fn fault_a_batch_that_comes_to_too_much_is_refused_with_the_setting() {
    assert!(is_of_the_batch(RDKafkaErrorCode::BadCompression) && !needs_settings(RDKafkaErrorCode::BadCompression));
    assert!(!is_of_the_batch(RDKafkaErrorCode::BrokerTransportFailure));
    let text = batch_refused("events", "clicks [3]", "Decompression of message at 7 failed", "100000000").to_string();
    for part in [
        "source events",
        "clicks [3]",
        "message at 7",
        "receive.message.max.bytes (100000000)",
        "[source.events.kafka]",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}
