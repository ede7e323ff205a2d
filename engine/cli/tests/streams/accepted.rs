//! Contradictions that somebody has decided to go on in spite of, by their words: those that need a history of their own. The broker is
//! in this process.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::anew::broker;
use crate::kafka::{Topic, event};
use crate::run::{Job, KEEP_ALL, run};

fn send(topic: &Topic, ids: std::ops::Range<usize>) {
    topic.send(0, ids.map(|id| event(id, "a", id, 1)));
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

/// Rows, and different ids.
fn rows(job: &Job) -> (u64, u64) {
    let row = &job.sql("SELECT count(*) AS n, count(DISTINCT id) AS ids FROM bronze.everything")[0];
    (row["n"].as_u64().unwrap(), row["ids"].as_u64().unwrap())
}

/// The start is refused with this word, which goes on.
fn refused_until_accepted(job: &Job, word: &str, parts: &[&str]) {
    for _ in 0..2 {
        let error = job.run().failed();
        let flag = format!("--accept {word}");
        for part in parts.iter().chain([&flag.as_str()]) {
            assert!(error.contains(part), "{part} is not in: {error}");
        }
    }
    let said = run(&mut job.command(&["--available-now", "--accept", word])).succeeded();
    assert!(said.err.contains("accepted: bronze.everything"), "{}", said.err);
    job.run().succeeded();
}

#[test]
fn two_copies_of_a_checkpoint_that_both_went_on_are_told_apart_and_one_is_gone_on_with_by_word() {
    let (_broker, topic) = broker(100);
    let job = Job::new(&topic, "", KEEP_ALL);
    job.run().succeeded();
    let (checkpoint, warehouse): (PathBuf, PathBuf) = (job.beside("c2"), job.beside("w2"));
    copy(&job.checkpoint, &checkpoint);
    copy(Path::new(&job.warehouse), &warehouse);
    send(&topic, 100..110);
    job.run().succeeded();
    assert_eq!(rows(&job), (110, 110));
    // The other copy goes on too, elsewhere, and then comes to the tables of the first.
    let place =
        ["--available-now".to_string(), "--set".to_string(), format!("job.checkpoint={}", checkpoint.display())];
    let arguments: Vec<&str> = place.iter().map(String::as_str).collect();
    let elsewhere = format!("job.warehouse={}", warehouse.display());
    run(job.command(&arguments).args(["--set", &elsewhere])).succeeded();
    std::fs::remove_dir_all(&job.checkpoint).unwrap();
    copy(&checkpoint, &job.checkpoint);
    send(&topic, 110..115);
    refused_until_accepted(&job, "other-history", &["bronze.everything has another history than the checkpoint"]);
    assert_eq!(rows(&job), (115, 115), "the table keeps its rows, and goes on from this checkpoint");
}

#[test]
fn a_table_set_back_further_than_commits_are_kept_is_refused_and_gone_on_with_by_word() {
    let (_broker, topic) = broker(600);
    let job = Job::new(&topic, "max_offsets_per_trigger = 100\n", KEEP_ALL).set("job.retain_epochs", "2");
    job.run().succeeded();
    assert_eq!((job.commits().len(), rows(&job)), (2, (600, 600)));
    // Its definition and the first two epochs are left.
    let log = Path::new(&job.warehouse).join("bronze/everything/_delta_log");
    for version in 3..=6 {
        std::fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    }
    std::fs::remove_file(Path::new(&job.warehouse).join("_engine/small.json")).unwrap();
    refused_until_accepted(&job, "rolled-back", &["bronze.everything was set back", "no longer kept"]);
    send(&topic, 600..610);
    job.run().succeeded();
    assert_eq!(rows(&job), (210, 210), "the rows in between stay lost");
}
