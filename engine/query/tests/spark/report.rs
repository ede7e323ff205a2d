//! For the reader: a table of outcomes by family, and a file with both answers to everything that differs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use crate::outcome::{Compared, Outcome};
use crate::recorded::Answer;

/// Headings of the table, which has little room.
const HEADINGS: [&str; 10] =
    ["equal", "value", "type", "both", "no error", "refused", "fails", "panics", "columns", "col.ref."];

/// Writes the table past the harness, which shows what a test prints only if it fails.
pub fn summary(file: &Path, results: &[Compared]) {
    let mut counts: BTreeMap<&str, [usize; 10]> = BTreeMap::new();
    for compared in results {
        let kind = Outcome::ALL.iter().position(|outcome| *outcome == compared.outcome).expect("ALL has all");
        counts.entry(&compared.recorded.family).or_default()[kind] += 1;
    }
    let mut total = [0; 10];
    let mut text = format!("{:14}{:>7}", "", "all");
    for heading in HEADINGS {
        let _ = write!(text, "{heading:>9}");
    }
    for (family, counts) in &counts {
        for (sum, count) in total.iter_mut().zip(counts) {
            *sum += count;
        }
        text.push_str(&line(family, counts));
    }
    text.push_str(&line("all", &total));
    let _ = write!(
        text,
        "\n{} %  equal; both answers to the others: {}",
        100 * total[0] / results.len().max(1),
        file.display()
    );
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn line(family: &str, counts: &[usize; 10]) -> String {
    let mut text = format!("\n{family:14}{:>7}", counts.iter().sum::<usize>());
    for count in counts {
        let _ = write!(text, "{count:>9}");
    }
    text
}

/// Both answers to everything that differs: kind, family, expression, Spark, here.
pub fn write_all(path: &Path, results: &[Compared]) {
    let mut text = String::new();
    for Compared { recorded, outcome, engine } in results.iter().filter(|one| one.outcome != Outcome::Equal) {
        let spark = match &recorded.answer {
            Answer::Value { kind, text } => format!("{kind}: {text}"),
            Answer::Error(condition) => format!("error {condition}"),
        };
        let cells = [outcome.name(), &recorded.family, &recorded.expression, &spark, engine];
        let _ = writeln!(text, "{}", cells.map(|cell| cell.replace(['\t', '\n'], " ")).join("\t"));
    }
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
