//! What is refused: each with an answer that a newcomer can act on, on a small stack, in the user's words.

use super::engine::{job, plan, plan_one};
use crate::SqlProblem;

const ON: &str = "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION";

/// Mode, SQL, Spark's name (or nothing), a part of the message or the help, the text it points at (or nothing).
const REFUSED: &[(&str, &str, &str, &str, &str)] = &[
    ("append", "SELECT count(*) FROM events GROUP BY user_id", ON, "window(", "GROUP BY"),
    ("append", "SELECT count(*) FROM events", ON, "without watermark", ""),
    // Lateral column aliases, named arguments, pipes, names by text.
    (
        "append",
        "SELECT price AS a, url AS a, a AS b FROM events",
        "AMBIGUOUS_LATERAL_COLUMN_ALIAS",
        "several columns",
        "a",
    ),
    (
        "append",
        "SELECT user_id AS uid, row_number() OVER (ORDER BY uid) AS n FROM events",
        "UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS_IN_WINDOW",
        "subquery",
        "uid",
    ),
    (
        "update",
        "SELECT user_id AS uid, count(uid) AS n FROM events GROUP BY user_id",
        "UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS_IN_AGGREGATE_FUNC",
        "subquery",
        "uid",
    ),
    (
        "append",
        "SELECT rand() AS r, r * 2 AS double FROM events",
        "UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS",
        "another value",
        "r",
    ),
    (
        "append",
        "SELECT mask(user_id, uperChar => 'Q') AS m FROM events",
        "UNRECOGNIZED_PARAMETER_NAME",
        "`upperChar`",
        "mask",
    ),
    ("append", "SELECT user_id AS u FROM IDENTIFIER(user_id)", "NOT_A_CONSTANT_STRING", "constant text", "IDENTIFIER"),
    ("append", "FROM events |> RENAME user_id AS u", "", "EXTEND", "RENAME"),
    ("append", "FROM events |> SET user_di = 'x'", "UNRESOLVED_COLUMN.WITH_SUGGESTION", "`user_id`", "user_di"),
    // Evaluated again, it is another time: what is retracted would not be what was emitted.
    (
        "update",
        "SELECT user_id, row_number() OVER (PARTITION BY user_id ORDER BY unix_seconds(current_timestamp()) - unix_seconds(event_time)) AS n FROM events",
        "",
        "compute it in a subquery",
        "OVER",
    ),
    (
        "update",
        "SELECT a.user_id, b.total FROM events a LEFT JOIN events b ON a.user_id = b.user_id AND b.event_time > current_timestamp() - INTERVAL 1 MINUTE",
        "",
        "an inner join with the condition in WHERE",
        "JOIN",
    ),
    // It gave a row for each item, not for each key.
    (
        "update",
        "SELECT user_id, count(*) AS n FROM (SELECT user_id, explode(array(1, 2)) AS item FROM (SELECT user_id, count(*) AS c FROM events GROUP BY user_id)) GROUP BY user_id",
        "",
        "make the aggregate a table of its own",
        "explode",
    ),
    ("append", "SELECT count(*) FROM plain GROUP BY window(event_time, '1 minute')", ON, "watermark", "window("),
    (
        "append",
        "SELECT count(*) FROM events GROUP BY window(event_time + INTERVAL '1 hour', '1 minute')",
        ON,
        "event_time",
        "window(",
    ),
    ("append", "SELECT count(*) FROM events GROUP BY window(_timestamp, '1 minute')", ON, "event_time", "window("),
    (
        "update",
        "SELECT count(*) FROM events GROUP BY window(user_id, '1 minute')",
        "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE",
        "`user_id` is string",
        "window(",
    ),
    ("append", "SELECT count(*) FROM events GROUP BY window(event_time, '1 month')", "", "month", "window("),
    (
        "append",
        "SELECT count(*) FROM events GROUP BY window(event_time, '1 minute', '2 minutes')",
        "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION",
        "slide",
        "window(",
    ),
    (
        "append",
        "SELECT count(*) FROM events GROUP BY window(event_time, '1 minute', '1 minute', '1 minute')",
        "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION",
        "start",
        "window(",
    ),
    (
        "append",
        "SELECT count(*) FROM events GROUP BY window(event_time, '0 minutes')",
        "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION",
        "greater than 0",
        "window(",
    ),
    (
        "append",
        "SELECT count(*) FROM events GROUP BY window(event_time, '-5 minutes')",
        "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION",
        "greater than 0",
        "window(",
    ),
    (
        "append",
        "SELECT count(*) FROM events GROUP BY window(event_time, 'five minutes')",
        "",
        "whole number",
        "window(",
    ),
    ("append", "SELECT count(*) FROM events GROUP BY window(event_time, '5 parsecs')", "", "unit of time", "window("),
    (
        "append",
        "SELECT count(*) FROM events GROUP BY window(event_time, '99999999999999 weeks')",
        "",
        "too long",
        "window(",
    ),
    ("append", "SELECT count(*) FROM events GROUP BY window(event_time, 300)", "", "interval", "window("),
    ("append", "SELECT count(*) FROM events GROUP BY window(event_time, user_id)", "", "constant", "window("),
    (
        "append",
        "SELECT count(*) FROM events GROUP BY window(event_time)",
        "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        "window",
        "window(",
    ),
    (
        "append",
        "SELECT count(*) FROM events GROUP BY window(event_time, '1 minute'), window(event_time, '5 minutes')",
        "",
        "cartesian",
        "window(",
    ),
    (
        "append",
        "SELECT user_id FROM events WHERE window(event_time, '1 minute') IS NOT NULL",
        "",
        "GROUP BY",
        "window(",
    ),
    ("append", "SELECT user_id FROM events ORDER BY user_id", ON, "ORDER BY", "ORDER BY"),
    ("append", "SELECT user_id FROM events LIMIT 5", ON, "LIMIT", "LIMIT"),
    ("append", "SELECT a.user_id FROM events a JOIN events b ON a.user_id = b.user_id", "", "state_ttl", "JOIN"),
    ("append", "SELECT a.user_id FROM events a JOIN plain b ON a.event_time < b.event_time", "", "equality", "JOIN"),
    ("append", "SELECT a.user_id FROM events a LEFT JOIN plain b ON a.user_id = b.user_id", "", "watermark", "JOIN"),
    (
        "append",
        "SELECT user_id, row_number() OVER (ORDER BY event_time) FROM events",
        "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING",
        "OVER",
        "OVER",
    ),
    (
        "update",
        "SELECT n, count(*) AS m FROM (SELECT window AS w, count(*) AS n FROM events GROUP BY window(event_time, '5 minutes')) GROUP BY session_window(w, '1 hour'), n",
        ON,
        "append",
        "session_window(",
    ),
    (
        "complete",
        "SELECT n, count(*) AS m FROM (SELECT window AS w, count(*) AS n FROM events GROUP BY window(event_time, '5 minutes')) GROUP BY session_window(w, '1 hour'), n",
        ON,
        "append",
        "session_window(",
    ),
    // A session of such a gap had no row, without a word.
    (
        "update",
        "SELECT count(*) AS n FROM events GROUP BY session_window(event_time, '5 bananas')",
        "",
        "`banana` is not a unit of time",
        "session_window(",
    ),
    (
        "update",
        "SELECT count(*) AS n FROM events GROUP BY session_window(event_time, '-1 month')",
        "",
        "greater than 0",
        "session_window(",
    ),
    (
        "append",
        "SELECT user_id FROM events JOIN plain USING (usr_id)",
        "UNRESOLVED_USING_COLUMN_FOR_JOIN",
        "`usr_id` of USING is no column of the left side",
        "usr_id",
    ),
    ("complete", "SELECT user_id FROM events", ON, "Complete", ""),
    ("append", "SELECT user_di FROM events", "UNRESOLVED_COLUMN.WITH_SUGGESTION", "`user_id`", "user_di"),
    ("append", "SELECT e.user_di FROM events e", "UNRESOLVED_COLUMN.WITH_SUGGESTION", "`user_id`", "user_di"),
    ("append", "SELECT colect_list(user_id) FROM events", "UNRESOLVED_ROUTINE", "colect_list", "colect_list"),
    ("append", "SELECT user_id FROM evens", "TABLE_OR_VIEW_NOT_FOUND", "`events`", "evens"),
    ("append", "SELECT user_id FROM gold.nothing", "TABLE_OR_VIEW_NOT_FOUND", "events", "gold.nothing"),
    ("append", "SELECT user_id FROM gold.test", "", "itself", "gold.test"),
    ("append", "SELECT user_id FROM events; SELECT 1", "", "2 statements", ";"),
    ("append", "INSERT INTO events VALUES (1)", "", "SELECT", "INSERT"),
    ("append", "UPDATE events SET user_id = 'x'", "", "SELECT", "UPDATE"),
    ("append", "DELETE FROM events", "", "SELECT", "DELETE"),
    ("append", "CREATE TABLE x AS SELECT 1", "", "SELECT", "CREATE"),
    ("append", "DROP TABLE events", "", "SELECT", "DROP"),
    ("append", "COPY events TO '/tmp/x'", "", "", ""),
    ("append", "SET x = 1", "", "SELECT", "SET"),
    ("append", "EXPLAIN SELECT user_id FROM events", "", "SELECT", "EXPLAIN"),
    ("append", "   ", "", "", ""),
    ("append", "-- nothing here", "", "empty", ""),
    ("append", "SELECT 1", "", "source", ""),
    ("append", "VALUES (1, 2)", "", "source", ""),
    ("append", "SELEC user_id FROM events", "PARSE_SYNTAX_ERROR", "SQL", "SELEC"),
    ("append", "SELECT user_id FROM events WHERE", "PARSE_SYNTAX_ERROR", "SQL", ""),
    ("append", "SELECT 'unclosed FROM events", "PARSE_SYNTAX_ERROR", "SQL", ""),
    ("append", "SELECT random() AS r FROM events", "", "run again", "random"),
    ("append", "SELECT uuid() AS r FROM events", "", "run again", "uuid"),
    ("update", "SELECT count(*) FROM events GROUP BY random()", "", "run again", "random"),
    ("append", "SELECT rand() AS r FROM events", "", "", "rand"),
    (
        "append",
        "SELECT user_id FROM events WHERE user_id IN (SELECT user_id FROM events WHERE total > 5)",
        "",
        "state_ttl",
        "",
    ),
    ("append", "SELECT (SELECT max(total) FROM events) AS m FROM events", "", "subquer", "(SELECT"),
    (
        "append",
        "SELECT user_id FROM events e WHERE EXISTS (SELECT 1 FROM events f WHERE f.total > e.total)",
        "",
        "equality",
        "",
    ),
    ("append", "SELECT user_id RLIKE '\\d+' AS t FROM events", "", "r'", "\\d"),
    ("append", "SELECT to_char(success, '99.9') AS t FROM events", "", "a number, a date", ""),
    ("append", "SELECT * EXCEPT (price) FROM events GROUP BY user_id WITH TOTALS", "", "ROLLUP", "GROUP BY"),
    (
        "update",
        "SELECT user_id, event_type, count(*) FROM events GROUP BY user_id",
        "MISSING_AGGREGATION",
        "GROUP BY",
        "",
    ),
    (
        "update",
        "SELECT user_id, sum(count(*)) FROM events GROUP BY user_id",
        "NESTED_AGGREGATE_FUNCTION",
        "table of its own",
        "sum",
    ),
    ("append", "SELECT user_id + success FROM events", "", "", ""),
    ("append", "SELECT user_id AS a, event_type AS a FROM events", "COLUMN_ALREADY_EXISTS", "same name", ""),
];

/// Words that only someone who knows the engine's inside could make sense of.
const INNER: &[&str] = &[
    "Int64(",
    "Utf8",
    "`b0`",
    "b0 ",
    "c0",
    "__",
    "SlotExec",
    "DataFusion",
    "Internal",
    "caused by a bug",
    "LogicalPlan",
    "EmptyExec",
    "aggregated.",
    "Execution(",
    "Timestamp(",
    "Schema error",
    "Error during planning",
    "datafusion",
];

fn problems_of(mode: &'static str, sql: String) -> Vec<SqlProblem> {
    // The default stack of a thread: what overflows here would end the process.
    let planned = std::thread::Builder::new().stack_size(2 << 20).spawn(move || plan_one(mode, &sql));
    match planned.unwrap().join().expect("planning does not panic") {
        Ok(_) => Vec::new(),
        Err(problems) => problems.into_iter().map(|problem| problem.problem).collect(),
    }
}

#[test]
fn broken_queries_are_refused_with_a_name_a_place_and_a_remedy() {
    let mut wrong = Vec::new();
    for (mode, sql, code, part, place) in REFUSED {
        if sql.trim().is_empty() {
            continue; // the job file itself refuses it
        }
        let found = problems_of(mode, (*sql).to_string());
        let Some(first) = found.first() else {
            wrong.push(format!("{sql}\n   is not refused"));
            continue;
        };
        let text = format!("{} / {}", first.message, first.help);
        let at = first.range.clone().map_or("", |range| &sql[range]);
        let mut faults = Vec::new();
        if first.code.unwrap_or("") != *code {
            faults.push("code");
        }
        if !text.to_lowercase().contains(&part.to_lowercase()) {
            faults.push("words");
        }
        if !place.is_empty() && !at.eq_ignore_ascii_case(place) && !at.to_lowercase().contains(&place.to_lowercase()) {
            faults.push("place");
        }
        if INNER.iter().any(|inner| text.contains(inner)) {
            faults.push("inner words");
        }
        if first.help.is_empty() {
            faults.push("no help");
        }
        if !faults.is_empty() {
            wrong.push(format!("{sql}\n   {faults:?}: [{:?}] {text} @ `{at}`", first.code));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), REFUSED.len(), wrong.join("\n"));
}

#[test]
fn deep_queries_are_refused_and_never_overflow_the_stack() {
    for (what, sql) in [
        ("terms", format!("SELECT {} AS x FROM events", vec!["total"; 2_000].join(" + "))),
        ("constants", format!("SELECT {} AS x FROM events", vec!["1"; 2_000].join("+"))),
        ("many terms", format!("SELECT {} AS x FROM events", vec!["1"; 100_000].join("+"))),
        ("conditions", format!("SELECT user_id FROM events WHERE {}", vec!["total = 1"; 2_000].join(" OR "))),
        ("parentheses", format!("SELECT {}1{} AS x FROM events", "(".repeat(5_000), ")".repeat(5_000))),
        ("calls", format!("SELECT {}user_id{} AS x FROM events", "upper(".repeat(3_000), ")".repeat(3_000))),
        ("nots", format!("SELECT user_id FROM events WHERE {} success", "NOT ".repeat(3_000))),
        ("casts", format!("SELECT total{} AS x FROM events", "::bigint".repeat(3_000))),
        ("unions", vec!["SELECT user_id FROM events"; 1_500].join(" UNION ALL ")),
        ("subqueries", format!("SELECT user_id FROM {}events{}", "(SELECT user_id FROM ".repeat(500), ")".repeat(500))),
        ("length", format!("SELECT user_id FROM events WHERE user_id = '{}'", "x".repeat(300_000))),
    ] {
        let found = problems_of("append", sql);
        assert!(!found.is_empty(), "{what} are not refused");
        assert!(found[0].message.len() < 300, "{what}: {}", found[0].message);
    }
    for (what, sql) in [
        ("a chain within the limit", format!("SELECT {} AS x FROM events", vec!["total"; 390].join(" + "))),
        (
            "a list",
            format!(
                "SELECT user_id FROM events WHERE total IN ({})",
                (0..3_000).map(|n| n.to_string()).collect::<Vec<_>>().join(", ")
            ),
        ),
        (
            "many columns",
            format!(
                "SELECT {} FROM events",
                (0..400).map(|n| format!("total + {n} AS c_{n}")).collect::<Vec<_>>().join(", ")
            ),
        ),
    ] {
        assert_eq!(problems_of("append", sql), Vec::new(), "{what}");
    }
}

/// The keys after the twelfth were in no set, without a word.
#[test]
fn a_cube_of_more_keys_than_there_can_be_sets_is_refused() {
    let cube = |keys: i32| {
        let keys: Vec<String> = (0..keys).map(|at| format!("total + {at}")).collect();
        problems_of("update", format!("SELECT count(*) AS n FROM events GROUP BY CUBE ({})", keys.join(", ")))
    };
    let problems = cube(13);
    assert!(problems[0].message.contains("CUBE takes at most 12 keys, here are 13"), "{problems:?}");
}

#[test]
fn tables_that_read_each_other_are_named_even_beside_other_problems() {
    let problems = plan(&job(&[
        ("gold.a", "append", "SELECT user_id FROM gold.b"),
        ("gold.b", "append", "SELECT user_id FROM gold.c"),
        ("gold.c", "append", "SELECT user_id FROM gold.a"),
        ("gold.over", "append", "SELECT user_id FROM gold.a"),
        ("gold.broken", "append", "SELECT nothing FROM events"),
        ("gold.above", "append", "SELECT user_id FROM gold.broken"),
    ]))
    .unwrap_err();
    let mut names: Vec<String> = problems.iter().map(|problem| problem.of.to_string()).collect();
    names.sort_unstable();
    assert_eq!(names, vec!["table gold.a", "table gold.b", "table gold.broken", "table gold.c"]);
    let of_a = problems.iter().find(|problem| problem.of.to_string() == "table gold.a").unwrap();
    assert_eq!(of_a.problem.message, "`gold.a` reads itself through gold.b and gold.c");
}

/// Late rows of joins were left out, and no table had them.
#[test]
fn late_rows_that_nothing_keeps_are_not_promised() {
    let late = |mode: &str, sql: &str| {
        let mut job = super::engine::job(&[("gold.test", mode, sql)]);
        job.tables[0].late = job::Late::Table;
        super::engine::plan(&job).map(|graph| graph.tables[0].late_schema.is_some())
    };
    let join = "SELECT a.user_id FROM events a JOIN events b ON a.user_id = b.user_id AND a.event_time = b.event_time";
    let problem = late("append", join).unwrap_err().remove(0).problem;
    assert!(problem.message.contains("a join of streams") && problem.help.contains("leave `late` out"), "{problem:?}");
    for (sql, kept) in [
        ("SELECT count(*) AS n FROM events GROUP BY window(event_time, '1 minute')", true),
        ("SELECT DISTINCT user_id, event_time FROM events", true),
        ("SELECT user_id FROM events", false),
    ] {
        assert_eq!(late("append", sql).unwrap(), kept, "{sql}");
    }
}

/// Each alias is used twice to its right: written out, the last would be a billion of the first.
#[test]
fn aliases_that_double_with_every_column_are_refused() {
    let columns = (1..30).map(|at| format!(", c{} + c{} AS c{at}", at - 1, at - 1)).collect::<String>();
    let found = problems_of("append", format!("SELECT length(user_id) AS c0{columns} FROM events"));
    let first = found.first().expect("it is refused");
    assert!(first.message.contains("too long") && first.help.contains("subquery"), "{first}");
}

#[test]
fn aliases_that_stand_on_each_other_too_high_are_refused() {
    let columns = (1..900).map(|at| format!(", c{} + 1 AS c{at}", at - 1)).collect::<String>();
    let found = problems_of("append", format!("SELECT length(user_id) AS c0{columns} FROM events"));
    assert!(found.first().expect("it is refused").help.contains("subquery"));
}
