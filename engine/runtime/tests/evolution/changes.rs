//! Every kind of change to a job: taken over with the rows that come of it, or refused with a reason.

use crate::{Version, evolve, rows};

/// What a change is, before and after; the table to look at; its rows at the end, or parts of the refusal.
struct Change {
    what: &'static str,
    before: Version,
    after: Version,
    expected: Result<(&'static str, &'static [&'static str]), &'static [&'static str]>,
}

const BY_USER: &str = r#"
[table.gold.t]
mode = "update"
sql = "SELECT user_id, count(*) AS events, sum(amount) AS total FROM events GROUP BY user_id"
"#;

const PLAIN: &str = r#"
[table.gold.t]
sql = "SELECT user_id, amount FROM events"
"#;

const SESSIONS: &str = r#"
[table.gold.t]
sql = "SELECT session_window.start AS begin, user_id, count(*) AS events FROM events GROUP BY session_window(event_time, '30 seconds'), user_id"
"#;

const JOIN: &str = r#"
[table.gold.t]
sql = """SELECT e.user_id, e.amount, c.clicked FROM events e JOIN clicks c
ON e.user_id = c.user_id AND c.clicked BETWEEN e.event_time - INTERVAL '1 minute' AND e.event_time"""
"#;

const ONCE: &str = r#"
[table.gold.t]
deduplicate = { keys = ["user_id"] }
state_ttl = "unbounded"
sql = "SELECT user_id, amount FROM events"
"#;

const TOP: &str = r#"
[table.gold.t]
mode = "update"
sql = """SELECT user_id, amount FROM (
  SELECT user_id, amount, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY amount DESC) AS place FROM events
) WHERE place <= 1"""
"#;

const SESSIONS_NOW: &str = r#"
[table.gold.t]
mode = "update"
sql = "SELECT user_id, count(*) AS events FROM events GROUP BY session_window(event_time, '30 seconds'), user_id"
"#;

const JOIN_NOW: &str = r#"
[table.gold.t]
mode = "update"
sql = """SELECT e.user_id, e.amount, c.user_id AS clicker FROM events e LEFT JOIN clicks c
ON e.user_id = c.user_id AND c.clicked BETWEEN e.event_time - INTERVAL '1 minute' AND e.event_time"""
"#;

const SEEN_READER: &str = r#"
[table.gold.last]
mode = "update"
sql = "SELECT max(seen) AS seen FROM gold.t"
"#;

/// Windows that no watermark closes, with groups that are forgotten: they are keys like others.
const WINDOWS_NOW: &str = r#"
[table.gold.t]
mode = "update"
state_ttl = "7 days"
sql = """SELECT window.start AS begin, count(*) AS events FROM events
GROUP BY window(event_time + INTERVAL '0 seconds', '10 minutes')"""
"#;

/// The same, in a query below.
const WINDOWS_BELOW: &str = r#"
[table.gold.t]
mode = "update"
sql = """SELECT w, count(*) AS events FROM (
  SELECT window(event_time + INTERVAL '0 seconds', '10 minutes') AS w FROM events
) GROUP BY w"""
"#;

/// The same, over rows that are retracted.
const WINDOWS_OF_NEWEST: &str = r#"
[table.gold.newest]
mode = "update"
sql = "SELECT user_id, max(event_time) AS seen FROM events GROUP BY user_id"

[table.gold.t]
mode = "update"
sql = "SELECT window.start AS begin, count(*) AS users FROM gold.newest GROUP BY window(seen, '10 minutes')"
"#;

const RANKED: &str = r#"
[table.gold.t]
mode = "update"
sql = """SELECT user_id, amount FROM (
  SELECT user_id, amount, rank() OVER (PARTITION BY user_id ORDER BY amount DESC) AS place FROM events
) WHERE place <= 1"""
"#;

/// How many users have how many events.
const COUNTED: &str = r#"
[table.gold.t]
mode = "update"
sql = "SELECT user_id, count(*) AS events, sum(amount) AS total FROM events GROUP BY user_id HAVING count(*) > 0"

[table.gold.counts]
mode = "update"
sql = "SELECT events, count(*) AS users FROM gold.t WHERE total > 0 GROUP BY events"
"#;

/// The events of users, with the time of the epoch that counted the last.
fn with_seen() -> String {
    BY_USER.replace("AS total FROM", "AS total, current_timestamp() AS seen FROM")
}

/// `table`, with some text of it replaced.
macro_rules! with {
    ($table:expr, $from:expr => $to:expr) => {{
        let changed = $table.replace($from, $to);
        assert_ne!(changed, $table, "nothing is replaced");
        Version("int", changed.leak())
    }};
}

fn of(table: &'static str) -> Version {
    Version("int", table)
}

fn accepted() -> Vec<Change> {
    let all: &[&str] = &["ann 3 8", "bob 2 8", "cid 1 5"];
    vec![
        Change { what: "nothing", before: of(BY_USER), after: of(BY_USER), expected: Ok(("gold.t", all)) },
        Change {
            what: "a new table over an old source begins with what is read from then on",
            before: of(PLAIN),
            after: Version("int", format!("{PLAIN}{}", BY_USER.replace("gold.t", "gold.new")).leak()),
            expected: Ok(("gold.new", &["ann 1 4", "bob 1 6", "cid 1 5"])),
        },
        Change {
            what: "a new table on top of an old one begins with what that emits from then on",
            before: of(PLAIN),
            after: Version(
                "int",
                format!("{PLAIN}{}", BY_USER.replace("gold.t", "gold.new").replace("FROM events", "FROM gold.t"))
                    .leak(),
            ),
            expected: Ok(("gold.new", &["ann 1 4", "bob 1 6", "cid 1 5"])),
        },
        Change {
            what: "an outer join in update mode goes on, and rows without a match are retracted",
            before: of(JOIN_NOW),
            after: of(JOIN_NOW),
            expected: Ok(("gold.t", &["ann 1 ", "ann 3 ann", "ann 4 ann", "bob 2 ", "bob 6 bob", "cid 5 cid"])),
        },
        Change {
            // What a table that does not show its time keeps was another thing with a reader than without.
            what: "the last reader of a table in update mode that goes",
            before: Version(
                "int",
                format!("{SESSIONS_NOW}\n[table.gold.gone]\nmode = \"update\"\nsql = \"SELECT events, count(*) AS n FROM gold.t GROUP BY events\"\n").leak(),
            ),
            after: of(SESSIONS_NOW),
            expected: Ok(("gold.t", &["ann 3", "bob 1", "bob 1", "cid 1"])),
        },
        Change {
            what: "a table that goes leaves the others as they are",
            before: Version("int", format!("{BY_USER}{}", SESSIONS.replace("gold.t", "gold.gone")).leak()),
            after: of(BY_USER),
            expected: Ok(("gold.t", all)),
        },
        Change {
            what: "a changed filter holds for the rows that come",
            before: of(BY_USER),
            after: with!(BY_USER, "FROM events" => "FROM events WHERE amount > 4"),
            expected: Ok(("gold.t", &["ann 2 4", "bob 2 8", "cid 1 5"])),
        },
        Change {
            what: "an added column of a table without state is null in the rows before",
            before: of(PLAIN),
            after: with!(PLAIN, "amount FROM" => "amount, amount * 2 AS twice FROM"),
            expected: Ok(("gold.t", &["ann 1 ", "ann 3 ", "ann 4 8", "bob 2 ", "bob 6 12", "cid 5 10"])),
        },
        Change {
            what: "a column that a table has and the query no more stays, as NULL",
            before: of(PLAIN),
            after: with!(PLAIN, "amount FROM" => "CAST(NULL AS INT) AS amount FROM"),
            expected: Ok(("gold.t", &["ann ", "ann 1", "ann 3", "bob ", "bob 2", "cid "])),
        },
        Change {
            what: "another gap of sessions holds for the rows that come",
            before: of(SESSIONS),
            after: with!(SESSIONS, "30 seconds" => "5 seconds"),
            expected: Ok((
                "gold.t",
                &["2026-01-01T12:00:00Z ann 3", "2026-01-01T12:00:10Z bob 1", "2026-01-01T12:00:40Z cid 1"],
            )),
        },
        Change {
            what: "a source column that widens where the state stays as it is",
            before: of(BY_USER),
            after: Version("bigint", BY_USER),
            expected: Ok(("gold.t", all)),
        },
        Change {
            what: "windows without a watermark go on",
            before: of(WINDOWS_NOW),
            after: of(WINDOWS_NOW),
            expected: Ok(("gold.t", &["2026-01-01T12:00:00Z 6"])),
        },
        Change {
            what: "rows that are retracted go on",
            before: of(COUNTED),
            after: of(COUNTED),
            expected: Ok(("gold.counts", &["1 1", "2 1", "3 1"])),
        },
        Change {
            what: "sessions go on",
            before: of(SESSIONS),
            after: of(SESSIONS),
            expected: Ok((
                "gold.t",
                &["2026-01-01T12:00:00Z ann 3", "2026-01-01T12:00:10Z bob 1", "2026-01-01T12:00:40Z cid 1"],
            )),
        },
        Change {
            what: "a join goes on",
            before: of(JOIN),
            after: of(JOIN),
            expected: Ok((
                "gold.t",
                &[
                    "ann 3 2026-01-01T12:00:05Z",
                    "ann 4 2026-01-01T12:00:05Z",
                    "bob 6 2026-01-01T12:05:00Z",
                    "cid 5 2026-01-01T12:00:35Z",
                ],
            )),
        },
        Change {
            what: "a deduplication goes on",
            before: of(ONCE),
            after: of(ONCE),
            expected: Ok(("gold.t", &["ann 1", "bob 2", "cid 5"])),
        },
        Change {
            what: "the best rows go on",
            before: of(TOP),
            after: of(TOP),
            expected: Ok(("gold.t", &["ann 4", "bob 6", "cid 5"])),
        },
        Change {
            what: "a column that only the table shows is added after a join",
            before: of(JOIN),
            after: with!(JOIN, "c.clicked FROM" => "c.clicked, e.amount + 1 AS more FROM"),
            expected: Ok((
                "gold.t",
                &[
                    "ann 3 2026-01-01T12:00:05Z ",
                    "ann 4 2026-01-01T12:00:05Z 5",
                    "bob 6 2026-01-01T12:05:00Z 7",
                    "cid 5 2026-01-01T12:00:35Z 6",
                ],
            )),
        },
    ]
}

fn refused() -> Vec<Change> {
    let refuse = |what, before, after, parts| Change { what, before, after, expected: Err(parts) };
    vec![
        refuse(
            "the current time over rows that change, where there was none",
            of(TOP),
            with!(TOP, "SELECT user_id, amount FROM (" => "SELECT user_id, amount, current_timestamp() AS seen FROM ("),
            &["gold.t: the query keeps something (gold.t/timed) that the state has not"],
        ),
        refuse(
            "the last reader of a table with the current time that goes",
            Version("int", format!("{}{SEEN_READER}", with_seen()).leak()),
            Version("int", with_seen().leak()),
            &["gold.t: the state has something (gold.t/timed) that the query does not keep"],
        ),
        refuse(
            "an added aggregate",
            of(BY_USER),
            with!(BY_USER, "sum(amount) AS total" => "sum(amount) AS total, max(amount) AS most"),
            &["gold.t: the query has aggregate max(amount)", "give the changed table another name"],
        ),
        refuse(
            "a dropped aggregate",
            of(BY_USER),
            with!(BY_USER, ", sum(amount) AS total" => ""),
            &["gold.t: the state has aggregate sum(amount)"],
        ),
        refuse(
            "another aggregate under the same name",
            of(BY_USER),
            with!(BY_USER, "sum(amount)" => "max(amount)"),
            &["the state has aggregate sum(amount)", "the query has aggregate max(amount)"],
        ),
        refuse(
            "aggregates in another order",
            of(BY_USER),
            with!(BY_USER, "count(*) AS events, sum(amount) AS total" => "sum(amount) AS total, count(*) AS events"),
            &["order of keys or aggregates"],
        ),
        refuse(
            "another key",
            of(BY_USER),
            with!(BY_USER, "GROUP BY user_id" => "GROUP BY upper(user_id)")
                .fixed("SELECT user_id", "SELECT upper(user_id) AS user_id"),
            &["the state has key user_id"],
        ),
        refuse(
            "an added key",
            of(BY_USER),
            with!(BY_USER, "GROUP BY user_id" => "GROUP BY user_id, amount"),
            &["the query has key amount"],
        ),
        refuse(
            "a widened key",
            Version("int", BY_USER).fixed("user_id", "amount"),
            Version("bigint", BY_USER).fixed("user_id", "amount"),
            &["the state has key amount Int32", "the query has key amount Int64"],
        ),
        refuse(
            "an aggregate whose state widens",
            Version("int", BY_USER).fixed("sum(", "max("),
            Version("bigint", BY_USER).fixed("sum(", "max("),
            &["aggregate max(amount) [Int32]", "aggregate max(amount) [Int64]"],
        ),
        refuse(
            "a changed FILTER of an aggregate",
            of(BY_USER),
            with!(BY_USER, "count(*) AS" => "count(*) FILTER (WHERE amount > 1) AS"),
            &["the state has aggregate count(*)"],
        ),
        refuse(
            "another mode",
            of(BY_USER),
            with!(BY_USER, "\"update\"" => "\"complete\""),
            &["the state has mode update", "the query has mode complete"],
        ),
        refuse(
            "sessions instead of an aggregate",
            of(BY_USER)
                .fixed("mode = \"update\"", "")
                .fixed("GROUP BY user_id", "GROUP BY window(event_time, '30 seconds'), user_id"),
            of(SESSIONS),
            &["gold.t"],
        ),
        refuse(
            "another kind of join",
            of(JOIN),
            with!(JOIN, "JOIN clicks" => "LEFT JOIN clicks"),
            &["inner join", "left"],
        ),
        refuse("another range of a join", of(JOIN), with!(JOIN, "'1 minute'" => "'2 minutes'"), &["gold.t"]),
        refuse(
            "another range of an outer join in update mode",
            of(JOIN_NOW),
            with!(JOIN_NOW, "'1 minute'" => "'2 minutes'"),
            &["gold.t/recompute: the state has input 1 column clicked + 1 minute 2 milliseconds"],
        ),
        refuse(
            "a time to live of an outer join in update mode",
            Version("int", JOIN_NOW.replace("mode", "state_ttl = \"unbounded\"\nmode").leak())
                .fixed(" AND c.clicked BETWEEN e.event_time - INTERVAL '1 minute' AND e.event_time", ""),
            Version("int", JOIN_NOW.replace("mode", "state_ttl = \"7 days\"\nmode").leak())
                .fixed(" AND c.clicked BETWEEN e.event_time - INTERVAL '1 minute' AND e.event_time", ""),
            &["gold.t/recompute: the query has keys go 7 days after they were last written"],
        ),
        // It stopped in the first epoch that retracted a row which the reader had not seen.
        refuse(
            "a new table over an old one in update mode",
            of(SESSIONS_NOW),
            Version(
                "int",
                format!("{SESSIONS_NOW}\n[table.gold.new]\nmode = \"update\"\nsql = \"SELECT events, count(*) AS n FROM gold.t GROUP BY events\"\n").leak(),
            ),
            &["gold.new is new and reads gold.t, which retracts rows", "give the table that is read another name too"],
        ),
        refuse(
            "another key of duplicates",
            of(ONCE),
            with!(ONCE, "[\"user_id\"]" => "[\"amount\"]"),
            &["the state has duplicates by user_id"],
        ),
        refuse("a table without state that gets some", of(PLAIN), of(BY_USER), &["gold.t: the query keeps something"]),
        refuse("a table that loses its state", of(BY_USER), of(PLAIN), &["gold.t: the state has something"]),
        refuse(
            "duplicates before an aggregate",
            of(PLAIN).fixed("SELECT user_id, amount", "SELECT DISTINCT user_id, amount"),
            of(BY_USER),
            &["gold.t"],
        ),
        // It was taken over: old groups stood beside new ones under the same keys.
        refuse(
            "another window of a table in update mode without a watermark",
            of(WINDOWS_NOW),
            with!(WINDOWS_NOW, "'10 minutes'" => "'5 minutes'"),
            &[
                "gold.t: the state has input 0 rows with column 1 made of tumbling_window(",
                "size 10 minutes",
                "slide 10 minutes",
                "gold.t: the query has",
                "size 5 minutes",
            ],
        ),
        refuse(
            "another slide of such a window",
            of(WINDOWS_NOW),
            with!(WINDOWS_NOW, "'10 minutes'" => "'10 minutes', '5 minutes'"),
            &["slide 10 minutes", "slide 5 minutes"],
        ),
        refuse(
            "another window in a query below the aggregate",
            of(WINDOWS_BELOW),
            with!(WINDOWS_BELOW, "'10 minutes'" => "'5 minutes'"),
            &["size 10 minutes", "size 5 minutes"],
        ),
        refuse(
            "another window of rows that are retracted",
            of(WINDOWS_OF_NEWEST),
            with!(WINDOWS_OF_NEWEST, "'10 minutes'" => "'5 minutes'"),
            &["gold.t", "size 10 minutes", "size 5 minutes"],
        ),
        refuse(
            "windows of another time",
            of(BY_USER).fixed("GROUP BY user_id", "GROUP BY window(event_time, '1 hour'), user_id"),
            of(BY_USER).fixed("GROUP BY user_id", "GROUP BY window(_timestamp, '1 hour'), user_id"),
            &["the state has windows of the time event_time", "the query has windows of the time _timestamp"],
        ),
        refuse(
            "sessions of another time",
            of(SESSIONS_NOW),
            with!(SESSIONS_NOW, "session_window(event_time," => "session_window(_timestamp,"),
            &["the state has sessions of the time event_time"],
        ),
        // What these retract is computed with the new query: it stopped with "a row is retracted that was never added", or went wrong.
        refuse(
            "more places of the best rows by rank",
            of(RANKED),
            with!(RANKED, "place <= 1" => "place <= 2"),
            &["gold.t/recompute: the state has a result by", "gold.t/recompute: the query has a result by"],
        ),
        refuse(
            "another HAVING of a table in update mode that another one reads",
            of(COUNTED),
            with!(COUNTED, "HAVING count(*) > 0" => "HAVING count(*) > 1"),
            &["gold.counts/recompute: the state has input 0 rows by", "gold.counts/recompute: the query has input 0 rows by"],
        ),
        refuse(
            "another WHERE over rows that are retracted",
            of(COUNTED),
            with!(COUNTED, "WHERE total > 0" => "WHERE total > 4"),
            &["gold.counts/recompute: the state has input 0 rows by", "gold.counts/recompute: the query has input 0 rows by"],
        ),
        refuse(
            "another computed column over rows that are retracted",
            with!(COUNTED, "FROM gold.t WHERE total > 0" => "FROM (SELECT events + 1 AS events, total FROM gold.t)"),
            with!(COUNTED, "FROM gold.t WHERE total > 0" => "FROM (SELECT events + 2 AS events, total FROM gold.t)"),
            &["gold.counts/recompute: the state has input 0 rows with column", "gold.counts/recompute: the query has input 0 rows with column"],
        ),
        refuse("more of the best rows", of(TOP), with!(TOP, "place <= 1" => "place <= 2"), &["gold.t"]),
        refuse("a column of a table that changes its type", of(PLAIN), Version("string", PLAIN), &["gold.t", "amount"]),
        refuse("a column that a join keeps", of(JOIN), Version("bigint", JOIN), &["left column amount Int32"]),
    ]
}

impl Version {
    /// With some text of it replaced.
    fn fixed(self, from: &str, to: &str) -> Version {
        let changed = self.1.replace(from, to);
        assert_ne!(changed, self.1, "nothing is replaced");
        Version(self.0, changed.leak())
    }
}

#[test]
fn every_change_is_taken_over_or_refused_as_documented() {
    let mut wrong = String::new();
    for change in accepted().into_iter().chain(refused()) {
        let evolved = evolve(change.before, change.after);
        let complaint = match (change.expected, evolved) {
            (Ok((table, expected)), Ok(mut run)) => {
                let found = rows(&mut run, table);
                (found != expected).then(|| format!("expected {expected:#?}, found {found:#?}"))
            }
            (Err(parts), Err(text)) => {
                let missing: Vec<_> = parts.iter().filter(|part| !text.contains(*part)).collect();
                (!missing.is_empty()).then(|| format!("the refusal does not say {missing:?}:\n{text}"))
            }
            (Ok(_), Err(text)) => Some(format!("refused: {text}")),
            (Err(_), Ok(mut run)) => Some(format!("taken over: {:#?}", rows(&mut run, "gold.t"))),
        };
        if let Some(complaint) = complaint {
            wrong.push_str(&format!("== {}\n{complaint}\n", change.what));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
