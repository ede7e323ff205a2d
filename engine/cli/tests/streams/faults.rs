//! What happens around a job and used to lose, double or overwrite rows: each fault by name, with the real binary on real Kafka.

use std::path::Path;
use std::process::Command;

use crate::kafka::{Topic, event};
use crate::run::{Job, KEEP_ALL, engine, run};

const COUNTS: &str =
    "[table.gold.counts]\nmode = \"complete\"\nsql = \"SELECT key, count(*) AS events FROM events GROUP BY key\"\n";

/// `cp -a`, over what may be there.
fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

fn send(topic: &Topic, ids: std::ops::Range<usize>) {
    topic.send(0, ids.map(|id| event(id, "a", id, 1)));
}

/// Rows, different ids, and different places in the topic.
fn rows(job: &Job) -> [u64; 3] {
    let row = &job.sql(
        "SELECT count(*) AS n, count(DISTINCT id) AS ids, count(DISTINCT _offset) AS places FROM bronze.everything",
    )[0];
    ["n", "ids", "places"].map(|name| row[name].as_u64().unwrap())
}

/// Every data file of the table, live or not.
fn files(job: &Job) -> Vec<String> {
    let folder = Path::new(&job.warehouse).join("bronze/everything");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".parquet")).collect();
    names.sort();
    names
}

#[test]
fn an_old_checkpoint_over_newer_tables_is_refused_and_overwrites_nothing() {
    let topic = Topic::new("old-checkpoint", 1);
    let job = Job::new(&topic, "max_offsets_per_trigger = 1000\n", KEEP_ALL);
    send(&topic, 0..1_000);
    job.run().succeeded();
    let copied = job.beside("copy");
    copy(&job.checkpoint, &copied);
    send(&topic, 1_000..3_000);
    job.run().succeeded();
    let before = files(&job);
    assert_eq!(before.len(), 3);
    copy(&copied, &job.checkpoint);
    send(&topic, 3_000..4_000);
    let error = job.run().failed();
    for part in ["bronze.everything is ahead", "epoch 2", "epoch 0", "--accept ahead"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    assert_eq!((rows(&job), files(&job)), ([3_000; 3], before.clone()), "nothing was touched");
    // Whoever goes on all the same keeps every row, and gets those of the epochs that the checkpoint has lost once more.
    let said = run(&mut job.command(&["--available-now", "--accept", "ahead"])).succeeded();
    assert!(said.err.contains("accepted"), "{}", said.err);
    assert_eq!(rows(&job), [6_000, 4_000, 4_000]);
    assert!(before.iter().all(|name| files(&job).contains(name)), "no file was overwritten");
    job.run().succeeded();
    assert_eq!(rows(&job), [6_000, 4_000, 4_000]);
}

#[test]
fn a_deleted_checkpoint_over_filled_tables_is_refused_and_can_be_rebuilt() {
    let topic = Topic::new("lost-checkpoint", 2);
    let job = Job::new(&topic, "max_offsets_per_trigger = 500\n", KEEP_ALL);
    topic.send(0, (0..1_000).map(|id| event(id, "a", id, 1)));
    topic.send(1, (1_000..1_700).map(|id| event(id, "b", id, 1)));
    job.run().succeeded();
    std::fs::remove_dir_all(&job.checkpoint).unwrap();
    let error = job.run().failed();
    for part in ["bronze.everything", "another checkpoint", "--accept other-checkpoint", "rebuild"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    let mut rebuild = engine(&["checkpoint", "rebuild", job.path.to_str().unwrap()]);
    let said = run(rebuild.args(job.sets())).succeeded();
    assert!(said.out.contains("[0] goes on from 1000") && said.out.contains("[1] goes on from 700"), "{}", said.out);
    topic.send(0, (2_000..2_300).map(|id| event(id, "a", id, 1)));
    job.run().succeeded();
    let row = &job.sql("SELECT count(*) AS n, count(DISTINCT id) AS ids FROM bronze.everything")[0];
    assert_eq!((row["n"].as_u64(), row["ids"].as_u64()), (Some(2_000), Some(2_000)));
    let again = run(engine(&["checkpoint", "rebuild", job.path.to_str().unwrap()]).args(job.sets())).failed();
    assert!(again.contains("is a checkpoint already"), "{again}");
}

#[test]
fn a_checkpoint_with_state_is_not_rebuilt_and_a_new_one_adds_only_by_word() {
    let topic = Topic::new("lost-state", 1);
    let job = Job::new(&topic, "", &format!("{KEEP_ALL}{COUNTS}"));
    send(&topic, 0..100);
    job.run().succeeded();
    std::fs::remove_dir_all(&job.checkpoint).unwrap();
    let refused = run(engine(&["checkpoint", "rebuild", job.path.to_str().unwrap()]).args(job.sets())).failed();
    assert!(refused.contains("gold.counts keeps state"), "{refused}");
    let error = job.run().failed();
    assert!(error.contains("another checkpoint"), "{error}");
    assert!(!error.contains("--accept") && !error.contains("rebuild"), "only what would be taken is offered: {error}");
    // Rows that are replaced cannot be added to: old and new ones would stand side by side.
    let error = run(&mut job.command(&["--available-now", "--accept", "other-checkpoint"])).failed();
    assert!(error.contains("gold.counts") && error.contains("cannot be accepted"), "{error}");
    assert_eq!(rows(&job), [100; 3], "nothing was written");
    job.edit(COUNTS, "");
    run(&mut job.command(&["--available-now", "--accept", "other-checkpoint"])).succeeded();
    assert_eq!(rows(&job), [200, 100, 100]);
}

#[test]
fn nothing_is_accepted_for_rows_that_are_replaced_and_nothing_is_written() {
    let topic = Topic::new("accepted", 1);
    let job = Job::new(&topic, "max_offsets_per_trigger = 100\n", &format!("{KEEP_ALL}{COUNTS}"));
    send(&topic, 0..100);
    job.run().succeeded();
    let (old, newer) = (job.beside("old"), job.beside("newer"));
    copy(&job.checkpoint, &old);
    send(&topic, 100..300);
    job.run().succeeded();
    copy(&job.checkpoint, &newer);
    copy(&old, &job.checkpoint);
    let error = run(&mut job.command(&["--available-now", "--accept", "ahead"])).failed();
    assert!(error.contains("gold.counts is ahead") && error.contains("cannot be accepted"), "{error}");
    let error = job.run().failed();
    assert!(
        error.contains("gold.counts is ahead") && !error.contains("--accept"),
        "no table is offered a word: {error}"
    );
    assert_eq!(rows(&job), [300; 3]);
    // The way that the message names is still open.
    copy(&newer, &job.checkpoint);
    send(&topic, 300..310);
    job.run().succeeded();
    assert_eq!(rows(&job), [310; 3]);
    assert_eq!(job.sql("SELECT sum(events) AS n FROM gold.counts")[0]["n"], 310);
}

#[test]
fn a_table_of_replaced_rows_that_left_the_job_does_not_come_back_beside_its_old_rows() {
    let topic = Topic::new("come-back", 1);
    let job = Job::new(&topic, "", &format!("{KEEP_ALL}{COUNTS}"));
    send(&topic, 0..100);
    job.run().succeeded();
    job.edit(COUNTS, "");
    send(&topic, 100..120);
    job.run().succeeded();
    job.edit(KEEP_ALL, &format!("{KEEP_ALL}{COUNTS}"));
    let error = job.run().failed();
    assert!(error.contains("gold.counts was in the job before") && error.contains("another name"), "{error}");
    job.edit("[table.gold.counts]", "[table.gold.counted]");
    send(&topic, 120..150);
    job.run().succeeded();
    assert_eq!(job.sql("SELECT sum(events) AS n FROM gold.counted")[0]["n"], 30);
}

#[test]
fn a_backup_of_the_warehouse_that_lacks_later_files_is_refused_and_can_be_rebuilt_from() {
    let topic = Topic::new("backup", 1);
    let job = Job::new(&topic, "max_offsets_per_trigger = 100\n", KEEP_ALL);
    send(&topic, 0..200);
    job.run().succeeded();
    let backup = job.beside("backup");
    copy(Path::new(&job.warehouse), &backup);
    send(&topic, 200..400);
    job.run().succeeded();
    copy(&backup, Path::new(&job.warehouse));
    let error = job.run().failed();
    assert!(error.contains("is missing") && error.contains("--accept artifact-missing"), "{error}");
    assert_eq!(rows(&job), [200; 3]);
    let (kept, rebuilt) = (job.beside("kept"), job.checkpoint.clone());
    copy(&rebuilt, &kept);
    // By word: the rows in between stay lost, and what comes then is added.
    send(&topic, 400..410);
    run(&mut job.command(&["--available-now", "--accept", "artifact-missing"])).succeeded();
    assert_eq!(rows(&job), [210; 3]);
    // By a rebuilt checkpoint: nothing is lost.
    copy(&backup, Path::new(&job.warehouse));
    std::fs::remove_dir_all(&job.checkpoint).unwrap();
    run(engine(&["checkpoint", "rebuild", job.path.to_str().unwrap()]).args(job.sets())).succeeded();
    job.run().succeeded();
    assert_eq!(rows(&job), [410; 3]);
}

#[test]
fn a_restore_by_another_program_is_refused() {
    let python = std::env::var("ENGINE_TEST_PYTHON").expect("ENGINE_TEST_PYTHON is set by scripts/test");
    let topic = Topic::new("restored", 1);
    let job = Job::new(&topic, "max_offsets_per_trigger = 100\n", KEEP_ALL);
    send(&topic, 0..300);
    job.run().succeeded();
    let script = "import sys\nfrom deltalake import DeltaTable\ntable = DeltaTable(sys.argv[1])\ntable.restore(table.version() - 2)\n";
    let table = Path::new(&job.warehouse).join("bronze/everything");
    assert!(Command::new(python).args(["-c", script]).arg(&table).status().unwrap().success());
    send(&topic, 300..310);
    let error = job.run().failed();
    assert!(error.contains("restored an older one") && error.contains("--accept restored"), "{error}");
    let refused = run(engine(&["checkpoint", "rebuild", job.path.to_str().unwrap()])
        .args(job.sets())
        .args(["--set", &format!("job.checkpoint={}", job.beside("none").display())]))
    .failed();
    assert!(refused.contains("was set back"), "{refused}");
    run(&mut job.command(&["--available-now", "--accept", "restored"])).succeeded();
    job.run().succeeded();
    assert_eq!(rows(&job), [110; 3]);
}

/// What another program does to a table.
fn python(program: &str, job: &Job, table: &str) {
    let python = std::env::var("ENGINE_TEST_PYTHON").expect("ENGINE_TEST_PYTHON is set by scripts/test");
    let program = format!("import sys\nfrom deltalake import DeltaTable\ntable = DeltaTable(sys.argv[1])\n{program}");
    let table = Path::new(&job.warehouse).join(table);
    assert!(Command::new(python).args(["-c", &program]).arg(table).status().unwrap().success());
}

#[test]
fn a_restore_that_brings_everything_back_is_none() {
    let topic = Topic::new("restored-back", 1);
    let job = Job::new(&topic, "max_offsets_per_trigger = 100\n", KEEP_ALL);
    send(&topic, 0..300);
    job.run().succeeded();
    python("table.restore(table.version() - 2)", &job, "bronze/everything");
    assert!(job.run().failed().contains("Restore the version before that"));
    // The remedy that the refusal names.
    python("table.restore(table.version() - 1)", &job, "bronze/everything");
    send(&topic, 300..310);
    job.run().succeeded();
    assert_eq!(rows(&job), [310; 3]);
}

#[test]
fn an_update_table_that_another_program_rewrote_is_refused_before_an_epoch_is_committed_and_can_be_restored() {
    let topic = Topic::new("rewritten", 1);
    let by_key =
        "[table.gold.by_key]\nmode = \"update\"\nsql = \"SELECT key, count(*) AS n FROM events GROUP BY key\"\n";
    let job = Job::new(&topic, "", &format!("{KEEP_ALL}{by_key}"));
    let send = |ids: std::ops::Range<usize>| topic.send(0, ids.map(|id| event(id, &format!("k{}", id % 50), id, 1)));
    send(0..100);
    job.run().succeeded();
    python("assert table.optimize.compact()['numFilesRemoved'] > 1", &job, "gold/by_key");
    send(100..200);
    for _ in 0..2 {
        let error = job.run().failed();
        for part in ["of table gold.by_key is no longer part of it", "OPTIMIZE", "restore version 1 (RESTORE"] {
            assert!(error.contains(part), "{part} is not in: {error}");
        }
        assert_eq!(job.commits().len(), 1, "nothing was committed that cannot be published");
        assert_eq!(rows(&job), [100; 3], "and nothing published elsewhere");
    }
    python("table.restore(1)", &job, "gold/by_key");
    job.run().succeeded();
    assert_eq!(rows(&job), [200; 3]);
    let row = &job.sql("SELECT count(*) AS keys, sum(n) AS n, min(n) AS least FROM gold.by_key")[0];
    assert_eq!((row["keys"].as_u64(), row["n"].as_u64(), row["least"].as_u64()), (Some(50), Some(200), Some(4)));
}

#[test]
fn a_rebuild_over_a_table_that_was_set_back_is_refused() {
    let topic = Topic::new("rebuilt-behind", 1);
    let two = "[table.bronze.two]\nsql = \"SELECT id FROM events\"\n";
    let job = Job::new(&topic, "max_offsets_per_trigger = 100\n", &format!("{KEEP_ALL}{two}"));
    send(&topic, 0..300);
    job.run().succeeded();
    std::fs::remove_dir_all(&job.checkpoint).unwrap();
    let log = Path::new(&job.warehouse).join("bronze/everything/_delta_log");
    std::fs::remove_file(log.join("00000000000000000003.json")).unwrap();
    let refused = run(engine(&["checkpoint", "rebuild", job.path.to_str().unwrap()]).args(job.sets())).failed();
    assert!(refused.contains("bronze.everything was set back"), "{refused}");
}

#[test]
fn a_pointer_that_is_an_epoch_behind_or_gone_does_not_hinder_a_rebuild_or_a_start() {
    let topic = Topic::new("pointer-behind", 1);
    let job = Job::new(&topic, "max_offsets_per_trigger = 100\n", KEEP_ALL);
    let pointer = Path::new(&job.warehouse).join("_engine/small.json");
    send(&topic, 0..100);
    job.run().succeeded();
    let behind = std::fs::read(&pointer).unwrap();
    send(&topic, 100..200);
    job.run().succeeded();
    std::fs::write(&pointer, behind).unwrap();
    std::fs::remove_dir_all(&job.checkpoint).unwrap();
    // The start that is refused leaves nothing that stands in the way of the rebuild which it advises.
    job.run().failed();
    let said = run(engine(&["checkpoint", "rebuild", job.path.to_str().unwrap()]).args(job.sets())).succeeded();
    assert!(said.out.contains("goes on from 200"), "{}", said.out);
    std::fs::remove_file(&pointer).unwrap();
    job.run().succeeded();
    assert!(pointer.is_file(), "a start without new records puts it again");
    assert_eq!(rows(&job), [200; 3]);
}

#[test]
fn another_jobs_tables_are_not_filled_in_silence() {
    let topic = Topic::new("another-job", 1);
    let job = Job::new(&topic, "", KEEP_ALL);
    send(&topic, 0..10);
    job.run().succeeded();
    job.edit("name = \"small\"", "name = \"other\"");
    let other = job.beside("other");
    let job = job.checkpoint_at(other);
    let error = job.run().failed();
    assert!(error.contains("(small, ") && error.contains("--accept other-checkpoint"), "{error}");
    assert_eq!(rows(&job), [10; 3]);
}

#[test]
fn a_source_renamed_without_was_is_refused_instead_of_reading_its_topic_again() {
    let topic = Topic::new("unsaid", 1);
    let job = Job::new(&topic, "", KEEP_ALL);
    send(&topic, 0..10);
    job.run().succeeded();
    job.edit("[source.events]", "[source.visits]");
    job.edit("[source.events.schema]", "[source.visits.schema]");
    job.edit("FROM events", "FROM visits");
    let error = job.run().failed();
    assert!(error.contains("was = \"events\"") && error.contains(&topic.name), "{error}");
    job.edit("[source.visits]", "[source.visits]\nwas = \"evnts\"");
    let error = job.run().failed();
    assert!(error.contains("no source of that name; it has events"), "{error}");
    job.edit("was = \"evnts\"", "was = \"none\"");
    job.run().succeeded();
    assert_eq!(rows(&job), [20, 10, 10], "that is what was asked for");
}

#[test]
fn a_table_that_leaves_the_job_gets_what_was_committed_before() {
    let topic = Topic::new("left", 1);
    let other = "[table.silver.big]\nsql = \"SELECT id FROM events WHERE id >= 50\"\n";
    let job = Job::new(&topic, "", &format!("{KEEP_ALL}{other}"));
    send(&topic, 0..100);
    job.run_to("publish:before:0");
    job.edit(other, "");
    let said = job.run().succeeded();
    assert!(said.err.contains("silver.big"), "{}", said.err);
    assert_eq!(job.sql("SELECT count(*) AS n, min(id) AS least FROM silver.big")[0]["n"], 50);
    assert_eq!(rows(&job), [100; 3]);
}

#[test]
fn rejected_records_committed_before_on_error_changed_are_published() {
    let topic = Topic::new("left-rejects", 1);
    let job = Job::new(&topic, "on_error = \"dead_letter\"\n", KEEP_ALL);
    topic.send(0, [event(0, "a", 0, 1), "not json".to_owned(), event(1, "a", 1, 1)]);
    job.run_to("publish:before:0");
    job.edit("on_error = \"dead_letter\"", "on_error = \"drop\"");
    job.run().succeeded();
    assert_eq!(job.sql("SELECT count(*) AS n FROM rejected.events")[0]["n"], 1);
}

#[test]
fn columns_of_a_new_query_do_not_appear_before_the_epochs_of_the_old_one() {
    let topic = Topic::new("columns", 1);
    let narrow = "[table.silver.ids]\nsql = \"SELECT id FROM events\"\n";
    let job = Job::new(&topic, "", narrow);
    send(&topic, 0..10);
    job.run_to("publish:before:0");
    job.edit("SELECT id FROM", "SELECT id, key FROM");
    job.run().succeeded();
    send(&topic, 10..15);
    job.run().succeeded();
    let log = Path::new(&job.warehouse).join("silver/ids/_delta_log");
    let entry = |version: u64| std::fs::read_to_string(log.join(format!("{version:020}.json"))).unwrap();
    assert!(entry(1).contains("\"add\"") && !entry(1).contains("metaData"), "the old epoch first:\n{}", entry(1));
    assert!(entry(2).contains("metaData") && entry(2).contains("key"), "then the column:\n{}", entry(2));
    assert_eq!(job.sql("SELECT count(*) AS n, count(key) AS keys FROM silver.ids")[0]["keys"], 5);
}

#[test]
fn an_epoch_that_killed_the_process_is_planned_at_half_the_size() {
    let topic = Topic::new("halved", 1);
    let job = Job::new(&topic, "max_offsets_per_trigger = 8000\n", KEEP_ALL);
    send(&topic, 0..10_000);
    job.run_to("stage:after:0");
    job.run_to("stage:after:0");
    let said = job.run().succeeded();
    assert!(said.err.contains("2000 at most of each source"), "{}", said.err);
    let read: Vec<u64> = job.commits().iter().map(|commit| commit.sources["events"].read).collect();
    assert_eq!(read, [2_000; 5]);
    assert_eq!(rows(&job), [10_000; 3]);
    assert_eq!(files(&job).len(), 5, "what the dead attempts left was swept");
}

#[test]
fn a_replay_of_a_killed_jobs_own_epochs_gives_the_same_rows() {
    let topic = Topic::new("replayed", 2);
    let listed = "[table.gold.listed]\nmode = \"update\"\nsql = \"SELECT key, collect_list(id) AS ids, count(*) AS events, max(current_timestamp()) AS at FROM events GROUP BY key\"\n";
    let job = Job::new(&topic, "max_offsets_per_trigger = 1000\n", &format!("{KEEP_ALL}{listed}"));
    for partition in 0..2 {
        topic.send(partition, (0..3_000).map(|id| event(id * 2 + partition as usize, ["a", "b"][id % 2], id, 1)));
    }
    for point in ["compute:before:1", "commit:before:2", "commit:after:3", "publish:after:4"] {
        job.run_to(point);
    }
    job.run().succeeded();
    let said = run(engine(&["replay", job.path.to_str().unwrap()]).args(job.sets())).succeeded();
    for part in ["bronze.everything: equal, 6,000 rows", "gold.listed: equal, 2 rows", "every table came out equal"] {
        assert!(said.out.contains(part), "{part} is not in: {}", said.out);
    }
}

/// A second source over the same topic, with a table that keeps it.
fn second(job: &Job) -> String {
    let text = std::fs::read_to_string(&job.path).unwrap();
    let source = &text[text.find("[source.events]").unwrap()..text.find("[table.").unwrap()];
    source.replace("source.events", "source.others") + "[table.bronze.others]\nsql = \"SELECT * FROM others\"\n"
}

#[test]
fn a_source_that_leaves_and_comes_back_goes_on_where_it_stood() {
    let topic = Topic::new("returning", 1);
    let job = Job::new(&topic, "", KEEP_ALL);
    let added = second(&job);
    job.edit(KEEP_ALL, &format!("{KEEP_ALL}{added}"));
    send(&topic, 0..100);
    job.run().succeeded();
    job.edit(&added, "");
    send(&topic, 100..150);
    job.run().succeeded();
    job.run().succeeded();
    let aside = job.commits().last().unwrap().set_aside["others"].clone();
    assert_eq!(serde_json::to_value(aside).unwrap()[&topic.name]["0"], 100);
    job.edit(KEEP_ALL, &format!("{KEEP_ALL}{added}"));
    send(&topic, 150..160);
    job.run().succeeded();
    let counted = |table: &str| {
        let row = &job.sql(&format!("SELECT count(*) AS n, count(DISTINCT id) AS ids FROM {table}"))[0];
        (row["n"].as_u64(), row["ids"].as_u64())
    };
    assert_eq!(counted("bronze.others"), (Some(160), Some(160)));
    assert_eq!(counted("bronze.everything"), (Some(160), Some(160)));
}

#[test]
fn a_source_that_is_renamed_goes_on_where_it_stood() {
    let topic = Topic::new("renamed", 1);
    let job = Job::new(&topic, "watermark = { column = \"moment\", delay = \"1 minute\" }\n", KEEP_ALL);
    send(&topic, 0..100);
    job.run().succeeded();
    let before = job.commits().last().unwrap().watermarks["events"].watermark_us;
    job.edit("[source.events]", "[source.visits]\nwas = \"events\"");
    job.edit("[source.events.schema]", "[source.visits.schema]");
    job.edit("FROM events", "FROM visits");
    send(&topic, 100..130);
    job.run().succeeded();
    assert_eq!(rows(&job), [130; 3]);
    let last = job.commits().pop().unwrap();
    assert!(last.watermarks["visits"].watermark_us >= before && !last.watermarks.contains_key("events"));
    send(&topic, 130..140);
    job.run().succeeded();
    assert_eq!(rows(&job), [140; 3]);
    let verified = run(&mut engine(&["checkpoint", "verify", job.checkpoint.to_str().unwrap()])).succeeded();
    assert!(verified.out.contains("sound"), "{}", verified.out);
}

#[test]
fn a_static_table_that_never_changes_outlives_a_vacuum() {
    let python = std::env::var("ENGINE_TEST_PYTHON").expect("ENGINE_TEST_PYTHON is set by scripts/test");
    let topic = Topic::new("vacuumed", 1);
    let joined = "[table.silver.named]\nsql = \"SELECT e.id, n.name FROM events e JOIN names n ON e.key = n.key\"\n";
    let job = Job::new(&topic, "", joined);
    let place = job.beside("names");
    let script = |what: &str| {
        let text = format!("import pyarrow as pa\nfrom deltalake import DeltaTable, write_deltalake\n{what}");
        let status = Command::new(&python).args(["-c", &text]).arg(&place).status().unwrap();
        assert!(status.success(), "{what}");
    };
    let write = |name: &str, mode: &str| {
        format!(
            "import sys\nwrite_deltalake(sys.argv[1], pa.table({{'key': ['a'], 'name': ['{name}']}}), mode='{mode}')\n"
        )
    };
    script(&write("first", "append"));
    job.edit(joined, &format!("[static.names]\npath = \"{}\"\nrefresh = \"never\"\n{joined}", place.display()));
    send(&topic, 0..10);
    job.run().succeeded();
    script(&write("second", "overwrite"));
    script(
        "import sys\nDeltaTable(sys.argv[1]).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)\n",
    );
    send(&topic, 10..20);
    job.run().succeeded();
    assert_eq!(job.sql("SELECT name, count(*) AS n FROM silver.named GROUP BY name")[0]["n"], 20);
    assert_eq!(job.sql("SELECT min(name) AS name FROM silver.named")[0]["name"], "first");
}
