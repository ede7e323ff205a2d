//! The jobs of the repository: they are ok, explain themselves, and their own tests hold.

use std::fs;
use std::path::Path;

use crate::support::{engine, run};

fn jobs() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let files = fs::read_dir(root.join("jobs")).unwrap().map(|file| file.unwrap().path());
    let mut jobs: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| path.to_str().unwrap().to_string())
        .collect();
    jobs.sort();
    jobs
}

#[test]
fn every_job_is_right_and_its_tests_hold() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = jobs();
    assert!(jobs.len() >= 5, "{jobs:?}");
    for job in jobs {
        assert!(run(engine(&["check", &job]).current_dir(folder.path())).succeeded().contains(": ok: "), "{job}");
        assert!(!run(engine(&["explain", &job]).current_dir(folder.path())).succeeded().is_empty(), "{job}");
        let said = run(engine(&["test", &job]).current_dir(folder.path())).succeeded();
        let last = said.lines().last().unwrap_or_default();
        assert!(last.contains(" 0 failed in "), "{job}: {said}");
    }
}

/// The image sets one variable for all jobs: each needs a place of its own below it.
#[test]
fn no_two_jobs_share_a_checkpoint_whatever_the_environment_says() {
    let mut checkpoints = Vec::new();
    for job in jobs() {
        let text = fs::read_to_string(&job).unwrap();
        let checkpoint = text.lines().find_map(|line| line.strip_prefix("checkpoint = ")).unwrap().to_string();
        let (variable, rest) = checkpoint.trim_start_matches("\"${").split_once(":-").unwrap();
        let (_, below) = rest.split_once('}').unwrap();
        checkpoints.push(format!("{variable}{}", below.split('"').next().unwrap()));
    }
    let mut different = checkpoints.clone();
    different.dedup();
    assert_eq!(different, checkpoints, "jobs are in the order of their names, and so are their checkpoints");
    assert!(checkpoints.iter().all(|checkpoint| checkpoint.starts_with("CHECKPOINTS/")), "{checkpoints:?}");
    let image =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join("Dockerfile"));
    assert!(image.unwrap().contains("CHECKPOINTS=/data/checkpoints "));
}

/// It was found when the job was started, and `engine check` said that all was ok.
#[test]
fn check_finds_columns_that_no_table_can_have() {
    let folder = tempfile::tempdir().unwrap();
    let head = "[job]\nname = \"c\"\ncheckpoint = \"c\"\nwarehouse = \"w\"\n[source.e]\nconnector = \"kafka\"\nbrokers = \"127.0.0.1:1\"\n\
                topic = \"e\"\nschema = { a = \"int\" }\n";
    for (sql, wanted) in [
        ("SELECT count(*) FROM e", "`count(*)`"),
        ("SELECT a, a AS A FROM e", "is there twice"),
        ("SELECT NULL AS nothing FROM e", "CAST(NULL AS <type>)"),
    ] {
        let mode = if sql.contains("count") { "update" } else { "append" };
        fs::write(folder.path().join("job.toml"), format!("{head}[table.t.x]\nmode = \"{mode}\"\nsql = \"{sql}\"\n"))
            .unwrap();
        let said = run(engine(&["check", "job.toml"]).current_dir(folder.path())).failed_with(2);
        let found = said.contains(wanted);
        assert!(found && said.contains("INVALID_COLUMN_NAME_OR_TYPE"), "{sql}: {said}");
    }
}
