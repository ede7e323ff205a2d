//! `engine replay` on a job that others have touched, that was changed, and that is not published to its end.

use std::process::Command;

use crate::kafka::{Topic, event};
use crate::run::{Job, KEEP_ALL, Said, engine, run};
use crate::verify::{changed_job, send_more};

const LISTED: &str = "[table.gold.listed]\nmode = \"update\"\n\
                      sql = \"SELECT key, collect_list(id) AS ids, count(*) AS n FROM events GROUP BY key\"\n";

fn replayed(job: &Job) -> Said {
    let scratch = job.beside("scratch");
    run(engine(&["replay", job.path.to_str().unwrap(), "--scratch", scratch.to_str().unwrap()]).args(job.sets()))
}

/// Sixty records in three epochs, with three keys.
fn three_epochs(topic: &Topic) -> Job {
    topic.send(0, (0..60).map(|id| event(id, ["a", "b", "c"][id % 3], id % 60, 1)));
    Job::new(topic, "max_offsets_per_trigger = 20\n", &format!("{KEEP_ALL}{LISTED}"))
}

/// Runs a program of another kind over a table.
fn python(program: &str, table: &str) {
    let python = std::env::var("ENGINE_TEST_PYTHON").expect("ENGINE_TEST_PYTHON is not set: run scripts/test");
    run(Command::new(python).args(["-c", program, table])).succeeded();
}

#[test]
fn rows_that_another_program_put_into_other_files_are_compared_all_the_same() {
    let topic = Topic::new("replayed-optimized", 1);
    let job = three_epochs(&topic);
    job.run().succeeded();
    let bronze = format!("{}/bronze/everything", job.warehouse);
    python(
        "import sys, deltalake
table = deltalake.DeltaTable(sys.argv[1])
assert table.optimize.compact()['numFilesRemoved'] > 1
assert len(table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)) > 1",
        &bronze,
    );
    let said = replayed(&job).succeeded().out;
    for part in ["bronze.everything: equal, 60 rows", "gold.listed: equal, 3 rows", "every table came out equal"] {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
    // What is gone for good is said in the words of a replay.
    python("import sys, deltalake; deltalake.DeltaTable(sys.argv[1]).delete('id = 7')", &bronze);
    let said = replayed(&job);
    assert_eq!(said.code, Some(1), "{said:#?}");
    for part in [
        "bronze.everything: came out otherwise\n    59 rows lie in the warehouse, 60 came out; 0 lie there only, 1 came out only\n",
        "    out only:   id=7, key=b",
        "3 epochs run again: 1 table came out equal, 1 otherwise, 0 left out",
    ] {
        assert!(said.out.contains(part), "{part} is not in: {}", said.out);
    }
    for word in ["undisturbed", "batch", "missing"] {
        assert!(!said.out.contains(word), "{word} is of another command: {}", said.out);
    }
}

#[test]
fn a_table_whose_query_was_changed_is_replayed_where_it_was_not() {
    let topic = Topic::new("replayed-changed", 1);
    let job = changed_job(&topic);
    let said = replayed(&job).succeeded().out;
    for table in ["silver.half", "gold.counts"] {
        let reason =
            format!("{table}: left out, as its definition in the job file is not the one that made epochs 0 to 1");
        assert!(said.contains(&reason), "{said}");
    }
    assert!(said.contains("gold.later: left out, as it is new in the job file"), "{said}");
    assert!(said.contains("2 epochs run again: 1 table came out equal, 0 otherwise, 3 left out"), "{said}");
    send_more(&topic);
    job.run().succeeded();
    let said = replayed(&job).succeeded().out;
    for part in [
        "bronze.everything: equal, 50 rows\n",
        "silver.half: equal, 5 rows\n    from epoch 2 on: before that its definition",
        "gold.counts: left out, as its definition, or one that it reads, was another or not there before epoch 2",
        "gold.later: left out, as its definition, or one that it reads, was another or not there before epoch 2",
        "3 epochs run again: 2 tables came out equal, 0 otherwise, 2 left out",
    ] {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
}

#[test]
fn an_epoch_that_is_committed_and_not_published_is_to_be_published_first() {
    let topic = Topic::new("replayed-unpublished", 1);
    let job = three_epochs(&topic);
    job.run_to("publish:before:1");
    let error = replayed(&job).failed();
    assert!(error.contains("epoch 1 of the job small is committed and not published yet"), "{error}");
    assert!(error.contains("the warehouse is at epoch 0; run the job"), "{error}");
    job.run().succeeded();
    replayed(&job).succeeded();
}
