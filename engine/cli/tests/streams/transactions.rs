//! Transactional producers: what was aborted never arrives, and markers do not hold a range open.

use std::collections::BTreeMap;

use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::kafka::{PATIENCE, Topic, event, send_one, unique};
use crate::run::{Job, KEEP_ALL};

struct Sender<'a> {
    topic: &'a Topic,
    producer: BaseProducer,
    next_id: usize,
    committed: Vec<u64>,
}

impl Sender<'_> {
    fn transaction(&mut self, count: usize, commits: bool) {
        self.producer.begin_transaction().unwrap();
        for _ in 0..count {
            let value = event(self.next_id, if commits { "kept" } else { "aborted" }, self.next_id, 1);
            let partition = (self.next_id % 2) as i32;
            send_one(&self.producer, BaseRecord::to(&self.topic.name).partition(partition).payload(value.as_bytes()));
            if commits {
                self.committed.push(self.next_id as u64);
            }
            self.next_id += 1;
        }
        // Aborted records must have reached the log, or there would be nothing to leave out.
        self.producer.flush(PATIENCE).unwrap();
        if commits {
            self.producer.commit_transaction(PATIENCE).unwrap()
        } else {
            self.producer.abort_transaction(PATIENCE).unwrap()
        }
    }
}

fn ids(job: &Job) -> Vec<u64> {
    let rows = job.sql("SELECT id FROM bronze.everything ORDER BY id");
    rows.iter().map(|row| row["id"].as_u64().unwrap()).collect()
}

#[test]
fn only_committed_records_arrive_and_ranges_end_at_markers() {
    let topic = Topic::new("transactions", 2);
    let producer = topic.producer(&[("transactional.id", &unique("writer"))]);
    producer.init_transactions(PATIENCE).unwrap();
    let mut sender = Sender { topic: &topic, producer, next_id: 0, committed: Vec::new() };
    let job = Job::new(&topic, "max_offsets_per_trigger = 35\n", KEEP_ALL);
    for (count, commits) in [(10, true), (8, false), (30, true), (1, false), (1, true), (60, false)] {
        sender.transaction(count, commits);
    }
    // The topic now ends in aborted records and their markers.
    job.run().succeeded();
    assert_eq!(ids(&job), sender.committed);
    sender.transaction(5, false);
    job.run().succeeded();
    assert_eq!(ids(&job), sender.committed);
    sender.transaction(7, true);
    job.run().succeeded();
    assert_eq!(ids(&job), sender.committed);
    let mut until = BTreeMap::new();
    let commits = job.commits();
    for (at, range) in commits.iter().flat_map(|commit| commit.plan.sources["events"].ranges.iter()) {
        until.insert(at.partition, range.until.offset().unwrap());
    }
    // 122 records and, on each of two partitions, a marker for every transaction that wrote there.
    assert!(until.values().sum::<i64>() > 122, "{until:?}");
    let read: u64 = commits.iter().map(|commit| commit.sources["events"].read).sum();
    assert_eq!(read, sender.committed.len() as u64);
}
