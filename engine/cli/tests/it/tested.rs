//! `engine test`: what it says of tests that hold, of those that do not, and of files without any.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{engine, run, text};

const JOB: &str = r#"[job]
name = "tested"
checkpoint = "c"
warehouse = "w"

[source.clicks]
connector = "kafka"
brokers = "127.0.0.1:1"
topic = "clicks"
[source.clicks.schema]
user = "string"

[table.gold.users]
mode = "update"
sql = "SELECT user, count(*) AS n FROM clicks GROUP BY user"

[[test]]
name = "users are counted"
[[test.step]]
input.clicks = [{ user = "ann" }, { user = "bob" }]
expect."gold.users" = [["ann", 1], ["bob", 1]]
[[test.step]]
restart = true
input.clicks = [{ user = "ann" }]
expect_new."gold.users" = [["ann", 2]]
"#;

fn job(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("job.toml");
    fs::write(&path, text).unwrap();
    path
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

#[test]
fn the_tests_of_the_main_job_hold_in_a_second() {
    let begun = std::time::Instant::now();
    let said = run(engine(&["test", "jobs/ecommerce.toml"]).current_dir(root())).succeeded();
    let took = begun.elapsed();
    assert!(said.lines().last().unwrap().starts_with("4 tests: 4 ok, 0 failed in "), "{said}");
    assert!(took.as_secs() < 3, "{took:?}: it should take well under a second on an idle machine");
    let one = run(engine(&["test", "jobs/ecommerce.toml", "--filter", "late event"]).current_dir(root())).succeeded();
    assert!(one.contains("1 test: 1 ok"), "{one}");
}

/// Runs all tests of a job, of which there are so many.
fn all_hold(job_file: &str, tests: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = job(folder.path(), job_file);
    let said = run(&mut engine(&["test", text(&path)]));
    let wanted = format!("{tests} ok, 0 failed");
    assert!(said.code == Some(0) && said.out.contains(&wanted), "{}{}", said.out, said.err);
}

#[test]
fn rows_without_a_value_are_rejected_with_their_reason_and_constants_have_sparks_types() {
    all_hold(include_str!("tested/ansi.toml"), "1 test: 1");
}

#[test]
fn decimals_are_exact_or_null_and_never_garbage() {
    all_hold(include_str!("tested/decimals.toml"), "6 tests: 6");
}

#[test]
fn forms_of_spark_give_its_rows_over_epochs_and_a_restart() {
    all_hold(include_str!("tested/spark.toml"), "1 test: 1");
}

#[test]
fn the_current_time_over_rows_that_change_is_retracted_as_it_was_emitted() {
    all_hold(include_str!("tested/time.toml"), "1 test: 1");
}

#[test]
fn columns_of_using_are_the_ones_there_are() {
    all_hold(include_str!("tested/using.toml"), "1 test: 1");
}

#[test]
fn logic_is_three_valued() {
    all_hold(include_str!("tested/logic.toml"), "1 test: 1");
}

#[test]
fn zeros_of_both_signs_are_one_value_and_so_is_every_nan() {
    all_hold(include_str!("tested/floats.toml"), "1 test: 1");
}

#[test]
fn nested_values_are_kept_in_state_and_compared() {
    all_hold(include_str!("tested/nested.toml"), "1 test: 1");
}

#[test]
fn functions_give_what_spark_gives_over_a_stream() {
    all_hold(include_str!("tested/spark_functions.toml"), "1 test: 1");
}

#[test]
fn corners_where_datafusion_answers_otherwise_have_the_rows_of_spark() {
    all_hold(include_str!("tested/corners.toml"), "3 tests: 3");
}

#[test]
fn nothing_is_written_where_the_job_would_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = job(folder.path(), JOB);
    let said = run(engine(&["test", text(&path)]).current_dir(folder.path())).succeeded();
    assert!(said.starts_with("ok ") && said.contains("ms  users are counted\n1 test: 1 ok, 0 failed in "), "{said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "only the job file lies there");
}

#[test]
fn a_test_that_does_not_hold_shows_the_difference_and_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = job(folder.path(), &JOB.replace("[[\"ann\", 2]]", "[[\"ann\", 3]]"));
    let said = run(&mut engine(&["test", text(&path)]));
    assert_eq!((said.code, said.err.as_str()), (Some(1), ""), "{said:#?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines[0].starts_with("failed ") && lines[0].ends_with("ms  users are counted"), "{said:#?}");
    assert_eq!(
        lines[1..5],
        [
            "    step 2, line 22: gold.users, rows of this step: 1 missing (-), 1 not expected (+), 0 as expected",
            "           user  n",
            "        -  ann   3",
            "        +  ann   2",
        ]
    );
    assert!(lines[5].starts_with("1 test: 0 ok, 1 failed in "), "{said:#?}");
}

#[test]
fn a_refusal_can_be_expected() {
    let folder = tempfile::tempdir().unwrap();
    let refused =
        JOB.replace("count(*) AS n FROM", "count(*) AS n, x FROM").split("[[test]]").next().unwrap().to_owned();
    let expecting = |text: &str| format!("{refused}[[test]]\nname = \"x is not there\"\nexpect_error = \"{text}\"\n");
    let path = job(folder.path(), &expecting("UNRESOLVED_COLUMN"));
    run(&mut engine(&["test", text(&path)])).succeeded();
    let path = job(folder.path(), &expecting("DIVIDE_BY_ZERO"));
    let said = run(&mut engine(&["test", text(&path)]));
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.out.contains("the job is refused, but not with \"DIVIDE_BY_ZERO\":"), "{said:#?}");
    // Nobody expects it: the file has a problem, reported as by `engine check`.
    let path = job(folder.path(), &format!("{refused}[[test]]\nname = \"a\"\n[[test.step]]\ninput.clicks = []\n"));
    let error = run(&mut engine(&["test", text(&path)])).failed_with(2);
    assert_eq!(error, run(&mut engine(&["check", text(&path)])).failed_with(2));
}

#[test]
fn a_file_without_such_tests_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = job(folder.path(), JOB.split("[[test]]").next().unwrap());
    let error = run(&mut engine(&["test", text(&path)])).failed_with(2);
    assert!(error.contains("has no tests") && error.contains("[[test]]"), "{error}");
    let path = job(folder.path(), JOB);
    let error = run(&mut engine(&["test", text(&path), "--filter", "late"])).failed_with(2);
    assert!(error.contains("users are counted"), "{error}");
}

#[test]
fn event_times_are_computed_counted_and_read_and_carry_watermarks() {
    all_hold(include_str!("tested/event_time.toml"), "3 tests: 3");
}

#[test]
fn functions_of_the_job_stand_for_their_expressions() {
    all_hold(include_str!("tested/functions.toml"), "1 test: 1");
}

#[test]
fn pipes_aliases_and_names_by_text_are_their_plain_queries() {
    all_hold(include_str!("tested/forms.toml"), "1 test: 1");
}

#[test]
fn explain_and_sql_know_the_functions_and_computed_columns_of_a_job() {
    let folder = tempfile::tempdir().unwrap();
    let file = include_str!("tested/functions.toml").replace("\"wh\"", &format!("{:?}", text(folder.path())));
    let path = job(folder.path(), &file);
    let said = run(&mut engine(&["explain", text(&path)])).succeeded();
    for line in [
        "  net(price decimal(10,2), rate decimal(3,2)) -> decimal(15,4): price * (1 - rate)",
        "  answer() -> int: 42",
        "source s, computed columns",
        "  time timestamp = at(ms)",
    ] {
        assert!(said.lines().any(|shown| shown == line), "{line} is not in\n{said}");
    }
    let query = "SELECT net(10.00, rate => 0.1) AS net, share(7, 0) AS share, answer() AS answer";
    let said = run(&mut engine(&["sql", "--job", text(&path), "--format", "csv", query])).succeeded();
    assert_eq!(said.trim_end(), "net,share,answer\n9.0000,,42");
    let said = run(&mut engine(&["sql", "--job", text(&path), "SELECT net(1)"]));
    assert!(said.err.contains("`net` takes 2 arguments, here are 1"), "{}", said.err);
}
