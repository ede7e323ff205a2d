//! Groups whose end is one of their keys, and groups that have none.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::harness::{Clock, Job, Row, Table, added, count, epoch_time, spec};
use crate::Emission;
use crate::change::Sign;
use crate::epoch_time::EpochTime;
use crate::operator::{Bound, OperatorSpec};
use crate::session::GroupTime;

fn at(key: &str, end: i64) -> Row {
    Row::of(key, end - 2, end, 0)
}

#[test]
fn a_group_by_event_time_is_final_when_the_watermark_has_reached_it() {
    let mut job = Job::new(spec(GroupTime::Key(0), &[2], count(), Emission::Append));
    let mut step = |epoch, late, watermark, rows: &[Row]| {
        let outcome = job.epoch(&vec![vec![rows.to_vec()]], &epoch_time(epoch, late, watermark));
        (added(&outcome.changes, 1), outcome.left.late, outcome.left.untimed)
    };
    let none = Row { end: None, ..at("", 0) };
    assert_eq!(step(0, None, None, &[at("", 10), at("", 10), at("", 15), none.clone()]), (vec![], 0, 0));
    assert_eq!(step(1, None, Some(9), &[at("", 10), at("", 5)]), (vec!["5 1".to_string()], 0, 0));
    assert_eq!(step(2, Some(9), Some(10), &[at("", 9), none]), (vec!["10 3".to_string()], 1, 0));
    assert_eq!(step(3, Some(10), Some(100), &[at("", 10)]), (vec!["15 1".to_string()], 1, 0));
    // Rows without a time are a group that never ends (Spark).
    assert_eq!(job.operator.metrics().rows, 1);
    assert!(!job.operator.has_pending_output(&epoch_time(4, Some(100), Some(i64::MAX - 1))));
}

#[test]
fn a_group_by_a_window_is_final_when_the_watermark_has_reached_its_end() {
    let mut clock = Clock::new(Job::new(spec(GroupTime::Key(1), &[0, 4], count(), Emission::Append)), 0);
    clock.epoch(&[at("a", 12), at("a", 10), at("b", 10), at("a", 10)]);
    let (changes, _) = clock.batch(&[at("a", 14)]);
    assert_eq!(added(&changes, 1), ["a 10-12 1", "a 8-10 2", "b 8-10 1"]);
    assert_eq!(clock.job.operator.metrics().rows, 1);
    let (changes, left) = clock.batch(&[at("a", 12), at("a", 13)]);
    assert_eq!((added(&changes, 1), left.late), (vec![], 1));
}

#[test]
fn changes_of_keys_alone() {
    let mut clock = Clock::new(Job::new(spec(GroupTime::Never, &[0], count(), Emission::Changes)), 0);
    let mut table = Table::default();
    table.apply(&clock.epoch(&[at("a", 1), at("b", 100), at("a", 2)]).changes, 1);
    assert_eq!(table.rows(), ["a 2", "b 1"]);
    let changes = clock.batch(&[at("a", 3), Row { key: None, ..at("", 3) }]).0;
    assert_eq!(changes.iter().map(|change| change.sign).collect::<Vec<_>>(), [Sign::Retract, Sign::Add]);
    table.apply(&changes, 1);
    assert_eq!(table.rows(), ["a 3", "b 1", "null 1"]);
    assert_eq!(clock.job.operator.metrics().rows, 3);
}

#[test]
fn a_result_that_stays_as_it_is_is_not_given_out() {
    let calls = super::harness::exact().drain(2..4).collect();
    let mut clock = Clock::new(Job::new(spec(GroupTime::Never, &[0], calls, Emission::Changes)), 0);
    let row = |key: &str, value: i64| Row::of(key, 0, 1, value);
    let mut table = Table::default();
    table.apply(&clock.epoch(&[row("a", 1), row("a", 5), row("b", 2)]).changes, 1);
    assert_eq!(table.rows(), ["a 1 5", "b 2 2"]);
    assert!(clock.epoch(&[row("a", 3), row("b", 2)]).changes.is_empty());
    let changes = clock.epoch(&[row("a", 3), row("b", 3)]).changes;
    assert!(changes.iter().all(|change| change.rows.num_rows() == 1), "{changes:?}");
    table.apply(&changes, 1);
    assert_eq!(table.rows(), ["a 1 5", "b 2 3"]);
}

#[test]
fn complete_mode_gives_its_empty_table_in_the_first_epoch_and_nothing_when_nothing_came() {
    let mut clock = Clock::new(Job::new(spec(GroupTime::Never, &[0], count(), Emission::Complete)), 0);
    let changes = clock.epoch(&[]).changes;
    assert_eq!((changes.len(), changes[0].sign, changes[0].rows.num_rows()), (1, Sign::Replace { bucket: 0 }, 0));
    assert!(clock.epoch(&[]).changes.is_empty());
    assert_eq!(clock.epoch(&[at("a", 1)]).changes[0].rows.num_rows(), 1);
}

/// `state_ttl` of a GROUP BY, held against a map: a key that no row came for so long begins anew, and what was emitted for it stands.
#[test]
fn a_key_is_forgotten_some_time_after_its_last_row() {
    const TTL: i64 = 10;
    let mut forgetful = Arc::into_inner(spec(GroupTime::Never, &[0], count(), Emission::Changes)).unwrap();
    forgetful.forgotten_after_us = Some(TTL);
    assert_eq!(forgetful.bound(), Bound::KeyTimeToLive(TTL));
    let mut job = Job::new(Arc::new(forgetful));
    let mut model: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    let (mut now, mut random, mut most) = (0, 1_u64, 0);
    for epoch in 0..400 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        now += (random >> 33) as i64 % 7;
        let key = format!("k{}", epoch / 20 + (random >> 40) as i64 % 3);
        let time = EpochTime { batch_time_us: now, ..epoch_time(epoch as u64, None, None) };
        let outcome = job.epoch(&vec![vec![vec![at(&key, 1)]]], &time);
        let before = model.get(&key).filter(|(_, last)| last + TTL > now).map(|(count, _)| *count);
        let now_counted = before.unwrap_or(0) + 1;
        model.insert(key.clone(), (now_counted, now));
        let shown = |sign: Sign| -> Vec<String> {
            let of_sign = outcome.changes.iter().filter(|change| change.sign == sign);
            of_sign.flat_map(|change| super::harness::shown(&change.rows, 1)).collect()
        };
        assert_eq!(shown(Sign::Add), [format!("{key} {now_counted}")], "epoch {epoch}");
        assert_eq!(shown(Sign::Retract), before.map(|count| format!("{key} {count}")).as_slice(), "epoch {epoch}");
        most = most.max(job.operator.metrics().rows);
        let live = model.values().filter(|(_, last)| last + TTL > now).count();
        assert_eq!(job.operator.count_rows(&job.blocks).unwrap(), live as u64, "epoch {epoch}");
        if epoch % 9 == 0 {
            job.restart();
        }
    }
    assert!(most < 12, "{most} rows of state for {} keys", model.len());
}

/// A few small rows of keys with large states (long lists, long texts) put the states of all of them together.
#[test]
fn fault_large_states_of_small_rows_are_merged_in_parts() {
    const LARGE: usize = 20 << 20;
    let longest = super::harness::mixed().pop().unwrap();
    assert_eq!(longest.name, "max");
    let calls = count().into_iter().chain([longest]).collect();
    let mut clock = Clock::new(Job::new(spec(GroupTime::Never, &[3], calls, Emission::Changes)), 0);
    let rows = |text: &str| (0..10).map(|group| Row::of(text, 0, 1, group)).collect::<Vec<Row>>();
    clock.epoch(&rows(&"x".repeat(LARGE)));
    let changes = clock.epoch(&rows("a")).changes;
    let rows = |sign: Sign| -> usize {
        changes.iter().filter(|change| change.sign == sign).map(|change| change.rows.num_rows()).sum()
    };
    assert_eq!((rows(Sign::Retract), rows(Sign::Add)), (10, 10));
    for change in &changes {
        let bytes = crate::cut::batch_bytes(&change.rows);
        // A shard may hold a few of them.
        assert!(bytes <= crate::cut::PART_BYTES + 3 * LARGE, "{bytes} bytes in one batch");
    }
}
