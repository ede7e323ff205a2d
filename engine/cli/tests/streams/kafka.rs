//! Topics of their own on the real Kafka, and what is sent to them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

/// How long anything that another process does may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Brokers of the real Kafka; there is no test without it.
pub fn brokers() -> String {
    std::env::var("KAFKA_BROKERS").expect(
        "KAFKA_BROKERS is not set: run scripts/test, or start Kafka with `scripts/services start kafka` and set what it prints",
    )
}

/// A name that no run before has used.
pub fn unique(purpose: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let run = std::fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap();
    format!("streams-{purpose}-{}-{}", &run[..8], NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A topic and its broker.
pub struct Topic {
    pub brokers: String,
    pub name: String,
}

impl Topic {
    /// A new topic on the real Kafka.
    pub fn new(purpose: &str, partitions: i32) -> Topic {
        Topic::at(&brokers(), unique(purpose), partitions, &[])
    }

    /// A new topic with a name and settings of its own on any broker.
    pub fn at(brokers: &str, name: String, partitions: i32, settings: &[(&str, &str)]) -> Topic {
        let topic = Topic { brokers: brokers.to_owned(), name };
        topic.make(partitions, settings);
        topic
    }

    /// Makes the topic; one that was deleted a moment ago may be in the way for a while.
    pub fn make(&self, partitions: i32, settings: &[(&str, &str)]) {
        let mut new = NewTopic::new(&self.name, partitions, TopicReplication::Fixed(1));
        for (key, value) in settings {
            new = new.set(key, value);
        }
        let admin = self.admin();
        until("the topic is made", || block_on(admin.create_topics([&new], &options())).unwrap()[0].is_ok());
        self.wait_for_leaders(partitions);
    }

    pub fn delete(&self) {
        block_on(self.admin().delete_topics(&[&self.name], &options())).unwrap()[0].as_ref().unwrap();
    }

    /// Adds partitions until there are so many.
    pub fn grow(&self, partitions: i32) {
        let grown = NewPartitions::new(&self.name, partitions as usize);
        block_on(self.admin().create_partitions([&grown], &options())).unwrap()[0].as_ref().unwrap();
        self.wait_for_leaders(partitions);
    }

    /// Deletes the records of a partition before an offset.
    pub fn delete_before(&self, partition: i32, offset: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.name, partition, Offset::Offset(offset)).unwrap();
        let deleted = block_on(self.admin().delete_records(&list, &options())).unwrap();
        deleted.elements()[0].error().unwrap();
    }

    /// A producer with settings besides the usual ones.
    pub fn producer(&self, settings: &[(&str, &str)]) -> BaseProducer {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("linger.ms", "2").set("message.timeout.ms", "60000");
        for (key, value) in settings {
            config.set(*key, *value);
        }
        config.create().unwrap()
    }

    /// Sends values to a partition, in order, and waits until Kafka has them.
    pub fn send<V: AsRef<[u8]>>(&self, partition: i32, values: impl IntoIterator<Item = V>) {
        let producer = self.producer(&[]);
        for value in values {
            send_one(&producer, BaseRecord::<(), [u8]>::to(&self.name).partition(partition).payload(value.as_ref()));
        }
        producer.flush(PATIENCE).unwrap();
    }

    pub fn admin(&self) -> AdminClient<DefaultClientContext> {
        ClientConfig::new().set("bootstrap.servers", &self.brokers).create().unwrap()
    }

    fn wait_for_leaders(&self, partitions: i32) {
        let admin = self.admin();
        until("all partitions have a leader", || {
            let Ok(metadata) = admin.inner().fetch_metadata(Some(&self.name), Duration::from_secs(5)) else {
                return false;
            };
            let found = metadata.topics()[0].partitions();
            found.len() == partitions as usize && found.iter().all(|partition| partition.leader() >= 0)
        });
    }
}

/// Hands one record to a producer, waiting while its queue is full.
pub fn send_one(producer: &BaseProducer, record: BaseRecord<'_, (), [u8]>) {
    let mut record = Some(record);
    until("the producer takes a record", || {
        let Some(sending) = record.take() else { return true };
        match producer.send(sending) {
            Ok(()) => return true,
            Err((_, returned)) => record = Some(returned),
        }
        producer.poll(Duration::from_millis(20));
        false
    });
}

/// One event of the small jobs: `second` counts from 2026-01-01T00:00:00Z.
pub fn event(id: usize, key: &str, second: usize, amount: i64) -> String {
    let (hour, minute, left) = (second / 3600, second / 60 % 60, second % 60);
    format!(r#"{{"id":{id},"key":"{key}","moment":"2026-01-01T{hour:02}:{minute:02}:{left:02}Z","amount":{amount}}}"#)
}

/// Waits for something that another process does.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} and still not: {what}");
        pass(Duration::from_millis(20));
    }
}

/// Lets time pass between two looks at another process.
#[expect(clippy::disallowed_methods, reason = "see above")]
pub fn pass(time: Duration) {
    std::thread::sleep(time);
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(Duration::from_secs(20)))
}
