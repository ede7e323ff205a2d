//! One table for each shape of query whose state a watermark or a time to live bounds.

/// The sources: event times move on by [`crate::drive::STEP_S`] an epoch, so that windows come and go many times.
pub const HEAD: &str = r#"
[job]
name = "long"
checkpoint = "nowhere"
warehouse = "nowhere-else"

[source.events]
connector = "kafka"
brokers = "127.0.0.1:1"
topic = "events"
watermark = { column = "t", delay = "50 seconds" }
schema = { id = "string", k = "string", v = "int", t = "timestamp" }

[source.clicks]
connector = "kafka"
brokers = "127.0.0.1:1"
topic = "clicks"
watermark = { column = "c", delay = "50 seconds" }
schema = { id = "string", k = "string", c = "timestamp" }
"#;

/// Name of the table, its mode, other keys, its query.
pub type Shape = (&'static str, &'static str, &'static str, &'static str);

/// The range of most joins.
const JOINED: &str = "e.k = c.k AND c.c BETWEEN e.t - INTERVAL '100 seconds' AND e.t";

/// The range of joins in update mode, each row of which has few matches.
const JOINED_ID: &str = "e.id = c.id AND c.c BETWEEN e.t - INTERVAL '100 seconds' AND e.t";

/// The shapes; `JOINED` and `JOINED_ID` in a query stands for a condition with a range of times.
pub const SHAPES: &[Shape] = &[
    (
        "tumbling_append",
        "append",
        "late = \"table\"\n",
        "SELECT window.start AS s, k, count(*) AS n, sum(v) AS total, collect_list(v) AS list FROM events GROUP BY window(t, '100 seconds'), k",
    ),
    (
        "tumbling_update",
        "update",
        "",
        "SELECT window.start AS s, k, count(DISTINCT v) AS n FROM events GROUP BY window(t, '100 seconds'), k",
    ),
    (
        "sliding_append",
        "append",
        "",
        "SELECT window.start AS s, count(*) AS n, approx_count_distinct(id) AS ids FROM events GROUP BY window(t, '150 seconds', '50 seconds')",
    ),
    (
        "sliding_update",
        "update",
        "",
        "SELECT window.start AS s, k, max(v) AS v FROM events GROUP BY window(t, '150 seconds', '50 seconds'), k",
    ),
    (
        "sessions_append",
        "append",
        "",
        "SELECT session_window.start AS s, id, count(*) AS n FROM events GROUP BY session_window(t, '25 seconds'), id",
    ),
    (
        "sessions_update",
        "update",
        "",
        "SELECT session_window.start AS s, id, count(*) AS n FROM events GROUP BY session_window(t, '25 seconds'), id",
    ),
    ("by_event_time", "update", "", "SELECT t, count(*) AS n FROM events GROUP BY t"),
    ("once_within", "append", "deduplicate = { keys = [\"id\"], within = \"100 seconds\" }\n", "SELECT id, v, t FROM events"),
    ("once_ttl", "append", "deduplicate = { keys = [\"id\"] }\nstate_ttl = \"5 minutes\"\n", "SELECT id, v, t FROM events"),
    ("distinct_rows", "append", "", "SELECT DISTINCT k, t FROM events"),
    ("distinct_update", "update", "", "SELECT DISTINCT k, t FROM events"),
    ("join_inner", "append", "", "SELECT e.id, c.c FROM events e JOIN clicks c ON JOINED"),
    ("join_left", "append", "", "SELECT e.id, c.c FROM events e LEFT JOIN clicks c ON JOINED"),
    ("join_semi", "append", "", "SELECT e.id FROM events e LEFT SEMI JOIN clicks c ON JOINED"),
    ("join_ttl", "append", "state_ttl = \"5 minutes\"\n", "SELECT e.id, c.c FROM events e JOIN clicks c ON e.id = c.id"),
    ("join_left_update", "update", "", "SELECT e.id, c.c FROM events e LEFT JOIN clicks c ON JOINED_ID"),
    ("join_right_update", "update", "", "SELECT c.id, c.c, e.v FROM events e RIGHT JOIN clicks c ON JOINED_ID"),
    ("join_full_update", "update", "", "SELECT e.id, c.id AS click FROM events e FULL JOIN clicks c ON JOINED_ID"),
    ("join_semi_update", "update", "", "SELECT e.id FROM events e LEFT SEMI JOIN clicks c ON JOINED_ID"),
    ("join_anti_update", "update", "", "SELECT e.id, e.t FROM events e LEFT ANTI JOIN clicks c ON JOINED_ID"),
    (
        "join_windows_update",
        "update",
        "",
        "SELECT a.n, b.n AS m
         FROM (SELECT window AS w, k, count(*) AS n FROM events GROUP BY window(t, '100 seconds'), k) a
         FULL JOIN (SELECT window AS w, k, count(*) AS n FROM clicks GROUP BY window(c, '100 seconds'), k) b ON a.w = b.w AND a.k = b.k",
    ),
    (
        "over_join_update",
        "update",
        "",
        "SELECT window.start AS s, count(*) AS n, count(c) AS clicks
         FROM (SELECT e.t, c.c FROM events e LEFT JOIN clicks c ON JOINED) GROUP BY window(t, '100 seconds')",
    ),
    (
        "join_windows",
        "append",
        "",
        "SELECT a.w, a.k, a.n, b.n AS m
         FROM (SELECT window AS w, k, count(*) AS n FROM events GROUP BY window(t, '100 seconds'), k) a
         JOIN (SELECT window AS w, k, count(*) AS n FROM clicks GROUP BY window(c, '100 seconds'), k) b ON a.w = b.w AND a.k = b.k",
    ),
    (
        "chain",
        "append",
        "",
        "SELECT window.start AS s, sum(n) AS n, count(*) AS keys
         FROM (SELECT window AS w, k, count(*) AS n FROM events GROUP BY window(t, '50 seconds'), k) GROUP BY window(w, '200 seconds')",
    ),
    (
        "chain_dedup_join",
        "append",
        "",
        "SELECT window.start AS s, count(*) AS n
         FROM (SELECT e.k, e.t FROM (SELECT DISTINCT k, t FROM events) e JOIN clicks c ON JOINED) GROUP BY window(t, '100 seconds')",
    ),
    (
        "count_of_counts",
        "update",
        "",
        "SELECT w, n, count(*) AS keys
         FROM (SELECT window AS w, k, count(*) AS n FROM events GROUP BY window(t, '100 seconds'), k) GROUP BY w, n",
    ),
    (
        "top",
        "append",
        "",
        "SELECT w.start AS s, k, n, place FROM (
           SELECT w, k, n, ROW_NUMBER() OVER (PARTITION BY w ORDER BY n DESC, k) AS place
           FROM (SELECT window AS w, k, count(*) AS n FROM events GROUP BY window(t, '100 seconds'), k)) WHERE place <= 2",
    ),
    (
        "top_update",
        "update",
        "",
        "SELECT w.start AS s, k, n, place FROM (
           SELECT w, k, n, ROW_NUMBER() OVER (PARTITION BY w ORDER BY n DESC, k) AS place
           FROM (SELECT window AS w, k, count(*) AS n FROM events GROUP BY window(t, '100 seconds'), k)) WHERE place <= 2",
    ),
    (
        "of_union",
        "append",
        "",
        "SELECT window.start AS s, count(*) AS n
         FROM (SELECT k, t FROM events UNION ALL SELECT k, c AS t FROM clicks) GROUP BY window(t, '100 seconds')",
    ),
    (
        "materialized",
        "update",
        "",
        "SELECT DISTINCT w, n FROM (SELECT window AS w, k, count(*) AS n FROM events GROUP BY window(t, '100 seconds'), k)",
    ),
];

/// Name of a shape's table.
pub fn table((name, ..): &Shape) -> String {
    format!("gold.{name}")
}

/// The job file of these shapes.
pub fn job_text(shapes: &[Shape]) -> String {
    let section = |shape: &Shape| {
        let (_, mode, more, sql) = shape;
        let sql = sql.replace("JOINED_ID", JOINED_ID).replace("JOINED", JOINED);
        format!("\n[table.{}]\nmode = \"{mode}\"\n{more}sql = '''{sql}'''\n", table(shape))
    };
    HEAD.to_string() + &shapes.iter().map(section).collect::<String>()
}
