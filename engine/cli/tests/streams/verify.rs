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
