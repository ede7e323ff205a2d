//! Streams joined with files that change while the job runs, on the real Kafka and on S3; kills between plan and commit.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::kafka::{Topic, event, unique};
use crate::run::{Job, engine, run};

const NAMED: &str = r#"
[table.gold.named]
sql = "SELECT e.id, n.name FROM events e LEFT JOIN names n ON e.key = n.key"
"#;

fn job(topic: &Topic, settings: &str) -> Job {
    let job = Job::new(topic, "", NAMED);
    let path = job.beside("names.csv");
    job.edit(NAMED, &format!("[static.names]\npath = \"{}\"\n{settings}\n{NAMED}", path.display()));
    job
}

/// Puts a file in place whole.
fn put(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

/// Names by id.
fn names(job: &Job) -> Vec<(i64, String)> {
    let row = |row: Value| (row["id"].as_i64().unwrap(), row["name"].as_str().unwrap_or("-").to_owned());
    job.sql("SELECT id, name FROM gold.named ORDER BY id").into_iter().map(row).collect()
}

fn expected(rows: &[(i64, &str)]) -> Vec<(i64, String)> {
    rows.iter().map(|(id, name)| (*id, (*name).to_owned())).collect()
}

/// The version of the names in each epoch that read records.
fn versions(job: &Job) -> Vec<String> {
    let read = job.commits().into_iter().filter(|commit| commit.plan.has_records());
    read.map(|commit| commit.plan.statics["names"].clone()).collect()
}

#[test]
fn a_file_that_changes_is_seen_by_the_epochs_after_it() {
    let topic = Topic::new("statics", 1);
    let job = job(&topic, "");
    put(&job.beside("names.csv"), "key,name\na,lamp\n");
    let mut running = job.start();
    topic.send(0, [event(1, "a", 1, 0), event(2, "b", 1, 0)]);
    running.wait_for_records(2);
    put(&job.beside("names.csv"), "key,name\na,candle\nb,desk\n");
    topic.send(0, [event(3, "a", 1, 0), event(4, "b", 1, 0)]);
    running.wait_for_records(4);
    assert_eq!(running.stop().0, Some(0));
    assert_eq!(names(&job), expected(&[(1, "lamp"), (2, "-"), (3, "candle"), (4, "desk")]));
    let versions = versions(&job);
    assert_ne!(versions.first(), versions.last(), "{versions:?}");
    let shown = run(engine(&["checkpoint", "show"]).arg(&job.checkpoint)).succeeded().out;
    assert!(shown.contains("static tables as epoch") && shown.contains(versions.last().unwrap()), "{shown}");
    fs::remove_file(job.beside("names.csv")).unwrap();
    topic.send(0, [event(5, "a", 1, 0)]);
    let error = job.run().failed();
    assert!(error.contains("static table names") && error.contains("no file is at"), "{error}");
}

#[test]
fn an_epoch_that_was_killed_sees_the_rows_that_lie_there_when_it_is_planned_afresh() {
    for point in ["after plan", "after read", "after stage", "before commit", "after commit"] {
        let topic = Topic::new("statics-killed", 1);
        let job = job(&topic, "");
        put(&job.beside("names.csv"), "key,name\na,lamp\n");
        topic.send(0, [event(1, "a", 1, 0)]);
        job.run().succeeded();
        put(&job.beside("names.csv"), "key,name\na,candle\n");
        topic.send(0, [event(2, "a", 1, 0)]);
        let (side, step) = point.split_once(' ').unwrap();
        job.run_to(&format!("{step}:{side}:1"));
        put(&job.beside("names.csv"), "key,name,color\na,torch,red\n");
        job.run().succeeded();
        // Nothing of an epoch that did not commit is left, and one that did is not run again.
        let second = if point == "after commit" { "candle" } else { "torch" };
        assert_eq!(names(&job), expected(&[(1, "lamp"), (2, second)]), "{point}");
        topic.send(0, [event(3, "a", 1, 0)]);
        job.run().succeeded();
        assert_eq!(names(&job), expected(&[(1, "lamp"), (2, second), (3, "torch")]), "{point}");
    }
}

#[test]
fn a_delta_table_of_another_job_is_read_at_the_version_that_is_recorded() {
    let topic = Topic::new("statics-delta", 1);
    let keys = Topic::new("statics-keys", 1);
    let maker =
        Job::new(&keys, "", "[table.silver.names]\nsql = \"SELECT key, concat('n', id) AS name FROM events\"\n");
    keys.send(0, [event(1, "a", 1, 0)]);
    maker.run().succeeded();
    let job = Job::new(&topic, "", NAMED);
    job.edit(NAMED, &format!("[static.names]\npath = \"{}/silver/names\"\n{NAMED}", maker.warehouse));
    topic.send(0, [event(1, "a", 1, 0), event(2, "b", 1, 0)]);
    job.run().succeeded();
    keys.send(0, [event(2, "b", 1, 0)]);
    maker.run().succeeded();
    topic.send(0, [event(3, "b", 1, 0)]);
    job.run().succeeded();
    assert_eq!(names(&job), expected(&[(1, "n1"), (2, "-"), (3, "n2")]));
    let versions = versions(&job);
    assert!(versions.iter().all(|version| version.starts_with("delta:")) && versions[0] != versions[1], "{versions:?}");
}

#[test]
fn files_on_s3_are_read_as_local_ones_are() {
    let topic = Topic::new("statics-s3", 1);
    let folder = unique("names");
    let job = Job::new(&topic, "", NAMED);
    job.edit(NAMED, &format!("[static.names]\npath = \"s3://warehouse/{folder}\"\nformat = \"json\"\n{NAMED}"));
    upload(&format!("{folder}/one.json"), "{\"key\":\"a\",\"name\":\"lamp\"}\n");
    topic.send(0, [event(1, "a", 1, 0), event(2, "b", 1, 0)]);
    job.run().succeeded();
    upload(&format!("{folder}/two.json"), "{\"key\":\"b\",\"name\":\"desk\"}\n");
    topic.send(0, [event(3, "b", 1, 0)]);
    job.run().succeeded();
    assert_eq!(names(&job), expected(&[(1, "lamp"), (2, "-"), (3, "desk")]));
}

/// Puts an object into the bucket `warehouse`.
fn upload(name: &str, text: &str) {
    let python = std::env::var("ENGINE_TEST_PYTHON").expect("ENGINE_TEST_PYTHON is not set: run scripts/test");
    let program = "import os, sys, pyarrow.fs as fs
url = os.environ['AWS_ENDPOINT_URL']
s3 = fs.S3FileSystem(access_key=os.environ['AWS_ACCESS_KEY_ID'], secret_key=os.environ['AWS_SECRET_ACCESS_KEY'],
    endpoint_override=url.split('://')[1], scheme=url.split('://')[0], region='us-east-1')
with s3.open_output_stream('warehouse/' + sys.argv[1]) as out: out.write(sys.argv[2].encode())";
    let said = run(Command::new(python).args(["-c", program, name, text]));
    assert_eq!(said.code, Some(0), "{said:#?}");
}
