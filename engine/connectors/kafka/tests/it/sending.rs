//! The generator against real Kafka: what arrives is what its writer makes.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use connector::log::LogReader;
use kafka::generate::{Codec, EventWriter, Mix, Settings, run};

use crate::support::{Topic, read_on, stop_after};

#[test]
fn what_arrives_is_byte_for_byte_what_the_writer_makes_again() {
    let topic = Topic::unmade("sent");
    let mix = Mix {
        seed: 42,
        late: 0.02,
        malformed: 0.02,
        duplicates: 0.02,
        start_us: 1_767_225_600_000_000,
        events_per_event_second: 1000,
    };
    let settings = Settings {
        brokers: topic.brokers.clone(),
        topic: topic.name.clone(),
        partitions: 3,
        codec: Codec::Lz4,
        rate: None,
        total: Some(20_000),
        mix,
        options: BTreeMap::new(),
    };
    let summary = run(&settings, &AtomicBool::new(false), &mut |_| {}).unwrap();
    let mut planner = topic.planner();
    let available = planner.available().unwrap();
    assert_eq!(available.len(), 3, "the topic is made with the partitions asked for");
    let mut lane = topic.lane();
    lane.stop_on(stop_after(Duration::from_secs(60)));
    lane.assign(&available.iter().map(|(at, _)| (at, 0)).collect()).unwrap();
    let mut arrived = Vec::new();
    for (at, reach) in available.iter() {
        arrived.extend(
            read_on(&mut lane, &at, reach.high)
                .unwrap()
                .into_iter()
                .map(|read| (read.key.unwrap(), read.value.unwrap())),
        );
    }
    let writer = EventWriter::new(mix);
    let mut made: Vec<_> = (0..20_000)
        .map(|n| {
            let (mut value, mut key) = (Vec::new(), Vec::new());
            writer.write(n, &mut value, &mut key);
            (key, value)
        })
        .collect();
    assert_eq!(summary.sent, 20_000);
    assert_eq!(summary.bytes, made.iter().map(|(_, value)| value.len() as u64).sum::<u64>());
    assert!(summary.late > 200 && summary.malformed > 200 && summary.duplicates > 200, "{summary:?}");
    made.sort();
    arrived.sort();
    assert!(made == arrived, "the topic does not hold what was made");
}

#[test]
fn a_rate_is_kept() {
    let (_broker, topic) = crate::support::embedded("slow", 2);
    let mix = Mix { seed: 1, late: 0.0, malformed: 0.0, duplicates: 0.0, start_us: 0, events_per_event_second: 1000 };
    let settings = Settings {
        brokers: topic.brokers.clone(),
        topic: topic.name.clone(),
        partitions: 2,
        codec: Codec::Zstd,
        rate: Some(1000.0),
        total: Some(1500),
        mix,
        options: BTreeMap::new(),
    };
    let summary = run(&settings, &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert_eq!(summary.sent, 1500);
    assert!(summary.elapsed >= Duration::from_millis(1450), "{:?}", summary.elapsed);
}
