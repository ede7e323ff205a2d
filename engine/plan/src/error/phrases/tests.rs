//! For each phrase a query that makes DataFusion say it: where an update says it otherwise, these tests fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow::error::ArrowError;
use datafusion::prelude::SessionContext;
use expr::clock::BatchClock;
use futures::executor::block_on;

use super::*;
use crate::relation::source_relation;
use crate::session::{planning_session, register};

/// What part of DataFusion's text is looked for, and a query that makes DataFusion say it.
const SAID: &[(&str, &str)] = &[
    ("require unique expression names", "SELECT name AS a, count AS a FROM events"),
    ("non-boolean predicate", "SELECT name FROM events WHERE count"),
    ("Cannot infer common argument type", "SELECT name FROM events WHERE items > 1"),
    ("Cannot access field", "SELECT get_field(count, 'a') FROM events"),
    ("not found in struct", "SELECT get_field(pair, 'nothing') FROM events"),
    ("does not support zero arguments", "SELECT upper() FROM events"),
    ("lambda defined ", "SELECT array_transform(items, (a, b, c) -> a) FROM events"),
    ("expects ", "SELECT upper(name, name, name) FROM events"),
    ("different number of columns", "SELECT name FROM events UNION ALL SELECT name, count FROM events"),
    ("Unsupported SQL type", "SELECT CAST(count AS banana) FROM events"),
    ("Unsupported ast node", "SELECT name COLLATE de FROM events"),
    (NOT_GROUPED, "SELECT name, count(*) FROM events GROUP BY count"),
    (NOT_GROUPED, "SELECT name FROM events HAVING count > 1"),
    (NO_SIGNATURE, "SELECT shiftleft(items, 1) FROM events"),
    (COERCION, "SELECT sum(items) FROM events"),
    (CANDIDATES, "SELECT sum(items) FROM events"),
];

fn session() -> SessionContext {
    let context = planning_session(&BatchClock::default(), expr::typing::TypeRules::default()).unwrap();
    let pair = Fields::from(vec![Field::new("a", DataType::Int64, true)]);
    let columns = Schema::new(vec![
        Field::new("name", DataType::Utf8, true),
        Field::new("count", DataType::Int64, true),
        Field::new("items", DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))), true),
        Field::new("pair", DataType::Struct(pair), true),
    ]);
    register(&context, &source_relation("events", &columns, None)).unwrap();
    context
}

/// DataFusion's own error of a query that is planned without anything of ours before it.
fn error_of(sql: &str) -> DataFusionError {
    let context = session();
    let frame = block_on(context.sql(sql));
    frame.and_then(|frame| block_on(frame.create_physical_plan())).expect_err(sql)
}

#[test]
fn datafusion_says_what_is_looked_for() {
    for (part, sql) in SAID {
        let text = error_of(sql).find_root().strip_backtrace();
        assert!(text.contains(part), "DataFusion says otherwise than `{part}` of {sql}:\n  {text}");
    }
}

#[test]
fn every_phrase_has_a_query_that_makes_datafusion_say_it_and_none_hides_another() {
    for phrase in PHRASES {
        let (_, sql) = SAID.iter().find(|(part, _)| *part == phrase.part).expect(phrase.part);
        let problem = of(error_of(sql).find_root(), sql);
        assert_eq!((problem.code.unwrap_or(""), problem.help.as_str()), (phrase.code, phrase.help), "{}", phrase.part);
    }
}

/// The column, and the types that a function does not take, are read out of DataFusion's text.
#[test]
fn names_in_datafusions_texts_are_found() {
    let problem = |sql: &str| of(error_of(sql).find_root(), sql);
    let not_grouped = problem("SELECT name, count(*) FROM events GROUP BY count");
    assert_eq!(not_grouped.message, "`name` is neither in GROUP BY nor in an aggregate");
    assert_eq!(problem("SELECT shiftleft(items, 1) FROM events").message, "`shiftleft` does not take an array");
    let total = problem("SELECT sum(items) FROM events");
    assert_eq!(total.message, "sum takes a number or an interval, not array<string>");
}

#[test]
fn prefixes_are_those_of_the_variants() {
    let empty = String::new;
    let variants = [
        DataFusionError::Plan(empty()).to_string(),
        DataFusionError::Internal(empty()).to_string(),
        DataFusionError::Execution(empty()).to_string(),
        DataFusionError::ArrowError(Box::new(ArrowError::CastError(empty())), None).to_string(),
        ArrowError::CastError(empty()).to_string(),
        DataFusionError::NotImplemented(empty()).to_string(),
    ];
    for (prefix, text) in PREFIXES.iter().zip(variants) {
        assert!(text.starts_with(prefix), "`{prefix}` does not begin {text}");
    }
}
