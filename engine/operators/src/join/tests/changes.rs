//! Rows that are retracted: after every epoch the sum of all changes is the batch join of the rows that are there.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use state::KeyPartitioning;

use super::machine::{Chunk, Machine, epoch_time};
use super::rows::{Joined, On, Row, SECOND, Shape, joined, nested_loops};
use crate::change::Sign;
use crate::join::{JoinKind, JoinMode, Side};
use crate::memory_blocks::MemoryBlocks;
use crate::operator::{Operator, OperatorSpec};

/// A row that is added, or the one of so many rows present that is retracted.
#[derive(Debug, Clone)]
enum Step {
    Add(Side, Row),
    Retract(Side, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let side = || prop_oneof![Just(Side::Left), Just(Side::Right)];
    let key = prop_oneof![8 => (0..3_i64).prop_map(Some), 1 => Just(None)];
    let row = (key, 0..12_i64, 0..3_i64);
    let row = row.prop_map(|(key, time, value)| Row { key, time: Some(time * SECOND), value });
    prop_oneof![
        3 => (side(), row).prop_map(|(side, row)| Step::Add(side, row)),
        2 => (side(), 0..1000_usize).prop_map(|(side, which)| Step::Retract(side, which)),
    ]
}

/// Adds what the changes do to a sum; none of it may fall below zero on the way.
fn apply(sum: &mut BTreeMap<Joined, i64>, sign: Sign, rows: Vec<Joined>) {
    for row in rows {
        let count = sum.entry(row).or_default();
        *count += if sign == Sign::Add { 1 } else { -1 };
        assert!(*count >= 0, "{row:?} is retracted before it is there");
    }
}

fn run(shape: Shape, epochs: Vec<Vec<Step>>, restarts: bool) {
    let spec = shape.spec([false, false]).with_mode(JoinMode::Changes).unwrap();
    let mut machine = Machine::new(shape, spec);
    let (mut present, mut sum) = ([Vec::new(), Vec::new()], BTreeMap::new());
    for (number, steps) in epochs.into_iter().enumerate() {
        if restarts {
            machine.restart();
        }
        let mut lane: Vec<Chunk> = Vec::new();
        for step in steps {
            match step {
                Step::Add(side, row) => {
                    present[side as usize].push(row);
                    lane.push((side, Sign::Add, vec![row]));
                }
                Step::Retract(side, _) if present[side as usize].is_empty() => {}
                Step::Retract(side, which) => {
                    let rows: &mut Vec<Row> = &mut present[side as usize];
                    let row = rows.remove(which % rows.len());
                    lane.push((side, Sign::Retract, vec![row]));
                }
            }
        }
        let done = machine.epoch(&[lane], epoch_time(number as u64, None, None));
        done.changes.iter().for_each(|change| apply(&mut sum, change.sign, joined(&change.rows)));
        let there = sum.iter().flat_map(|(row, count)| (0..*count).map(|_| *row)).collect::<Vec<Joined>>();
        assert_eq!(there, nested_loops(&shape, &present[0], &present[1]), "after epoch {number}");
        let can_match = |side: Side| {
            let rows = present[side as usize].iter();
            rows.filter(|row| row.key.is_some() && shape.may_match(side, row)).count() as u64
        };
        assert_eq!(machine.join.metrics().rows, can_match(Side::Left) + can_match(Side::Right));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_sum_of_all_changes_is_the_batch_join(
        epochs in prop::collection::vec(prop::collection::vec(step(), 0..14), 1..8),
        on in prop_oneof![Just(On::Key), Just(On::Window), Just(On::Range(2, 3))],
        least in prop_oneof![Just(None), Just(Some(1))],
        restarts: bool,
    ) {
        run(Shape { least: [least, None], ..Shape::new(JoinKind::Inner, on) }, epochs, restarts);
    }
}

#[test]
fn a_retraction_is_refused_where_rows_are_only_added() {
    let shape = Shape::new(JoinKind::Left, On::Key);
    let spec = Arc::new(shape.spec([false, false]));
    assert!(
        shape.spec([false, false]).with_mode(JoinMode::Changes).is_err(),
        "Recompute does outer joins with changes"
    );
    let mut join = Machine::new(shape, shape.spec([false, false])).join;
    let now = epoch_time(0, None, None);
    let mut lane = spec.lane(KeyPartitioning::default()).unwrap();
    let row = Row { key: Some(1), time: None, value: 1 };
    lane.push(0, Sign::Retract, &shape.batch(Side::Left, &[row]), &now).unwrap();
    join.absorb(&now, lane.finish().unwrap(), 0).unwrap();
    let task = join.tasks(&now).unwrap()[0];
    let error = join.run(task, &now, &MemoryBlocks::default()).unwrap_err().to_string();
    assert!(error.contains("gold.pairs/join") && error.contains("Retract"), "{error}");
}
