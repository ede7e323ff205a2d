//! An epoch that is run again, in the same process or after a restart, emits the same rows and writes the same blocks.

use super::harness::{Job, Outcome, Row, epoch_time, ordered, sessions, spec};
use super::random::Dice;
use crate::Emission;
use crate::session::GroupTime;

fn assert_same(one: &Outcome, other: &Outcome, context: &str) {
    assert_eq!(one.changes.len(), other.changes.len(), "{context}");
    for (one, other) in one.changes.iter().zip(&other.changes) {
        assert_eq!((one.sign, &one.rows), (other.sign, &other.rows), "{context}");
    }
    assert_eq!(one.blocks.puts, other.blocks.puts, "{context}");
    assert_eq!(one.blocks.deletes, other.blocks.deletes, "{context}");
    assert_eq!(one.blocks.drops, other.blocks.drops, "{context}");
}

/// Runs two jobs side by side over the same rows; the second starts anew before some epochs.
fn run(seed: u64, emission: Emission, rows: i64, keys: i64, restarts: bool) {
    let spec = match seed % 3 {
        0 if emission != Emission::Complete => spec(GroupTime::Key(0), &[4, 0], ordered(), emission),
        _ => sessions(ordered(), emission),
    };
    let mut dice = Dice::new(seed);
    let (mut job, mut again) = (Job::new(spec.clone()), Job::new(spec));
    let (mut late, mut watermark) = (None, None);
    for epoch in 0..if rows > 1_000 { 6 } else { 20 } {
        let now = epoch as i64 * 12;
        let lanes = if dice.below(5) == 0 { vec![] } else { dice.lanes(now, rows, keys) };
        let time = epoch_time(epoch, late, watermark);
        if restarts && dice.below(2) == 0 {
            again.restart();
        }
        let context = format!("seed {seed} epoch {epoch} {emission:?}");
        let (once, twice) = (job.run(&lanes, &time), again.run(&lanes, &time));
        assert_same(&once, &twice, &context);
        if restarts && dice.below(3) == 0 {
            // Killed before the commit: the same epoch again, from the checkpoint.
            again.restart();
            assert_same(&once, &again.run(&lanes, &time), &context);
        }
        job.commit(&time, &once.blocks);
        again.commit(&time, &twice.blocks);
        late = watermark;
        watermark = watermark.max((dice.below(3) > 0).then(|| now - 60 + dice.below(40)));
    }
}

const ALL: [Emission; 3] = [Emission::Append, Emission::Changes, Emission::Complete];

#[test]
fn in_the_same_process() {
    for seed in 0..40 {
        ALL.iter().for_each(|emission| run(seed, *emission, 40, 5, false));
    }
    ALL.iter().for_each(|emission| run(1, *emission, 20_000, 3_000, false));
}

#[test]
fn after_a_restart() {
    for seed in 0..40 {
        ALL.iter().for_each(|emission| run(seed, *emission, 40, 5, true));
    }
    ALL.iter().for_each(|emission| run(1, *emission, 20_000, 3_000, true));
}

#[test]
fn many_due_sessions_come_out_in_the_same_order_after_a_restart() {
    // The number of rows, which is not known after a restart, decided whether all shards were looked through together.
    let spec = sessions(ordered(), Emission::Append);
    let rows: Vec<Row> = (0..30_000).map(|key| Row::of(&format!("key {key}"), key % 50, key % 50 + 10, key)).collect();
    let (mut job, mut again) = (Job::new(spec.clone()), Job::new(spec));
    let first = epoch_time(0, None, None);
    job.epoch(&vec![vec![rows.clone()]], &first);
    again.epoch(&vec![vec![rows]], &first);
    again.restart();
    let due = epoch_time(1, None, Some(100));
    let (once, twice) = (job.run(&vec![], &due), again.run(&vec![], &due));
    assert_eq!(once.changes.iter().map(|change| change.rows.num_rows()).sum::<usize>(), 30_000);
    assert_same(&once, &twice, "30,000 sessions");
}
