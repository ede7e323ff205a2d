//! What is retracted is what was emitted, to the last bit: over compaction, restarts, and checkpoints of an engine that rounded sums.

use std::sync::Arc;

use datafusion::functions_aggregate::average::avg_udaf;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::stddev::stddev_udaf;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::AggregateUDF;
use datafusion::physical_expr::expressions::{col, lit};
use expr::window::WindowSpec;

use super::engine::{Row, batch, call, input_schema, spec_of};
use crate::aggregate::{AggregateCall, AggregateOperator};
use crate::change::Sign;
use crate::emission::Emission;
use crate::operator::OperatorSpec;
use crate::recompute::tests::{Bed, Lanes, Random, Table, epoch_time};

const MINUTE: i64 = 60_000_000;

fn window(size: i64, slide: i64) -> Option<WindowSpec> {
    Some(WindowSpec { size_us: size * MINUTE, slide_us: slide * MINUTE, offset_us: 0 })
}

/// Windows and keys of all shapes.
fn shapes() -> [(Option<WindowSpec>, &'static [usize]); 5] {
    [(None, &[2]), (None, &[]), (window(1, 1), &[2]), (window(4, 1), &[2]), (window(3, 2), &[])]
}

/// The function as the engine has it.
fn ours(name: &str) -> AggregateUDF {
    expr::aggregate::aggregates().into_iter().find(|function| function.name() == name).unwrap()
}

fn operator(
    (window, keys): (Option<WindowSpec>, &[usize]),
    functions: impl IntoIterator<Item = AggregateUDF>,
) -> Arc<dyn OperatorSpec> {
    let float = || col("float", &input_schema()).unwrap();
    let mut calls: Vec<AggregateCall> = functions.into_iter().map(|function| call(function, float(), false)).collect();
    calls.push(call(count_udaf().as_ref().clone(), lit(1_i64), false));
    Arc::new(AggregateOperator { spec: Arc::new(spec_of(window, keys, calls)), emission: Emission::Changes })
}

/// Rows whose sums depend on the order in which they are rounded, spread over lanes.
fn rows(random: &mut Random) -> Lanes {
    let row = |random: &mut Random| Row {
        time: Some(random.below(5) as i64 * MINUTE + 1),
        number: Some(0),
        text: Some(format!("key {}", random.below(4))),
        float: (random.below(10) > 0).then(|| (random.below(20_000) as f64 - 5_000.0) / 7.0),
        value: Some(0),
    };
    let lanes = 1 + random.below(3);
    let lane = |random: &mut Random| {
        let rows: Vec<Row> = (0..1 + random.below(4)).map(|_| row(random)).collect();
        vec![(0, Sign::Add, batch(&rows))]
    };
    (0..lanes).map(|_| lane(random)).collect()
}

/// Runs epochs; the table that takes the changes fails on a row that is retracted and is not in it.
fn run(bed: &mut Bed, table: &mut Table, epochs: std::ops::Range<u64>, random: &mut Random) {
    for epoch in epochs {
        table.apply(&bed.epoch(&rows(random), epoch_time(epoch, None, None)));
        if random.below(10) == 0 {
            bed.restart();
        }
    }
}

#[test]
fn every_value_is_retracted_as_it_was_emitted_however_often_blocks_were_compacted() {
    for (seed, shape) in shapes().into_iter().enumerate() {
        let (mut random, mut table) = (Random(seed as u64), Table::default());
        let functions = [stddev_udaf().as_ref().clone(), ours("skewness"), ours("sum"), ours("avg"), ours("try_sum")];
        let mut bed = Bed::new(operator(shape, functions));
        run(&mut bed, &mut table, 0..300, &mut random);
        let groups = table.0.values().sum::<usize>();
        assert_eq!(groups as u64, table.0.len() as u64, "a row a group");
        let Some(window) = shape.0 else { continue };
        assert!(bed.bytes() > 0);
        let end = 10 * window.size_us;
        assert!(bed.epoch(&vec![Vec::new()], epoch_time(300, None, Some(end))).is_empty());
        assert_eq!(bed.bytes(), 0, "what was emitted of windows that are complete goes with their state");
    }
}

#[test]
fn what_an_engine_emitted_that_did_not_note_it_is_retracted_as_it_was() {
    for (seed, shape) in shapes().into_iter().enumerate() {
        let (mut random, mut table) = (Random(seed as u64), Table::default());
        let mut bed = Bed::new(operator(shape, [stddev_udaf().as_ref().clone()]));
        // Fewer deltas than are compacted: compaction is what that engine did not survive.
        run(&mut bed, &mut table, 0..5, &mut random);
        let mut bed = bed.without_store("gold.test/emitted");
        run(&mut bed, &mut table, 5..150, &mut random);
    }
}

#[test]
fn sums_that_an_older_engine_rounded_are_gone_on_with() {
    for (seed, shape) in shapes().into_iter().enumerate() {
        let (mut random, mut table) = (Random(seed as u64), Table::default());
        let older = operator(shape, [sum_udaf().as_ref().clone(), avg_udaf().as_ref().clone()]);
        let newer = operator(shape, [ours("sum"), ours("avg")]);
        assert_eq!(older.fingerprint().unwrap(), newer.fingerprint().unwrap(), "the state is of the same query");
        let mut bed = Bed::new(older);
        run(&mut bed, &mut table, 0..5, &mut random);
        let mut bed = bed.with(newer);
        run(&mut bed, &mut table, 5..150, &mut random);
    }
}

/// Lanes are cores: the same rows on one lane, on three, or all in one epoch come to the same sums.
#[test]
fn sums_do_not_depend_on_lanes_and_epochs() {
    let shape: (_, &[usize]) = (None, &[2]);
    let spec = || operator(shape, [ours("sum"), ours("avg"), ours("try_sum")]);
    let mut random = Random(7);
    let epochs: Vec<Lanes> = (0..60).map(|_| rows(&mut random)).collect();
    let (mut spread, mut table) = (Bed::new(spec()), Table::default());
    for (epoch, lanes) in epochs.iter().enumerate() {
        table.apply(&spread.epoch(lanes, epoch_time(epoch as u64, None, None)));
    }
    let mut backwards: Vec<_> = epochs.into_iter().flatten().flatten().collect();
    backwards.reverse();
    let mut at_once = Table::default();
    at_once.apply(&Bed::new(spec()).epoch(&vec![backwards], epoch_time(0, None, None)));
    assert_eq!(table, at_once);
}
