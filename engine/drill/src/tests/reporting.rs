//! The report's verdict, and the range that is drilled.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::kill_points::{KillTimes, Pace, aimed, of_places};
use crate::{Report, Row};

fn row() -> Row {
    let point = "before commit of epoch 3".to_owned();
    let (killed, kills, unanswered) = (true, 1, 0);
    Row { point, killed, kills, unanswered, recovered_ms: 40, tables_equal: true, rows_compared: 7, difference: None }
}

#[test]
fn only_a_kill_without_any_difference_passes() {
    let report = |row: Row| Report { rows: vec![self::row(), row], notes: Vec::new() };
    assert!(report(row()).passed());
    assert!(!Report::default().passed(), "nothing drilled is nothing proven");
    assert!(!report(Row { killed: false, ..row() }).passed(), "a fail point that was never reached");
    assert!(!report(Row { tables_equal: false, ..row() }).passed());
    let different = report(Row { difference: Some("gold.t: 3 rows\n  missing: a".to_owned()), ..row() });
    assert!(!different.passed());
    let text = different.to_table();
    assert!(text.contains("DIFFERENT") && text.contains("    missing: a") && text.contains("1 of 2 drills"), "{text}");
    assert!(report(row()).to_table().ends_with("2 kills: every table is equal to that of an undisturbed run\n"));
}

#[test]
fn a_place_that_was_away_passes_if_it_did_not_answer_and_nothing_is_lost() {
    let away = Row { point: "gold.t away in epoch 3".to_owned(), killed: false, kills: 0, unanswered: 4, ..row() };
    let report = |rows: Vec<Row>| Report { rows, notes: Vec::new() };
    let text = report(vec![row(), away.clone()]).to_table();
    assert!(text.contains("gold.t away in epoch 3      away        40 ms              7  equal\n"), "{text}");
    assert!(
        text.ends_with("1 kills, 1 place away for a while: every table is equal to that of an undisturbed run\n"),
        "{text}"
    );
    assert!(report(vec![away.clone()]).passed());
    assert!(!report(vec![Row { unanswered: 0, ..away.clone() }]).passed(), "it always answered");
    assert!(!report(vec![Row { tables_equal: false, ..away }]).passed());
}

#[test]
fn the_table_of_a_report_stands_in_columns() {
    let random = Row { point: "random".to_owned(), kills: 12, recovered_ms: 1234, rows_compared: 50_000, ..row() };
    let text = Report { rows: vec![row(), random], notes: Vec::new() }.to_table();
    let expected = [
        "where                     killed    recovered  rows compared  result",
        "before commit of epoch 3       1        40 ms              7  equal",
        "random                        12      1234 ms          50000  equal",
    ];
    assert_eq!(text.lines().take(3).collect::<Vec<_>>(), expected);
    let short = Report { rows: vec![Row { point: "x".to_owned(), ..row() }], notes: Vec::new() }.to_table();
    assert!(
        short.starts_with("where        killed    recovered  rows compared  result\nx                 1        40 ms"),
        "{short}"
    );
}

#[test]
fn both_sides_of_all_steps_are_aimed_at() {
    let points: BTreeSet<String> = aimed(3).iter().map(ToString::to_string).collect();
    assert_eq!(points.len(), 16);
    for point in ["plan:before:3", "commit:after:3", "retire:after:3"] {
        assert!(points.contains(point), "{points:?}");
    }
    let places = ["bronze.a".to_owned(), "gold.t".to_owned()];
    let faults: Vec<String> = of_places(3, &places).iter().map(ToString::to_string).collect();
    let expected =
        ["publish:after:3:bronze.a", "publish:away:3:4:bronze.a", "publish:after:3:gold.t", "publish:away:3:4:gold.t"];
    assert_eq!(faults, expected);
}

#[test]
fn times_repeat_with_their_seed_and_meet_start_and_epochs() {
    let pace = Pace { start: Duration::from_millis(300), epoch: Duration::from_millis(100) };
    let of = |seed: u64| {
        let mut times = KillTimes::new(seed);
        (0..200).map(|_| times.next(&pace)).collect::<Vec<_>>()
    };
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
    let early = of(7).iter().filter(|time| **time < pace.start).count();
    assert!((40..100).contains(&early), "{early} of 200 while starting");
    assert!(of(7).iter().all(|time| *time < pace.start + pace.epoch * 2));
}
