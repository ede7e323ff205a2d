//! A case as a job file.

use std::fmt::Write;

use crate::by_hand;
use crate::case::{Case, Source};

/// The table that is looked at.
pub const TABLE: &str = "gold.answer";

/// The text of the job file.
pub fn of(case: &Case) -> String {
    let setting = |name: &str| case.conf.get(name);
    let no_data = setting("no_data_batches").and_then(|value| value.as_bool()).unwrap_or(true);
    let policy = setting("multiple_watermark_policy").and_then(|value| value.as_str()).unwrap_or("min");
    let mut text = format!(
        "[job]\nname = \"conformance\"\ncheckpoint = \"nowhere\"\nwarehouse = \"nowhere-else\"\n\
         no_data_epochs = {no_data}\nwatermark_policy = \"{policy}\"\n\n"
    );
    case.sources.iter().for_each(|source| source_section(&mut text, source));
    match by_hand::tables(&case.name) {
        Some(tables) => text.push_str(tables),
        None => table_section(&mut text, case),
    }
    text
}

fn source_section(text: &mut String, source: &Source) {
    let Source { name, columns, watermark } = source;
    writeln!(text, "[source.{name}]\nconnector = \"kafka\"\nbrokers = \"127.0.0.1:1\"\ntopic = \"{name}\"").unwrap();
    if let Some((column, delay)) = watermark {
        writeln!(text, "watermark = {{ column = \"{column}\", delay = \"{delay}\", scope = \"source\" }}").unwrap();
    }
    writeln!(text, "[source.{name}.schema]").unwrap();
    let event_time = watermark.as_ref().map(|(column, _)| column);
    for (column, kind) in columns {
        let kind = if event_time == Some(column) { "timestamp" } else { kind };
        writeln!(text, "{column} = \"{kind}\"").unwrap();
    }
    // A number cast to a timestamp is epoch seconds, and so it is where a record has one: the same field, read twice.
    if let Some(event_time) = event_time.filter(|name| columns.iter().all(|(column, _)| column != *name)) {
        let (field, _) = columns.iter().rfind(|(_, kind)| kind == "int" || kind == "bigint").unwrap();
        writeln!(text, "{event_time} = {{ type = \"timestamp\", field = \"{field}\" }}").unwrap();
    }
    text.push('\n');
}

fn table_section(text: &mut String, case: &Case) {
    // A batch has no mode: its one answer is that of a stream without a watermark.
    let mode = match case.mode.as_str() {
        "batch" if case.sql.contains("GROUP BY") => "complete",
        "batch" => "append",
        mode => mode,
    };
    let sql = named(&with_event_time(case));
    write!(text, "[table.{TABLE}]\nmode = \"{mode}\"\nsql = '''{sql}'''\n").unwrap();
    // Spark does not ask whether a state may grow without end.
    text.push_str("state_ttl = \"unbounded\"\n");
}

/// The case's SQL with the source's event time in the place of the casts that make it of a number: Spark puts the watermark on
/// the cast, a job file on a column.
fn with_event_time(case: &Case) -> String {
    const CAST: &str = " AS TIMESTAMP)";
    let mut sql = case.sql.clone();
    let mut from = 0;
    while let Some(at) = sql[from..].find(CAST).map(|at| from + at) {
        let start = sql[..at].rfind("CAST(").unwrap();
        let source = sql[at..].split("FROM ").nth(1).unwrap();
        let source = source.split(|c: char| !c.is_alphanumeric()).next().unwrap();
        match case.source(source).and_then(|source| source.watermark.clone()) {
            Some((column, _)) => {
                sql.replace_range(start..at + CAST.len(), &column);
                from = start + column.len();
            }
            None => from = at + CAST.len(),
        }
    }
    sql
}

/// The SQL with a name for every column of its outermost SELECT: columns of a table must have one.
fn named(sql: &str) -> String {
    let list = sql.strip_prefix("SELECT ").unwrap_or(sql);
    let (mut depth, mut items, mut start) = (0, Vec::new(), 0);
    for (at, sign) in list.char_indices() {
        match sign {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&list[start..at]);
                start = at + 1;
            }
            _ if depth == 0 && list[at..].starts_with(" FROM ") => {
                items.push(&list[start..at]);
                let name = |(number, item): (usize, &&str)| match item.trim() {
                    item if item == "*" || item.starts_with("DISTINCT ") || ends_with_name(item) => item.to_string(),
                    item => format!("{item} AS c{}", number + 1),
                };
                let items: Vec<String> = items.iter().enumerate().map(name).collect();
                return format!("SELECT {}{}", items.join(", "), &list[at..]);
            }
            _ => {}
        }
    }
    panic!("no FROM in {sql}")
}

/// True for `… AS name`.
fn ends_with_name(item: &str) -> bool {
    item.rsplit_once(" AS ").is_some_and(|(_, name)| name.chars().all(|sign| sign.is_alphanumeric()))
}
