//! Hostile and hopeless SQL (`hostile/queries.txt`): each is refused by a process that lives, with the answer that stands in `hostile/answers.txt`.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use crate::support::{engine, run};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/hostile");

const JOB: &str = r#"
[job]
name = "shop"
trigger = "5s"
checkpoint = "checkpoints/shop"
warehouse = "warehouse"

[source.events]
connector = "kafka"
brokers = "127.0.0.1:9092"
topic = "events"
watermark = { column = "event_time", delay = "5 minutes" }
schema = { event_id = "string", user_id = "string", event_type = "string", event_time = "timestamp", amount = "double", items = "array<string>" }

[source.clicks]
connector = "kafka"
brokers = "127.0.0.1:9092"
topic = "clicks"
schema = { user_id = "string", at = "timestamp" }
"#;

/// Writes out `{TEXT*N}`: TEXT, N times.
fn expanded(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(open) = rest.find('{') {
        let counted = rest[open..].match_indices('*').find_map(|(star, _)| {
            let count = &rest[open + star + 1..];
            let (digits, _) = count.split_once('}')?;
            Some((open + star, digits.parse::<usize>().ok()?, open + star + 1 + digits.len() + 1))
        });
        let Some((star, count, end)) = counted else { break };
        text.push_str(&rest[..open]);
        text.push_str(&rest[open + 1..star].repeat(count));
        rest = &rest[end..];
    }
    text + rest
}

/// The places, messages and remedies of an answer.
fn answer(number: usize, folder: &Path, line: &str) -> String {
    let (mode, sql) = line.split_once(' ').unwrap();
    let name = format!("{number}.toml");
    let job = format!("{JOB}\n[table.silver.a]\nmode = \"{mode}\"\nsql = '''{}'''\n", expanded(sql));
    fs::write(folder.join(&name), job).unwrap();
    let said = run(engine(&["check", &name]).current_dir(folder));
    if said.code != Some(2) || !said.out.is_empty() {
        return format!("  NOT REFUSED: {said:?}\n");
    }
    let mut answer = String::new();
    for line in said.err.lines() {
        let line = line.trim();
        if let Some((_, place)) = line.split_once(".toml:") {
            let _ = writeln!(answer, "  at {}", place.strip_prefix("20:").unwrap_or(place));
        } else if line.starts_with("error") || line.starts_with("= help") {
            let _ = writeln!(answer, "  {line}");
        }
    }
    answer
}

#[test]
fn every_hostile_query_is_refused_and_the_process_lives() {
    let queries = fs::read_to_string(Path::new(FOLDER).join("queries.txt")).unwrap();
    let queries: Vec<&str> = queries.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(queries.len() >= 150, "{} queries", queries.len());
    let folder = tempfile::tempdir().unwrap();
    let answers = Mutex::new(vec![String::new(); queries.len()]);
    thread::scope(|scope| {
        for worker in 0..4 {
            let (queries, answers, folder) = (&queries, &answers, folder.path());
            scope.spawn(move || {
                for (number, line) in queries.iter().enumerate().skip(worker).step_by(4) {
                    let answer = answer(number, folder, line);
                    answers.lock().unwrap()[number] = answer;
                }
            });
        }
    });
    let answers = answers.into_inner().unwrap();
    let said: Vec<String> = queries.iter().zip(&answers).map(|(query, answer)| format!("{query}\n{answer}")).collect();
    let path = Path::new(FOLDER).join("answers.txt");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&path, said.join("\n")).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let expected: Vec<&str> = expected.split("\n\n").map(|block| block.trim_end()).collect();
    let mut differences = String::new();
    for (number, block) in said.iter().enumerate() {
        let block = block.trim_end();
        let wanted = expected.get(number).copied().unwrap_or_default();
        let complete = block.contains("\n  error") && block.contains("= help") && block.contains("\n  at ");
        if block != wanted || !complete {
            let _ = writeln!(differences, "-- expected\n{wanted}\n-- answered\n{block}\n");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}
