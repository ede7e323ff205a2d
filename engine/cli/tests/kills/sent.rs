//! What was sent: events of the web shop without duplicates, and what each of them was.

use std::sync::atomic::AtomicBool;

use kafka::generate::{self, Codec, EventKind, EventWriter, Mix, Settings};

use crate::kafka::Topic;

/// What was sent to a topic.
pub struct Sent {
    pub records: u64,
    /// Ids of the events that can be decoded, sorted.
    pub ids: Vec<String>,
    /// Values of the others in hex, sorted.
    pub malformed: Vec<String>,
}

impl Sent {
    /// Sends events, ten to a second of event time, one in a hundred late and one malformed.
    pub fn to(topic: &Topic, records: u64, seed: u64) -> Sent {
        // 2026-01-01T00:00:00Z
        let start_us = 1_767_225_600_000_000;
        let mix = Mix { seed, late: 0.01, malformed: 0.01, duplicates: 0.0, start_us, events_per_event_second: 10 };
        let settings = Settings {
            brokers: topic.brokers.clone(),
            topic: topic.name.clone(),
            partitions: 6,
            codec: Codec::Lz4,
            rate: None,
            total: Some(records),
            mix,
            options: Default::default(),
        };
        let summary = generate::run(&settings, &AtomicBool::new(false), &mut |_| {}).unwrap();
        assert_eq!((summary.sent, summary.duplicates), (records, 0));
        assert!(summary.late > 0 && summary.malformed > 0);
        Sent::again(mix, records)
    }

    /// The same events once more, to be compared with.
    fn again(mix: Mix, records: u64) -> Sent {
        let writer = EventWriter::new(mix);
        let mut sent = Sent { records, ids: Vec::new(), malformed: Vec::new() };
        let (mut value, mut key) = (Vec::new(), Vec::new());
        for number in 0..records {
            if writer.write(number, &mut value, &mut key) == EventKind::Malformed {
                sent.malformed.push(value.iter().map(|byte| format!("{byte:02x}")).collect());
            } else {
                let event: serde_json::Value = serde_json::from_slice(&value).unwrap();
                sent.ids.push(event["event_id"].as_str().unwrap().to_owned());
            }
        }
        sent.ids.sort();
        sent.malformed.sort();
        sent
    }
}
