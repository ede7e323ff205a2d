//! What tells the definition of a table from others, so that its commits can say which one made its rows.

use std::collections::BTreeMap;
use std::fmt::Write;

use epoch::paths;
use job::{ComputedColumn, Function, FunctionBody, Job, OnError, Source, SqlText, Table, TimeForm};
use plan::{Graph, text_hash};

/// The fingerprint of every table that a job writes to, those of rejected and late rows included. How a query is laid out does not
/// count; where records are read from, and how many at once, does not either.
pub fn fingerprints(job: &Job, graph: &Graph) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for table in &job.tables {
        let Some(plan) = graph.plan_of(&table.name) else { continue };
        let reads = |source: &&Source| plan.inputs.iter().any(|input| input.eq_ignore_ascii_case(&source.name));
        let text = of_table(table, &job.functions, job.sources.values().filter(reads));
        if plan.late_schema.is_some() {
            all.insert(paths::late_table(&table.name), hash(&format!("late rows of {text}")));
        }
        all.insert(plan.name.clone(), hash(&text));
    }
    for source in job.sources.values().filter(|source| source.on_error == OnError::DeadLetter) {
        let text = format!("{}{}", of_source(source, |_| true), of_functions(&job.functions, &expressions(source)));
        all.insert(paths::rejected_table(&source.name), hash(&text));
    }
    all
}

fn of_table<'a>(table: &Table, functions: &[Function], sources: impl Iterator<Item = &'a Source>) -> String {
    // What becomes of a row that the query has no value for changes none of those that it has one for.
    let Table { name: _, sql, sql_span: _, mode, late: _, deduplicate, state_ttl, on_error: _ } = table;
    let query = without_layout(sql);
    let mut text = format!("{query}\nmode {mode:?}, deduplicate {deduplicate:?}, state_ttl {state_ttl:?}\n");
    let words = query.to_lowercase();
    // A column that the query does not name makes nothing of it.
    let is_used = |column: &str| words.contains('*') || words.contains(&column.to_lowercase());
    let mut called = words.clone();
    for source in sources {
        text.push_str(&of_source(source, is_used));
        called.push_str(&expressions(source).to_lowercase());
    }
    text.push_str(&of_functions(functions, &called));
    text
}

/// What decides which rows come of the records of a source, as far as these columns go.
fn of_source(source: &Source, is_used: impl Fn(&str) -> bool) -> String {
    let future_limit = source.watermark.as_ref().and_then(|watermark| watermark.future_limit_us);
    let mut text = format!("source {}, format {:?}, future {future_limit:?}\n", source.name, source.format);
    // A record is rejected for an expression that has no value, whoever reads the column.
    let in_expression = |name: &str| expressions(source).to_lowercase().contains(&name.to_lowercase());
    for column in source.schema.iter().filter(|column| is_used(&column.name) || in_expression(&column.name)) {
        let job::Column { name, field, data_type, required } = column;
        let _ = writeln!(text, "column {name}, field {field}, {data_type:?}, required {required}");
        if let Some(TimeForm { unit, format, time_zone }) = source.times.get(name) {
            let words = |text: &Option<SqlText>| text.as_ref().map(|text| text.text.clone());
            let _ = writeln!(text, "times {unit:?}, {:?}, {:?}", words(format), words(time_zone));
        }
    }
    for ComputedColumn { name, expression, after: _, required } in &source.computed {
        let _ = writeln!(text, "computed {name} = {}, required {required}", without_layout(&expression.text));
    }
    text
}

/// The expressions of the computed columns of a source.
fn expressions(source: &Source) -> String {
    source.computed.iter().map(|column| without_layout(&column.expression.text)).collect::<Vec<_>>().join("\n")
}

/// What the functions mean that are called somewhere, and those that they call.
fn of_functions(functions: &[Function], called: &str) -> String {
    let mut words = called.to_lowercase();
    let mut text = String::new();
    let mut left: Vec<&Function> = functions.iter().collect();
    while let Some(at) = left.iter().position(|function| words.contains(&function.name.to_lowercase())) {
        let Function { name, name_span: _, arguments, returns, body: FunctionBody::Sql(sql) } = left.remove(at);
        let body = without_layout(&sql.text);
        let _ = writeln!(text, "function {name}, {arguments:?}, {returns:?}, {body}");
        words.push_str(&body.to_lowercase());
    }
    text
}

/// A query without comments, and with one blank where there is any.
fn without_layout(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut chars = sql.chars().peekable();
    let mut is_gap = false;
    while let Some(at) = chars.next() {
        match (at, chars.peek()) {
            ('-', Some('-')) => {
                is_gap = true;
                chars.by_ref().take_while(|skipped| *skipped != '\n').for_each(drop);
            }
            ('/', Some('*')) => {
                is_gap = true;
                let mut before = ' ';
                let is_inside = |now: &char| !(std::mem::replace(&mut before, *now) == '*' && *now == '/');
                chars.by_ref().skip(1).take_while(is_inside).for_each(drop);
            }
            (blank, _) if blank.is_whitespace() => is_gap = true,
            (shown, _) => {
                if std::mem::take(&mut is_gap) && !text.is_empty() {
                    text.push(' ');
                }
                text.push(shown);
                if matches!(shown, '\'' | '"' | '`') {
                    push_quoted(&mut text, &mut chars, shown);
                }
            }
        }
    }
    text
}

/// The rest of a text in quotes, as it is.
fn push_quoted(text: &mut String, chars: &mut impl Iterator<Item = char>, quote: char) {
    while let Some(inside) = chars.next() {
        text.push(inside);
        if inside == '\\' {
            text.extend(chars.next());
        } else if inside == quote {
            return;
        }
    }
}

fn hash(text: &str) -> String {
    format!("{:016x}", text_hash(text))
}

#[cfg(test)]
mod tests;
