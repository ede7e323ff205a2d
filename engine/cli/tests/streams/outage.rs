//! Kafka and the object store killed and started again under a running job.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rdkafka::producer::{BaseRecord, Producer};

use crate::kafka::{PATIENCE, Topic, event, pass, send_one, unique};
use crate::oracle::{Oracle, assert_books};
use crate::run::{Job, KEEP_ALL, engine, repository, run};

/// A server of this test's own, through `scripts/services`.
struct OwnServer {
    folder: tempfile::TempDir,
    name: &'static str,
    port: u16,
}

impl OwnServer {
    fn start(name: &'static str) -> OwnServer {
        let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        let first = 31_000 + (std::process::id() % 500) as u16 * 10 + if name == "minio" { 5 } else { 0 };
        let port = (0..100).map(|step| first + step * 10).find(|port| is_free(*port) && is_free(port + 1)).unwrap();
        let server = OwnServer { folder: tempfile::tempdir().unwrap(), name, port };
        server.services("start");
        server
    }

    fn command(&self, command: &str) -> Command {
        let variable = if self.name == "minio" { "MINIO_PORT" } else { "KAFKA_PORT" };
        let mut services = Command::new(repository().join("scripts/services"));
        services.args([command, self.name]).env("SERVICES_DIR", self.folder.path());
        services.env(variable, self.port.to_string()).env_remove("KAFKA_CONTROLLER_PORT").stdin(Stdio::null());
        services
    }

    fn services(&self, command: &str) {
        let said = self.command(command).output().unwrap();
        assert!(said.status.success(), "scripts/services {command}: {}", String::from_utf8_lossy(&said.stderr));
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let _ = self.command("kill").output();
    }
}

#[test]
fn a_killed_and_restarted_broker_loses_and_doubles_nothing() {
    let kafka = OwnServer::start("kafka");
    let topic = Topic::at(&format!("127.0.0.1:{}", kafka.port), unique("outage"), 3, &[]);
    let tables = format!(
        "{KEEP_ALL}[table.gold.counts]\nmode = \"update\"\nsql = \"SELECT key, count(*) AS events FROM events GROUP BY key\"\n"
    );
    let job = Job::new(&topic, "max_offsets_per_trigger = 200\n", &tables);
    let mut running = job.start();
    let (is_done, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        // Sends on and on, through the outage as well; idempotent, so that the producer doubles nothing.
        let sender = scope.spawn(|| {
            let producer = topic.producer(&[("enable.idempotence", "true"), ("message.timeout.ms", "90000")]);
            while !is_done.load(Ordering::Acquire) {
                let from = sent.fetch_add(20, Ordering::AcqRel);
                for id in from..from + 20 {
                    let value = event(id, ["a", "b", "c"][id / 7 % 3], id % 3000, 1);
                    send_one(
                        &producer,
                        BaseRecord::to(&topic.name).partition((id % 3) as i32).payload(value.as_bytes()),
                    );
                }
                producer.poll(Duration::ZERO);
                pass(Duration::from_millis(10));
            }
            producer.flush(PATIENCE).unwrap();
        });
        running.wait_for_records(500);
        kafka.services("kill");
        running.listen();
        let before = running.records();
        kafka.services("start");
        running.wait_for_records(before + 1000);
        is_done.store(true, Ordering::Release);
        sender.join().unwrap();
    });
    let sent = sent.load(Ordering::Acquire);
    running.wait_for_records(sent as u64);
    let (code, _, errors) = running.stop();
    assert_eq!(code, Some(0), "{errors}");
    assert_eq!(running.records(), sent as u64);
    assert_books(&job.commits());
    let answers = Oracle::over(&job.warehouse, &["bronze.everything", "gold.counts"]).ask_all(&[
        ("ids", "SELECT count(*), count(DISTINCT id), min(id), max(id) FROM bronze.everything"),
        ("differences", "SELECT count(*) FROM gold.counts c FULL JOIN (SELECT key, count(*) AS n FROM bronze.everything GROUP BY key) b ON b.key = c.key WHERE c.events IS DISTINCT FROM b.n"),
    ]);
    let sent = sent as u64;
    assert_eq!(answers[0][0], [sent, sent, 0, sent - 1].map(serde_json::Value::from));
    assert_eq!(answers[1][0][0], 0);
}

#[test]
fn a_job_waits_for_a_store_that_is_stopped_and_says_so() {
    let minio = OwnServer::start("minio");
    let topic = Topic::new("store-away", 1);
    let send = |ids: std::ops::Range<usize>| topic.send(0, ids.map(|id| event(id, "a", id, 1)));
    let endpoint = format!("http://127.0.0.1:{}", minio.port);
    let job = Job::new(&topic, "max_offsets_per_trigger = 500\n", KEEP_ALL);
    let job = job.warehouse_at(format!("s3://warehouse/{}", unique("away")));
    send(0..1_000);
    let mut running = job.start_with(&[("AWS_ENDPOINT_URL", &endpoint)]);
    running.wait_for_records(1_000);
    minio.services("kill");
    send(1_000..2_000);
    // Longer than the store's own retries and the engine's: it used to end the job after a few seconds.
    pass(Duration::from_secs(12));
    running.listen();
    assert_eq!(running.records(), 1_000, "nothing can be published while the store is away");
    minio.services("start");
    send(2_000..2_500);
    running.wait_for_records(2_500);
    let (code, _, errors) = running.stop();
    assert_eq!(code, Some(0), "{errors}");
    assert!(errors.contains("waiting, for"), "{errors}");
    assert_books(&job.commits());
    let said = run(engine(&[
        "sql",
        "--warehouse",
        &job.warehouse,
        "--format",
        "json",
        "SELECT count(*) AS n, count(DISTINCT id) AS ids FROM bronze.everything",
    ])
    .env("AWS_ENDPOINT_URL", &endpoint))
    .succeeded();
    assert!(said.out.contains("\"n\":2500") && said.out.contains("\"ids\":2500"), "{}", said.out);
}

#[test]
fn a_job_started_before_its_broker_waits_for_it() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let topic = Topic::new("broker-away", 1);
    let job = Job::new(&topic, "", KEEP_ALL).set("source.events.brokers", &format!("127.0.0.1:{free}"));
    let mut running = job.start();
    pass(Duration::from_secs(8));
    let (code, took, errors) = running.stop();
    assert_eq!(code, Some(0), "{errors}");
    assert!(errors.contains("waiting for Kafka") && errors.contains(&format!("127.0.0.1:{free}")), "{errors}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}
