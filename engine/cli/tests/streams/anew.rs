//! A topic that was made anew while nobody looked, behind brokers in this process: each gives the topic of the same name another id.

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::kafka::{Topic, event};
use crate::run::{Job, KEEP_ALL, engine, run};

/// A broker with a topic that has so many records.
pub fn broker(records: usize) -> (MockCluster<'static, DefaultProducerContext>, Topic) {
    let broker = MockCluster::new(1).unwrap();
    broker.create_topic("shared", 1, 1).unwrap();
    let topic = Topic { brokers: broker.bootstrap_servers(), name: "shared".to_owned() };
    topic.send(0, (0..records).map(|id| event(id, "a", id, 1)));
    (broker, topic)
}

/// A second source over the same topic, with a table that keeps it.
fn second(job: &Job) -> String {
    let text = std::fs::read_to_string(&job.path).unwrap();
    let source = &text[text.find("[source.events]").unwrap()..text.find("[table.").unwrap()];
    source.replace("source.events", "source.others") + "[table.bronze.others]\nsql = \"SELECT * FROM others\"\n"
}

fn count(job: &Job, table: &str) -> u64 {
    job.sql(&format!("SELECT count(*) AS n FROM {table}"))[0]["n"].as_u64().unwrap()
}

#[test]
fn a_source_that_comes_back_to_a_topic_made_anew_is_refused() {
    let (_first, topic) = broker(100);
    let job = Job::new(&topic, "", KEEP_ALL);
    let added = second(&job);
    let kept = std::fs::read_to_string(&job.path).unwrap();
    // Both sources, then one of them alone, which goes on reading a topic that is what it was.
    std::fs::write(&job.path, format!("{kept}{added}")).unwrap();
    job.run().succeeded();
    std::fs::write(&job.path, &kept).unwrap();
    topic.send(0, (100..110).map(|id| event(id, "a", id, 1)));
    job.run().succeeded();
    job.run().succeeded();
    let last = job.commits().pop().unwrap();
    let aside = serde_json::to_value(&last.set_aside_identities["others"]).unwrap();
    assert!(aside["shared"]["0"]["topic_id"].is_string(), "{aside}");
    // It comes back to another one, which has grown past where it stood.
    let (_second, anew) = broker(150);
    let back = format!("{kept}{added}");
    let others = back.rfind(&topic.brokers).unwrap();
    let back = format!("{}{}{}", &back[..others], anew.brokers, &back[others + topic.brokers.len()..]);
    std::fs::write(&job.path, &back).unwrap();
    let error = job.run().failed();
    for part in ["others", "shared", "100", "made anew"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    assert_eq!(count(&job, "bronze.others"), 100, "nothing of the other topic was taken for what it had not read");
    let job = job.set("source.others.on_data_loss", "continue");
    job.run().succeeded();
    assert_eq!(count(&job, "bronze.others"), 250, "from its beginning, by word");
}

#[test]
fn a_rebuilt_checkpoint_refuses_a_topic_that_was_made_anew() {
    let (_first, topic) = broker(100);
    let job = Job::new(&topic, "", KEEP_ALL);
    job.run().succeeded();
    std::fs::remove_dir_all(&job.checkpoint).unwrap();
    run(engine(&["checkpoint", "rebuild", job.path.to_str().unwrap()]).args(job.sets())).succeeded();
    let (_second, anew) = broker(150);
    let mut elsewhere = job.command(&["--available-now"]);
    elsewhere.args(["--set", &format!("source.events.brokers={}", anew.brokers)]);
    let error = run(&mut elsewhere).failed();
    for part in ["shared", "100", "made anew"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    assert_eq!(count(&job, "bronze.everything"), 100);
    topic.send(0, (100..110).map(|id| event(id, "a", id, 1)));
    job.run().succeeded();
    assert_eq!(count(&job, "bronze.everything"), 110);
}

#[test]
fn a_replay_does_not_read_a_topic_made_anew_for_the_old_one() {
    let (_first, topic) = broker(100);
    let job = Job::new(&topic, "", KEEP_ALL);
    job.run().succeeded();
    let (_second, anew) = broker(150);
    job.edit(&topic.brokers, &anew.brokers);
    for on_data_loss in ["stop", "continue"] {
        let setting = format!("source.events.on_data_loss=\"{on_data_loss}\"");
        let mut replay = engine(&["replay", job.path.to_str().unwrap(), "--set", &setting]);
        let error = run(replay.args(job.sets())).failed();
        for part in ["the epochs cannot be run again", "shared [0]", "made anew", "bring the topic back"] {
            assert!(error.contains(part), "{part} is not in: {error}");
        }
        assert!(!error.contains("to go on without these records"), "that is no way for a replay: {error}");
    }
}
