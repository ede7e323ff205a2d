//! Spark's own join cases (cases 49 to 59 of spark_streaming_cases.json, counted from 0), with the state rows it has.

use super::machine::Driver;
use super::rows::{Joined, On, Row, Shape, at};
use crate::join::JoinKind;

/// Seconds of key 1.
fn rows(seconds: &[i64]) -> Vec<Row> {
    seconds.iter().map(|second| at(1, *second)).collect()
}

/// Values that are their own keys and times.
fn values(values: &[i64]) -> Vec<Row> {
    values.iter().map(|value| at(*value, *value)).collect()
}

fn pairs(pairs: &[(i64, i64)]) -> Vec<Joined> {
    pairs.iter().map(|(left, right)| (Some(at(1, *left)), Some(at(1, *right)))).collect()
}

fn pair(value: i64) -> Joined {
    (Some(at(value, value)), Some(at(value, value)))
}

#[track_caller]
fn check_state(driver: &mut Driver, total: u64, updated: u64, dropped: u64) {
    assert_eq!(driver.state(), (total, updated, dropped));
}

#[test]
fn inner_join_on_non_time_column() {
    let mut driver = Driver::new(Shape::new(JoinKind::Inner, On::Key), [None, None]);
    assert_eq!(driver.add(&values(&[1]), &[]), []);
    assert_eq!(driver.add(&[], &values(&[1, 10])), [pair(1)]);
    assert_eq!(driver.add(&values(&[10]), &[]), [pair(10)]);
    assert_eq!(driver.add(&[], &values(&[1])), [pair(1)]);
    driver.machine.restart();
    assert_eq!(driver.add(&values(&[1]), &[]), [pair(1), pair(1)]);
    driver.machine.restart();
    assert_eq!(driver.add(&values(&[100]), &values(&[100])), [pair(100)]);
}

#[test]
fn inner_join_on_windows_without_watermark() {
    let mut driver = Driver::new(Shape::new(JoinKind::Inner, On::Window), [None, None]);
    assert_eq!(driver.add(&values(&[1]), &[]), []);
    assert_eq!(driver.add(&[], &values(&[1])), [pair(1)]);
    driver.machine.restart();
    assert_eq!(driver.add(&values(&[25]), &[]), []);
    assert_eq!(driver.add(&[], &values(&[25])), [pair(25)]);
    assert_eq!(driver.add(&values(&[1]), &[]), [pair(1)]);
    driver.machine.restart();
    assert_eq!(driver.add(&values(&[5]), &[]), []);
    assert_eq!(driver.add(&[], &values(&[5])), [pair(5)]);
}

#[test]
fn inner_join_on_windows_with_watermark() {
    let mut driver = Driver::new(Shape::new(JoinKind::Inner, On::Window), [Some(10), None]);
    assert_eq!(driver.add(&values(&[1]), &[]), []);
    check_state(&mut driver, 1, 1, 0);
    assert_eq!(driver.add(&[], &values(&[1])), [pair(1)]);
    check_state(&mut driver, 2, 1, 0);
    driver.machine.restart();
    assert_eq!(driver.add(&values(&[25]), &[]), []);
    check_state(&mut driver, 1, 1, 0);
    assert_eq!(driver.add(&[], &values(&[25])), [pair(25)]);
    check_state(&mut driver, 2, 1, 0);
    driver.machine.restart();
    assert_eq!(driver.add(&[], &values(&[1])), []);
    check_state(&mut driver, 2, 0, 0);
    assert_eq!(driver.add(&values(&[5]), &[]), []);
    check_state(&mut driver, 2, 0, 1);
}

#[test]
fn inner_join_with_a_range_that_bounds_one_side() {
    // l.t < r.t - 5 s: left rows stay for ever; the range's other end is far away.
    let far = 1_000_000_000;
    let shape = Shape::new(JoinKind::Inner, On::Range(-6, far));
    let mut driver = Driver::new(shape, [Some(10), Some(10)]);
    assert_eq!(driver.add(&rows(&[5]), &[]), []);
    assert_eq!(driver.add(&[], &rows(&[11])), pairs(&[(5, 11)]));
    assert_eq!(driver.add(&[], &rows(&[10])), []);
    check_state(&mut driver, 3, 3, 0);
    assert_eq!(driver.add(&rows(&[3, 30]), &[]), pairs(&[(3, 10), (3, 11)]));
    check_state(&mut driver, 5, 2, 0);
    assert_eq!(driver.add(&[], &[at(0, 30)]), []);
    check_state(&mut driver, 4, 1, 0);
    let emitted = pairs(&[(3, 21), (3, 28), (5, 21), (5, 28)]);
    assert_eq!(driver.add(&[], &rows(&[20, 21, 28])), emitted);
    check_state(&mut driver, 5, 1, 1);
    assert_eq!(driver.add(&rows(&[20, 21]), &[]), pairs(&[(21, 28)]));
    check_state(&mut driver, 6, 1, 1);
}

#[test]
fn inner_join_with_a_range_that_bounds_both_sides() {
    // l.t BETWEEN r.t - 10 s AND r.t + 5 s
    let mut driver = Driver::new(Shape::new(JoinKind::Inner, On::Range(5, 10)), [Some(20), Some(30)]);
    assert_eq!(driver.add(&rows(&[20]), &[]), []);
    let emitted = pairs(&[(20, 15), (20, 25), (20, 26), (20, 30)]);
    assert_eq!(driver.add(&[], &rows(&[14, 15, 25, 26, 30, 31])), emitted);
    check_state(&mut driver, 7, 7, 0);
    assert_eq!(driver.add(&[], &rows(&[60])), []);
    assert_eq!(driver.add(&rows(&[49, 50, 65, 66]), &[]), pairs(&[(50, 60), (65, 60)]));
    check_state(&mut driver, 10, 5, 0);
    assert_eq!(driver.add(&rows(&[30, 31]), &[]), pairs(&[(31, 26), (31, 30), (31, 31)]));
    check_state(&mut driver, 11, 1, 1);
    assert_eq!(driver.add(&[], &rows(&[80])), []);
    check_state(&mut driver, 6, 1, 0);
    assert_eq!(driver.add(&[], &rows(&[46, 50])), pairs(&[(49, 50), (50, 50)]));
    check_state(&mut driver, 7, 1, 1);
}

#[test]
fn stream_stream_self_join() {
    let row = |value: i64| Row { key: Some(value % 5), ..at(value, value) };
    let both = |one: i64, other: i64| (Some(row(one)), Some(row(other)));
    let mut driver = Driver::new(Shape::new(JoinKind::Inner, On::Key), [None, None]);
    let first = [row(1), row(2)];
    assert_eq!(driver.add(&first, &first), [both(1, 1), both(2, 2)]);
    driver.machine.restart();
    let second = [row(3), row(6)];
    assert_eq!(driver.add(&second, &second), [both(1, 6), both(6, 1), both(6, 6), both(3, 3)]);
}

/// The three cases of state that is never kept: left [..], right [..] in the first batch, then 20 and 21, then 20 on the right.
fn early_exclusion(shape: Shape, left: &[i64], right: &[i64], first: &[Joined], second: &[Joined]) {
    let mut driver = Driver::new(shape, [Some(10), Some(10)]);
    assert_eq!(driver.add(&values(left), &values(right)), first);
    check_state(&mut driver, 4, 4, 0);
    assert_eq!(driver.add(&values(&[20]), &values(&[21])), second);
    assert_eq!(driver.add(&[], &values(&[20])), [pair(20)]);
}

fn left_alone(value: i64) -> Joined {
    (Some(at(value, value)), None)
}

#[test]
fn left_outer_early_state_exclusion_on_left() {
    let shape = Shape { least: [Some(3), None], ..Shape::new(JoinKind::Left, On::Window) };
    early_exclusion(shape, &[1, 2, 3], &[3, 4, 5], &[left_alone(1), left_alone(2), pair(3)], &[]);
}

#[test]
fn left_outer_early_state_exclusion_on_right() {
    let shape = Shape { least: [None, Some(3)], ..Shape::new(JoinKind::Left, On::Window) };
    early_exclusion(shape, &[3, 4, 5], &[1, 2, 3], &[pair(3)], &[left_alone(4), left_alone(5)]);
}

#[test]
fn right_outer_early_state_exclusion_on_left() {
    let shape = Shape { least: [Some(3), None], ..Shape::new(JoinKind::Right, On::Window) };
    let alone = |value: i64| (None, Some(at(value, value)));
    early_exclusion(shape, &[1, 2, 3], &[3, 4, 5], &[pair(3)], &[alone(4), alone(5)]);
}

#[test]
fn right_outer_early_state_exclusion_on_right() {
    let shape = Shape { least: [None, Some(3)], ..Shape::new(JoinKind::Right, On::Window) };
    let alone = |value: i64| (None, Some(at(value, value)));
    early_exclusion(shape, &[3, 4, 5], &[1, 2, 3], &[alone(1), alone(2), pair(3)], &[]);
}
