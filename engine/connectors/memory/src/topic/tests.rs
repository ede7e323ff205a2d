//! A topic in memory has Kafka's offsets: each partition its own, from 0, without gaps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use connector::log::Available;
use epoch::Split;
use epoch::offsets::OffsetRange;

use super::{MemoryRecord, MemoryTopic};

fn read(topic: &MemoryTopic, partition: i32, from: i64, until: i64) -> (Vec<(i64, String)>, i64) {
    let mut seen = Vec::new();
    let next = topic.read(&Split::new("t", partition), OffsetRange { from, until }, u64::MAX, &mut |record| {
        seen.push((record.offset, String::from_utf8(record.value.unwrap().to_vec()).unwrap()));
    });
    (seen, next)
}

fn records(values: &[&str]) -> Vec<MemoryRecord> {
    values.iter().map(|value| MemoryRecord::of(*value)).collect()
}

#[test]
fn records_are_read_by_offset() {
    let topic = MemoryTopic::new("t");
    assert_eq!(topic.append(0, records(&["a", "b"])), OffsetRange { from: 0, until: 2 });
    let clone = topic.clone();
    assert_eq!(clone.append(0, records(&["c"])), OffsetRange { from: 2, until: 3 });
    assert_eq!(read(&topic, 0, 0, 3).0, [(0, "a".into()), (1, "b".into()), (2, "c".into())]);
    assert_eq!(read(&topic, 0, 1, 2), (vec![(1, "b".into())], 2));
    // What is not there is not handed over, and the position says so.
    assert_eq!(read(&topic, 0, 2, 9), (vec![(2, "c".into())], 3));
    assert_eq!(read(&topic, 5, 0, 9), (vec![], 0));
    assert_eq!(read(&topic, -1, 0, 9), (vec![], 0));
}

#[test]
fn records_that_go_leave_the_offsets_of_the_others_as_they_are() {
    let topic = MemoryTopic::new("t");
    topic.append(0, records(&["a", "b", "c"]));
    topic.trim(&[(Split::new("t", 0), 2), (Split::new("t", 7), 2)].into_iter().collect());
    assert_eq!(topic.available().iter().map(|(_, reach)| *reach).collect::<Vec<_>>(), [Available { low: 2, high: 3 }]);
    assert_eq!(topic.append(0, records(&["d"])), OffsetRange { from: 3, until: 4 });
    assert_eq!(read(&topic, 0, 2, 4).0, [(2, "c".into()), (3, "d".into())]);
    assert_eq!(read(&topic, 0, 0, 9).0.len(), 2);
    topic.trim(&[(Split::new("t", 0), 99)].into_iter().collect());
    assert_eq!(topic.available().iter().map(|(_, reach)| *reach).collect::<Vec<_>>(), [Available { low: 4, high: 4 }]);
}

#[test]
fn partitions_come_with_their_first_record() {
    let topic = MemoryTopic::new("t");
    assert_eq!(topic.available().len(), 1, "one from the start, as a topic has");
    topic.append(2, records(&["a"]));
    let reach: Vec<_> = topic.available().iter().map(|(at, reach)| (at.partition, *reach)).collect();
    let expected = [(0, 0), (1, 0), (2, 1)].map(|(partition, high)| (partition, Available { low: 0, high }));
    assert_eq!(reach, expected);
}
