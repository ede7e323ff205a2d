//! Sources that grow, and where a job begins: new partitions, topic patterns, starting offsets, limits, group offsets.

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use crate::kafka::{PATIENCE, Topic, brokers, event, send_one, unique, until};
use crate::run::{Job, KEEP_ALL};

fn ids(job: &Job) -> Vec<u64> {
    job.sql("SELECT id FROM bronze.everything ORDER BY id").iter().map(|row| row["id"].as_u64().unwrap()).collect()
}

fn send(topic: &Topic, partition: i32, ids: std::ops::Range<usize>) {
    topic.send(partition, ids.map(|id| event(id, "a", id, 1)));
}

#[test]
fn partitions_added_while_running_are_read_from_their_beginning() {
    let topic = Topic::new("grown", 1);
    send(&topic, 0, 0..10);
    let job = Job::new(&topic, "starting_offsets = \"latest\"\n", KEEP_ALL);
    let mut running = job.start();
    running.wait("the first epoch", |running| !running.epochs.is_empty());
    topic.grow(3);
    for partition in 0..3 {
        send(&topic, partition, 100 * (partition as usize + 1)..100 * (partition as usize + 1) + 20);
    }
    running.wait_for_records(60);
    assert_eq!(running.stop().0, Some(0));
    assert_eq!(ids(&job), (100..120).chain(200..220).chain(300..320).collect::<Vec<u64>>());
}

#[test]
fn topics_of_a_pattern_are_read_new_ones_too() {
    let prefix = unique("pattern");
    let make = |name: &str| Topic::at(&brokers(), format!("{prefix}-{name}"), 1, &[]);
    let (first, second) = (make("a"), make("b"));
    let other = Topic::at(&brokers(), format!("not-{prefix}-a"), 1, &[]);
    send(&first, 0, 0..5);
    send(&second, 0, 10..15);
    send(&other, 0, 90..95);
    let job = Job::new(&first, &format!("topic_pattern = \"{prefix}-.*\"\n"), KEEP_ALL);
    let mut running = job.start();
    running.wait_for_records(10);
    let third = make("c");
    send(&third, 0, 20..25);
    running.wait_for_records(15);
    assert_eq!(running.stop().0, Some(0));
    assert_eq!(ids(&job), (0..5).chain(10..15).chain(20..25).collect::<Vec<u64>>());
}

#[test]
fn a_new_job_begins_where_it_is_told() {
    let topic = Topic::new("starting", 1);
    let producer = topic.producer(&[]);
    for id in 0..10_usize {
        let value = event(id, "a", id, 1);
        let record = BaseRecord::<(), [u8]>::to(&topic.name).partition(0).payload(value.as_bytes());
        send_one(&producer, record.timestamp(1_767_225_600_000 + id as i64 * 1000));
    }
    producer.flush(PATIENCE).unwrap();
    let begin = |starting: &str| Job::new(&topic, &format!("starting_offsets = {starting}\n"), KEEP_ALL);
    let jobs = [
        (begin("\"earliest\""), 0),
        (begin("\"latest\""), 10),
        (begin("{ timestamp = \"2026-01-01T00:00:04Z\" }"), 4),
        (begin("{ \"0\" = 7 }"), 7),
        (begin("{ \"0\" = -2 }"), 0),
    ];
    jobs.iter().for_each(|(job, _)| drop(job.run().succeeded()));
    send(&topic, 0, 10..13);
    for (job, first) in &jobs {
        job.run().succeeded();
        assert_eq!(ids(job), (*first..13).collect::<Vec<u64>>(), "{}", std::fs::read_to_string(&job.path).unwrap());
    }
}

#[test]
fn limits_hold_and_group_offsets_follow_what_is_published() {
    let topic = Topic::new("limits", 3);
    for (partition, count) in [(0, 100), (1, 200), (2, 7)] {
        send(&topic, partition, 0..count);
    }
    let job = Job::new(&topic, "max_offsets_per_trigger = 50\n", KEEP_ALL).set("job.name", &unique("group"));
    job.run().succeeded();
    let commits = job.commits();
    let spans: Vec<u64> = commits.iter().map(|commit| epoch::offsets::span(&commit.plan)).collect();
    // A share below one record counts as one, so that a limit may be passed by fewer records than there are partitions.
    assert!(spans.len() >= 6 && spans.iter().all(|span| *span <= 52), "{spans:?}");
    assert_eq!(spans.iter().sum::<u64>(), 307);
    let group = state::Checkpoint::open_read_only(&job.checkpoint).unwrap().job().to_owned();
    let mut config = ClientConfig::new();
    let consumer: BaseConsumer =
        config.set("bootstrap.servers", &topic.brokers).set("group.id", &group).create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_range(&topic.name, 0, 2);
    until("the group's offsets are what was published", || {
        let found = consumer.committed_offsets(list.clone(), PATIENCE).unwrap();
        let offsets: Vec<Offset> = found.elements().iter().map(|element| element.offset()).collect();
        offsets == [Offset::Offset(100), Offset::Offset(200), Offset::Offset(7)]
    });
}
