//! `engine check` on files whose SQL is broken (`broken/*.toml` with the answer in `*.txt` beside; `UPDATE_EXPECTED=1`
//! rewrites the answers: read the difference before it is committed) and on files that are ok.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{engine, run, text};

const BROKEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/broken");

fn broken_files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(BROKEN).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

#[test]
fn every_broken_query_is_answered_as_expected() {
    let files = broken_files();
    assert!(files.len() >= 35, "only {} broken files", files.len());
    let mut differences = String::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let said = run(engine(&["check", name]).current_dir(BROKEN));
        let answer = if said.code == Some(2) && said.out.is_empty() { said.err } else { format!("{said:#?}\n") };
        let expected_path = path.with_extension("txt");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&expected_path, &answer).unwrap();
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if answer != expected {
            differences.push_str(&format!("== {name}\n-- expected\n{expected}\n-- answered\n{answer}\n"));
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn every_answer_names_a_place_and_says_what_to_do() {
    for path in broken_files() {
        let answer = fs::read_to_string(path.with_extension("txt")).unwrap();
        let shown = |what: &str| answer.lines().filter(|line| line.trim_start().starts_with(what)).count();
        let errors = answer.lines().filter(|line| line.starts_with("error")).count();
        assert!(errors >= 1, "{}:\n{answer}", path.display());
        assert_eq!(shown("-->"), errors, "a place for each problem of {}:\n{answer}", path.display());
        assert_eq!(
            answer.lines().filter(|line| line.contains("= help: ")).count(),
            errors,
            "{}:\n{answer}",
            path.display()
        );
        let count = if errors == 1 { "1 problem".to_owned() } else { format!("{errors} problems") };
        assert_eq!(answer.lines().last(), Some(count.as_str()), "{}", path.display());
    }
}

#[test]
fn the_main_job_is_ok() {
    let said = run(engine(&["check", "jobs/ecommerce.toml"]).current_dir(root())).succeeded();
    assert_eq!(said, "jobs/ecommerce.toml: ok: 1 source, 7 tables\n");
}

#[test]
fn an_override_is_checked_with_the_file() {
    let path = root().join("jobs/ecommerce.toml");
    let complete = ["check", text(&path), "--set", "table.bronze.raw_events.mode=complete"];
    let error = run(&mut engine(&complete)).failed_with(2);
    assert!(error.contains("Complete output mode not supported"), "{error}");
    let error = run(&mut engine(&["check", text(&path), "--set", "job.triger=asap"])).failed_with(2);
    assert!(error.contains("command line") && error.contains("trigger"), "{error}");
}

#[test]
fn submit_and_explain_refuse_a_broken_file_with_the_same_answer() {
    let path = &broken_files()[0];
    let answer = run(&mut engine(&["check", text(path)])).failed_with(2);
    assert!(answer.contains("1 problem"), "{answer}");
    assert_eq!(run(&mut engine(&["explain", text(path)])).failed_with(2), answer);
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        run(engine(&["submit", text(path), "--available-now"]).current_dir(folder.path())).failed_with(2),
        answer
    );
}

/// A job whose only column is the given expression.
fn job_with(folder: &Path, expression: &str) -> PathBuf {
    let job = format!(
        "[job]\nname = \"deep\"\ntrigger = \"asap\"\ncheckpoint = \"c\"\nwarehouse = \"w\"\n\
         [source.events]\nconnector = \"kafka\"\nbrokers = \"127.0.0.1:9092\"\ntopic = \"t\"\n[source.events.schema]\namount = \"double\"\n\
         [table.silver.a]\nsql = \"SELECT {expression} AS x FROM events\"\n"
    );
    let path = folder.join("deep.toml");
    fs::write(&path, job).unwrap();
    path
}

#[test]
fn deep_and_long_queries_never_crash() {
    let folder = tempfile::tempdir().unwrap();
    let nested = format!("{}amount{}", "(".repeat(2000), ")".repeat(2000));
    let error = run(&mut engine(&["check", text(&job_with(folder.path(), &nested))])).failed_with(2);
    assert!(error.contains("nested deeper than"), "{error}");
    let calls = format!("{}amount{}", "abs(".repeat(2000), ")".repeat(2000));
    let error = run(&mut engine(&["check", text(&job_with(folder.path(), &calls))])).failed_with(2);
    assert!(error.contains("nested deeper than"), "{error}");
    // A sum is nested by its terms: it may be refused or run, but the process must live.
    let sum = vec!["amount"; 2000].join(" + ");
    let said = run(&mut engine(&["check", text(&job_with(folder.path(), &sum))]));
    assert!(matches!(said.code, Some(0 | 2)), "{said:#?}");
    let long = format!("'{}'", "x".repeat(300_000));
    let error = run(&mut engine(&["check", text(&job_with(folder.path(), &long))])).failed_with(2);
    assert!(error.contains("the limit is"), "{error}");
}

#[test]
fn a_file_that_is_not_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("job.toml");
    fs::write(&path, b"[job]\nname = \"\xff\"\n").unwrap();
    let error = run(&mut engine(&["check", text(&path)])).failed_with(2);
    assert!(error.contains("not text in UTF-8: line 2"), "{error}");
}

#[test]
fn explain_tells_of_every_table() {
    let said = run(engine(&["explain", "jobs/ecommerce.toml"]).current_dir(root())).succeeded();
    for table in [
        "bronze.raw_events",
        "silver.order_items",
        "gold.event_counts",
        "gold.user_activity",
        "gold.purchase_metrics",
        "gold.session_metrics",
        "gold.device_stats",
    ] {
        assert!(said.lines().any(|line| line == table), "{table}:\n{said}");
    }
    for what in ["operators", "mode", "watermark", "state", "rows appear"] {
        assert_eq!(said.lines().filter(|line| line.trim_start().starts_with(what)).count(), 7, "{what}:\n{said}");
    }
    assert!(said.contains("sliding window of 5 minutes every 1 minute"), "{said}");
}
