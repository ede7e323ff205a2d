//! How long rows are kept: tried out over all small times, and explained to the user.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use job::StateTtl;

use super::*;
use crate::explain::explain;
use crate::tests::engine::{job, plan};

const KINDS: [JoinType; 5] = [JoinType::Left, JoinType::Right, JoinType::Full, JoinType::LeftSemi, JoinType::LeftAnti];

/// Over all times and bounds within a few units: an evicted row is one that no change can match, that is not retracted any
/// more, and whose matches are final if rows of theirs without a match are emitted. No row could be evicted a unit earlier.
#[test]
fn a_row_is_evicted_as_soon_as_no_later_difference_needs_it_and_no_sooner() {
    for (least, most) in (-4..4).flat_map(|least| (least + 2..6).map(move |most| (least, most))) {
        let matches = |l: i64, r: i64| least < l - r && l - r < most;
        let times = || -12..13_i64;
        let left_needs = |l: i64, w: i64| l > w || times().any(|r| r > w && matches(l, r));
        let right_needs = |r: i64, w: i64| r > w || times().any(|l| l > w && matches(l, r));
        for kind in KINDS {
            let lifetimes = Lifetimes::of(kind, (0, 0), least, most);
            let can_go_left = |l: i64, w: i64| {
                let hides = matches!(kind, JoinType::Right | JoinType::Full);
                !(left_needs(l, w) || hides && times().any(|r| matches(l, r) && right_needs(r, w)))
            };
            let can_go_right = |r: i64, w: i64| {
                let hides = kind != JoinType::Right;
                !(right_needs(r, w) || hides && times().any(|l| matches(l, r) && left_needs(l, w)))
            };
            for w in -20..20 {
                let what = format!("{kind} {least} < l - r < {most} at {w}: {lifetimes:?}");
                assert!(lifetimes.left.kept_us > w || can_go_left(0, w), "left, {what}");
                assert!(lifetimes.right.kept_us > w || can_go_right(0, w), "right, {what}");
                // Bounds that are not reached lie a unit beyond the times that match, and so do sums of two of them.
                assert!(lifetimes.left.kept_us <= w + 2 || !can_go_left(0, w), "left, too long, {what}");
                assert!(lifetimes.right.kept_us <= w + 2 || !can_go_right(0, w), "right, too long, {what}");
                assert!(lifetimes.left.final_after_us > w || !left_needs(0, w), "left is not final, {what}");
                assert!(lifetimes.right.final_after_us > w || !right_needs(0, w), "right is not final, {what}");
            }
        }
    }
}

fn explained(sql: &str) -> String {
    let job = job(&[("gold.test", "update", sql)]);
    let graph = plan(&job).unwrap_or_else(|problems| panic!("{problems:?}"));
    explain(&job, &graph)
}

const RANGE: &str =
    "a.user_id = b.user_id AND b.event_time BETWEEN a.event_time AND a.event_time + INTERVAL 10 MINUTES";

#[test]
fn explanations_say_when_the_rows_of_both_sides_are_evicted() {
    let kept = [
        ("LEFT", "event_time + 10 minutes 1 millisecond", "event_time + 10 minutes 2 milliseconds"),
        ("RIGHT", "event_time + 10 minutes 2 milliseconds", "event_time + 1 millisecond"),
        ("FULL", "event_time + 10 minutes 2 milliseconds", "event_time + 10 minutes 2 milliseconds"),
        ("LEFT ANTI", "event_time + 10 minutes 1 millisecond", "event_time + 10 minutes 2 milliseconds"),
    ];
    for (kind, left, right) in kept {
        let text = explained(&format!("SELECT a.user_id FROM events a {kind} JOIN events b ON {RANGE}"));
        assert!(
            text.contains(&format!("rows are evicted when the watermark reaches {left} and {right}")),
            "{kind}: {text}"
        );
        assert!(!text.contains("WARNING"), "{kind}: {text}");
        assert!(text.contains("counted and left out"), "{kind}: {text}");
    }
}

/// Tables with such a join kept the rows of their result for ever, although those of the windows below were evicted.
#[test]
fn joins_of_windows_are_evicted_with_them_and_so_are_their_results() {
    let side =
        "(SELECT window AS w, user_id, count(*) AS n FROM events GROUP BY window(event_time, '1 minute'), user_id)";
    for kind in ["LEFT", "RIGHT", "FULL", "LEFT SEMI"] {
        let text =
            explained(&format!("SELECT a.n FROM {side} a {kind} JOIN {side} b ON a.w = b.w AND a.user_id = b.user_id"));
        assert!(!text.contains("WARNING"), "{kind}: {text}");
        assert!(text.contains("rows are evicted when the watermark reaches w and w"), "{kind}: {text}");
    }
    // Windows that are made where they are compared.
    let side = "(SELECT window(event_time, '1 minute') AS w, user_id FROM events)";
    let text = explained(&format!("SELECT a.user_id FROM {side} a LEFT JOIN {side} b ON a.w = b.w"));
    assert!(!text.contains("WARNING"), "{text}");
}

#[test]
fn what_no_range_bounds_must_be_asked_for_and_is_explained() {
    let counts = "(SELECT user_id, count(*) AS n FROM events GROUP BY user_id)";
    for (side, on) in [
        ("events", "a.user_id = b.user_id"),
        ("events", "a.user_id = b.user_id AND b.event_time >= a.event_time"),
        ("events", "a.user_id = b.user_id AND b.event_time <= a.event_time + INTERVAL 1 MINUTE"),
        (counts, "a.user_id = b.user_id"),
    ] {
        let sql = format!("SELECT a.user_id FROM {side} a LEFT JOIN {side} b ON {on}");
        let mut job = job(&[("gold.test", "update", &sql)]);
        let refused = format!("{:?}", plan(&job).unwrap_err());
        assert!(refused.contains("rows of both sides would be kept for ever"), "{on}: {refused}");
        assert!(refused.contains("state_ttl"), "{on}: {refused}");
        job.tables[0].state_ttl = Some(StateTtl::Unbounded);
        let text = explain(&job, &plan(&job).unwrap());
        assert!(text.contains("WARNING: nothing bounds it"), "{on}: {text}");
    }
}

/// Late rows of a join were said to be kept in complete mode: an aggregate keeps them there, a join does not.
#[test]
fn in_complete_mode_a_join_leaves_late_rows_out_and_an_aggregate_does_not() {
    for (from, words) in [
        (format!("events a LEFT JOIN events b ON {RANGE}"), "late rows    counted and left out"),
        (format!("events a JOIN events b ON {RANGE}"), "late rows    counted and left out"),
        ("events a".to_string(), "late rows    kept: complete mode counts them"),
    ] {
        let window = "window(a.event_time, '1 minute')";
        let sql = format!("SELECT {window} AS w, count(*) AS n FROM {from} GROUP BY {window}");
        let job = job(&[("gold.test", "complete", &sql)]);
        let text = explain(&job, &plan(&job).unwrap_or_else(|problems| panic!("{problems:?}")));
        assert!(text.contains(words), "{from}: {text}");
    }
}

#[test]
fn state_ttl_bounds_what_no_range_does() {
    let sql = "SELECT a.user_id FROM events a LEFT JOIN events b ON a.user_id = b.user_id";
    let mut job = job(&[("gold.test", "update", sql)]);
    job.tables[0].state_ttl = Some(StateTtl::After(7 * 86_400_000_000));
    let text = explain(&job, &plan(&job).unwrap());
    assert!(text.contains("recompute: a key is forgotten 7 days after its last row"), "{text}");
    assert!(text.contains("until none has come for 7 days"), "{text}");
}

/// A table in update mode that others read kept all its rows, unless it passed their time on.
#[test]
fn a_table_that_is_read_evicts_rows_although_it_does_not_show_their_time() {
    let sessions =
        "SELECT user_id, count(*) AS n FROM events GROUP BY user_id, session_window(event_time, '5 minutes')";
    let job = job(&[
        ("gold.sessions", "update", sessions),
        ("gold.by_count", "update", "SELECT n, count(*) AS c FROM gold.sessions GROUP BY n"),
    ]);
    let text = explain(&job, &plan(&job).unwrap());
    let of_sessions = text.split("gold.by_count").next().unwrap();
    assert!(of_sessions.contains("rows: rows are evicted when the watermark reaches"), "{text}");
    assert!(!of_sessions.contains("WARNING"), "{text}");
}
