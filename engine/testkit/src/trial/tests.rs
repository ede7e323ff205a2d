//! Tests of a job file hold when they should, and name what is not so when they should not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use job::Job;

use super::{Finding, refused, run};

const JOB: &str = r#"
[job]
name = "shop"
checkpoint = "nowhere"
warehouse = "nowhere-else"

[source.clicks]
connector = "kafka"
brokers = "127.0.0.1:1"
topic = "clicks"
max_offsets_per_trigger = 1
on_error = "dead_letter"
watermark = { column = "at", delay = "10 seconds" }
[source.clicks.schema]
user = "string"
price = "double"
at = "timestamp"

[table.bronze.clicks]
sql = "SELECT user, price, at, _timestamp FROM clicks"

[table.gold.minutes]
late = "table"
sql = "SELECT window.start AS start, user, sum(price) AS total FROM bronze.clicks GROUP BY window(at, '1 minute'), user"

[table.gold.users]
mode = "update"
sql = "SELECT user, count(*) AS n FROM bronze.clicks GROUP BY user"

[table.gold.best]
mode = "complete"
sql = "SELECT user, max(price) AS price FROM bronze.clicks GROUP BY user ORDER BY price DESC"
"#;

fn job(tests: &str) -> Job {
    let text = format!("{JOB}\n{tests}");
    job::parse("shop.toml", &text, &[], &|_| None, job::Connectors::new(&[&kafka::KafkaConnector]))
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

/// The findings of the first test.
fn findings(tests: &str) -> Vec<Finding> {
    let job = job(tests);
    let graph = Arc::new(
        plan::plan_job(&job, &runtime::source_schemas(&job), &connector::Capabilities::FILES)
            .unwrap_or_else(|_| panic!("planned")),
    );
    run(&job, &graph, &job.tests[0])
}

/// The first lines of the findings, with the step.
fn first_lines(tests: &str) -> Vec<String> {
    let found = findings(tests);
    found.iter().map(|finding| format!("{}: {}", finding.step, finding.lines[0])).collect()
}

const HOLDS: &str = r#"
[[test]]
name = "everything that a step can say"

[[test.step]]
time = "2026-01-01T12:00:00Z"
input.clicks = [
    { user = "ann", price = 0.1, at = "2026-01-01T00:00:01Z" },
    { user = "ann", price = 0.2, at = "2026-01-01T00:00:02Z" },
    { user = "bob", price = 7, at = "2026-01-01T00:00:03Z", _timestamp = "2026-01-01T00:00:04Z" },
    'broken',
]
kill = "after stage"
expect."gold.minutes" = []
expect."gold.users" = [["ann", 2], ["bob", 1]]
expect_new."gold.users" = [["bob", 1], ["ann", 2]]
expect."rejected.clicks" = [{ value = "broken", offset = 3 }]
expect."bronze.clicks" = [
    { user = "ann", _timestamp = "2026-01-01T12:00:00Z" },
    { user = "ann", _timestamp = "2026-01-01T12:00:00Z" },
    { user = "bob", _timestamp = "2026-01-01T00:00:04Z" },
]
expect_watermark.clicks = "2025-12-31T23:59:53Z"
expect_state."gold.minutes" = { rows = 2, updated = 2, late = 0 }
expect_state."bronze.clicks" = { rows = 0, updated = 0 }

[[test.step]]
input.clicks = [{ user = "bob", price = 9, at = "2026-01-01T00:01:10Z" }]
expect."gold.minutes" = [
    { start = "2026-01-01T00:00:00Z", user = "ann", total = 0.3 },
    { start = 1767225600, user = "bob", total = 7 },
]
expect_watermark."gold.minutes" = "2026-01-01T00:01:00Z"
expect_new."gold.users" = [{ user = "bob", n = 2 }]
expect."gold.best" = [{ user = "bob", price = 9 }, { user = "ann", price = 0.2 }]
expect_new."gold.best" = [["bob", 9.0], ["ann", 0.2]]
ordered = true

[[test.step]]
restart = true
input.clicks = [{ user = "cid", price = 1, at = "2026-01-01T00:00:59Z" }]
expect_late."gold.minutes" = 1
expect."gold.minutes__late" = [{ user = "cid" }]
expect_new."gold.minutes" = []
# Bob in the second minute: the first one is gone.
expect_state."gold.minutes" = { rows = 1, updated = 0, late = 1 }
expect_state."gold.users" = { rows = 3, updated = 1 }

[[test.step]]
empty_epoch = true
expect_new."gold.users" = []
expect_late."gold.minutes" = 0
"#;

#[test]
fn a_test_that_holds_finds_nothing() {
    assert_eq!(findings(HOLDS), []);
}

#[test]
fn each_expectation_that_is_wrong_is_found_in_its_step() {
    let wrong = |from: &str, to: &str| {
        assert!(HOLDS.contains(from), "{from}");
        first_lines(&HOLDS.replacen(from, to, 1))
    };
    assert_eq!(
        wrong("expect.\"gold.users\" = [[\"ann\", 2]", "expect.\"gold.users\" = [[\"ann\", 3]"),
        ["1: gold.users: 1 missing (-), 1 not expected (+), 1 as expected"]
    );
    assert_eq!(
        wrong("total = 0.3", "total = 0.31"),
        ["2: gold.minutes: 1 missing (-), 1 not expected (+), 1 as expected"]
    );
    assert_eq!(
        wrong("expect_new.\"gold.users\" = [{ user = \"bob\", n = 2 }]", "expect_new.\"gold.users\" = []"),
        ["2: gold.users, rows of this step: 0 missing (-), 1 not expected (+), 0 as expected"]
    );
    assert_eq!(
        wrong("expect_watermark.clicks = \"2025-12-31T23:59:53Z\"", "expect_watermark.clicks = \"none\""),
        ["1: the watermark of clicks is 2025-12-31T23:59:53Z, not none"]
    );
    assert_eq!(
        wrong("\"gold.minutes\" = 1", "\"gold.minutes\" = 2"),
        ["3: 1 rows came too late for gold.minutes, not 2"]
    );
    for (from, what) in [
        ("{ rows = 2,", "the state of gold.minutes has 2 rows, not 7"),
        ("updated = 2,", "the state of gold.minutes has 2 rows added or changed, not 7"),
        ("late = 0 }", "the state of gold.minutes has 0 late rows, not 7"),
    ] {
        let digit = from.find(|sign: char| sign.is_ascii_digit()).unwrap();
        let to = format!("{}7{}", &from[..digit], &from[digit + 1..]);
        assert_eq!(wrong(from, &to), [format!("1: {what}")]);
    }
    let turned = wrong(
        "[{ user = \"bob\", price = 9 }, { user = \"ann\", price = 0.2 }]",
        "[{ user = \"ann\", price = 0.2 }, { user = \"bob\", price = 9 }]",
    );
    assert!(turned.len() == 1 && turned[0].contains("order"), "{turned:?}");
    assert_eq!(wrong("kill = \"after stage\"", "expect_error = \"x\"").len(), 1);
}

#[test]
fn a_job_that_stops_is_told_unless_it_should() {
    let failing = |expected: &str| {
        let text = format!(
            "[[test]]\nname = \"a\"\n[[test.step]]\ninput.clicks = ['broken']\n{expected}\n[[test.step]]\nexpect.\"bronze.clicks\" = []\n"
        );
        let mut job = job(&text);
        job.sources.get_mut("clicks").unwrap().on_error = job::OnError::Fail;
        job.tables.truncate(1);
        let graph = Arc::new(
            plan::plan_job(&job, &runtime::source_schemas(&job), &connector::Capabilities::FILES)
                .unwrap_or_else(|_| panic!("planned")),
        );
        run(&job, &graph, &job.tests[0])
    };
    assert_eq!(failing("expect_error = \"clicks [0] offset 0\""), []);
    let found = failing("");
    assert_eq!((found.len(), found[0].lines[0].as_str()), (1, "the job stops:"));
    assert!(found[0].lines[1].contains("offset 0"), "{found:?}");
    assert!(failing("expect_error = \"offset 1\"")[0].lines[0].contains("but not with"));
}

#[test]
fn a_refusal_is_what_was_expected_or_not() {
    let text = "[[test]]\nname = \"a\"\nexpect_error = \"no watermark\"\n";
    let tests = &job(text).tests;
    assert_eq!(refused(&tests[0], "error: the table has no watermark"), []);
    assert!(refused(&tests[0], "other\nthings")[0].lines[0].contains("not with"));
    assert_eq!(first_lines(text), ["0: the job is accepted; it should be refused with \"no watermark\""]);
}
