//! The expressions of `query/tests/spark`, with columns in the place of some of their constants.

use std::path::Path;

use crate::dice::Dice;

/// Expressions to make queries of.
pub struct Corpus {
    /// Of one row; their arguments stand between « and ».
    scalars: Vec<String>,
    /// Of several rows: what stands between SELECT and FROM VALUES, over a column `v`.
    aggregates: Vec<String>,
}

/// A kind of constant, and the columns that have its values.
const COLUMNS: [(&str, &[&str]); 13] = [
    ("int", &["i", "k", "z"]),
    ("bigint", &["l"]),
    ("double", &["d"]),
    ("float", &["f"]),
    ("decimal", &["m"]),
    ("boolean", &["b"]),
    ("string", &["s", "u"]),
    ("binary", &["x"]),
    ("date", &["day"]),
    ("timestamp", &["ts"]),
    ("array", &["ai", "texts"]),
    ("map", &["mp"]),
    ("struct", &["st"]),
];

impl Corpus {
    pub fn read() -> Corpus {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../query/tests/spark");
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|end| end == "jsonl"));
        files.sort();
        let mut corpus = Corpus { scalars: Vec::new(), aggregates: Vec::new() };
        for file in files {
            for line in std::fs::read_to_string(file).unwrap().lines() {
                let recorded: Vec<serde_json::Value> = serde_json::from_str(line).unwrap();
                corpus.add(recorded[0].as_str().unwrap());
            }
        }
        assert!(corpus.scalars.len() > 10_000 && corpus.aggregates.len() > 500, "the recorded expressions are gone");
        corpus
    }

    fn add(&mut self, expression: &str) {
        let first = expression.split_whitespace().next().unwrap_or_default().to_uppercase();
        if !["SELECT", "WITH", "FROM", "VALUES"].contains(&first.as_str()) {
            // What looks at every row of a long time costs seconds and shows nothing.
            if !expression.contains("sequence(") && !expression.contains("repeat(") {
                self.scalars.push(expression.to_string());
            }
            return;
        }
        let Some((call, _)) = expression.strip_prefix("SELECT ").and_then(|rest| rest.split_once(" FROM VALUES "))
        else {
            return;
        };
        let is_call_over_v = call.contains("(v") && !call.contains(" OVER ") && !call.contains("SELECT");
        if is_call_over_v && !call.contains(" AS ") {
            self.aggregates.push(call.to_string());
        }
    }

    /// An expression of one row, over columns with this name before them, if there is one.
    pub fn scalar(&self, dice: &mut Dice, of: &str) -> String {
        let expression = dice.pick(&self.scalars).clone();
        let mut made = String::new();
        let mut rest = expression.as_str();
        while let Some((before, after)) = rest.split_once('«') {
            let Some((constant, after)) = after.split_once('»') else { break };
            made.push_str(before);
            match kind(constant).filter(|_| dice.percent(70)) {
                Some(kind) => made.push_str(&column(dice, kind, of)),
                None => made.push_str(constant),
            }
            rest = after;
        }
        made.push_str(rest);
        made
    }

    /// A call over several rows.
    pub fn aggregate(&self, dice: &mut Dice, of: &str) -> String {
        let call = dice.pick(&self.aggregates).clone();
        let value = match dice.percent(80) {
            true => any_column(dice, of),
            false => self.scalar(dice, of),
        };
        replaced_word(&call, "v", &value)
    }
}

/// A column of any kind.
pub fn any_column(dice: &mut Dice, of: &str) -> String {
    let (kind, _) = *dice.pick(&COLUMNS);
    column(dice, kind, of)
}

/// A column of this kind.
pub fn column(dice: &mut Dice, kind: &str, of: &str) -> String {
    let (_, names) = COLUMNS.iter().find(|(other, _)| *other == kind).unwrap();
    format!("{of}{}", dice.pick(names))
}

/// What kind of constant a text is.
fn kind(constant: &str) -> Option<&'static str> {
    let starts = |word: &str| constant.to_uppercase().starts_with(word);
    let number = constant.trim_start_matches('-');
    Some(match constant {
        _ if starts("DATE") => "date",
        _ if starts("TIMESTAMP") => "timestamp",
        _ if starts("ARRAY") => "array",
        _ if starts("MAP") => "map",
        _ if starts("NAMED_STRUCT") || starts("STRUCT") => "struct",
        _ if starts("X'") => "binary",
        _ if starts("'") => "string",
        _ if starts("TRUE") || starts("FALSE") => "boolean",
        _ if !number.starts_with(|sign: char| sign.is_ascii_digit()) => return None,
        _ if number.ends_with(['L', 'l']) => "bigint",
        _ if number.ends_with(['F', 'f']) => "float",
        _ if number.ends_with(['D', 'd']) && !number.ends_with("BD") || number.contains(['e', 'E']) => "double",
        _ if number.contains('.') => "decimal",
        _ => "int",
    })
}

/// The text with another word in the place of one.
fn replaced_word(text: &str, word: &str, by: &str) -> String {
    let is_word = |sign: char| sign.is_alphanumeric() || sign == '_';
    let mut made = String::new();
    let mut at = String::new();
    for sign in text.chars().chain([' ']) {
        if is_word(sign) {
            at.push(sign);
            continue;
        }
        made.push_str(if at == word { by } else { &at });
        at.clear();
        made.push(sign);
    }
    made.trim_end().to_string()
}
