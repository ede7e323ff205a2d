//! `engine drill`: sound engines pass, and one that forgets its checkpoint is found out.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use drill::{DrillOptions, Report, Row};

use crate::connectors;
use crate::kafka::Topic;
use crate::run::{Job, engine, run};
use crate::sent::Sent;

fn small_job(topic: &Topic) -> Job {
    let schema = "event_id = \"string\"\nevent_type = \"string\"\ntotal_amount = \"double\"\nat = { type = \"timestamp\", field = \"timestamp\" }\n";
    let tables = "[table.bronze.kept]\nsql = \"SELECT *, current_timestamp() AS seen, _offset FROM events\"\n\
                  [table.gold.counts]\nmode = \"update\"\nlate = \"table\"\n\
                  sql = \"SELECT window.start AS begun, event_type, count(*) AS n, sum(total_amount) AS amount FROM bronze.kept GROUP BY window(at, '1 minute'), event_type\"\n\
                  [table.gold.totals]\nmode = \"complete\"\nsql = \"SELECT event_type, count(*) AS n FROM bronze.kept GROUP BY event_type\"\n";
    Job::with_schema(topic, "watermark = { column = \"at\", delay = \"1 minute\" }", schema, tables)
}

fn drilled(topic: &Topic, engine: PathBuf, kills: u32, warehouse: Option<String>) -> (Report, String) {
    let job = small_job(topic);
    let scratch = tempfile::tempdir().unwrap();
    let scratch_folder = Some(scratch.path().to_owned());
    let options = DrillOptions {
        sets: warehouse.into_iter().map(|warehouse| ("job.warehouse".to_owned(), warehouse)).collect(),
        kills,
        records: 3_000,
        epochs: 4,
        scratch: scratch_folder,
        ..DrillOptions::new(engine, job.path.clone(), job::Connectors::new(&[&kafka::KafkaConnector]))
    };
    let report = drill::run(&options, &connectors::registry(), &mut |text| eprintln!("{text}")).unwrap();
    assert!(
        !job.checkpoint.exists() && !PathBuf::from(&job.warehouse).exists(),
        "a drill keeps away from the job's own places"
    );
    let is_clean = fs::read_dir(scratch.path()).unwrap().next().is_none();
    assert_eq!(is_clean, report.passed(), "what a run left is kept if there was a difference, else removed");
    let table = report.to_table();
    (report, table)
}

/// Each place that got something was away once, and the job was killed once as soon as it had that.
fn assert_places(report: &Report, table: &str) -> u32 {
    let away: Vec<&Row> = report.rows.iter().filter(|row| row.unanswered > 0).collect();
    for place in ["bronze.kept", "gold.counts", "gold.totals"] {
        let is_away = |row: &&&Row| row.point.starts_with(&format!("{place} away in epoch "));
        let row = away.iter().find(is_away).unwrap_or_else(|| panic!("{place} was never away:\n{table}"));
        assert_eq!((row.unanswered, row.killed, row.passed()), (4, false, true), "{table}");
        assert!(table.contains(&format!("when {place} has epoch ")), "{table}");
    }
    assert!(table.contains(&format!("{} places away for a while: every table is equal", away.len())), "{table}");
    u32::try_from(away.len()).unwrap()
}

#[test]
fn a_drill_kills_at_every_step_and_finds_all_tables_equal() {
    let topic = Topic::new("drilled", 3);
    Sent::to(&topic, 6_000, 5);
    let (report, table) = drilled(&topic, env!("CARGO_BIN_EXE_engine").into(), 3, None);
    assert!(report.passed(), "{table}");
    let places = assert_places(&report, &table);
    assert_eq!(report.kills(), 16 + places + 3, "{table}");
    assert!(report.rows.iter().all(|row| row.rows_compared > 3_000), "{table}");
    assert!(table.contains("bronze.kept.seen"), "the clock's column is named: {table}");
    assert!(table.contains("bronze.kept: ") && table.contains(" rejected = ") && table.contains("5 tables"), "{table}");
}

#[test]
fn a_drill_on_minio_kills_its_followers_and_has_them_away() {
    let topic = Topic::new("drilled-minio", 3);
    Sent::to(&topic, 6_000, 7);
    let warehouse = format!("s3://warehouse/{}", crate::kafka::unique("drilled"));
    let (report, table) = drilled(&topic, env!("CARGO_BIN_EXE_engine").into(), 0, Some(warehouse));
    assert!(report.passed(), "{table}");
    let places = assert_places(&report, &table);
    assert_eq!(report.kills(), 16 + places, "{table}");
}

#[test]
fn a_drill_finds_out_an_engine_that_forgets_its_checkpoint() {
    let topic = Topic::new("drilled-faulty", 3);
    Sent::to(&topic, 6_000, 6);
    let folder = tempfile::tempdir().unwrap();
    let faulty = folder.path().join("engine");
    let script = format!(
        "#!/bin/sh\nfor word; do case $word in job.checkpoint=*) rm -rf \"$(echo \"${{word#*=}}\" | tr -d '\"')\" ;; esac; done\nexec {} \"$@\"\n",
        env!("CARGO_BIN_EXE_engine")
    );
    fs::write(&faulty, script).unwrap();
    fs::set_permissions(&faulty, fs::Permissions::from_mode(0o755)).unwrap();
    let (report, table) = drilled(&topic, faulty, 0, None);
    assert!(!report.passed(), "{table}");
    let late = report.rows.iter().filter(|row| row.point.starts_with("after retire")).collect::<Vec<_>>();
    let difference = late[0].difference.as_ref().unwrap();
    // Of the tables that are there the one that stands in the way is named, for which there is no word.
    let refused = "gold.counts already has rows, written with another checkpoint";
    assert!(!late[0].tables_equal && difference.contains(refused), "{table}");
}

#[test]
fn a_drill_without_records_says_what_to_do() {
    let topic = Topic::new("drilled-empty", 1);
    let job = small_job(&topic);
    let said = run(&mut engine(&["drill", job.path.to_str().unwrap()])).failed();
    assert!(said.contains("no records") && said.contains("engine generate"), "{said}");
}
