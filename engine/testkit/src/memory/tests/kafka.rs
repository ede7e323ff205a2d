//! The job of this repository gives the same tables in memory as through Kafka and on a disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use connector::{PlanRequest, ReadLimit, ReaderOptions, Registry};
use datafusion::prelude::SessionContext;
use kafka::broker::Broker;
use kafka::generate::{self, Mix};
use runtime::{Backends, EpochProgress, ProgressListener, SubmitOptions, submit};

use super::text_of;
use crate::{MemoryOptions, MemoryRecord, MemoryRun};

const TOPIC: &str = "streaming-events";
const EVENTS: u64 = 20_000;

struct Silent;

impl ProgressListener for Silent {
    fn epoch(&mut self, _: &EpochProgress) {}
}

fn job(brokers: &str, folder: &Path) -> job::Job {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let text = std::fs::read_to_string(root.join("jobs/ecommerce.toml")).unwrap();
    let variables = BTreeMap::from([
        ("KAFKA_BROKERS", brokers.to_string()),
        ("CHECKPOINTS", folder.join("checkpoints").display().to_string()),
        ("WAREHOUSE", folder.join("warehouse").display().to_string()),
    ]);
    let set = [("source.events.max_offsets_per_trigger".to_string(), "7000".to_string())];
    job::parse(
        "ecommerce.toml",
        &text,
        &set,
        &|name| variables.get(name).cloned(),
        job::Connectors::new(&[&kafka::KafkaConnector]),
    )
    .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

fn send(brokers: &str) {
    let mix = Mix {
        seed: 11,
        late: 0.02,
        malformed: 0.01,
        duplicates: 0.01,
        start_us: 1_767_225_600_000_000,
        events_per_event_second: 10,
    };
    let settings = generate::Settings {
        brokers: brokers.to_string(),
        topic: TOPIC.to_string(),
        partitions: 4,
        codec: generate::Codec::default(),
        rate: None,
        total: Some(EVENTS),
        mix,
        options: BTreeMap::new(),
    };
    let sent = generate::run(&settings, &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert_eq!(sent.sent, EVENTS);
    assert!(sent.late > 100 && sent.malformed > 100);
}

/// Kafka and a disk.
fn real() -> Backends {
    let registry = Registry::new(Arc::new(delta::DeltaConnector)).with_source(Arc::new(kafka::KafkaConnector));
    Backends::of_machine(registry)
}

/// Every record of the topic, to where the run in memory reads it.
fn copy(job: &job::Job, run: &MemoryRun) {
    let source = real().registry.source(&job.sources["events"], job).unwrap();
    let stop = Arc::default();
    let all = PlanRequest { position: None, identity: None, reported: &[], records_max: None, is_bounded: false };
    let plan = source.planner(&stop).unwrap().plan(&all).unwrap();
    let mut reader = source.reader(&ReaderOptions { lane: 0, buffer_bytes: 32 << 20, stop }).unwrap();
    let ranges: Vec<_> = plan.ranges.iter().map(|(split, range)| (split, range.clone())).collect();
    reader.assign(&ranges).unwrap();
    let mut copied = 0;
    for (split, _) in &ranges {
        let mut records = Vec::new();
        let progress = reader.read(split, ReadLimit::records(u64::MAX), &mut |record| {
            records.push(MemoryRecord {
                key: record.key.map(<[u8]>::to_vec),
                value: record.value.map(<[u8]>::to_vec),
                timestamp_ms: record.timestamp_ms,
            });
        });
        assert!(progress.unwrap().is_complete);
        copied += records.len() as u64;
        run.append("events", u16::try_from(split.partition).unwrap(), records).unwrap();
    }
    assert_eq!(copied, EVENTS);
}

#[test]
fn a_job_gives_the_same_tables_in_memory_as_through_kafka() {
    let broker = Broker::start("127.0.0.1:0".parse().unwrap(), &[(TOPIC.to_string(), 4)]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let job = job(&broker.address().to_string(), folder.path());
    send(&broker.address().to_string());

    let options = SubmitOptions {
        available_now: true,
        stop: Arc::default(),
        listener: Box::new(Silent),
        fault: None,
        accepted: Default::default(),
        abandoned: Default::default(),
        replayed: None,
    };
    let summary = submit(job.clone(), options, &real()).unwrap();
    assert_eq!(summary.rows_read, EVENTS);

    let real = real();
    let options = MemoryOptions { lanes: real.lanes, lanes_span_min: real.lanes_span_min, ..MemoryOptions::default() };
    let mut run = MemoryRun::open(job.clone(), &options).unwrap();
    copy(&job, &run);
    let epochs = run.run_all().unwrap();
    assert_eq!(epochs.len() as u64, summary.epochs);

    let names = job.tables.iter().map(|table| table.name.clone()).chain(["rejected.events".to_string()]);
    for table in names {
        let on_disk = crate::memory::handle().unwrap().block_on(async {
            let warehouse = delta::Warehouse::open(&job.warehouse).await.unwrap();
            let context = SessionContext::new();
            connector::register_tables(&context, &warehouse, connector::AsOf::Published).await.unwrap();
            batch::rows(&context, &format!("SELECT * FROM {table}")).await.unwrap()
        });
        let (on_disk, in_memory) = (text_of(&on_disk), text_of(&run.rows(&table).unwrap()));
        assert!(on_disk.len() > 2, "{table} has {} rows", on_disk.len());
        assert!(on_disk == in_memory, "{table}: {} rows on disk, {} in memory", on_disk.len(), in_memory.len());
    }
}
