//! Kafka killed and started again under a running job.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rdkafka::producer::{BaseRecord, Producer};

use crate::kafka::{PATIENCE, Topic, event, pass, send_one, unique};
use crate::oracle::{Oracle, assert_books};
use crate::run::{Job, KEEP_ALL, repository};

/// A broker of this test's own, through `scripts/services`.
struct OwnKafka {
    folder: tempfile::TempDir,
    port: u16,
}

impl OwnKafka {
    fn start() -> OwnKafka {
        let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        let first = 31_000 + (std::process::id() % 500) as u16 * 10;
        let port = (0..100).map(|step| first + step * 10).find(|port| is_free(*port) && is_free(port + 1)).unwrap();
        let kafka = OwnKafka { folder: tempfile::tempdir().unwrap(), port };
        kafka.services("start");
        kafka
    }

    fn services(&self, command: &str) {
        let status = Command::new(repository().join("scripts/services"))
            .args([command, "kafka"])
            .env("SERVICES_DIR", self.folder.path())
            .env("KAFKA_PORT", self.port.to_string())
            .env_remove("KAFKA_CONTROLLER_PORT")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(status.status.success(), "scripts/services {command}: {}", String::from_utf8_lossy(&status.stderr));
    }
}

impl Drop for OwnKafka {
    fn drop(&mut self) {
        let _ = Command::new(repository().join("scripts/services"))
            .args(["kill", "kafka"])
            .env("SERVICES_DIR", self.folder.path())
            .env("KAFKA_PORT", self.port.to_string())
            .output();
    }
}

#[test]
fn a_killed_and_restarted_broker_loses_and_doubles_nothing() {
    let kafka = OwnKafka::start();
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
