//! The checkpoint as a whole, over every store: strict about the protocol, and what it keeps is there after opening again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod disk;
mod many;

use super::*;
use crate::fixture::{Site, block, commit, key, operator, over_every_store, plan, put, run};
use crate::key::{BlockKey, BucketRange, OperatorId};

over_every_store!(
    a_new_checkpoint_is_fresh_and_reopens_as_the_same,
    every_state_of_the_protocol_is_found_again_after_reopening,
    a_stored_plan_of_format_1_is_dropped_with_its_copies,
    terms_rise_with_every_claim_and_above_what_the_places_have_seen,
    an_attempt_is_on_record_until_its_epoch_is_committed,
    lost_records_are_on_record_until_an_epoch_goes_on_without_them,
    sources_come_and_go_and_their_positions_stay,
    another_jobs_checkpoint_is_refused,
    what_breaks_the_protocol_is_refused_and_changes_nothing,
    blocks_come_back_in_key_order_with_their_lengths,
    drops_deletes_and_puts_are_applied_in_this_order,
    retiring_keeps_what_a_restart_needs,
    manifest_and_published_versions_are_kept,
    a_closed_checkpoint_opens_as_it_was,
);

fn changes(puts: Vec<BlockKey>, deletes: Vec<BlockKey>, drop_buckets: Vec<BucketRange>) -> StateChanges {
    let puts = puts.into_iter().map(|at| (at, block(&at, 3000))).collect();
    StateChanges { puts, deletes, drop_buckets, manifest: None }
}

fn range(from: i64, until: i64) -> BucketRange {
    BucketRange { operator: operator(), from, until }
}

fn keys(checkpoint: &CheckpointReader) -> Vec<BlockKey> {
    checkpoint.bucket_index(operator()).unwrap().map(|entry| entry.unwrap().0).collect()
}

fn assert_sound(checkpoint: &CheckpointReader) {
    assert_eq!(checkpoint.verify().unwrap().problems, Vec::<String>::new());
}

fn a_new_checkpoint_is_fresh_and_reopens_as_the_same(site: &Site) {
    let checkpoint = site.open();
    assert_eq!(checkpoint.newest_commit().unwrap(), None);
    let job_id = checkpoint.job_id().to_string();
    assert_eq!(job_id.len(), 8);
    assert!(job_id.chars().all(|digit| digit.is_ascii_hexdigit()));
    drop(checkpoint);
    let checkpoint = site.open();
    assert_eq!(checkpoint.job_id(), job_id);
    assert_eq!(checkpoint.job(), "shop");
}

fn every_state_of_the_protocol_is_found_again_after_reopening(site: &Site) {
    for epoch in 0..4 {
        let checkpoint = site.open();
        let permit = checkpoint.commit(&commit(epoch), StateChanges::default()).unwrap();
        assert_eq!(permit.commit(), &commit(epoch));
        drop(checkpoint);
        assert_eq!(site.open().newest_commit().unwrap(), Some(commit(epoch)));
        assert_eq!(site.open().commit_of(EpochId(epoch)).unwrap(), Some(commit(epoch)));
    }
    assert_sound(&site.open());
}

fn a_stored_plan_of_format_1_is_dropped_with_its_copies(site: &Site) {
    let at = |epoch: u64| BlockKey { operator: OperatorId::of_static("products"), ..key(0, epoch, 0) };
    let checkpoint = site.open();
    let copy = StateChanges { puts: vec![(at(0), b"rows".to_vec())], ..StateChanges::default() };
    run(&checkpoint, 0, copy);
    drop(checkpoint);
    // What an engine of format 1 left: the plan of the committed epoch, and the next one with a copy of a newer version.
    let statics = [("products".to_string(), "files:2".to_string())].into();
    let stored = Plan { format: 1, statics, ..plan(1) };
    let store = site.store();
    let mut batch = WriteBatch::default();
    put_record(&mut batch, Kind::Plan, EpochId(0), &plan(0)).unwrap();
    put_record(&mut batch, Kind::Plan, EpochId(1), &stored).unwrap();
    crate::blocks::put_block(&mut batch, &at(1), b"newer".to_vec());
    store.write(batch, true).unwrap();
    drop(store);
    let checkpoint = site.open();
    assert_eq!(checkpoint.newest_commit().unwrap(), Some(commit(0)));
    assert_eq!(checkpoint.read_block(&at(0)).unwrap().as_deref(), Some(&b"rows"[..]));
    assert_eq!(checkpoint.read_block(&at(1)).unwrap(), None);
    assert_eq!(checkpoint.attempt().unwrap().map(|attempt| attempt.epoch), Some(EpochId(1)), "its files are swept");
    assert_sound(&checkpoint);
    run(&checkpoint, 1, StateChanges::default());
}

fn terms_rise_with_every_claim_and_above_what_the_places_have_seen(site: &Site) {
    let checkpoint = site.open();
    assert_eq!(checkpoint.owner().unwrap(), Owner::default());
    let first = checkpoint.claim(0).unwrap();
    assert_eq!(first.term, 1);
    drop(checkpoint);
    let checkpoint = site.open();
    let second = checkpoint.claim(0).unwrap();
    assert_eq!((second.term, checkpoint.owner().unwrap()), (2, second));
    assert_ne!(second.run, first.run);
    assert_eq!(checkpoint.claim(9).unwrap().term, 10);
    let (one, other) = (checkpoint.draw_id(EpochId(3)), checkpoint.draw_id(EpochId(3)));
    assert!(one != other && one.epoch == EpochId(3) && one.nonce > 0);
}

fn an_attempt_is_on_record_until_its_epoch_is_committed(site: &Site) {
    let checkpoint = site.open();
    let attempt = Attempt { epoch: EpochId(0), records: Some(20), tries: 1 };
    checkpoint.begin_attempt(&attempt).unwrap();
    drop(checkpoint);
    let checkpoint = site.open();
    assert_eq!(checkpoint.attempt().unwrap(), Some(attempt));
    run(&checkpoint, 0, StateChanges::default());
    assert_eq!(checkpoint.attempt().unwrap(), None);
}

fn lost_records_are_on_record_until_an_epoch_goes_on_without_them(site: &Site) {
    let checkpoint = site.open();
    assert_eq!(checkpoint.losses().unwrap(), Losses::new());
    run(&checkpoint, 0, StateChanges::default());
    let gap = epoch::DataGap {
        stream: "t".to_string(),
        partition: 1,
        from: 10.into(),
        until: 7.into(),
        reason: "the log was cut back".to_string(),
    };
    let losses = Losses::from([("events".to_string(), vec![gap])]);
    checkpoint.note_losses(&losses).unwrap();
    drop(checkpoint);
    let checkpoint = site.open();
    assert_eq!(checkpoint.losses().unwrap(), losses);
    assert_sound(&checkpoint);
    run(&checkpoint, 1, StateChanges::default());
    assert_eq!(checkpoint.losses().unwrap(), Losses::new());
}

fn sources_come_and_go_and_their_positions_stay(site: &Site) {
    let checkpoint = site.open();
    run(&checkpoint, 0, StateChanges::default());
    let without = |epoch: u64| {
        let mut commit = commit(epoch);
        commit.plan.sources = BTreeMap::from([("orders".to_string(), Default::default())]);
        commit
    };
    let lost = checkpoint.commit(&without(1), StateChanges::default()).unwrap_err();
    assert!(lost.to_string().contains("source events is neither in the plan"), "{lost}");
    let ends = commit(0).position("events").unwrap();
    let aside = |epoch: u64| Commit { set_aside: [("events".to_string(), ends.clone())].into(), ..without(epoch) };
    checkpoint.commit(&aside(1), StateChanges::default()).unwrap();
    let forgotten = checkpoint.commit(&without(2), StateChanges::default()).unwrap_err();
    assert!(forgotten.to_string().contains("source events, which is not in the job, are lost"), "{forgotten}");
    checkpoint.commit(&aside(2), StateChanges::default()).unwrap();
    assert_eq!(checkpoint.newest_commit().unwrap().unwrap().position("events"), Some(ends));
}

fn another_jobs_checkpoint_is_refused(site: &Site) {
    drop(site.open());
    let error = site.open_for("stock").err().unwrap();
    assert!(matches!(&error, StateError::Mismatch { found, expected, .. } if found == "shop" && expected == "stock"));
    assert!(error.to_string().contains("belongs to job shop, not to stock"), "{error}");
}

fn what_breaks_the_protocol_is_refused_and_changes_nothing(site: &Site) {
    let checkpoint = site.open();
    let refused = |result: Result<(), StateError>, part: &str| match result {
        Err(StateError::Protocol(what)) => assert!(what.contains(part), "{what}"),
        other => panic!("{part}: {other:?}"),
    };
    let commit_of = |commit: &Commit| checkpoint.commit(commit, put(key(1, 0, 0), 10)).map(|_| ());
    refused(commit_of(&commit(1)), "epoch 0 is the next");
    let future = checkpoint.commit(&commit(0), put(key(1, 1, 0), 10)).map(|_| ());
    refused(future, "epoch 0 is to write the block of");
    assert_eq!(checkpoint.newest_commit().unwrap(), None);
    commit_of(&commit(0)).unwrap();
    refused(commit_of(&commit(0)), "epoch 1 is the next");
    let gap = Commit { plan: Plan { epoch: EpochId(1), ..plan(2) }, ..commit(1) };
    refused(commit_of(&gap), "do not join");
    assert_eq!(checkpoint.newest_commit().unwrap(), Some(commit(0)));
    run(&checkpoint, 1, StateChanges::default());
    assert_sound(&checkpoint);
}

fn blocks_come_back_in_key_order_with_their_lengths(site: &Site) {
    let checkpoint = site.open();
    let elsewhere = BlockKey { operator: OperatorId::of("another"), ..key(0, 0, 0) };
    run(&checkpoint, 0, changes(vec![key(5, 0, 1), key(-5, 0, 0), key(5, 0, 0), elsewhere], vec![], vec![]));
    run(&checkpoint, 1, changes(vec![key(5, 1, 0)], vec![], vec![]));
    drop(checkpoint);
    let checkpoint = site.open();
    assert_eq!(keys(&checkpoint), [key(-5, 0, 0), key(5, 0, 0), key(5, 0, 1), key(5, 1, 0)]);
    let blocks: Vec<_> = checkpoint.blocks(operator(), 5).unwrap().map(Result::unwrap).collect();
    let expected: Vec<_> = [key(5, 0, 0), key(5, 0, 1), key(5, 1, 0)].map(|at| (at, block(&at, 3000))).into();
    assert_eq!(blocks, expected);
    let lengths = checkpoint.bucket_index(operator()).unwrap().map(|entry| entry.unwrap().1);
    assert_eq!(lengths.collect::<Vec<_>>(), [3000; 4]);
    assert_eq!(checkpoint.read_block(&key(-5, 0, 0)).unwrap(), Some(block(&key(-5, 0, 0), 3000)));
    assert_eq!(checkpoint.read_block(&key(-5, 0, 1)).unwrap(), None);
    assert_sound(&checkpoint);
}

fn drops_deletes_and_puts_are_applied_in_this_order(site: &Site) {
    let checkpoint = site.open();
    run(&checkpoint, 0, changes(vec![key(1, 0, 0), key(2, 0, 0), key(3, 0, 0), key(4, 0, 0)], vec![], vec![]));
    let again =
        changes(vec![key(1, 0, 0), key(2, 1, 0)], vec![key(1, 0, 0), key(4, 0, 0)], vec![range(1, 3), range(9, 9)]);
    run(&checkpoint, 1, again);
    assert_eq!(keys(&checkpoint), [key(1, 0, 0), key(2, 1, 0), key(3, 0, 0)]);
    assert_sound(&checkpoint);
}

fn retiring_keeps_what_a_restart_needs(site: &Site) {
    let checkpoint = site.open();
    checkpoint.retire(5, None).unwrap();
    for epoch in 0..10 {
        run(&checkpoint, epoch, put(key(1, epoch, 0), 100));
        checkpoint.set_published(EpochId(epoch), &BTreeMap::new()).unwrap();
    }
    let cases = [(100, None, 0), (5, None, 5), (5, None, 5), (2, Some(6), 6), (2, None, 8), (0, None, 8)];
    for (keep, needed, oldest) in cases {
        checkpoint.retire(keep, needed.map(EpochId)).unwrap();
        let commits: Vec<u64> =
            checkpoint.commits(EpochId(0)..=EpochId(u64::MAX)).unwrap().map(|c| c.unwrap().plan.epoch.0).collect();
        assert_eq!(commits, (oldest..10).collect::<Vec<_>>(), "keep {keep}, needed {needed:?}");
        assert_eq!(checkpoint.newest_commit().unwrap(), Some(commit(9)));
        assert_eq!(keys(&checkpoint).len(), 10, "state is not retired with the records");
    }
    assert_sound(&checkpoint);
    drop(checkpoint);
    let checkpoint = site.open();
    assert_eq!(checkpoint.commits(EpochId(9)..=EpochId(9)).unwrap().count(), 1);
    checkpoint.commit(&commit(10), StateChanges::default()).unwrap();
}

fn manifest_and_published_versions_are_kept(site: &Site) {
    let checkpoint = site.open();
    assert_eq!(checkpoint.manifest().unwrap(), None);
    assert_eq!(checkpoint.published().unwrap(), None);
    let with = |text: &str| StateChanges { manifest: Some(text.into()), ..StateChanges::default() };
    run(&checkpoint, 0, with("first"));
    run(&checkpoint, 1, StateChanges::default());
    assert_eq!(checkpoint.manifest().unwrap(), Some("first".into()));
    run(&checkpoint, 2, with("second"));
    checkpoint.set_published(EpochId(1), &BTreeMap::from([("gold.t".to_string(), 4)])).unwrap();
    let versions = BTreeMap::from([("gold.t".to_string(), 5)]);
    checkpoint.set_published(EpochId(2), &versions).unwrap();
    drop(checkpoint);
    let checkpoint = site.open();
    assert_eq!(checkpoint.manifest().unwrap(), Some("second".into()));
    assert_eq!(checkpoint.published().unwrap(), Some(Published { epoch: EpochId(2), versions }));
}

fn a_closed_checkpoint_opens_as_it_was(site: &Site) {
    let checkpoint = site.open();
    run(&checkpoint, 0, put(key(1, 0, 0), 100_000));
    checkpoint.compact().unwrap();
    checkpoint.close().unwrap();
    let checkpoint = site.open();
    assert_eq!(checkpoint.newest_commit().unwrap(), Some(commit(0)));
    assert_eq!(keys(&checkpoint), [key(1, 0, 0)]);
    assert_sound(&checkpoint);
}
