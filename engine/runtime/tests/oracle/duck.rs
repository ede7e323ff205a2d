//! DuckDB as an oracle: one Python for a thread's life, a line of JSON asked, a line of JSON answered.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::cell::{Lines, lines_of_json};

const SCRIPT: &str = include_str!("duck.py");

/// A Python with DuckDB that answers until it is dropped.
pub struct Duck {
    child: Child,
    asked: Option<ChildStdin>,
    answered: BufReader<ChildStdout>,
}

impl Duck {
    pub fn start() -> Duck {
        let python = std::env::var("ENGINE_TEST_PYTHON").expect(
            "ENGINE_TEST_PYTHON is not set: run scripts/test, or point it to a Python with the packages of scripts/test-requirements.txt",
        );
        let mut child = Command::new(&python)
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{python} cannot be started ({error}): set ENGINE_TEST_PYTHON as scripts/test does")
            });
        let (asked, answered) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Duck { child, asked, answered }
    }

    /// Runs statements, then queries. The queries' rows, each as a line, sorted; or what is wrong.
    pub fn ask(&mut self, statements: &[String], queries: &[String]) -> Vec<Result<Lines, String>> {
        let question = json!({"statements": statements, "queries": queries}).to_string();
        writeln!(self.asked.as_mut().unwrap(), "{question}").expect("DuckDB's Python has ended");
        let mut line = String::new();
        self.answered.read_line(&mut line).unwrap();
        let answers: Vec<Value> = serde_json::from_str(&line).unwrap_or_else(|error| {
            panic!("DuckDB's Python has ended or is without the package duckdb ({error}): see its error above")
        });
        for (statement, answer) in statements.iter().zip(&answers) {
            assert!(answer["error"].is_null(), "DuckDB: {}\n{statement}", answer["error"]);
        }
        answers[statements.len()..]
            .iter()
            .map(|answer| match answer["error"].as_str() {
                Some(error) => Err(error.to_string()),
                None => Ok(lines_of_json(&answer["rows"])),
            })
            .collect()
    }
}

impl Drop for Duck {
    fn drop(&mut self) {
        drop(self.asked.take());
        let _ = self.child.wait();
    }
}
