//! Followers: each history of the protocol by name, then random ones over a model of checkpoints, copies of them, and places.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod model;

use super::*;
use crate::identity::EpochId;
use model::{Engine, Model};

const A: &str = "gold.a";
const B: &str = "gold.b";

fn id(epoch: u64) -> CommitId {
    CommitId::new(EpochId(epoch), epoch + 100)
}

fn touch(epoch: u64, before: Option<u64>) -> Touch {
    Touch { id: id(epoch), before: before.map(id) }
}

#[test]
fn a_place_gets_what_follows_the_commit_that_it_holds() {
    let link = SinkLink { began: id(0), before: Some(id(4)), last: id(7), seen: None, rows: None };
    let kept = [touch(0, None), touch(4, Some(0)), touch(7, Some(4))];
    let of = |holds: Option<u64>| owed(A, Some(&link), Some(id(9)), &kept, holds.map(id)).unwrap();
    assert_eq!(of(None), [id(0), id(4), id(7)]);
    assert_eq!(of(Some(0)), [id(4), id(7)]);
    assert_eq!(of(Some(4)), [id(7)]);
    assert_eq!(of(Some(7)), []);
}

#[test]
fn nothing_else_than_a_link_of_the_chain_is_followed() {
    let link = SinkLink { began: id(0), before: Some(id(4)), last: id(7), seen: Some(id(4)), rows: None };
    let kept = [touch(7, Some(4))];
    let of = |holds: Option<CommitId>| owed(A, Some(&link), Some(id(9)), &kept, holds).unwrap_err().word();
    assert_eq!(of(Some(id(12))), Some("ahead"));
    assert_eq!(of(Some(CommitId::new(EpochId(7), 1))), Some("other-history"));
    assert_eq!(of(Some(CommitId::new(EpochId(4), 1))), Some("other-history"));
    assert_eq!(of(Some(id(0))), Some("rolled-back"));
    assert_eq!(of(None), Some("record-lost"));
    assert_eq!(owed(A, None, None, &[], Some(id(0))).unwrap_err().word(), Some("ahead"));
}

#[test]
fn history_term_5_commits_7_one_table_gets_it_crash_term_6_replays_it_once_in_each() {
    let mut model = Model::new();
    let mut five = model.open();
    model.commit(&mut five, &[A, B]);
    model.publish(&mut five, A).unwrap();
    let mut six = model.open();
    assert!(six.owner.term > five.owner.term);
    model.follow_all(&mut six).unwrap();
    assert_eq!((model.rows(A), model.rows(B)), (vec![0], vec![0]));
}

#[test]
fn history_a_checkpoint_restored_while_a_sink_is_away_is_found_out_when_it_returns() {
    let mut model = Model::new();
    let mut engine = model.open();
    (0..8).for_each(|_| model.commit(&mut engine, &[A, B]));
    model.follow_all(&mut engine).unwrap();
    let copy = model.copy();
    (0..2).for_each(|_| model.commit(&mut engine, &[A]));
    model.follow_all(&mut engine).unwrap();
    model.restore(copy);
    // A is away, so it is not asked; the job goes on with B alone.
    let mut engine = model.open();
    (0..5).for_each(|_| model.commit(&mut engine, &[A, B]));
    model.follow(&mut engine, B).unwrap();
    let refused = model.follow(&mut engine, A).unwrap_err();
    assert_eq!(refused.word(), Some("other-history"), "{refused}");
    assert_eq!(model.rows(A).len(), 10);
}

#[test]
fn history_a_quiet_table_a_removed_one_and_a_new_one_are_known() {
    let mut model = Model::new();
    model.keep = 3;
    let mut engine = model.open();
    model.commit(&mut engine, &[A]);
    model.follow_all(&mut engine).unwrap();
    for _ in 0..200 {
        model.commit(&mut engine, &[B]);
        model.follow_all(&mut engine).unwrap();
    }
    let mut engine = model.open();
    model.commit(&mut engine, &[A, "gold.new"]);
    model.follow_all(&mut engine).unwrap();
    assert_eq!((model.rows(A), model.rows("gold.new")), (vec![0, 201], vec![201]));
}

#[test]
fn history_two_copies_of_a_machine_have_one_term_and_one_of_them_ends() {
    let mut model = Model::new();
    let mut first = model.open();
    model.commit(&mut first, &[A]);
    model.follow_all(&mut first).unwrap();
    let copy = model.copy();
    let mut one = model.open();
    let here = model.copy();
    model.restore(copy);
    let mut other = model.open();
    assert_eq!(one.owner.term, other.owner.term);
    model.commit(&mut other, &[A]);
    model.follow_all(&mut other).unwrap();
    model.restore(here);
    model.commit(&mut one, &[A]);
    let refused = model.publish(&mut one, A).unwrap_err();
    assert!(matches!(refused, Contradiction::Fenced { .. } | Contradiction::NotBefore { .. }), "{refused}");
    assert_eq!(model.rows(A), [0, 1]);
}

#[test]
fn history_a_zombie_publishes_after_an_owner_that_has_published_nothing_yet() {
    let mut model = Model::new();
    let mut zombie = model.open();
    model.commit(&mut zombie, &[A]);
    let mut owner = model.open();
    // The zombie's publishing of the same commit is the one that the owner would have made.
    model.publish(&mut zombie, A).unwrap();
    model.follow_all(&mut owner).unwrap();
    model.commit(&mut owner, &[A]);
    model.publish(&mut owner, A).unwrap();
    model.publish_stale(&mut zombie, A).unwrap_err();
    assert_eq!(model.rows(A), [0, 1]);
}

#[test]
fn history_a_places_record_is_lost_or_rolled_back() {
    let mut model = Model::new();
    let mut engine = model.open();
    (0..4).for_each(|_| {
        model.commit(&mut engine, &[A]);
        model.follow_all(&mut engine).unwrap();
    });
    // Rows and record move together: what follows is kept, so it is replayed.
    model.roll_back(A, 2);
    model.follow_all(&mut engine).unwrap();
    assert_eq!(model.rows(A), [0, 1, 2, 3]);
    model.roll_back(A, 0);
    assert_eq!(model.follow_all(&mut engine).unwrap_err().word(), Some("record-lost"));
    // Beyond what is kept.
    model.keep = 2;
    (0..4).for_each(|_| model.commit(&mut engine, &[B]));
    model.follow(&mut engine, B).unwrap();
    model.retire();
    model.roll_back(A, 0);
    assert!(model.follow(&mut engine, A).is_err());
}

#[test]
fn history_an_attempt_that_fails_leaves_nothing_and_its_number_is_used_again() {
    let mut model = Model::new();
    let mut engine = model.open();
    model.commit(&mut engine, &[A]);
    let before = model.copy();
    let names = model.attempt(&mut engine, &[A]);
    assert_eq!(model.copy(), before, "an attempt is in memory only");
    let again = model.attempt(&mut engine, &[A]);
    assert!(names.iter().all(|name| !again.contains(name)), "{names:?} {again:?}");
}

#[test]
fn random_histories_bring_every_commit_to_every_sink_once_or_are_refused_with_reason() {
    let (mut refused, mut replayed) = (0, 0);
    for seed in 0..20_000 {
        let (found, replays) = model::random_history(seed);
        refused += found;
        replayed += replays;
    }
    assert!(refused > 2_000 && replayed > 2_000, "{refused} refused, {replayed} replayed: the histories are too tame");
}

#[test]
fn contradictions_name_sink_and_commits_and_their_word() {
    let all = [
        Contradiction::Ahead { sink: A.into(), place: id(9), newest: Some(id(7)) },
        Contradiction::OtherHistory { sink: A.into(), place: id(9), checkpoint: id(7) },
        Contradiction::RolledBack { sink: A.into(), place: id(9), last: id(7) },
        Contradiction::RecordLost { sink: A.into(), seen: Some(id(7)) },
        Contradiction::OtherCheckpoint { sink: A.into(), writer: "shop, 00c0ffee".into(), can_be_rebuilt: true },
        Contradiction::Restored { sink: A.into(), version: 4 },
        Contradiction::ArtifactMissing { sink: A.into(), commit: id(9), artifact: "part".into() },
    ];
    for (contradiction, word) in all.iter().zip(Contradiction::WORDS) {
        let text = contradiction.to_string();
        assert!(text.contains(A) && text.contains(&format!("--accept {word}")), "{text}");
    }
}

fn _engines_are_plain_data(engine: &Engine) -> Engine {
    engine.clone()
}
