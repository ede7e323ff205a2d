//! Answers that are not ours: Delta tables read by the Python deltalake package, asked by DuckDB.

use std::io::Write;
use std::process::{Command, Stdio};

use epoch::Commit;
use serde_json::{Value, json};

/// Rows of an answer.
pub type Rows = Vec<Vec<Value>>;

const SCRIPT: &str = include_str!("oracle.py");

/// The Python that scripts/test prepares; there is no test without it.
pub fn python() -> String {
    std::env::var("ENGINE_TEST_PYTHON").expect(
        "ENGINE_TEST_PYTHON is not set: run scripts/test, or point it to a Python with the packages of scripts/test-requirements.txt",
    )
}

/// What the oracle is asked.
pub struct Oracle {
    question: Value,
}

impl Oracle {
    /// Over these tables of a warehouse.
    pub fn over(warehouse: &str, tables: &[&str]) -> Oracle {
        Oracle { question: json!({"warehouse": warehouse, "tables": tables, "rows": {}, "ask": {}}) }
    }

    /// With a table of these rows.
    pub fn with(mut self, name: &str, schema: &[(&str, &str)], rows: &[Vec<Value>]) -> Oracle {
        self.question["rows"][name] = json!({"schema": schema, "rows": rows});
        self
    }

    /// With what the epochs read and which watermarks they had, by partition: table `epochs`.
    pub fn with_epochs(self, commits: &[Commit]) -> Oracle {
        let schema = [
            ("epoch", "bigint"),
            ("watermark_us", "bigint"),
            ("late_us", "bigint"),
            ("lanes", "bigint"),
            ("topic", "string"),
            ("partition", "int"),
            ("first", "bigint"),
            ("until", "bigint"),
        ];
        let rows: Vec<Vec<Value>> = commits.iter().flat_map(epoch_rows).collect();
        self.with("epochs", &schema, &rows)
    }

    /// Asks several questions about the newest versions.
    pub fn ask_all(mut self, queries: &[(&str, &str)]) -> Vec<Rows> {
        self.question["ask"] = queries.iter().map(|(name, sql)| ((*name).to_owned(), json!(sql))).collect();
        let answer = self.run();
        queries.iter().map(|(name, _)| rows(&answer["answers"][name])).collect()
    }

    /// Asks the questions after each of the first so many epochs, about all tables as of that epoch.
    pub fn ask_every_epoch(mut self, epochs: usize, queries: &[(&str, &str)]) -> Vec<Vec<Rows>> {
        self.question["ask"] = queries.iter().map(|(name, sql)| ((*name).to_owned(), json!(sql))).collect();
        self.question["epochs"] = json!(epochs);
        let answer = self.run();
        let answers = answer["epochs"].as_array().unwrap();
        answers.iter().map(|answers| queries.iter().map(|(name, _)| rows(&answers[name])).collect()).collect()
    }

    /// Names and types of the columns of each table, as Arrow writes them.
    pub fn schemas(mut self) -> Value {
        self.question["schemas"] = json!(true);
        self.run()["schemas"].take()
    }

    fn run(&self) -> Value {
        let mut child = Command::new(python())
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(self.question.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), self.question["ask"]);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn epoch_rows(commit: &Commit) -> Vec<Vec<Value>> {
    let plan = &commit.plan;
    let ranges = plan.sources.values().flat_map(|source| source.ranges.iter());
    ranges
        .map(|(at, range)| {
            vec![
                json!(plan.epoch.0),
                json!(plan.watermark_us),
                json!(plan.late_watermark_us),
                json!(plan.lanes),
                json!(at.stream),
                json!(at.partition),
                json!(range.from),
                json!(range.until),
            ]
        })
        .collect()
}

fn rows(answer: &Value) -> Rows {
    serde_json::from_value(answer.clone()).unwrap()
}

/// The only column of an answer, as numbers.
pub fn numbers(rows: &[Vec<Value>]) -> Vec<i64> {
    rows.iter().map(|row| row[0].as_i64().unwrap_or_else(|| panic!("{row:?} is not a number"))).collect()
}

/// Sorted, each row compared by its text.
pub fn sorted(mut rows: Rows) -> Rows {
    rows.sort_by_cached_key(|row| Value::from(row.clone()).to_string());
    rows
}

/// Says where two answers differ; nothing if they do not.
pub fn assert_same(what: &str, ours: Rows, theirs: Rows) {
    assert!(!theirs.is_empty(), "{what}: the oracle has no row, so that nothing is compared");
    let (ours, theirs) = (sorted(ours), sorted(theirs));
    if ours != theirs {
        let text = |rows: &Rows| rows.iter().map(|row| Value::from(row.clone()).to_string()).collect::<Vec<_>>();
        let (ours, theirs) = (text(&ours), text(&theirs));
        let missing: Vec<_> = theirs.iter().filter(|row| !ours.contains(row)).take(3).collect();
        let extra: Vec<_> = ours.iter().filter(|row| !theirs.contains(row)).take(3).collect();
        panic!(
            "{what}: {} rows, the oracle has {}\nnot in ours: {missing:#?}\nnot in the oracle's: {extra:#?}",
            ours.len(),
            theirs.len()
        );
    }
}

/// The same, with approximate counts in the last columns: exact up to 256, within 8 % above.
pub fn assert_nearly_same(what: &str, ours: Rows, theirs: Rows, approximate: usize) {
    let split = |rows: Rows| -> (Rows, Rows) {
        sorted(rows)
            .into_iter()
            .map(|mut row| {
                let counts = row.split_off(row.len() - approximate);
                (row, counts)
            })
            .unzip()
    };
    let ((ours, our_counts), (theirs, their_counts)) = (split(ours), split(theirs));
    assert_same(what, ours.clone(), theirs);
    for ((row, ours), theirs) in ours.iter().zip(our_counts).zip(their_counts) {
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let (approximation, exact) = (ours.as_i64().unwrap(), theirs.as_i64().unwrap());
            let allowed = if exact <= 256 { 0.0 } else { exact as f64 * 0.08 };
            assert!((approximation - exact).abs() as f64 <= allowed, "{what}: {approximation} for {exact} in {row:?}");
        }
    }
}

/// read = emitted + rejected + late + filtered in every epoch for every table of the job.
pub fn assert_books(commits: &[Commit]) {
    for commit in commits {
        for (table, change) in &commit.tables {
            let counts = change.counts;
            let spent = counts.emitted + counts.rejected + counts.late + counts.filtered;
            assert_eq!(counts.read, spent, "{table} in epoch {}: {counts:?}", commit.plan.epoch);
        }
    }
}
