//! Records that are gone before they were read: the job stops and names them, or goes on and records the gap.

use crate::kafka::{Topic, event, until};
use crate::run::{Job, KEEP_ALL};

fn ids(job: &Job) -> Vec<u64> {
    job.sql("SELECT id FROM bronze.everything ORDER BY id").iter().map(|row| row["id"].as_u64().unwrap()).collect()
}

fn gaps(job: &Job) -> Vec<(String, i32, (i64, i64))> {
    let commits = job.commits();
    let gaps = commits.iter().flat_map(|commit| commit.plan.sources["events"].gaps.clone());
    let offsets = |gap: epoch::DataGap| (gap.from.offset().unwrap(), gap.until.offset().unwrap());
    gaps.map(|gap| (gap.stream.clone(), gap.partition, offsets(gap))).collect()
}

fn assert_stops(job: &Job, parts: &[&str]) {
    let before = job.commits().len();
    for _ in 0..2 {
        let error = job.run().failed();
        for part in parts {
            assert!(error.contains(part), "{part} is not in: {error}");
        }
    }
    assert_eq!(job.commits().len(), before, "nothing may be committed");
}

#[test]
fn deleted_records_stop_the_job_or_become_a_gap() {
    let topic = Topic::new("deleted", 2);
    for partition in 0..2 {
        topic.send(partition, (0..100).map(|n| event(partition as usize * 1000 + n, "a", n, 1)));
    }
    let job = Job::new(&topic, "", KEEP_ALL);
    job.run().succeeded();
    topic.send(1, (100..200).map(|n| event(1000 + n, "a", n, 1)));
    topic.delete_before(1, 150);
    assert_stops(&job, &[&topic.name, "[1]", "100", "150", "on_data_loss"]);
    let job = job.set("source.events.on_data_loss", "continue");
    job.run().succeeded();
    assert_eq!(gaps(&job), [(topic.name.clone(), 1, (100, 150))]);
    assert_eq!(ids(&job), (0..100).chain(1000..1100).chain(1150..1200).collect::<Vec<u64>>());
    job.run().succeeded();
    assert_eq!(gaps(&job).len(), 1, "a gap is recorded once");
}

/// An epoch was planned, then the engine died; when it plans afresh the records are gone.
#[test]
fn records_deleted_after_they_were_planned_stop_the_job_or_become_a_gap() {
    let topic = Topic::new("deleted-planned", 1);
    topic.send(0, (0..100).map(|n| event(n, "a", n, 1)));
    let job = Job::new(&topic, "", KEEP_ALL);
    job.run().succeeded();
    topic.send(0, (100..200).map(|n| event(n, "a", n, 1)));
    job.run_to("plan:after:1");
    topic.delete_before(0, 150);
    assert_stops(&job, &[&topic.name, "[0]", "100", "150", "on_data_loss"]);
    let job = job.set("source.events.on_data_loss", "continue");
    job.run().succeeded();
    let commits = job.commits();
    assert!(commits.iter().all(|commit| commit.gaps.is_empty()), "it was found when the epoch was planned afresh");
    assert_eq!(gaps(&job), [(topic.name.clone(), 0, (100, 150))]);
    assert_eq!(ids(&job), (0..100).chain(150..200).collect::<Vec<u64>>());
}

#[test]
fn a_topic_made_anew_stops_the_job_or_becomes_a_gap() {
    let topic = Topic::new("anew", 1);
    topic.send(0, (0..80).map(|n| event(n, "a", n, 1)));
    let job = Job::new(&topic, "", KEEP_ALL);
    job.run().succeeded();
    topic.delete();
    topic.make(1, &[]);
    // The broker may answer for the old topic for a moment.
    until("the new topic has its records", || {
        let reach = topic.admin().inner().fetch_watermarks(&topic.name, 0, std::time::Duration::from_secs(5));
        if matches!(reach, Ok((_, 0))) {
            topic.send(0, (500..510).map(|n| event(n, "a", n, 1)));
        }
        matches!(reach, Ok((_, 10)))
    });
    assert_stops(&job, &[&topic.name, "[0]", "80", "made anew"]);
    let job = job.set("source.events.on_data_loss", "continue");
    job.run().succeeded();
    let gaps = gaps(&job);
    assert_eq!((gaps.len(), gaps[0].2), (1, (80, 0)), "{gaps:?}");
    let expected: Vec<u64> = (0..80).chain(500..510).collect();
    assert_eq!(ids(&job), expected);
}
