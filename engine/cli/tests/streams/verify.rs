//! `engine verify` on the main job: right after kills all tables are equal; a row removed by hand is found out.

use std::process::Command;

use crate::kafka::{Topic, unique};
use crate::run::{Job, Said, engine, run};
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
