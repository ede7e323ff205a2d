//! Which shape of query runs in which output mode: Spark's own matrix (its `UnsupportedOperationChecker`, run on 4.3), cell by cell.

use testkit::{MemoryOptions, MemoryRun};

/// What Spark and this engine do with a query in one mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// Both run it.
    Runs,
    /// Both refuse it.
    Refused,
    /// This engine runs it, Spark does not.
    Better,
    /// Spark runs it, this engine does not: it stands in `docs/spark-differences.md`.
    Missing,
}
use Cell::{Better, Missing, Refused, Runs};

/// Shape, query, and what becomes of it in append, update and complete mode.
const MATRIX: &[(&str, &str, [Cell; 3])] = &[
    ("stateless", "SELECT k FROM l", [Runs, Runs, Refused]),
    ("by window", "SELECT window.start AS s, count(*) AS n FROM l GROUP BY window(t, '5 minutes')", [Runs, Runs, Runs]),
    ("by event time", "SELECT t, count(*) AS n FROM l GROUP BY t", [Runs, Runs, Runs]),
    ("by key", "SELECT k, count(*) AS n FROM l GROUP BY k", [Refused, Runs, Runs]),
    ("having", "SELECT k, count(*) AS n FROM l GROUP BY k HAVING count(*) > 1", [Refused, Runs, Runs]),
    ("rollup", "SELECT k, v, count(*) AS n FROM l GROUP BY ROLLUP (k, v)", [Refused, Runs, Runs]),
    ("count distinct", "SELECT k, count(DISTINCT v) AS n FROM l GROUP BY k", [Refused, Better, Better]),
    (
        "session",
        "SELECT session_window.start AS s, k, count(*) AS n FROM l GROUP BY session_window(t, '5 minutes'), k",
        [Runs, Better, Runs],
    ),
    ("duplicates", "SELECT DISTINCT k, t FROM l", [Runs, Runs, Refused]),
    (
        "inner join",
        "SELECT l.k, l.t FROM l JOIN r ON l.k = r.k AND l.t BETWEEN r.t AND r.t + INTERVAL 5 MINUTES",
        [Runs, Runs, Refused],
    ),
    (
        "left outer join",
        "SELECT l.k, r.v FROM l LEFT JOIN r ON l.k = r.k AND r.t BETWEEN l.t AND l.t + INTERVAL 5 MINUTES",
        [Runs, Better, Refused],
    ),
    (
        "left semi join",
        "SELECT l.k FROM l LEFT SEMI JOIN r ON l.k = r.k AND r.t BETWEEN l.t AND l.t + INTERVAL 5 MINUTES",
        [Runs, Better, Refused],
    ),
    (
        "left anti join",
        "SELECT l.k FROM l LEFT ANTI JOIN r ON l.k = r.k AND r.t BETWEEN l.t AND l.t + INTERVAL 5 MINUTES",
        [Better, Better, Refused],
    ),
    (
        "aggregate of aggregate",
        "SELECT window.start AS s, sum(n) AS n FROM (SELECT window AS w, count(*) AS n FROM l
         GROUP BY window(t, '5 minutes')) GROUP BY window(w, '1 hour')",
        [Runs, Better, Better],
    ),
    (
        "duplicates of aggregate",
        "SELECT DISTINCT w, n FROM (SELECT window AS w, count(*) AS n FROM l GROUP BY window(t, '5 minutes'))",
        [Runs, Better, Better],
    ),
    (
        "aggregate of distinct rows",
        "SELECT window.start AS s, count(*) AS n FROM (SELECT DISTINCT k, t FROM l) GROUP BY window(t, '5 minutes')",
        [Runs, Runs, Runs],
    ),
    (
        "aggregate of join",
        "SELECT window.start AS s, count(*) AS n FROM (SELECT l.k, l.t FROM l JOIN r ON l.k = r.k
         AND l.t BETWEEN r.t AND r.t + INTERVAL 5 MINUTES) GROUP BY window(t, '5 minutes')",
        [Runs, Better, Better],
    ),
    (
        "aggregate of outer join",
        "SELECT window.start AS s, count(*) AS n FROM (SELECT l.k, l.t FROM l LEFT JOIN r ON l.k = r.k
         AND r.t BETWEEN l.t AND l.t + INTERVAL 5 MINUTES) GROUP BY window(t, '5 minutes')",
        [Runs, Better, Better],
    ),
    (
        "join of aggregates",
        "SELECT a.w, a.n, b.n AS m FROM (SELECT window AS w, count(*) AS n FROM l GROUP BY window(t, '5 minutes')) a
         JOIN (SELECT window AS w, count(*) AS n FROM r GROUP BY window(t, '5 minutes')) b ON a.w = b.w",
        [Runs, Better, Refused],
    ),
    ("sort", "SELECT k FROM l ORDER BY k", [Refused, Refused, Refused]),
    ("sorted aggregate", "SELECT k, count(*) AS n FROM l GROUP BY k ORDER BY n", [Refused, Refused, Runs]),
    ("limit", "SELECT k FROM l LIMIT 3", [Missing, Refused, Refused]),
    ("limited aggregate", "SELECT k, count(*) AS n FROM l GROUP BY k LIMIT 3", [Refused, Refused, Runs]),
    ("intersection", "SELECT k FROM l INTERSECT SELECT k FROM r", [Refused, Refused, Refused]),
    ("sample", "SELECT k FROM l TABLESAMPLE (10 PERCENT)", [Refused, Refused, Refused]),
    ("join without equality", "SELECT l.k FROM l JOIN r ON l.v < r.v", [Refused, Refused, Refused]),
    ("over", "SELECT k, lag(v) OVER (PARTITION BY k ORDER BY t) AS x FROM l", [Refused, Better, Refused]),
    ("constant subquery", "SELECT k FROM l WHERE v > (SELECT max(x) FROM (VALUES (1)) q(x))", [Runs, Runs, Refused]),
    ("constant list", "SELECT k FROM l WHERE v IN (SELECT x FROM (VALUES (1)) q(x))", [Runs, Runs, Refused]),
    ("random", "SELECT k, rand() AS x FROM l", [Missing, Missing, Refused]),
];

#[test]
fn each_shape_runs_in_the_modes_in_which_spark_runs_it() {
    let mut wrong = Vec::new();
    for (shape, sql, cells) in MATRIX {
        for (mode, cell) in ["append", "update", "complete"].into_iter().zip(cells) {
            let (answer, runs) = (planned(mode, sql), matches!(cell, Runs | Better));
            if answer.is_ok() != runs {
                wrong.push(format!("{shape} in {mode} mode: {cell:?} expected, {answer:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A refusal that is a matter of the mode has Spark's name of it.
#[test]
fn refusals_of_a_mode_have_sparks_name() {
    let mut named = 0;
    for (shape, sql, cells) in MATRIX.iter().filter(|(_, _, cells)| cells.contains(&Runs)) {
        for (mode, cell) in ["append", "update", "complete"].into_iter().zip(cells) {
            let Err(refusal) = planned(mode, sql) else { continue };
            assert!(
                refusal.contains("[STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION]"),
                "{shape}, {mode}: {cell:?} {refusal}"
            );
            named += 1;
        }
    }
    assert!(named > 10, "{named}");
}

fn planned(mode: &str, sql: &str) -> Result<(), String> {
    let source = |name: &str| {
        format!(
            "[source.{name}]\nconnector = \"kafka\"\nbrokers = \"127.0.0.1:1\"\ntopic = \"{name}\"\n\
             watermark = {{ column = \"t\", delay = \"10 minutes\" }}\n\
             schema = {{ k = \"string\", v = \"int\", t = \"timestamp\" }}\n"
        )
    };
    let text = format!(
        "[job]\nname = \"modes\"\ncheckpoint = \"c\"\nwarehouse = \"w\"\n{}{}\
         [table.gold.answer]\nmode = \"{mode}\"\nstate_ttl = \"unbounded\"\nsql = '''{sql}'''\n",
        source("l"),
        source("r")
    );
    let job = job::parse("modes.toml", &text, &[], &|_| None, job::Connectors::new(&[&kafka::KafkaConnector]))
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    MemoryRun::open(job, &MemoryOptions::default()).map(|_| ()).map_err(|error| error.to_string())
}
