//! What there is, and where to begin, on real Kafka.

use std::time::{Duration, Instant};

use connector::SourceError;
use connector::log::{LogPosition, LogReader};
use kafka::KafkaPlanner;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::support::{Topic, offsets, range, read_on, real_brokers, stop_after, until};

#[test]
fn a_backlog_spans_all_partitions_and_new_ones_are_found_while_running() {
    let topic = Topic::real("grow", 2);
    let producer = topic.producer(&[]);
    topic.fill(&producer, 0, 10, "a");
    let mut planner = topic.planner();
    let available = planner.available().unwrap();
    let start = planner.starting(&available).unwrap();
    let backlog = planner.backlog(&LogPosition::at(start.clone()), &available).unwrap();
    assert_eq!(backlog.ranges, [(topic.at(0), range(0, 10)), (topic.at(1), range(0, 0))].into_iter().collect());

    topic.grow(3);
    topic.fill(&topic.producer(&[]), 2, 7, "b");
    until("the new partition is found", || planner.available().unwrap().len() == 3);
    let available = planner.available().unwrap();
    let position = backlog.ranges.iter().map(|(at, range)| (at, range.until)).collect();
    let next = planner.backlog(&LogPosition::at(position), &available).unwrap();
    assert_eq!(next.ranges.get(&topic.at(2)), Some(&range(0, 7)));
    // A lane that already runs takes the new partition on.
    let mut lane = topic.lane();
    lane.stop_on(stop_after(Duration::from_secs(60)));
    assert_eq!(topic.read(&mut lane, 0, 0, 10).len(), 10);
    lane.assign(&offsets(&[(topic.at(0), 10), (topic.at(1), 0), (topic.at(2), 0)])).unwrap();
    assert_eq!(read_on(&mut lane, &topic.at(2), 7).unwrap().len(), 7);
}

#[test]
fn a_pattern_takes_whole_names_and_finds_topics_made_later() {
    let first = Topic::real("pattern", 1);
    let mut settings = first.settings();
    settings.topics = kafka::Topics::Pattern(format!("{}(-[0-9]+)?", first.name));
    let mut planner = KafkaPlanner::open("events", &settings, "source-it").unwrap();
    assert_eq!(planner.available().unwrap().len(), 1);
    let second = Topic { brokers: first.brokers.clone(), name: format!("{}-2", first.name) };
    second.make(2);
    Topic { brokers: first.brokers.clone(), name: format!("{}-other", first.name) }.make(1);
    until("the second topic is found", || planner.available().unwrap().len() == 3);
    assert!(planner.available().unwrap().get(&second.at(1)).is_some());
}

#[test]
fn a_start_by_time_is_the_first_record_at_or_after_it_and_else_the_end() {
    let topic = Topic::real("time", 2);
    let producer = topic.producer(&[]);
    for n in 0..10 {
        let record = BaseRecord::<[u8], [u8]>::to(&topic.name)
            .partition(0)
            .payload(b"v")
            .timestamp(1_700_000_000_000 + n * 1000);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(30)).unwrap();
    topic.fill(&producer, 1, 0, "none");
    for (timestamp_ms, expected) in [(0, 0), (1_700_000_004_000, 4), (1_700_000_004_001, 5), (1_700_000_009_001, 10)] {
        let mut settings = topic.settings();
        settings.starting_offsets = kafka::StartingOffsets::TimestampMs(timestamp_ms);
        let mut planner = KafkaPlanner::open("events", &settings, "source-it").unwrap();
        let available = planner.available().unwrap();
        assert_eq!(
            planner.starting(&available).unwrap(),
            offsets(&[(topic.at(0), expected), (topic.at(1), 0)]),
            "{timestamp_ms}"
        );
    }
}

#[test]
fn a_topic_that_does_not_exist_is_named_and_not_made() {
    let topic = Topic { brokers: real_brokers(), name: "source-it-never-made".into() };
    let error = topic.planner().available().unwrap_err();
    let SourceError::Settings { .. } = error else { panic!("{error:?}") };
    let text = error.to_string();
    for part in ["source-it-never-made does not exist", &topic.brokers, "engine generate ecommerce --topic"] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
    assert!(topic.planner().available().is_err(), "asking made the topic");
}

#[test]
fn absent_brokers_are_named_within_the_time_promised() {
    let topic = Topic { brokers: "127.0.0.1:1".into(), name: "t".into() };
    let begun = Instant::now();
    let text = topic.planner().available().unwrap_err().to_string();
    assert!(begun.elapsed() < Duration::from_secs(13), "{:?}", begun.elapsed());
    for part in ["127.0.0.1:1", "refused", "scripts/services start kafka", "engine broker"] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

#[test]
fn offsets_committed_to_the_group_are_seen_by_other_tools() {
    let topic = Topic::real("group", 1);
    topic.fill(&topic.producer(&[]), 0, 5, "a");
    let group = format!("group-{}", topic.name);
    let mut planner = KafkaPlanner::open("events", &topic.settings(), &group).unwrap();
    planner.available().unwrap();
    planner.commit_group(&offsets(&[(topic.at(0), 4)]));
    let tool: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", &topic.brokers).set("group.id", &group).create().unwrap();
    until("the group has the offset", || {
        let mut list = TopicPartitionList::new();
        list.add_partition(&topic.name, 0);
        let committed = tool.committed_offsets(list, Duration::from_secs(10)).unwrap();
        committed.elements()[0].offset() == Offset::Offset(4)
    });
}
