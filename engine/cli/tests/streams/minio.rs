//! The main job on S3 (MinIO): the same tables as on a local disk, and no key in anything that is printed.

use crate::kafka::{Topic, unique};
use crate::oracle::{Oracle, assert_books, assert_same};
use crate::run::{Job, Said, engine, run};
use crate::shop::{self, ALL_TABLES, TABLES};

fn keys() -> [String; 2] {
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|name| {
        std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test, or start MinIO with `scripts/services start minio` and set what it prints"))
    })
}

fn assert_keeps_keys(said: &Said) {
    for key in keys() {
        assert!(!said.out.contains(&key) && !said.err.contains(&key), "a key was printed");
    }
}

#[test]
fn the_main_job_on_s3_equals_the_local_run() {
    assert_ne!(keys()[0], "");
    let topic = Topic::new("s3", 4);
    shop::send(&topic, 15_000, 13);
    let local = Job::ecommerce(&topic, 4_000);
    local.run().succeeded();
    let remote = Job::ecommerce(&topic, 4_000).warehouse_at(format!("s3://warehouse/{}", unique("shop")));
    // Everything that can be logged is looked through.
    let said = run(remote.command(&["--available-now", "--progress", "json"]).env("ENGINE_LOG", "debug")).succeeded();
    assert_keeps_keys(&said);
    assert!(said.out.lines().count() >= 4, "{} epochs", said.out.lines().count());
    assert_books(&remote.commits());
    let others = [
        (
            "raw_events",
            "SELECT COLUMNS(* EXCLUDE (event_time, _timestamp)), epoch_us(event_time), epoch_us(_timestamp) FROM bronze.raw_events",
        ),
        ("order_items", "SELECT COLUMNS(* EXCLUDE (event_time)), epoch_us(event_time) FROM silver.order_items"),
        ("rejected", "SELECT COLUMNS(* EXCLUDE (timestamp)), epoch_us(timestamp) FROM rejected.events"),
    ];
    let gold: Vec<(&str, String)> = TABLES.iter().map(|table| (table.name, table.ours())).collect();
    let mut queries: Vec<(&str, &str)> = gold.iter().map(|(name, sql)| (*name, sql.as_str())).collect();
    queries.extend(others);
    let ours = Oracle::over(&remote.warehouse, &ALL_TABLES).ask_all(&queries);
    let theirs = Oracle::over(&local.warehouse, &ALL_TABLES).ask_all(&queries);
    for (((name, _), ours), theirs) in queries.iter().zip(ours).zip(theirs) {
        assert_same(name, ours, theirs);
    }
    let said = run(engine(&["sql", "--warehouse", &remote.warehouse, "SELECT count(*) AS n FROM bronze.raw_events"])
        .env("ENGINE_LOG", "debug"))
    .succeeded();
    assert_keeps_keys(&said);
}

#[test]
fn a_refused_key_is_an_error_that_does_not_show_it() {
    let topic = Topic::new("s3-refused", 1);
    shop::send(&topic, 1_000, 14);
    let job = Job::ecommerce(&topic, 4_000).warehouse_at(format!("s3://warehouse/{}", unique("refused")));
    let secret = "a-secret-that-is-wrong";
    let said = run(job.command(&["--available-now"]).env("AWS_SECRET_ACCESS_KEY", secret).env("ENGINE_LOG", "debug"));
    assert!(!said.err.contains(secret) && !said.out.contains(secret), "the key was printed");
    assert_keeps_keys(&said);
    let error = said.failed();
    let last = error.lines().last().unwrap();
    for part in ["table ", "403 Forbidden", "SignatureDoesNotMatch", "check AWS_ACCESS_KEY_ID"] {
        assert!(last.contains(part), "{part} is not in: {error}");
    }
    assert!(!error.contains("<Error>") && !error.contains("trying again"), "{error}");
    assert!(job.commits().is_empty());
}
