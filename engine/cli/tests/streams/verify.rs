//! `engine verify` on the main job: right after kills all tables are equal; a row removed by hand is found out.

use std::process::Command;

use crate::kafka::{Topic, event, unique};
use crate::run::{Job, KEEP_ALL, Said, engine, run};
use crate::shop;

fn verified(job: &Job) -> Said {
    let mut command = engine(&["verify", job.path.to_str().unwrap()]);
    command.args(job.sets());
    run(&mut command)
}

/// Removes one row of a table as another tool would, and returns its window and kind.
fn remove_a_row(table: &str) -> String {
    let python = std::env::var("ENGINE_TEST_PYTHON").expect("ENGINE_TEST_PYTHON is not set: run scripts/test");
    let program = "import sys, deltalake
table = deltalake.DeltaTable(sys.argv[1])
row = sorted(table.to_pyarrow_table().to_pylist(), key=lambda row: (row['window_start'], row['event_type']))[7]
start = row['window_start'].isoformat()
kind = 'Timestamp(Microsecond, Some(\"UTC\"))'
table.delete(f\"event_type = '{row['event_type']}' AND window_start = arrow_cast('{start}', '{kind}')\")
print(row['event_type'], row['window_start'].strftime('%Y-%m-%dT%H:%M:%SZ'), sep='|')";
    let said = run(Command::new(python).args(["-c", program, table])).succeeded();
    said.out.trim().to_owned()
}

#[test]
fn the_main_job_equals_its_batch_answer_after_kills_and_a_removed_row_is_shown() {
    let topic = Topic::new("verified", 4);
    shop::send(&topic, 20_000, 21);
    let job = Job::ecommerce(&topic, 4_000);
    for point in ["stage:after:1", "commit:before:2", "commit:after:3", "publish:before:4"] {
        job.run_to(point);
    }
    job.run().succeeded();
    let said = verified(&job).succeeded().out;
    let equal: Vec<&str> = said.lines().filter(|line| line.starts_with("equal ")).collect();
    assert_eq!(equal.len(), 6, "{said}");
    assert!(said.ends_with("7 tables: 6 equal, 0 different, 1 not compared\n"), "{said}");
    assert!(!said.contains("gold.event_counts: 0 rows"), "{said}");

    let removed = remove_a_row(&format!("{}/gold/event_counts", job.warehouse));
    let output = verified(&job);
    assert_eq!(output.code, Some(1), "{output:#?}");
    let mut lines = output.out.lines().skip_while(|line| !line.starts_with("different"));
    assert!(lines.next().unwrap().starts_with("different     gold.event_counts: "), "{output:#?}");
    assert_eq!(lines.next(), Some("    1 row is missing:"), "{output:#?}");
    let (kind, start) = removed.split_once('|').unwrap();
    let row = lines.next().unwrap();
    assert!(
        row.contains(&format!("event_type={kind}")) && row.contains(&format!("window_start={start}")),
        "{row}\n{removed}"
    );
    assert!(output.out.contains("5 equal, 1 different"), "{output:#?}");
}

#[test]
fn a_warehouse_on_s3_is_compared_as_a_local_one_is() {
    let topic = Topic::new("verified-s3", 2);
    shop::send(&topic, 5_000, 22);
    let job = Job::ecommerce(&topic, 2_000).warehouse_at(format!("s3://warehouse/{}", unique("verified")));
    job.run().succeeded();
    let said = verified(&job).succeeded().out;
    assert!(said.ends_with("7 tables: 6 equal, 0 different, 1 not compared\n"), "{said}");
}

const HALF: &str = "[table.silver.half]\nsql = \"SELECT id FROM events WHERE id % 2 = 0\"\n";
const COUNTS: &str =
    "[table.gold.counts]\nmode = \"update\"\nsql = \"SELECT key, count(*) AS n FROM events GROUP BY key\"\n";
const LATER: &str =
    "[table.gold.later]\nmode = \"update\"\nsql = \"SELECT key, count(*) AS n FROM events GROUP BY key\"\n";

/// A job whose queries change after two epochs of twenty records each: one without state, one with, and one that is new.
pub fn changed_job(topic: &Topic) -> Job {
    let job = Job::new(topic, "max_offsets_per_trigger = 20\n", &format!("{KEEP_ALL}{HALF}{COUNTS}"));
    topic.send(0, (0..40).map(|id| event(id, &format!("k{id}"), id, 1)));
    job.run().succeeded();
    job.edit("id % 2 = 0", "id % 2 = 1");
    job.edit("AS n FROM events GROUP BY key\"\n", "AS n FROM events WHERE id % 2 = 0 GROUP BY key\"\n");
    job.edit(KEEP_ALL, &format!("{KEEP_ALL}{LATER}"));
    job
}

/// Ten more records for it, with two of the keys: those of the third epoch.
pub fn send_more(topic: &Topic) {
    topic.send(0, (40..50).map(|id| event(id, ["k0", "k1"][id % 2], id, 1)));
}

#[test]
fn what_a_changed_query_has_made_is_compared_and_what_another_made_is_not() {
    let topic = Topic::new("verified-changed", 1);
    let job = changed_job(&topic);
    let line = |said: &str, table: &str| {
        let found = said.lines().find(|line| line.contains(&format!(" {table}: ")));
        found.unwrap_or_else(|| panic!("{table} is not in\n{said}")).to_owned()
    };
    // Changed, and not run yet.
    let said = verified(&job).succeeded().out;
    for table in ["silver.half", "gold.counts"] {
        let reason = "its definition in the job file is not the one that made epochs 0 to 1";
        assert!(line(&said, table).starts_with("not compared") && line(&said, table).contains(reason), "{said}");
    }
    assert!(
        line(&said, "gold.later").contains("it is new in the job file, and no epoch up to 1 was made with it"),
        "{said}"
    );
    assert!(said.contains(" 0 wrong, 0 not counted\n"), "{said}");

    send_more(&topic);
    job.run().succeeded();
    let said = verified(&job).succeeded().out;
    // 41, 43, 45, 47, 49.
    assert_eq!(line(&said, "silver.half"), "equal         silver.half: 5 rows", "{said}");
    assert!(said.contains("    compared from epoch 2 on: its definition was another before epoch 2\n"), "{said}");
    assert!(
        line(&said, "gold.counts").contains("its definition was another before epoch 2, and a batch cannot"),
        "{said}"
    );
    assert_eq!(line(&said, "gold.later"), "equal         gold.later: 2 rows", "{said}");
    assert!(said.contains("4 tables: 4 right, 0 wrong, 0 not counted\n"), "{said}");
    let commits = job.commits();
    let since = |table: &str| commits.last().unwrap().definitions[table].since.0;
    assert_eq!((since("bronze.everything"), since("silver.half"), since("gold.later")), (0, 2, 2));
}

/// `cp -a`, over what may be there.
pub fn copy(from: impl AsRef<std::path::Path>, to: impl AsRef<std::path::Path>) {
    let _ = std::fs::remove_dir_all(&to);
    assert!(Command::new("cp").arg("-a").args([from.as_ref(), to.as_ref()]).status().unwrap().success());
}

const NEW: &str = "[table.silver.new]\nsql = \"SELECT id FROM events WHERE id >= 40\"\n";

#[test]
fn a_warehouse_that_was_set_back_is_wrong_and_what_is_missing_is_counted() {
    let topic = Topic::new("set-back", 1);
    let job = Job::new(&topic, "max_offsets_per_trigger = 20\n", &format!("{KEEP_ALL}{COUNTS}{NEW}"));
    topic.send(0, (0..40).map(|id| event(id, "a", id, 1)));
    job.run().succeeded();
    let backup = job.beside("backup");
    copy(&job.warehouse, &backup);
    topic.send(0, (40..60).map(|id| event(id, "b", id, 1)));
    job.run().succeeded();
    verified(&job).succeeded();
    copy(&backup, &job.warehouse);
    std::fs::remove_dir_all(std::path::Path::new(&job.warehouse).join("silver/new")).unwrap();
    let said = verified(&job);
    assert_eq!(said.code, Some(1), "{said:#?}");
    for part in [
        "set back      the warehouse ",
        "has published up to epoch 2, the tables stand at epoch 1; epoch 2 is missing",
        "miscounted    bronze.everything: it holds 40 rows, its commits up to epoch 2 say 60: 20 missing\n",
        "miscounted    gold.counts: it holds 1 row, its commits up to epoch 2 say 2: 1 missing\n",
        "silver.new: it is not in the warehouse, and its commits up to epoch 2 say that it holds 20 rows",
        "3 tables: 0 right, 3 wrong, 0 not counted\n",
    ] {
        assert!(said.out.contains(part), "{part} is not in: {}", said.out);
    }
    let replayed = run(engine(&["replay", job.path.to_str().unwrap()]).args(job.sets())).failed();
    assert!(replayed.contains("the warehouse was set back"), "{replayed}");
    // Whoever starts the job hears it of all tables, and not of the first alone.
    let error = job.run().failed();
    for part in ["set back as a whole", "bronze.everything holds epoch 1 and held epoch 2", "gold.counts holds epoch 1"]
    {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    assert!(error.contains("gold.counts was set back, too") || error.contains("cannot be accepted"), "{error}");
    assert!(!error.contains("--accept"), "no word is taken for gold.counts: {error}");
}

#[test]
fn nothing_is_equal_without_the_checkpoint_or_with_an_older_one() {
    let topic = Topic::new("older", 1);
    let job = Job::new(&topic, "max_offsets_per_trigger = 20\n", KEEP_ALL);
    topic.send(0, (0..20).map(|id| event(id, "a", id, 1)));
    job.run().succeeded();
    let older = job.beside("older");
    copy(&job.checkpoint, &older);
    topic.send(0, (20..60).map(|id| event(id, "a", id, 1)));
    job.run().succeeded();
    copy(&older, &job.checkpoint);
    let error = verified(&job).failed();
    assert!(error.contains("is older (epoch 0) than the tables") && error.contains("(epoch 2)"), "{error}");
    std::fs::remove_dir_all(&job.checkpoint).unwrap();
    let error = verified(&job).failed();
    assert!(error.contains("is not a checkpoint") && error.contains("what the tables must hold"), "{error}");
    // A start that is refused leaves an empty one.
    job.run().failed();
    let error = verified(&job).failed();
    assert!(error.contains("has no epochs"), "{error}");
    let error = run(&mut engine(&["checkpoint", "verify", job.checkpoint.to_str().unwrap()])).failed();
    assert!(error.contains("holds nothing") && !error.contains("sound"), "{error}");
}

#[test]
fn a_rebuilt_checkpoint_does_not_accuse_the_files_of_before() {
    let topic = Topic::new("verified-rebuilt", 1);
    let job = Job::new(&topic, "max_offsets_per_trigger = 20\n", &format!("{KEEP_ALL}{HALF}"));
    topic.send(0, (0..60).map(|id| event(id, "a", id, 1)));
    job.run().succeeded();
    std::fs::remove_dir_all(&job.checkpoint).unwrap();
    run(engine(&["checkpoint", "rebuild", job.path.to_str().unwrap()]).args(job.sets())).succeeded();
    let said = verified(&job).succeeded().out;
    assert!(
        said.contains("equal         silver.half: 30 rows\n") && said.contains("2 tables: 0 right, 0 wrong"),
        "{said}"
    );
    topic.send(0, (60..80).map(|id| event(id, "a", id, 1)));
    job.run().succeeded();
    let said = verified(&job).succeeded().out;
    assert!(
        said.contains("equal         silver.half: 40 rows\n") && said.contains("2 right, 0 wrong, 0 not counted"),
        "{said}"
    );
    assert!(said.contains("the rows that it held before epoch 3 are taken as they were"), "{said}");
}

#[test]
fn rows_that_a_query_has_no_value_for_are_left_out_as_the_job_does() {
    let topic = Topic::new("verified-rejected", 1);
    let shares = "[table.silver.shares]\nsql = \"SELECT id, 100 / (id - 3) AS share FROM events\"\n\
                  [table.gold.shares]\nmode = \"update\"\nsql = \"SELECT key, sum(100 / (id - 3)) AS share FROM events GROUP BY key\"\n";
    let job = Job::new(&topic, "", &format!("{KEEP_ALL}{shares}"));
    topic.send(0, (0..40).map(|id| event(id, "a", id, 1)));
    job.run().succeeded();
    let said = verified(&job).succeeded().out;
    for part in [
        "equal         silver.shares: 39 rows\n    its query has no value for 1 row of its input, which is left out as the job does: [DIVIDE_BY_ZERO]",
        "not compared  gold.shares: its query has no value for some rows ([DIVIDE_BY_ZERO]",
        "counted       silver.shares__rejected: 1 row in 1 file",
    ] {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
    assert!(!said.contains("External error"), "{said}");
}
