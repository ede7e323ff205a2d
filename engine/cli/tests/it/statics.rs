//! Static tables in a job file: what check, explain and test say of them.

use std::fs;
use std::path::Path;

use crate::support::{engine, run};

const JOB: &str = r#"[job]
name = "named"
checkpoint = "c"
warehouse = "w"

[source.clicks]
connector = "kafka"
brokers = "127.0.0.1:1"
topic = "clicks"
[source.clicks.schema]
id = "bigint"

[static.products]
path = "data/products.csv"
refresh = "10 minutes"

[table.gold.named]
sql = "SELECT c.id, p.name FROM clicks c LEFT JOIN products p ON c.id = p.id"
"#;

const TEST: &str = r#"
[[test]]
name = "products are looked up as they are now"
[[test.step]]
input.clicks = [{ id = 1 }]
expect."gold.named" = [[1, {}]]
[[test.step]]
time = "2026-01-01T00:10:00Z"
static.products = [{ id = 1, name = "lamp" }, { id = 2, name = "desk" }]
input.clicks = [{ id = 1 }]
expect_new."gold.named" = [[1, "lamp"]]
[[test.step]]
time = "2026-01-01T00:20:00Z"
static.products = [{ id = 1, name = "candle" }]
kill = "after stage"
input.clicks = [{ id = 1 }, { id = 2 }]
expect_new."gold.named" = [[1, "candle"], [2, {}]]

[[test]]
name = "an interval is waited for"
[[test.step]]
static.products = [{ id = 1, name = "lamp" }]
input.clicks = [{ id = 1 }]
[[test.step]]
time = "2026-01-01T00:09:59Z"
static.products = [{ id = 1, name = "candle" }]
input.clicks = [{ id = 1 }]
expect."gold.named" = [[1, "lamp"], [1, "lamp"]]
"#;

fn said(folder: &Path, job: &str, command: &str) -> crate::support::Said {
    fs::write(folder.join("job.toml"), job).unwrap();
    run(engine(&[command, "job.toml"]).current_dir(folder))
}

#[test]
fn check_and_explain_know_static_tables() {
    let folder = tempfile::tempdir().unwrap();
    let error = said(folder.path(), JOB, "check").failed_with(2);
    for part in
        ["static table products", "no file is at data/products.csv", "path = \"data/products.csv\"", "1 problem"]
    {
        assert!(error.contains(part), "{part}: {error}");
    }
    let typed = format!("{JOB}\n[static.products.schema]\nid = \"bigint\"\nname = \"string\"\n");
    assert!(said(folder.path(), &typed, "check").succeeded().contains("ok: 1 source, 1 table"));
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/products.csv"), "id,title\n1,lamp\n").unwrap();
    let error = said(folder.path(), JOB, "check").failed_with(2);
    assert!(error.contains("UNRESOLVED_COLUMN") && error.contains("title"), "{error}");
    fs::write(folder.path().join("data/products.csv"), "id,name\n1,lamp\n").unwrap();
    said(folder.path(), JOB, "check").succeeded();
    let text = said(folder.path(), JOB, "explain").succeeded();
    for part in
        ["static products: data/products.csv, looked at every 10 minutes", "left outer lookup on ", "in products"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn tests_give_static_tables_their_rows() {
    let folder = tempfile::tempdir().unwrap();
    let text = said(folder.path(), &format!("{JOB}{TEST}"), "test").succeeded();
    assert!(text.contains("2 tests: 2 ok"), "{text}");
    let wrong = TEST.replace("[[1, \"candle\"], [2, {}]]", "[[1, \"torch\"], [2, {}]]");
    let output = said(folder.path(), &format!("{JOB}{wrong}"), "test");
    assert!(output.code == Some(1) && output.out.contains("torch") && output.out.contains("candle"), "{output:#?}");
    let none = "\n[[test]]\nname = \"a\"\n[[test.step]]\ninput.clicks = [{ id = 1 }]\n";
    let error = said(folder.path(), &format!("{JOB}{none}"), "test").failed_with(2);
    assert!(error.contains("static.products = [{") && error.contains("[static.products.schema]"), "{error}");
}
