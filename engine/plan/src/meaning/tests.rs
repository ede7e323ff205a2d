//! What state means changes with every constant that its rows hang on, and with nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use job::StateTtl;

use crate::node::NodeKind;
use crate::tests::engine::{job, plan};

const DAY_US: i64 = 86_400_000_000;

/// Everything that a checkpoint says of the operators of these tables, all in update mode.
fn identity(tables: &[(&str, &str)], state_ttl: Option<StateTtl>) -> Vec<String> {
    let tables: Vec<(&str, &str, &str)> = tables.iter().map(|(name, sql)| (*name, "update", *sql)).collect();
    let mut job = job(&tables);
    job.tables.last_mut().unwrap().state_ttl = state_ttl;
    let graph = plan(&job).unwrap_or_else(|problems| panic!("{problems:?}"));
    let mut lines = Vec::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        if let NodeKind::Operator(operator) = &node.kind {
            lines.extend(operator.spec.fingerprint().unwrap());
            lines.extend(graph.meaning(at).unwrap());
        }
    }
    assert!(!lines.is_empty(), "no state");
    lines
}

/// A query over `events`, a text of it and what takes its place: state of the one is none of the other.
const OTHER: &[(&str, &str, &str)] = &[
    ("SELECT count(*) AS n FROM plain GROUP BY window(event_time, '10 minutes')", "10 minutes", "5 minutes"),
    (
        "SELECT count(*) AS n FROM plain GROUP BY window(event_time, '10 minutes', '5 minutes')",
        "5 minutes",
        "2 minutes",
    ),
    ("SELECT w, count(*) AS n FROM (SELECT window(event_time, '10 minutes') AS w FROM plain) q GROUP BY w", "10", "5"),
    (
        "SELECT count(*) AS n FROM (SELECT window(event_time, '10 minutes', '5 minutes') AS w, user_id FROM plain) q GROUP BY user_id",
        "'10 minutes'",
        "'20 minutes'",
    ),
    ("SELECT DISTINCT window(event_time, '10 minutes') AS w, user_id FROM events", "10 minutes", "5 minutes"),
    (
        "SELECT sum(n) AS m FROM (SELECT user_id, count(*) AS n FROM events GROUP BY user_id) q WHERE n > 3",
        "> 3",
        "> 4",
    ),
    ("SELECT sum(n + 1) AS m FROM (SELECT user_id, count(*) AS n FROM events GROUP BY user_id) q", "+ 1", "+ 2"),
    (
        "SELECT user_id, total FROM (SELECT *, dense_rank() OVER (PARTITION BY user_id ORDER BY total) AS p FROM events) q WHERE p < 3",
        "p < 3",
        "p < 4",
    ),
    (
        "SELECT user_id, lag(total, 1) OVER (PARTITION BY user_id ORDER BY event_time) AS l, sum(total) OVER (PARTITION BY user_id) AS s FROM events",
        "lag(total, 1)",
        "lag(total, 2)",
    ),
];

#[test]
fn another_constant_that_state_hangs_on_is_another_meaning() {
    for ttl in [None, Some(StateTtl::After(7 * DAY_US))] {
        for (sql, from, to) in OTHER {
            let changed = sql.replacen(from, to, 1);
            assert_ne!(changed, *sql, "nothing is replaced");
            // Not every query has state that a time to live could bound.
            let takes_ttl = sql.contains("FROM plain") || ttl.is_none();
            let ttl = if takes_ttl { ttl } else { None };
            assert_ne!(identity(&[("gold.t", sql)], ttl), identity(&[("gold.t", changed.as_str())], ttl), "{sql}");
        }
    }
}

#[test]
fn what_was_computed_of_rows_that_come_for_good_is_no_part_of_it() {
    let same = [
        (
            "SELECT user_id, sum(q) AS s FROM (SELECT user_id, total * 2 AS q FROM events) e GROUP BY user_id",
            "* 2",
            "* 3",
        ),
        ("SELECT user_id, count(*) AS n FROM events WHERE total > 1 GROUP BY user_id", "> 1", "> 2"),
        ("SELECT user_id, count(*) AS n FROM events GROUP BY user_id HAVING count(*) > 1", "> 1", "> 2"),
        ("SELECT user_id, count(*) * 2 AS n FROM events GROUP BY user_id", "* 2", "* 3"),
        (
            "SELECT user_id, count(*) AS n FROM events GROUP BY window(event_time, '600 seconds'), user_id",
            "600 seconds",
            "10 minutes",
        ),
    ];
    for (sql, from, to) in same {
        let changed = sql.replacen(from, to, 1);
        assert_eq!(identity(&[("gold.t", sql)], None), identity(&[("gold.t", changed.as_str())], None), "{sql}");
    }
}

#[test]
fn what_lies_between_a_table_and_its_reader_is_part_of_what_the_reader_keeps() {
    let table = "SELECT user_id, count(*) AS n FROM events GROUP BY user_id HAVING count(*) > 1";
    let reader = ("gold.r", "SELECT n, count(*) AS users FROM gold.t GROUP BY n");
    let having = table.replace("> 1", "> 2");
    assert_ne!(identity(&[("gold.t", table), reader], None), identity(&[("gold.t", &having), reader], None));
    assert_eq!(identity(&[("gold.t", table)], None), identity(&[("gold.t", &having)], None));
}

/// Text that doubles with each step is cut, and still says what it was.
#[test]
fn long_texts_are_cut_and_differ_all_the_same() {
    let nested = |last: &str| {
        let mut sql = "SELECT user_id, count(*) AS n FROM events GROUP BY user_id".to_string();
        for step in 0..12 {
            sql = format!("SELECT user_id, n * n + n AS n FROM ({sql}) q{step}");
        }
        format!("SELECT m, count(*) AS users FROM (SELECT n + {last} AS m FROM ({sql}) r) s GROUP BY m")
    };
    let lines = identity(&[("gold.t", &nested("1"))], None);
    assert!(lines.iter().all(|line| line.chars().count() < 2_000), "{lines:?}");
    assert_ne!(lines, identity(&[("gold.t", &nested("2"))], None));
}
