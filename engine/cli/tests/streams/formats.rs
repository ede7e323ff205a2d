//! Checkpoints of every released format stay readable: a job that an earlier engine began is gone on with, and its tables
//! hold what they would if this engine had done it all.
//!
//! `formats/N.toml` is the job, `formats/N/` its checkpoint and warehouse after 40 of 60 records. A new format is kept with
//! `FORMATS_MAKE=N scripts/test -p cli --test streams formats` (`FORMATS_ENGINE` names the binary of another engine).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::RDKafkaApiKey;

use crate::kafka::{Topic, block_on, brokers, event};
use crate::run::{Job, engine, run};

/// Records in the checkpoint, and in all.
const BEFORE: usize = 40;
const ALL: usize = 60;

/// The format in whose first 20 records the job had one source more, which then left it.
const WITH_SET_ASIDE: u32 = 5;

/// Records that there are at the end of each run: the last is the one that goes on with the checkpoint.
fn turns(format: u32) -> &'static [usize] {
    if format < WITH_SET_ASIDE { &[BEFORE, ALL] } else { &[20, BEFORE, ALL] }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams/formats")
}

/// Out of order by up to ten seconds, one late by minutes.
fn record(id: usize) -> String {
    let second = if id == 33 { 20 } else { 100 + id * 7 - (id * 13) % 11 };
    event(id, ["a", "b", "c"][id * id % 3], second, (id % 7) as i64)
}

/// The first format that keeps the ids of topics.
const WITH_TOPIC_IDS: u32 = 3;

/// A topic and, if it lives in this process, its broker.
struct TopicAndBroker {
    topic: Topic,
    _broker: Option<MockCluster<'static, DefaultProducerContext>>,
}

impl TopicAndBroker {
    /// Another topic beside it.
    fn beside(&self) -> Topic {
        let Some(broker) = &self._broker else { return Topic::new("formats", 1) };
        let name = "formats-anew".to_owned();
        broker.create_topic(&name, 1, 1).unwrap();
        Topic { brokers: self.topic.brokers.clone(), name }
    }
}

/// A topic under the one name that the checkpoint knows. `gives_ids`: it has an id, if its broker is in this process.
fn topic_of(format: u32, gives_ids: bool) -> TopicAndBroker {
    let name = format!("checkpoint-format-{format}");
    if format >= WITH_TOPIC_IDS {
        // A topic of that name has another id with every run, and so is another topic. Brokers gave no ids before version 10 of metadata.
        let broker = MockCluster::new(1).unwrap();
        if !gives_ids {
            broker.apiversion(RDKafkaApiKey::Metadata, Some(0), Some(9)).unwrap();
        }
        broker.create_topic(&name, 1, 1).unwrap();
        let topic = Topic { brokers: broker.bootstrap_servers(), name };
        return TopicAndBroker { topic, _broker: Some(broker) };
    }
    let topic = Topic { brokers: brokers(), name };
    // One from an earlier run of the tests; usually there is none.
    let _ = block_on(topic.admin().delete_topics(&[&topic.name], &rdkafka::admin::AdminOptions::new()));
    topic.make(1, &[]);
    TopicAndBroker { topic, _broker: None }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            // RocksDB's log of itself, its lock and its settings are no part of a checkpoint.
            false
                if ["LOG", "LOCK", "OPTIONS"]
                    .iter()
                    .any(|name| entry.file_name().to_string_lossy().starts_with(name)) => {}
            false if entry.metadata().unwrap().len() == 0 => {}
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

fn job(format: u32, topic: &Topic) -> Job {
    Job::of_file(folder().join(format!("{format}.toml"))).set("source.events.brokers", &topic.brokers)
}

/// The job with a source more, over the same topic, and a table of it.
fn with_others(format: u32, topic: &Topic, at: &Job) -> Job {
    let text = fs::read_to_string(folder().join(format!("{format}.toml"))).unwrap();
    let source = &text[text.find("[source.events]").unwrap()..text.find("[table.").unwrap()];
    let others = source.replace("source.events", "source.others");
    let path = at.beside("others.toml");
    fs::write(&path, format!("{text}\n{others}[table.bronze.others]\nsql = \"SELECT * FROM others\"\n")).unwrap();
    let job = Job::of_file(path).checkpoint_at(at.checkpoint.clone()).warehouse_at(at.warehouse.clone());
    job.set("source.events.brokers", &topic.brokers).set("source.others.brokers", &topic.brokers)
}

fn run_with(job: &Job) {
    match std::env::var("FORMATS_ENGINE") {
        Ok(other) => drop(run(Command::new(other).args(job.command(&["--available-now"]).get_args())).succeeded()),
        Err(_) => drop(job.run().succeeded()),
    }
}

/// The rows of every table of the job, as lines in order.
fn tables(job: &Job) -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(&job.path).unwrap();
    let names = text.lines().filter_map(|line| line.strip_prefix("[table.")?.strip_suffix(']'));
    let rows = |name: &str| {
        // Which of those with as many events are among the first three is not said.
        let columns = if name == "gold.totals" { "events" } else { "*" };
        let mut lines: Vec<String> =
            job.sql(&format!("SELECT {columns} FROM {name}")).iter().map(ToString::to_string).collect();
        lines.sort();
        lines
    };
    names.map(|name| (name.to_string(), rows(name))).collect()
}

fn make(format: u32) {
    let TopicAndBroker { topic, _broker } = topic_of(format, format >= WITH_SET_ASIDE);
    let job = job(format, &topic);
    let mut sent = 0;
    for (turn, until) in turns(format).iter().filter(|until| **until <= BEFORE).enumerate() {
        topic.send(0, (sent..*until).map(record));
        sent = *until;
        match format >= WITH_SET_ASIDE && turn == 0 {
            true => run_with(&with_others(format, &topic, &job)),
            false => run_with(&job),
        }
    }
    let kept = folder().join(format.to_string());
    let _ = fs::remove_dir_all(&kept);
    copy(&job.checkpoint, &kept.join("checkpoint"));
    copy(Path::new(&job.warehouse), &kept.join("warehouse"));
}

fn goes_on(format: u32) {
    if std::env::var("FORMATS_MAKE").is_ok_and(|asked| asked == format.to_string()) {
        make(format);
    }
    let place = topic_of(format, false);
    let topic = &place.topic;
    topic.send(0, (0..ALL).map(record));
    let old = job(format, topic);
    copy(&folder().join(format!("{format}/checkpoint")), &old.checkpoint);
    copy(&folder().join(format!("{format}/warehouse")), Path::new(&old.warehouse));
    let said = old.run().succeeded();
    assert!(said.err.contains(&format!("{} records read", ALL - BEFORE)), "{said:#?}");
    // Rows that an engine has written which did not count them are counted from here on.
    let verified = run(engine(&["verify", old.path.to_str().unwrap()]).args(old.sets()));
    assert!(verified.out.contains(" 0 wrong, 0 not counted\n"), "{verified:#?}");
    // In the same turns: what a watermark evicts between them is gone.
    let anew = place.beside();
    let new = job(format, &anew).set("source.events.topic", &anew.name);
    let mut sent = 0;
    for until in turns(format) {
        anew.send(0, (sent..*until).map(record));
        sent = *until;
        new.run().succeeded();
    }
    let (found, expected) = (tables(&old), tables(&new));
    let empty: Vec<_> = expected.iter().filter(|(_, rows)| rows.is_empty()).map(|(table, _)| table).collect();
    assert!(empty.is_empty(), "nothing in {empty:?}");
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    let output =
        run(&mut engine(&["sql", "--warehouse", &old.warehouse, "SELECT count(*) FROM bronze.everything"])).succeeded();
    assert!(output.out.contains(&ALL.to_string()), "{output:#?}");
    if format >= WITH_SET_ASIDE {
        comes_back(format, topic, &old);
    }
}

/// The source that had left the job goes on where it stood.
fn comes_back(format: u32, topic: &Topic, old: &Job) {
    let last = old.commits().pop().unwrap();
    assert_eq!(serde_json::to_value(&last.set_aside["others"]).unwrap()[&topic.name]["0"], 20);
    let identity = serde_json::to_value(&last.set_aside_identities["others"]).unwrap();
    assert!(identity[&topic.name]["0"]["topic_id"].is_string(), "which topic that was is kept: {identity}");
    with_others(format, topic, old).run().succeeded();
    let row = &old.sql("SELECT count(*) AS n, count(DISTINCT id) AS ids FROM bronze.others")[0];
    assert_eq!((row["n"].as_u64(), row["ids"].as_u64()), (Some(ALL as u64), Some(ALL as u64)));
}

#[test]
fn a_checkpoint_of_format_1_is_gone_on_with() {
    goes_on(1);
}

#[test]
fn a_checkpoint_of_format_2_is_gone_on_with() {
    goes_on(2);
}

#[test]
fn a_checkpoint_of_before_key_groups_is_gone_on_with() {
    goes_on(3);
}

#[test]
fn a_checkpoint_with_key_groups_is_gone_on_with() {
    goes_on(4);
}

#[test]
fn a_checkpoint_with_a_source_set_aside_and_definitions_of_tables_is_gone_on_with() {
    goes_on(5);
}

/// Its constants were BIGINT and DOUBLE, and stay so until the job file says `ansi`.
#[test]
fn a_checkpoint_of_before_sparks_types_keeps_its_types_and_check_lists_what_would_change() {
    let TopicAndBroker { topic, _broker } = topic_of(4, false);
    let kept = job(4, &topic);
    copy(&folder().join("4/checkpoint"), &kept.checkpoint);
    let text = fs::read_to_string(&kept.path).unwrap();
    let more = "\n[table.gold.halves]\nsql = \"SELECT id, amount * 0.5 AS half FROM events WHERE amount > 2\"\n";
    let path = kept.beside("halves.toml");
    fs::write(&path, text + more).unwrap();
    let path = path.to_str().unwrap();
    let said = run(engine(&["check", path]).args(kept.sets())).succeeded();
    assert!(said.out.contains("  gold.halves.half: decimal(22,1) instead of double\n"), "{said:#?}");
    assert!(said.out.contains("  gold.halves: amount * 0.5\n"), "{said:#?}");
    assert!(!said.out.contains("bronze.everything"), "{said:#?}");
    let with_key = run(engine(&["check", path]).args(kept.sets()).args(["--set", "job.ansi=true"])).succeeded();
    assert_eq!(with_key.out.lines().count(), 1, "{with_key:#?}");
}
