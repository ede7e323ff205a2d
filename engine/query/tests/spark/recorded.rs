//! The recorded answers: a line is `[expression, type, value]`, or `[expression, "error", condition]` where Spark gives none.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What Spark gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Types of the columns, and the rows in the canonical text (README.md).
    Value { kind: String, text: String },
    /// The name of the error condition.
    Error(String),
}

/// One expression, or a whole query.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The file it stands in.
    pub family: String,
    /// As it is asked.
    pub expression: String,
    /// The same with the marks « and » around what may come from a column, if anything may.
    pub marked: Option<String>,
    /// Spark's answer.
    pub answer: Answer,
}

impl Recorded {
    fn of_line(family: &str, line: &str) -> Recorded {
        let [marked, kind, text]: [String; 3] =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{family}: {error}: {line}"));
        let answer = if kind == "error" { Answer::Error(text) } else { Answer::Value { kind, text } };
        let expression = marked.replace(['«', '»'], "");
        let marked = marked.contains('«').then_some(marked);
        Recorded { family: family.to_owned(), expression, marked, answer }
    }

    /// True of whole queries, which are asked as they stand.
    pub fn is_query(&self) -> bool {
        is_query(&self.expression)
    }

    /// The query that asks for it.
    pub fn query(&self) -> String {
        if self.is_query() { self.expression.clone() } else { format!("SELECT {}", self.expression) }
    }

    /// The words of the expression, in small letters.
    pub fn words(&self) -> BTreeSet<String> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        self.expression
            .to_lowercase()
            .split(|c| !is_word(c))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

/// All families, in the order of their names.
pub fn all(folder: &Path) -> Vec<Recorded> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    paths.sort();
    let mut recorded = Vec::new();
    for path in paths {
        let family = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        recorded.extend(text.lines().map(|line| Recorded::of_line(&family, line)));
    }
    recorded
}

/// True of a text that begins as a query does.
pub fn is_query(text: &str) -> bool {
    let first = text.trim_start().split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
    ["select", "with", "from", "values"].iter().any(|word| first.eq_ignore_ascii_case(word))
}

/// True if the order of a query's rows is part of its answer: ORDER BY stands outside of all parentheses.
pub fn is_ordered(query: &str) -> bool {
    let mut depth = 0_i32;
    let mut outside = String::with_capacity(query.len());
    for character in query.chars() {
        depth += i32::from(character == '(') - i32::from(character == ')');
        outside.push(if depth == 0 { character } else { ' ' });
    }
    outside.to_uppercase().contains("ORDER BY")
}

/// `f(«1», «'a'»)` as `SELECT f(a0, a1) AS v0 FROM (VALUES (1, 'a')) AS arguments(a0, a1)`, several in one query: nothing in it can be
/// computed while it is planned.
pub fn over_columns<'a>(marked: impl Iterator<Item = &'a str>) -> String {
    let (mut expressions, mut values) = (Vec::new(), Vec::new());
    for text in marked {
        let mut parts = text.split('«');
        let mut expression = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (argument, rest) = part.split_once('»').expect("a mark that opens also closes");
            expression.push_str(&format!("a{}{rest}", values.len()));
            values.push(argument);
        }
        expressions.push(format!("{expression} AS v{}", expressions.len()));
    }
    let names: Vec<String> = (0..values.len()).map(|at| format!("a{at}")).collect();
    let (expressions, values, names) = (expressions.join(", "), values.join(", "), names.join(", "));
    format!("SELECT {expressions} FROM (VALUES ({values})) AS arguments({names})")
}

#[test]
fn marked_arguments_come_out_of_a_table() {
    let line = r#"["concat(«'a'», «NULL», 'c')", "string", "NULL"]"#;
    let recorded = Recorded::of_line("strings", line);
    assert_eq!(recorded.expression, "concat('a', NULL, 'c')");
    let marked = recorded.marked.as_deref().unwrap();
    let expected =
        "SELECT concat(a0, a1, 'c') AS v0, a2 + 1 AS v1 FROM (VALUES ('a', NULL, 2)) AS arguments(a0, a1, a2)";
    assert_eq!(over_columns([marked, "«2» + 1"].into_iter()), expected);
    assert_eq!(Recorded::of_line("strings", r#"["pi()", "double", "3.141592653589793"]"#).marked, None);
}

#[test]
fn the_order_of_rows_counts_only_where_the_query_gives_one() {
    assert!(is_ordered("SELECT a FROM t ORDER BY a"));
    assert!(!is_ordered("SELECT sum(a) OVER (ORDER BY a) FROM t"));
    assert!(is_query(" values (1)") && is_query("SELECT 1") && !is_query("selected(1)") && !is_query("(SELECT 1)"));
}
