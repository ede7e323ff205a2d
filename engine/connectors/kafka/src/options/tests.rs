//! Settings: pass-through, refusals, and no value ever in a text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use super::*;

fn settings(options: &[(&str, &str)]) -> crate::settings::KafkaSettings {
    crate::settings::KafkaSettings {
        brokers: "127.0.0.1:1".into(),
        topics: crate::settings::Topics::Named(vec!["t".into()]),
        starting_offsets: crate::settings::StartingOffsets::Earliest,
        ending_offsets: None,
        on_data_loss: crate::settings::OnDataLoss::Stop,
        options: options.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect::<BTreeMap<_, _>>(),
    }
}

fn config(options: &[(&str, &str)]) -> Result<ClientConfig, SourceError> {
    client_config("events", &settings(options), "job", Role::Lane { number: 0, partition_bytes: 1 << 20 })
}

#[test]
fn options_of_the_job_file_win_over_preferences() {
    let config =
        config(&[("fetch.wait.max.ms", "77"), ("isolation.level", "read_uncommitted"), ("group.id", "mine")]).unwrap();
    assert_eq!(config.get("fetch.wait.max.ms"), Some("77"));
    assert_eq!(config.get("isolation.level"), Some("read_uncommitted"));
    assert_eq!(config.get("group.id"), Some("mine"));
    assert_eq!(config.get("enable.auto.commit"), Some("false"));
}

#[test]
fn an_unknown_option_is_named() {
    let text = config(&[("fetch.wiat.max.ms", "77")]).unwrap_err().to_string();
    assert!(text.contains("`fetch.wiat.max.ms` in [source.events.kafka] is not a setting"), "{text}");
}

#[test]
fn a_bad_value_is_not_repeated() {
    let text = config(&[("security.protocol", "hunter2")]).unwrap_err().to_string();
    assert!(text.contains("`security.protocol`") && !text.contains("hunter2"), "{text}");
}

#[test]
fn options_that_would_break_the_promise_are_refused() {
    for (key, _) in RESERVED {
        let text = config(&[(key, "earliest")]).unwrap_err().to_string();
        assert!(text.contains(&format!("`{key}` cannot be set")), "{text}");
    }
}

/// What highly compressible records come to is bounded where it can be, and the bound can be raised.
#[test]
fn fault_what_a_batch_may_come_to_is_bounded() {
    assert_eq!(config(&[]).unwrap().get(RECEIVE_BYTES), Some("100000000"));
    assert_eq!(config(&[(RECEIVE_BYTES, "900000000")]).unwrap().get(RECEIVE_BYTES), Some("900000000"));
    // A lane's partitions ask for a sixteenth of its memory together, before it is decompressed.
    let fetch: usize = config(&[]).unwrap().get("fetch.message.max.bytes").unwrap().parse().unwrap();
    assert_eq!(fetch, (1 << 20) / 16);
}
