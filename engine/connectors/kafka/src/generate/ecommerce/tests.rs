//! Fields, domains and shares of the events, read back by another JSON parser.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::*;

fn mix() -> Mix {
    Mix {
        seed: 7,
        late: 0.0,
        malformed: 0.0,
        duplicates: 0.0,
        start_us: 1_767_225_600_000_000,
        events_per_event_second: 1000,
    }
}

fn events(mix: Mix, count: u64) -> Vec<(EventKind, Vec<u8>, Vec<u8>)> {
    let writer = EventWriter::new(mix);
    let one = |n| {
        let (mut value, mut key) = (Vec::new(), Vec::new());
        (writer.write(n, &mut value, &mut key), value, key)
    };
    (0..count).map(one).collect()
}

/// Fields of each type beside the seven that all have, in seeds.md's words.
fn fields_of(event_type: &str) -> &'static [&'static str] {
    match event_type {
        "user_login" => &["login_method", "success"],
        "page_view" => &["page", "referrer", "duration_seconds"],
        "item_click" => &["item_id", "category", "position"],
        "purchase" => &["order_id", "items", "quantities", "total_amount", "currency", "payment_method"],
        "cart_add" => &["item_id", "quantity", "category", "price"],
        "search" => &["search_query", "results_count", "clicked_position"],
        other => panic!("unknown type {other}"),
    }
}

#[test]
fn every_event_has_the_fields_of_its_type_and_the_types_have_their_weights() {
    let count = 100_000;
    let mut types: BTreeMap<String, u32> = BTreeMap::new();
    let mut sessions = std::collections::HashSet::new();
    for (_, value, key) in events(mix(), count) {
        let event: Value = serde_json::from_slice(&value).unwrap();
        let event = event.as_object().unwrap();
        let event_type = event["event_type"].as_str().unwrap();
        let mut expected = vec!["event_id", "event_type", "user_id", "timestamp", "device", "location", "session_id"];
        expected.extend(fields_of(event_type));
        expected.sort_unstable();
        let mut found: Vec<_> = event.keys().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, expected);
        let user = event["user_id"].as_str().unwrap();
        assert_eq!(user.as_bytes(), key);
        let session = event["session_id"].as_str().unwrap();
        let number: u32 = session.strip_prefix(&format!("session_{user}_")).unwrap().parse().unwrap();
        assert!((1000..=9999).contains(&number));
        sessions.insert(session.to_string());
        if event_type == "purchase" {
            let items = event["items"].as_array().unwrap();
            assert_eq!(items.len(), event["quantities"].as_array().unwrap().len());
            assert!((1..=5).contains(&items.len()));
            assert_eq!(
                items.iter().map(|item| item.as_str().unwrap()).collect::<std::collections::HashSet<_>>().len(),
                items.len()
            );
            assert!((10.0..=500.0).contains(&event["total_amount"].as_f64().unwrap()));
        }
        *types.entry(event_type.to_string()).or_default() += 1;
    }
    for (name, share) in [
        ("user_login", 0.25),
        ("page_view", 0.30),
        ("item_click", 0.20),
        ("purchase", 0.10),
        ("cart_add", 0.10),
        ("search", 0.05),
    ] {
        let found = f64::from(types[name]) / count as f64;
        assert!((found - share).abs() < 0.005, "{name}: {found}");
    }
    assert!(sessions.len() > 98_000, "session numbers are drawn for each event: {}", sessions.len());
}

#[test]
fn the_same_seed_gives_the_same_bytes_in_any_order_and_another_seed_others() {
    let all = events(Mix { late: 0.1, malformed: 0.1, duplicates: 0.1, ..mix() }, 5_000);
    let again = events(Mix { late: 0.1, malformed: 0.1, duplicates: 0.1, ..mix() }, 5_000);
    assert_eq!(all, again);
    let writer = EventWriter::new(Mix { late: 0.1, malformed: 0.1, duplicates: 0.1, ..mix() });
    let (mut value, mut key) = (Vec::new(), Vec::new());
    for n in (0..5_000).rev() {
        writer.write(n, &mut value, &mut key);
        assert_eq!(value, all[n as usize].1);
    }
    let others = events(Mix { seed: 8, ..mix() }, 100);
    assert!(others.iter().zip(&events(mix(), 100)).all(|(one, other)| one.1 != other.1));
}

#[test]
fn shares_are_kept_and_each_kind_is_what_it_says() {
    let count = 200_000;
    let asked = Mix { late: 0.01, malformed: 0.005, duplicates: 0.01, ..mix() };
    let all = events(asked, count);
    let writer = EventWriter::new(asked);
    let mut counts: HashMap<&str, f64> = HashMap::new();
    for (n, (kind, value, _)) in all.iter().enumerate() {
        let parsed: Result<Value, _> = serde_json::from_slice(value);
        let on_time_us = asked.start_us + n as i64 * 1000;
        let behind_s = (on_time_us - writer.event_time_us(n as u64)) / 1_000_000;
        let name = match kind {
            EventKind::Good => {
                assert!(behind_s <= 2 && parsed.is_ok());
                "good"
            }
            EventKind::Late => {
                assert!((600..=1202).contains(&behind_s) && parsed.is_ok(), "{behind_s}");
                "late"
            }
            EventKind::Malformed => "malformed",
            EventKind::DuplicateOf(original) => {
                assert!(*original < n as u64 && matches!(all[*original as usize].0, EventKind::Good | EventKind::Late));
                assert_eq!(*value, all[*original as usize].1);
                "duplicate"
            }
        };
        *counts.entry(name).or_default() += 1.0 / count as f64;
    }
    for (name, share) in [("late", 0.01), ("malformed", 0.005), ("duplicate", 0.01)] {
        assert!((counts[name] - share).abs() < 0.001, "{name}: {}", counts[name]);
    }
}

#[test]
fn a_malformed_record_is_never_an_event_of_the_schema() {
    let mut reasons: BTreeMap<&str, u32> = BTreeMap::new();
    for (kind, value, key) in events(Mix { malformed: 1.0, ..mix() }, 4_000) {
        assert_eq!((kind, key.is_empty()), (EventKind::Malformed, false));
        let reason = match serde_json::from_slice::<Value>(&value) {
            Err(_) if value.is_empty() => "empty",
            Err(_) if std::str::from_utf8(&value).is_err() => "not UTF-8",
            Err(error) if error.is_eof() => "cut",
            Err(error) if value.starts_with(b"{") => {
                assert!(error.is_syntax());
                "trailing"
            }
            Err(_) => "not JSON",
            Ok(event) if event["duration_seconds"].is_string() => "text for int",
            Ok(event) if event["items"].is_string() => "text for array",
            Ok(event) if event["success"].is_string() => "text for boolean",
            Ok(event) => panic!("a decoder would accept {event}"),
        };
        *reasons.entry(reason).or_default() += 1;
    }
    assert_eq!(reasons.len(), 8, "{reasons:?}");
    assert!(reasons.values().all(|count| *count > 300), "{reasons:?}");
}

#[test]
fn event_time_advances_with_the_number_of_events() {
    let writer = EventWriter::new(mix());
    let first = writer.event_time_us(0);
    let later = writer.event_time_us(600_000);
    assert!((first - mix().start_us).abs() <= 2_000_000);
    assert!((later - first - 600_000_000).abs() <= 2_000_000);
    let (mut value, mut key) = (Vec::new(), Vec::new());
    writer.write(600_000, &mut value, &mut key);
    let event: Value = serde_json::from_slice(&value).unwrap();
    assert!(
        event["timestamp"].as_str().unwrap().starts_with("2026-01-01T00:09:5")
            || event["timestamp"].as_str().unwrap().starts_with("2026-01-01T00:10:00")
    );
}

#[test]
fn a_start_can_be_chosen_by_the_end() {
    let end_us = mix().start_us;
    let start_us = Mix::start_us_to_end_at(end_us, 300_000, 1000);
    let writer = EventWriter::new(Mix { start_us, ..mix() });
    assert!((end_us - writer.event_time_us(299_999)).abs() <= 2_001_000);
}
