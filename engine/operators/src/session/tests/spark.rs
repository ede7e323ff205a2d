//! Spark's golden vector V2 and its session cases (`StreamingSessionWindowSuite`), as Spark 4.3 answers them.

use state::KeyPartitioning;

use super::harness::{Clock, Job, Row, Table, added, call, count, sessions, spec};
use crate::Emission;
use crate::change::Sign;
use crate::operator::{Bound, OperatorSpec};
use crate::session::GroupTime;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;

/// A row at so many minutes after 12:00 with a gap of five.
fn at(key: &str, minute: i64) -> Row {
    Row::of(key, (720 + minute) * MINUTE, (725 + minute) * MINUTE, 0)
}

/// Every word of a text at a second, with a gap by word.
fn words(text: &str, second: i64, gap: fn(&str) -> i64) -> Vec<Row> {
    let row = |word| Row::of(word, second * SECOND, (second + gap(word)) * SECOND, 0);
    text.split(' ').map(row).collect()
}

fn ten(_: &str) -> i64 {
    10
}

fn dynamic(word: &str) -> i64 {
    match word {
        "hello" => 1,
        "structured" => 0,
        "world" => -10,
        _ => 10,
    }
}

fn steps(gap: fn(&str) -> i64) -> Vec<Vec<Row>> {
    let first = [words("hello world spark streaming", 40, gap), words("world hello structured streaming", 41, gap)];
    let text = [
        ("spark streaming", 25),
        ("spark streaming", 0),
        ("spark streaming", 30),
        ("hello apache spark", 60),
        ("structured streaming", 90),
    ];
    std::iter::once(first.concat()).chain(text.map(|(text, second)| words(text, second, gap))).collect()
}

#[test]
fn golden_vector_v2() {
    let mut clock = Clock::new(Job::new(sessions(count(), Emission::Append)), 10 * MINUTE);
    let mut step = |rows: &[Row]| {
        let outcome = clock.epoch(rows);
        (added(&outcome.changes, MINUTE), outcome.left.late, clock.job.operator.metrics().rows)
    };
    assert_eq!(step(&[at("a", 0), at("a", 8)]), (vec![], 0, 2));
    assert_eq!(step(&[at("a", 4)]), (vec![], 0, 1));
    assert_eq!(step(&[at("b", 30)]), (vec![], 0, 2));
    assert_eq!(step(&[at("a", 12)]), (vec!["720-737 a 4".to_string()], 0, 1));
    assert_eq!(step(&[at("a", 12), at("b", 50)]), (vec![], 1, 2));
    assert_eq!(step(&[]), (vec!["750-755 b 1".to_string()], 0, 1));
    assert_eq!(step(&[]), (vec![], 0, 1));
}

#[test]
fn rows_that_touch_are_one_session_and_rows_a_moment_apart_are_two() {
    let mut clock = Clock::new(Job::new(sessions(count(), Emission::Append)), 0);
    let at = |us: i64| Row::of("a", us, us + 5 * MINUTE, 0);
    clock.epoch(&[at(10 * MINUTE - 1), at(0), at(5 * MINUTE), at(15 * MINUTE)]);
    let changes = clock.batch(&[at(60 * MINUTE)]).0;
    assert_eq!(
        added(&changes, 1),
        vec![format!("0-{} a 3", 15 * MINUTE - 1), format!("{}-{} a 1", 15 * MINUTE, 20 * MINUTE),]
    );
}

#[test]
fn append_mode() {
    let mut clock = Clock::new(Job::new(sessions(count(), Emission::Append)), 30 * SECOND);
    let mut late = Vec::new();
    let mut out = Vec::new();
    for rows in steps(ten) {
        let (changes, left) = clock.batch(&rows);
        late.push(left.late);
        out.push(added(&changes, SECOND));
    }
    assert_eq!(late, [0, 0, 2, 0, 0, 0]);
    let last = out.pop().unwrap();
    assert!(out.iter().all(Vec::is_empty), "{out:?}");
    assert_eq!(last, ["25-50 spark 3", "25-51 streaming 4", "40-51 hello 2", "40-51 world 2", "41-51 structured 1"]);
    assert_eq!(clock.job.operator.metrics().rows, 5);
}

#[test]
fn dynamic_gaps() {
    let mut clock = Clock::new(Job::new(sessions(count(), Emission::Append)), 30 * SECOND);
    let (mut left_out, mut out) = (Vec::new(), Vec::new());
    for rows in steps(dynamic) {
        let (changes, left) = clock.batch(&rows);
        left_out.push((left.late, left.untimed));
        out.push(added(&changes, SECOND));
    }
    assert_eq!(left_out, [(0, 3), (0, 0), (2, 0), (0, 0), (0, 0), (0, 1)]);
    let last = out.pop().unwrap();
    assert!(out.iter().all(Vec::is_empty), "{out:?}");
    assert_eq!(last, ["25-50 spark 3", "25-51 streaming 4", "40-42 hello 2"]);
}

#[test]
fn complete_mode() {
    let mut clock = Clock::new(Job::new(sessions(count(), Emission::Complete)), 30 * SECOND);
    let mut table = Table::default();
    let mut steps = steps(ten);
    // Spark's case leaves the row at 0 out.
    steps.remove(2);
    let mut tables = Vec::new();
    for rows in steps {
        let (changes, left) = clock.batch(&rows);
        assert_eq!(left.late, 0);
        table.apply(&changes, SECOND);
        tables.push(table.rows());
    }
    let early = ["40-50 spark 1", "40-51 hello 2", "40-51 streaming 2", "40-51 world 2", "41-51 structured 1"];
    assert_eq!(tables[0], early);
    assert_eq!(tables[1], [["25-35 spark 1", "25-35 streaming 1"].as_slice(), &early].concat());
    let merged = ["25-50 spark 3", "25-51 streaming 4", "40-51 hello 2", "40-51 world 2", "41-51 structured 1"];
    assert_eq!(tables[2], merged);
    let more = ["60-70 apache 1", "60-70 hello 1", "60-70 spark 1"];
    assert_eq!(tables[3], [merged.as_slice(), &more].concat());
    let most = ["90-100 streaming 1", "90-100 structured 1"];
    assert_eq!(tables[4], [merged.as_slice(), &more, &most].concat());
}

#[test]
fn update_mode_which_spark_refuses() {
    let mut clock = Clock::new(Job::new(sessions(count(), Emission::Changes)), 30 * SECOND);
    let mut table = Table::default();
    let mut signs = Vec::new();
    for rows in steps(ten) {
        let (changes, _) = clock.batch(&rows);
        signs.push(changes.iter().map(|change| (change.sign, change.rows.num_rows())).collect::<Vec<_>>());
        table.apply(&changes, SECOND);
    }
    assert_eq!(
        signs,
        [
            vec![(Sign::Add, 5)],
            vec![(Sign::Add, 2)],
            vec![],
            // Both words: the sessions from 25 and 40 are retracted, the one that the row at 30 makes of them is added.
            vec![(Sign::Retract, 4), (Sign::Add, 2)],
            vec![(Sign::Add, 3)],
            vec![(Sign::Add, 2)],
        ]
    );
    assert_eq!(
        table.rows(),
        [
            "25-50 spark 3",
            "25-51 streaming 4",
            "40-51 hello 2",
            "40-51 world 2",
            "41-51 structured 1",
            "60-70 apache 1",
            "60-70 hello 1",
            "60-70 spark 1",
            "90-100 streaming 1",
            "90-100 structured 1",
        ]
    );
    assert_eq!(clock.job.operator.metrics().rows, 5);
}

#[test]
fn sessions_without_a_key_which_spark_refuses() {
    let spec = spec(GroupTime::Session { start: 1, end: 2 }, &[], count(), Emission::Append);
    let mut clock = Clock::new(Job::new(spec), 0);
    let at = |second: i64| Row::of("", second * SECOND, (second + 5) * SECOND, 0);
    clock.epoch(&[at(0), at(10), at(15), at(3)]);
    assert_eq!(added(&clock.batch(&[at(100)]).0, SECOND), ["0-8 2", "10-20 2"]);
}

#[test]
fn lists_are_in_the_order_of_rows_and_of_sessions_that_a_row_joins() {
    use datafusion::functions_aggregate::first_last::{first_value_udaf, last_value_udaf};
    use datafusion::physical_expr::expressions::col;
    use expr::aggregate::collect_list;
    let value = || col("value", &super::harness::input_schema()).unwrap();
    let calls =
        vec![call(&collect_list(), value()), call(&first_value_udaf(), value()), call(&last_value_udaf(), value())];
    let mut clock = Clock::new(Job::new(sessions(calls, Emission::Changes)), 1_000 * SECOND);
    let at = |second: i64, value: i64| Row::of("a", second * SECOND, (second + 5) * SECOND, value);
    let mut table = Table::default();
    table.apply(&clock.epoch(&[at(22, 1), at(20, 2), at(0, 3)]).changes, SECOND);
    assert_eq!(table.rows(), ["0-5 a [3] 3 3", "20-27 a [1, 2] 1 2"]);
    table.apply(&clock.epoch(&[at(40, 4), at(15, 5), at(10, 6), at(5, 7)]).changes, SECOND);
    assert_eq!(table.rows(), ["0-27 a [3, 1, 2, 5, 6, 7] 3 7", "40-45 a [4] 4 4"]);
}

#[test]
fn says_what_it_is_and_what_bounds_it() {
    let spec = sessions(super::harness::exact(), Emission::Append);
    assert_eq!(spec.describe(), "session window by key: count, sum, min, max, count");
    assert!(matches!(spec.bound(), Bound::Watermark(_)));
    assert_eq!(spec.fingerprint().unwrap()[..3], ["session window", "key key Utf8", "aggregate count [Int64]"]);
    assert!(matches!(sessions(count(), Emission::Complete).bound(), Bound::Unbounded(_)));
    let mut lane = spec.lane(KeyPartitioning::default()).unwrap();
    let refused = lane.push(0, Sign::Retract, &super::harness::batch(&[]), &super::harness::epoch_time(0, None, None));
    assert!(refused.unwrap_err().to_string().contains("gold.sessions cannot retract rows"));
}
