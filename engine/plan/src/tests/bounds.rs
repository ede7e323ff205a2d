//! What bounds each state, as `explain` says it; what `state_ttl` does to it, and where it is refused.

use job::StateTtl;

use super::engine::{job, plan, plan_for};
use crate::explain::explain;

const DAYS: i64 = 86_400_000_000;

/// What `explain` says of one table, or why it is refused.
fn explained(mode: &str, sql: &str, state_ttl: Option<StateTtl>) -> Result<String, String> {
    let mut job = job(&[("gold.test", mode, sql)]);
    job.tables[0].state_ttl = state_ttl;
    match plan(&job) {
        Ok(graph) => Ok(explain(&job, &graph)),
        Err(problems) => Err(format!("{problems:?}")),
    }
}

fn forgotten(mode: &str, sql: &str) -> Result<String, String> {
    explained(mode, sql, Some(StateTtl::After(30 * DAYS)))
}

/// Groups that no watermark bounds; `event_time` of `plain` has none, `quantity` is no time.
const UNBOUNDED_GROUPS: &[&str] = &[
    "SELECT user_id, count(*) AS n FROM events GROUP BY user_id",
    "SELECT user_id, collect_list(total) AS l FROM events GROUP BY user_id HAVING count(*) > 1",
    "SELECT user_id, event_type, count(*) AS n FROM events GROUP BY CUBE (user_id, event_type)",
    "SELECT DISTINCT user_id FROM (SELECT user_id, count(*) AS n FROM events GROUP BY user_id) q",
    "SELECT window.start AS s, user_id, count(*) AS n FROM plain GROUP BY window(event_time, '1 minute'), user_id",
    "SELECT window.start AS s, count(*) AS n FROM plain GROUP BY window(event_time, '10 minutes', '5 minutes')",
    "SELECT session_window.start AS s, user_id, count(*) AS n FROM plain GROUP BY session_window(event_time, '5 minutes'), user_id",
    "SELECT n, count(*) AS m FROM (SELECT user_id, count(*) AS n FROM events GROUP BY user_id) q GROUP BY n",
    "SELECT user_id, event_type, n FROM (SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY n DESC) AS place
       FROM (SELECT user_id, event_type, count(*) AS n FROM events GROUP BY user_id, event_type) c) r WHERE place <= 2",
];

/// Fault: `state_ttl` on GROUP BY was ignored, without a word.
#[test]
fn state_ttl_on_group_by_bounds_every_operator_or_is_refused() {
    for sql in UNBOUNDED_GROUPS {
        let text = forgotten("update", sql).unwrap_or_else(|problems| panic!("{sql}: {problems}"));
        assert!(text.contains("a key is forgotten 30 days after its last row"), "{sql}: {text}");
        // What grows are the rows of the table, which stand.
        for line in text.lines().filter(|line| line.contains("WARNING")) {
            let is_table = line.contains("all rows of the table") || line.contains("the newest row of each");
            assert!(is_table, "{sql}: {text}");
        }
        let unbounded = explained("update", sql, None).unwrap();
        assert!(unbounded.contains("WARNING") && !unbounded.contains("forgotten"), "{sql}: {unbounded}");
    }
}

#[test]
fn state_ttl_that_cannot_be_kept_is_refused_with_a_remedy() {
    for (mode, sql, message, remedy) in [
        ("complete", UNBOUNDED_GROUPS[0], "every group there ever was", "mode = \\\"update\\\""),
        ("complete", UNBOUNDED_GROUPS[4], "every group there ever was", "mode = \\\"update\\\""),
        (
            "update",
            "SELECT sum(n) AS s FROM (SELECT user_id, count(*) AS n FROM events GROUP BY user_id) q",
            "needs all of its rows at once",
            "state_ttl = \\\"unbounded\\\"",
        ),
        ("append", "SELECT user_id FROM events", "nothing to do here", "take state_ttl away"),
        ("update", "SELECT count(*) AS n FROM events", "nothing to do here", "take state_ttl away"),
        (
            "append",
            "SELECT count(*) AS n FROM events GROUP BY window(event_time, '1 minute')",
            "nothing to do here",
            "take state_ttl away",
        ),
    ] {
        let refused = forgotten(mode, sql).expect_err(sql);
        assert!(refused.contains(message) && refused.contains(remedy), "{sql}: {refused}");
        let unbounded = explained(mode, sql, Some(StateTtl::Unbounded));
        assert!(unbounded.is_ok(), "{sql}: {unbounded:?}");
    }
}

/// Fault: of windows without a watermark it was said that they are evicted.
#[test]
fn explain_says_truly_what_bounds_windows_without_a_watermark() {
    let by = |source: &str, window: &str| format!("SELECT count(*) AS n FROM {source} GROUP BY {window}");
    for (source, window, is_bounded) in [
        ("events", "window(event_time, '1 minute')", true),
        ("plain", "window(event_time, '1 minute')", false),
        ("events", "window(timestamp_seconds(total), '1 minute')", false),
        ("events", "session_window(event_time, '1 minute')", true),
        ("plain", "session_window(event_time, '1 minute')", false),
    ] {
        let text = explained("update", &by(source, window), None).unwrap();
        let states: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with("state ")).collect();
        let is_said = states.iter().all(|line| line.contains("evicted")) && !text.contains("WARNING");
        assert_eq!(is_said, is_bounded, "{source}, {window}: {text}");
        let late = if is_bounded { "counted and left out" } else { "kept:" };
        let line = text.lines().find(|line| line.trim_start().starts_with("late rows")).unwrap();
        assert!(line.contains(late), "{source}, {window}: {text}");
    }
}

/// Where a place cannot say what it holds, nobody is promised that rows come once.
#[test]
fn explain_says_where_rows_may_come_again() {
    let job = job(&[("gold.test", "append", "SELECT user_id FROM events")]);
    let told = |delivery| {
        let graph = plan_for(&job, connector::Capabilities { delivery, ..connector::Capabilities::FILES }).unwrap();
        explain(&job, &graph)
    };
    assert!(told(connector::Delivery::AtLeastOnce).contains("at least once: the place keeps no record"));
    assert!(!told(connector::Delivery::ExactlyOnce).contains("at least once"));
}
