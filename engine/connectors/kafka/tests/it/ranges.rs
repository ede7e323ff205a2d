//! Exactly the planned records, whatever the codec, and ranges that end by position.

use std::time::Duration;

use connector::log::LogReader;
use rdkafka::producer::{BaseRecord, Producer};

use crate::support::{Topic, embedded, offsets, read_on, stop_after};

#[test]
fn every_codec_is_read_and_reading_again_gives_the_same_bytes() {
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = Topic::real(codec, 1);
        let producer = topic.producer(&[("compression.type", codec)]);
        topic.fill(&producer, 0, 3_000, codec);
        let mut lane = topic.lane();
        lane.stop_on(stop_after(Duration::from_secs(60)));
        let all = topic.read(&mut lane, 0, 0, 3_000);
        assert_eq!(all.iter().map(|read| read.offset).collect::<Vec<_>>(), (0..3_000).collect::<Vec<_>>());
        for (n, read) in all.iter().enumerate() {
            assert_eq!(read.key.as_deref(), Some(codec.as_bytes()));
            let expected = format!("{codec}-{n:06}-{}", "x".repeat(n % 300));
            assert_eq!(read.value.as_deref(), Some(expected.as_bytes()));
            assert!(read.timestamp_ms.unwrap() > 1_700_000_000_000);
        }
        assert_eq!(topic.read(&mut lane, 0, 0, 3_000), all, "the same lane, put back");
        assert_eq!(topic.read(&mut lane, 0, 1_234, 1_240), all[1_234..1_240]);
        let mut other = topic.lane();
        other.stop_on(stop_after(Duration::from_secs(60)));
        assert_eq!(topic.read(&mut other, 0, 0, 3_000), all, "another lane");
    }
}

#[test]
fn ranges_follow_each_other_without_loss_or_repetition() {
    let (_broker, topic) = embedded("events", 1);
    topic.fill(&topic.producer(&[]), 0, 5_000, "a");
    let mut lane = topic.lane();
    lane.stop_on(stop_after(Duration::from_secs(60)));
    let mut next = 0;
    for until in [1, 2, 2, 17, 1_000, 4_999, 5_000] {
        lane.assign(&offsets(&[(topic.at(0), next)])).unwrap();
        let read: Vec<_> = read_on(&mut lane, &topic.at(0), until).unwrap().iter().map(|read| read.offset).collect();
        assert_eq!(read, (next..until).collect::<Vec<_>>());
        next = until;
    }
}

#[test]
fn keys_and_values_may_be_absent_or_empty() {
    let topic = Topic::real("absent", 1);
    let producer = topic.producer(&[]);
    let to = || BaseRecord::<[u8], [u8]>::to(&topic.name).partition(0);
    for record in [to(), to().key(b"k"), to().payload(b"v"), to().key(b"").payload(b"")] {
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(30)).unwrap();
    let mut lane = topic.lane();
    lane.stop_on(stop_after(Duration::from_secs(60)));
    let read: Vec<_> = topic.read(&mut lane, 0, 0, 4).into_iter().map(|read| (read.key, read.value)).collect();
    let bytes = |text: &str| Some(text.as_bytes().to_vec());
    assert_eq!(read, [(None, None), (bytes("k"), None), (None, bytes("v")), (bytes(""), bytes(""))]);
}

/// Offsets: 10 committed, marker, 5 aborted, marker, 3 committed, marker, 4 aborted, marker.
#[test]
fn markers_and_aborted_records_leave_gaps_that_end_ranges_all_the_same() {
    let topic = Topic::real("aborts", 1);
    let producer = topic.producer(&[("transactional.id", &topic.name)]);
    producer.init_transactions(Duration::from_secs(60)).unwrap();
    for (count, commit) in [(10, true), (5, false), (3, true), (4, false)] {
        producer.begin_transaction().unwrap();
        topic.fill(&producer, 0, count, if commit { "kept" } else { "gone" });
        if commit {
            producer.commit_transaction(Duration::from_secs(30)).unwrap();
        } else {
            producer.abort_transaction(Duration::from_secs(30)).unwrap();
        }
    }
    let mut planner = topic.planner();
    planner.stop_on(stop_after(Duration::from_secs(60)));
    let reach = *planner.available().unwrap().get(&topic.at(0)).unwrap();
    assert_eq!((reach.low, reach.high), (0, 26));
    let committed: Vec<i64> = (0..10).chain(17..20).collect();
    let mut lane = topic.lane();
    lane.stop_on(stop_after(Duration::from_secs(60)));
    // In one range, and with every possible end in between.
    for end in 0..=26 {
        lane.assign(&offsets(&[(topic.at(0), 0)])).unwrap();
        let first = read_on(&mut lane, &topic.at(0), end).unwrap();
        lane.assign(&offsets(&[(topic.at(0), end)])).unwrap();
        let second = read_on(&mut lane, &topic.at(0), 26).unwrap();
        assert!(first.iter().all(|read| read.offset < end) && second.iter().all(|read| read.offset >= end));
        let all: Vec<_> = first.iter().chain(&second).map(|read| read.offset).collect();
        assert_eq!(all, committed, "cut at {end}");
        assert!(first.iter().chain(&second).all(|read| read.key.as_deref() == Some(b"kept")));
    }
    // Records that come later are found from a position inside the gap.
    topic.fill(&topic.producer(&[]), 0, 2, "later");
    lane.assign(&offsets(&[(topic.at(0), 26)])).unwrap();
    let later: Vec<_> = read_on(&mut lane, &topic.at(0), 28).unwrap().iter().map(|read| read.offset).collect();
    assert_eq!(later, [26, 27]);
}

#[test]
fn an_open_transaction_is_not_yet_available() {
    let topic = Topic::real("open", 1);
    topic.fill(&topic.producer(&[]), 0, 3, "before");
    let producer = topic.producer(&[("transactional.id", &topic.name)]);
    producer.init_transactions(Duration::from_secs(60)).unwrap();
    producer.begin_transaction().unwrap();
    topic.fill(&producer, 0, 5, "open");
    let mut planner = topic.planner();
    assert_eq!(planner.available().unwrap().get(&topic.at(0)).unwrap().high, 3);
    producer.commit_transaction(Duration::from_secs(30)).unwrap();
    crate::support::until("the transaction is seen", || {
        planner.available().unwrap().get(&topic.at(0)).unwrap().high == 9
    });
}

#[test]
fn sixty_four_partitions_are_each_read_whole_in_any_order() {
    let (_broker, topic) = embedded("wide", 64);
    let producer = topic.producer(&[]);
    for partition in 0..64 {
        topic.fill(&producer, partition, 100 + partition as usize, &format!("p{partition}"));
    }
    let mut lane = topic.lane();
    lane.stop_on(stop_after(Duration::from_secs(60)));
    lane.assign(&(0..64).map(|partition| (topic.at(partition), 0)).collect()).unwrap();
    for partition in (0..64).rev() {
        let read = read_on(&mut lane, &topic.at(partition), 100 + i64::from(partition)).unwrap();
        assert_eq!(read.len(), 100 + partition as usize);
        assert!(read.iter().all(|read| read.key.as_deref() == Some(format!("p{partition}").as_bytes())));
    }
}

#[test]
fn records_prefetched_for_the_next_range_are_kept_and_not_fetched_again() {
    let (broker, topic) = embedded("kept", 1);
    // One batch, which the broker hands out whole: when its first record is there, all are.
    topic.fill(&topic.producer(&[("linger.ms", "30000")]), 0, 1_000, "a");
    let mut lane = topic.lane();
    lane.stop_on(stop_after(Duration::from_secs(60)));
    assert_eq!(topic.read(&mut lane, 0, 0, 1).len(), 1);
    broker.cluster().broker_down(kafka::broker::BROKER_ID).unwrap();
    lane.assign(&offsets(&[(topic.at(0), 1)])).unwrap();
    assert_eq!(read_on(&mut lane, &topic.at(0), 1_000).unwrap().len(), 999);
}
