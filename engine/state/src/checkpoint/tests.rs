//! The checkpoint as a whole, over every store: strict about the protocol, and what it keeps is there after opening again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod disk;
mod many;

use epoch::protocol::{NewestRecords, Recovery, recover};

use super::*;
use crate::fixture::{Site, block, commit, key, operator, over_every_store, plan, put, run};
use crate::key::{BucketRange, OperatorId};

over_every_store!(
    a_new_checkpoint_is_fresh_and_reopens_as_the_same,
    every_state_of_the_protocol_is_found_again_after_reopening,
    copies_of_static_tables_come_with_the_plan_that_needs_them,
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
    assert_eq!(checkpoint.newest_records().unwrap(), NewestRecords::default());
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
        checkpoint.write_plan(&plan(epoch)).unwrap();
        let found = checkpoint.newest_records().unwrap();
        drop(checkpoint);
        let checkpoint = site.open();
        assert_eq!(checkpoint.newest_records().unwrap(), found);
        assert!(matches!(recover(found), Recovery::Redo { plan: redo, .. } if redo == plan(epoch)));
        let permit = checkpoint.commit(&commit(epoch), StateChanges::default()).unwrap();
        assert_eq!(permit.commit(), &commit(epoch));
        drop(checkpoint);
        let found = site.open().newest_records().unwrap();
        assert_eq!(found, NewestRecords { plan: Some(plan(epoch)), commit: Some(commit(epoch)) });
    }
    assert_sound(&site.open());
}

fn copies_of_static_tables_come_with_the_plan_that_needs_them(site: &Site) {
    let at = |epoch: u64| BlockKey { operator: OperatorId::of_static("products"), ..key(0, epoch, 0) };
    let with_static = |epoch: u64| {
        let statics = [("products".to_string(), "files:1".to_string())].into();
        Plan { statics, ..plan(epoch) }
    };
    let checkpoint = site.open();
    let refused = checkpoint.write_plan_with(&with_static(0), vec![(at(1), b"rows".to_vec())]).unwrap_err();
    assert!(matches!(&refused, StateError::Protocol(what) if what.contains("the plan of epoch 0")), "{refused}");
    assert_eq!(checkpoint.newest_records().unwrap(), NewestRecords::default());
    checkpoint.write_plan_with(&with_static(0), vec![(at(0), b"rows".to_vec())]).unwrap();
    drop(checkpoint);
    let checkpoint = site.open();
    assert_sound(&checkpoint);
    assert_eq!(checkpoint.read_block(&at(0)).unwrap().as_deref(), Some(&b"rows"[..]));
    checkpoint.commit(&Commit { plan: with_static(0), ..commit(0) }, StateChanges::default()).unwrap();
    assert_sound(&checkpoint);
    checkpoint.write_plan_with(&plan(1), vec![(at(1), b"rows".to_vec())]).unwrap();
    let problems = checkpoint.verify().unwrap().problems;
    assert!(
        matches!(&problems[..], [one] if one.contains("not committed")),
        "no static table is in that plan: {problems:?}"
    );
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
    refused(commit_of(&commit(0)), "without a stored plan");
    refused(checkpoint.write_plan(&plan(1)), "epoch 0 is the next");
    checkpoint.write_plan(&plan(0)).unwrap();
    checkpoint.write_plan(&plan(0)).unwrap();
    let otherwise = Plan { batch_time_us: 7, ..plan(0) };
    refused(checkpoint.write_plan(&otherwise), "planned otherwise");
    refused(commit_of(&Commit { plan: otherwise, ..commit(0) }), "another plan");
    refused(commit_of(&commit(1)), "epoch 0 is the next");
    let future = checkpoint.commit(&commit(0), put(key(1, 1, 0), 10)).map(|_| ());
    refused(future, "epoch 0 is to write the block of");
    assert_eq!(checkpoint.newest_records().unwrap(), NewestRecords { plan: Some(plan(0)), commit: None });
    commit_of(&commit(0)).unwrap();
    refused(commit_of(&commit(0)), "epoch 1 is the next");
    refused(checkpoint.write_plan(&plan(0)), "epoch 1 is the next");
    refused(checkpoint.write_plan(&Plan { epoch: EpochId(1), ..plan(2) }), "do not join");
    assert_eq!(checkpoint.newest_records().unwrap(), NewestRecords { plan: Some(plan(0)), commit: Some(commit(0)) });
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
    checkpoint.retire(5).unwrap();
    for epoch in 0..10 {
        run(&checkpoint, epoch, put(key(1, epoch, 0), 100));
        checkpoint.set_published(EpochId(epoch), &BTreeMap::new()).unwrap();
    }
    checkpoint.write_plan(&plan(10)).unwrap();
    let found = checkpoint.newest_records().unwrap();
    for (keep, oldest) in [(100, 0), (5, 5), (5, 5), (2, 8), (0, 8)] {
        checkpoint.retire(keep).unwrap();
        let commits: Vec<u64> =
            checkpoint.commits(EpochId(0)..=EpochId(u64::MAX)).unwrap().map(|c| c.unwrap().plan.epoch.0).collect();
        let plans: Vec<u64> =
            checkpoint.plans(EpochId(0)..=EpochId(u64::MAX)).unwrap().map(|p| p.unwrap().epoch.0).collect();
        assert_eq!(commits, (oldest..10).collect::<Vec<_>>(), "keep {keep}");
        assert_eq!(plans, (oldest..11).collect::<Vec<_>>(), "keep {keep}");
        assert_eq!(checkpoint.newest_records().unwrap(), found);
        assert_eq!(keys(&checkpoint).len(), 10, "state is not retired with the records");
    }
    assert_sound(&checkpoint);
    drop(checkpoint);
    let checkpoint = site.open();
    assert_eq!(checkpoint.newest_records().unwrap(), found);
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
    assert_eq!(checkpoint.newest_records().unwrap(), NewestRecords { plan: Some(plan(0)), commit: Some(commit(0)) });
    assert_eq!(keys(&checkpoint), [key(1, 0, 0)]);
    assert_sound(&checkpoint);
}
