//! Topics, producers and reads that the tests share.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use connector::SourceError;
use connector::log::{LogProgress, LogReader};
use epoch::Split;
use epoch::offsets::{OffsetRange, Offsets};
use kafka::broker::Broker;
use kafka::{KafkaLane, KafkaPlanner};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

/// One record, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub timestamp_ms: Option<i64>,
}

/// A topic of its own for one test.
pub struct Topic {
    pub brokers: String,
    pub name: String,
}

/// Brokers of the real Kafka. Tests that need it fail without it.
pub fn real_brokers() -> String {
    std::env::var("KAFKA_BROKERS").expect("KAFKA_BROKERS is not set: start Kafka with `scripts/services start kafka` and set it, e.g. KAFKA_BROKERS=127.0.0.1:9092")
}

/// The embedded broker at any free port.
pub fn embedded(topic: &str, partitions: i32) -> (Broker, Topic) {
    let broker = Broker::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), &[(topic.to_string(), partitions)]).unwrap();
    let topic = Topic { brokers: broker.address().to_string(), name: topic.to_string() };
    (broker, topic)
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

impl Topic {
    /// Makes a topic with a new name on the real Kafka.
    pub fn real(purpose: &str, partitions: i32) -> Topic {
        let topic = Topic::unmade(purpose);
        topic.make(partitions);
        topic
    }

    /// A new name on the real Kafka.
    pub fn unmade(purpose: &str) -> Topic {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        // Topics of runs before may still be there.
        let run = std::fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap();
        let name = format!("source-it-{purpose}-{}-{}", &run[..8], NUMBER.fetch_add(1, Ordering::Relaxed));
        Topic { brokers: real_brokers(), name }
    }

    pub fn admin(&self) -> AdminClient<DefaultClientContext> {
        ClientConfig::new().set("bootstrap.servers", &self.brokers).create().unwrap()
    }

    pub fn make(&self, partitions: i32) {
        let new = NewTopic::new(&self.name, partitions, TopicReplication::Fixed(1));
        let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(20)));
        // A topic deleted a moment ago may still be in the way.
        until("the topic is made", || block_on(self.admin().create_topics([&new], &options)).unwrap()[0].is_ok());
        self.wait_for_partitions(partitions);
    }

    pub fn delete(&self) {
        block_on(
            self.admin()
                .delete_topics(&[&self.name], &AdminOptions::new().operation_timeout(Some(Duration::from_secs(20)))),
        )
        .unwrap()[0]
            .as_ref()
            .unwrap();
    }

    pub fn grow(&self, partitions: usize) {
        block_on(self.admin().create_partitions([&NewPartitions::new(&self.name, partitions)], &AdminOptions::new()))
            .unwrap()[0]
            .as_ref()
            .unwrap();
        self.wait_for_partitions(partitions as i32);
    }

    fn wait_for_partitions(&self, partitions: i32) {
        let admin = self.admin();
        until("all partitions have a leader", || {
            let metadata = admin.inner().fetch_metadata(Some(&self.name), Duration::from_secs(5)).unwrap();
            let found = metadata.topics()[0].partitions();
            found.len() == partitions as usize && found.iter().all(|partition| partition.leader() >= 0)
        });
    }

    pub fn at(&self, partition: i32) -> Split {
        Split::new(self.name.clone(), partition)
    }

    pub fn settings(&self) -> kafka::KafkaSettings {
        kafka::KafkaSettings {
            brokers: self.brokers.clone(),
            topics: kafka::Topics::Named(vec![self.name.clone()]),
            starting_offsets: kafka::StartingOffsets::Earliest,
            ending_offsets: None,
            on_data_loss: kafka::OnDataLoss::Stop,
            options: BTreeMap::new(),
        }
    }

    pub fn planner(&self) -> KafkaPlanner {
        KafkaPlanner::open("events", &self.settings(), "source-it").unwrap()
    }

    pub fn lane(&self) -> KafkaLane {
        KafkaLane::open("events", &self.settings(), "source-it", 0).unwrap()
    }

    pub fn producer(&self, settings: &[(&str, &str)]) -> BaseProducer {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("linger.ms", "5").set("message.timeout.ms", "60000");
        for (key, value) in settings {
            config.set(*key, *value);
        }
        config.create().unwrap()
    }

    /// Sends `count` records of about 200 bytes to a partition and waits until they have arrived.
    pub fn fill(&self, producer: &BaseProducer, partition: i32, count: usize, mark: &str) {
        for n in 0..count {
            let value = format!("{mark}-{n:06}-{}", "x".repeat(n % 300));
            let record = BaseRecord::to(&self.name).partition(partition).key(mark).payload(&value);
            producer.send(record).map_err(|(error, _)| error).unwrap();
            if n % 1000 == 0 {
                producer.poll(Duration::ZERO);
            }
        }
        producer.flush(Duration::from_secs(60)).unwrap();
    }

    /// Reads `[from, until)` of a partition with a lane.
    pub fn read(&self, lane: &mut KafkaLane, partition: i32, from: i64, until: i64) -> Vec<Read> {
        lane.assign(&offsets(&[(self.at(partition), from)])).unwrap();
        read_on(lane, &self.at(partition), until).unwrap()
    }
}

/// Reads a partition from where it stands.
pub fn read_on(lane: &mut KafkaLane, at: &Split, until: i64) -> Result<Vec<Read>, SourceError> {
    let mut records = Vec::new();
    let progress = lane.read(at, until, u64::MAX, &mut |record| {
        records.push(Read {
            offset: record.offset,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            timestamp_ms: record.timestamp_ms,
        });
    })?;
    assert_eq!(progress, LogProgress { next: until, gaps: vec![] });
    Ok(records)
}

pub fn offsets(positions: &[(Split, i64)]) -> Offsets {
    positions.iter().cloned().collect()
}

pub fn range(from: i64, until: i64) -> OffsetRange {
    OffsetRange { from, until }
}

/// Waits for something that another process does; fails after half a minute.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(30), "waited 30 s and still not: {what}");
        pass(Duration::from_millis(20));
    }
}

/// Lets time pass: between two looks at another process, or for an outage of a certain length. Never to hope that something is done.
#[expect(clippy::disallowed_methods, reason = "see above")]
pub fn pass(time: Duration) {
    std::thread::sleep(time);
}

/// A stop flag that is set after a while, so that a broken wait fails instead of hanging.
pub fn stop_after(time: Duration) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    std::thread::spawn(move || {
        pass(time);
        flag.store(true, Ordering::Relaxed);
    });
    stop
}
