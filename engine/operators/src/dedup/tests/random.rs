//! Random rows against a plain map of keys, with restarts, epochs run again and memory for nothing.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::bed::{Row, epoch, epoch_time, open, spec, texts};
use super::*;
use crate::memory_blocks::MemoryBlocks;

type Key = (Option<String>, Option<i64>);

#[derive(Debug, Clone)]
struct Step {
    lanes: Vec<Vec<Row>>,
    is_restarted: bool,
    is_run_again: bool,
    cap_bytes: usize,
}

fn row() -> impl Strategy<Value = Row> {
    let key = proptest::option::weighted(0.9, (0..12).prop_map(|key| format!("k{key}")));
    let time = proptest::option::weighted(0.9, 0_i64..80);
    (key, 0_i64..1_000, time).prop_map(|(key, value, time_us)| Row { key, value, time_us })
}

fn step() -> impl Strategy<Value = Step> {
    let lanes = proptest::collection::vec(proptest::collection::vec(row(), 0..12), 0..3);
    let cap = prop_oneof![Just(0_usize), Just(3_000), Just(usize::MAX)];
    (lanes, proptest::bool::weighted(0.3), proptest::bool::weighted(0.3), cap).prop_map(
        |(lanes, is_restarted, is_run_again, cap_bytes)| Step { lanes, is_restarted, is_run_again, cap_bytes },
    )
}

fn run(expiry: Expiry, steps: &[Step]) {
    let by_time = matches!(expiry, Expiry::EventTimeKey { .. });
    let spec = timed(expiry, if by_time { &[0, 2] } else { &[0] });
    let (mut blocks, mut kept) = (MemoryBlocks::default(), BTreeMap::<Key, Option<i64>>::new());
    let mut operator = open(&blocks, &spec, usize::MAX);
    let (mut watermark_us, mut newest_us) = (None, None);
    for (number, step) in steps.iter().enumerate() {
        let late_us = watermark_us;
        watermark_us = newest_us.map(|us: i64| us - 20).max(watermark_us);
        let now = epoch_time(number as u64, watermark_us, late_us);
        if step.is_restarted {
            operator = open(&blocks, &spec, step.cap_bytes);
        }
        let (mut out, late, mut changes) = epoch(operator.as_mut(), &spec, &blocks, &step.lanes, &now);
        if step.is_run_again {
            operator = open(&blocks, &spec, step.cap_bytes);
            let again = epoch(operator.as_mut(), &spec, &blocks, &step.lanes, &now);
            assert_eq!(
                (texts(&again.0), &again.2.puts, &again.2.deletes),
                (texts(&out), &changes.puts, &changes.deletes)
            );
            (out, _, changes) = again;
        }
        blocks.apply(&changes);
        operator.committed();
        let (mut expected, mut expected_late) = (Vec::new(), 0);
        for row in step.lanes.iter().flatten() {
            newest_us = newest_us.max(row.time_us);
            if row.time_us.is_some_and(|us| late_us.is_some_and(|late_us| us <= late_us)) {
                expected_late += 1;
                continue;
            }
            let expires = match expiry {
                Expiry::Never => None,
                Expiry::EventTimeKey { .. } => row.time_us,
                Expiry::Within { delay_us, .. } => Some(row.time_us.unwrap_or(0) + delay_us),
                Expiry::TimeToLive { us } => Some(now.batch_time_us + us),
            };
            let key = (row.key.clone(), row.time_us.filter(|_| by_time));
            if let std::collections::btree_map::Entry::Vacant(slot) = kept.entry(key) {
                slot.insert(expires);
                expected.push(format!("{} {}", row.key.as_deref().unwrap_or("null"), row.value));
            }
        }
        let by = if matches!(expiry, Expiry::TimeToLive { .. }) { Some(now.batch_time_us) } else { watermark_us };
        kept.retain(|_, expires| !expires.is_some_and(|us| by.is_some_and(|by| us <= by)));
        let mut found = texts(&out);
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!((found, late), (expected, expected_late), "epoch {number}");
        assert_eq!(operator.metrics().rows, kept.len() as u64, "epoch {number}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_first_row_of_a_key_passes(
        which in 0..4_usize, steps in proptest::collection::vec(step(), 1..40)
    ) {
        let within = Expiry::Within { column: 2, delay_us: 15 };
        let expiry =
            [Expiry::Never, Expiry::EventTimeKey { column: 2 }, within, Expiry::TimeToLive { us: 4 }][which];
        run(expiry, &steps);
    }
}

/// Epochs with a task for each shard write and read other blocks than small ones.
#[test]
fn large_epochs_are_as_small_ones() {
    let row = |key: i64| Row { key: Some(format!("k{key}")), value: key, time_us: Some(key) };
    let spec = spec(Expiry::Never, &[0]);
    let mut blocks = MemoryBlocks::default();
    for (number, (keys, expected)) in
        [(0..40_000, 40_000), (39_000..39_500, 0), (39_990..40_010, 10), (20_000..60_000, 19_990)]
            .into_iter()
            .enumerate()
    {
        let mut operator = open(&blocks, &spec, [usize::MAX, 100_000][number % 2]);
        let rows: Vec<Row> = keys.map(row).collect();
        let now = epoch_time(number as u64, None, None);
        let (out, _, changes) = epoch(operator.as_mut(), &spec, &blocks, &[rows], &now);
        assert_eq!(texts(&out).len(), expected, "epoch {number}");
        blocks.apply(&changes);
        operator.committed();
    }
    let rows: Vec<Row> = (0..60_000).map(row).collect();
    let mut operator = open(&blocks, &spec, usize::MAX);
    let (out, _, changes) = epoch(operator.as_mut(), &spec, &blocks, &[rows], &epoch_time(9, None, None));
    assert!(out.is_empty() && changes.puts.is_empty());
    assert_eq!(operator.metrics().rows, 60_000);
}
