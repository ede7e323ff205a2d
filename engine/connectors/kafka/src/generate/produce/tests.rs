//! Refusals that need no broker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;

fn settings(options: &[(&str, &str)]) -> Settings {
    Settings {
        brokers: "127.0.0.1:1".into(),
        topic: "t".into(),
        partitions: 1,
        codec: Codec::Lz4,
        rate: None,
        total: Some(1),
        mix: Mix { seed: 1, late: 0.0, malformed: 0.0, duplicates: 0.0, start_us: 0, events_per_event_second: 1000 },
        options: options.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
    }
}

#[test]
fn a_refused_option_is_named_and_its_value_is_not() {
    let text = run(&settings(&[("security.protocol", "hunter2")]), &AtomicBool::new(false), &mut |_| {})
        .unwrap_err()
        .to_string();
    assert!(text.contains("`security.protocol`") && !text.contains("hunter2"), "{text}");
}

#[test]
fn an_absent_broker_is_named_within_the_time_promised() {
    let begun = Instant::now();
    let text = run(&settings(&[]), &AtomicBool::new(false), &mut |_| {}).unwrap_err().to_string();
    assert!(begun.elapsed() < FIRST_CONTACT + Duration::from_secs(2));
    for part in ["127.0.0.1:1", "refused", "engine broker", "--brokers"] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}
