//! The golden vector V5 (Spark 4.3.0), and what §17 of the reference warns of.

use super::machine::{Machine, epoch_time};
use super::rows::{Joined, On, Row, SECOND, Shape, schema};
use crate::epoch_time::EpochTime;
use crate::join::{JoinKind, JoinSide, JoinSpec, Side};
use crate::operator::{Bound, Operator, OperatorSpec};

const A: i64 = 1;
const B: i64 = 2;
const C: i64 = 3;
const D: i64 = 4;
const E: i64 = 5;
const ZZ: i64 = 26;

fn time(text: &str) -> i64 {
    let parts: Vec<i64> = text.split(':').map(|part| part.parse().unwrap()).collect();
    parts.iter().fold(0, |sum, part| sum * 60 + part) * SECOND * if parts.len() == 2 { 60 } else { 1 }
}

fn row(key: impl Into<Option<i64>>, text: &str) -> Row {
    Row { key: key.into(), time: Some(time(text)), value: time(text) / SECOND }
}

fn alone(row: Row) -> Joined {
    (Some(row), None)
}

/// The batches of V5 with the watermarks that Spark used.
fn v5(kind: JoinKind) -> (Vec<Vec<Joined>>, Vec<u64>) {
    let shape = Shape::new(kind, On::Range(0, 600));
    let mut machine = Machine::new(shape, shape.spec([true, true]));
    let marks = [None, Some(time("11:52")), Some(time("12:15")), Some(time("13:50"))];
    let batches = [
        (vec![row(A, "12:00"), row(B, "12:01"), row(None, "12:02")], vec![row(A, "12:00:30"), row(A, "12:00:40")]),
        (vec![row(C, "13:00")], vec![row(C, "12:20")]),
        (vec![row(D, "14:00")], vec![row(ZZ, "14:00")]),
        (vec![row(E, "14:01")], vec![row(ZZ, "14:01")]),
    ];
    let (mut emitted, mut rows) = (Vec::new(), Vec::new());
    for (number, (left, right)) in batches.iter().enumerate() {
        let late = if number == 0 { None } else { marks[number - 1] };
        emitted.push(machine.simple(left, right, epoch_time(number as u64, late, marks[number])).sorted());
        rows.push(machine.join.metrics().rows);
    }
    (emitted, rows)
}

fn matches_of_a() -> Vec<Joined> {
    vec![(Some(row(A, "12:00")), Some(row(A, "12:00:30"))), (Some(row(A, "12:00")), Some(row(A, "12:00:40")))]
}

#[test]
fn v5_left_outer() {
    let (emitted, rows) = v5(JoinKind::Left);
    assert_eq!(emitted[0], matches_of_a());
    assert_eq!(emitted[1], []);
    assert_eq!(emitted[2], [alone(row(None, "12:02")), alone(row(B, "12:01"))]);
    assert_eq!(emitted[3], [alone(row(C, "13:00"))]);
    // 5 rows go in the third batch, in which 2 come.
    assert_eq!(rows[..3], [5, 7, 4]);
}

#[test]
fn v5_inner_never_keeps_a_null_key() {
    let (emitted, rows) = v5(JoinKind::Inner);
    assert_eq!(emitted, [matches_of_a(), vec![], vec![], vec![]]);
    assert_eq!(rows[..3], [4, 6, 4]);
}

#[test]
fn v5_semi_and_anti_share_the_left_rows() {
    let (semi, rows) = v5(JoinKind::LeftSemi);
    assert_eq!(semi, [vec![alone(row(A, "12:00"))], vec![], vec![], vec![]]);
    assert_eq!(rows[0], 3, "a left row that matched and one with a null key are not kept");
    let (anti, _) = v5(JoinKind::LeftAnti);
    assert_eq!(anti[0], []);
    assert_eq!(anti[2], [alone(row(None, "12:02")), alone(row(B, "12:01"))]);
    assert_eq!(anti[3], [alone(row(C, "13:00"))]);
}

#[test]
fn a_row_that_comes_and_goes_in_one_epoch_gives_its_null_row() {
    let shape = Shape::new(JoinKind::Full, On::Range(0, 10));
    let mut machine = Machine::new(shape, shape.spec([true, true]));
    let (left, right) = (row(A, "12:00"), row(B, "12:00"));
    let done = machine.simple(&[left], &[right], epoch_time(0, None, Some(time("13:00"))));
    assert_eq!(done.sorted(), [(None, Some(right)), alone(left)]);
    assert_eq!(machine.join.metrics().rows, 0);
    // And if both are due, they still see each other.
    let right = row(A, "12:00:05");
    let done = machine.simple(&[left], &[right], epoch_time(1, None, Some(time("13:00"))));
    assert_eq!(done.sorted(), [(Some(left), Some(right))]);
    assert_eq!(machine.join.metrics().rows, 0);
}

#[test]
fn a_match_is_not_forgotten_before_the_row_goes() {
    // SPARK-26154: the partner goes first, the matched row must not come out null-extended when it goes itself.
    let shape = Shape::new(JoinKind::Left, On::Range(0, 600));
    let mut machine = Machine::new(shape, shape.spec([true, true]));
    let (left, right) = (row(A, "12:00"), row(A, "12:05"));
    assert_eq!(machine.simple(&[left], &[], epoch_time(0, None, None)).sorted(), []);
    assert_eq!(machine.simple(&[], &[right], epoch_time(1, None, None)).sorted(), [(Some(left), Some(right))]);
    let marks = ["12:06", "12:09", "12:30"].map(|text| Some(time(text)));
    assert_eq!(machine.simple(&[], &[], epoch_time(2, None, marks[0])).sorted(), []);
    assert_eq!(machine.join.metrics().rows, 1);
    machine.restart();
    assert_eq!(machine.simple(&[], &[], epoch_time(3, marks[0], marks[1])).sorted(), []);
    machine.restart();
    assert_eq!(machine.simple(&[], &[], epoch_time(4, marks[1], marks[2])).sorted(), []);
    assert_eq!(machine.join.metrics().rows, 0);
}

#[test]
fn rows_may_also_go_by_the_time_of_the_epochs() {
    // state_ttl: the column with the watermark is that of the epochs' time here.
    let shape = Shape::new(JoinKind::Left, On::Range(0, 600));
    let side = |side| JoinSide { expires_at_batch_time: Some(3), ..JoinSide::new(schema(side), vec![1]) };
    let spec = JoinSpec::new("gold.ttl".to_string(), JoinKind::Left, side(Side::Left), side(Side::Right)).unwrap();
    assert!(matches!(spec.bound(), Bound::Watermark(text) if text.contains("the epoch's time reaches left_until")));
    let mut machine = Machine::new(shape, spec.with_projection(&[1, 2, 0, 6, 7, 5]).unwrap());
    let now = |epoch, text| EpochTime { batch_time_us: time(text), ..epoch_time(epoch, None, None) };
    let (matched, lonely, null) = (row(A, "12:00"), row(B, "12:01"), row(None, "12:02"));
    let partner = row(A, "12:00:30");
    let done = machine.simple(&[matched, lonely, null], &[partner], now(0, "12:00:45"));
    assert_eq!(done.sorted(), [(Some(matched), Some(partner))]);
    assert_eq!(machine.join.metrics().rows, 3, "the right row went at 12:00:30 and a microsecond");
    assert!(!machine.join.has_pending_output(&now(1, "12:05")) && machine.join.has_pending_output(&now(1, "12:12")));
    machine.restart();
    let done = machine.simple(&[], &[], now(1, "12:12"));
    assert_eq!(done.sorted(), [alone(lonely)]);
    let done = machine.simple(&[], &[], now(2, "13:00"));
    assert_eq!(done.sorted(), [alone(null)]);
    assert_eq!(machine.join.metrics().rows, 0);
}
