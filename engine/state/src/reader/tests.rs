//! Reading: a damaged or newer record is named, whatever RocksDB thinks of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::Path;

use ::rocksdb::{DB, Options};

use epoch::paths;

use super::*;
use crate::fixture::{SMALL, commit, key, open, operator, plan, put, run};
use crate::{Checkpoint, StateChanges};

/// Changes a stored value behind the checkpoint's back, in a way that RocksDB's own checksums cover.
fn tamper(folder: &Path, family: Family, key: &[u8], change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let families = Family::ALL.map(Family::name);
    let db = DB::open_cf(&Options::default(), folder.join(paths::DATABASE), families).unwrap();
    let handle = db.cf_handle(family.name()).unwrap();
    let value = db.get_cf(handle, key).unwrap().unwrap();
    db.put_cf(handle, key, change(value)).unwrap();
}

fn flip_first(mut value: Vec<u8>) -> Vec<u8> {
    value[0] ^= 0x10;
    value
}

fn two_epochs() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = open(folder.path());
    run(&checkpoint, 0, StateChanges { manifest: Some(b"query".to_vec()), ..put(key(1, 0, 0), 100) });
    run(&checkpoint, 1, put(key(1, 1, 0), 100));
    folder
}

fn corrupt_place<T: std::fmt::Debug>(result: Result<T, StateError>) -> String {
    match result {
        Err(StateError::Corrupt { place, .. }) => place,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_flipped_byte_names_the_record() {
    let at = key(1, 1, 0);
    let folder = two_epochs();
    tamper(folder.path(), Family::Records, &Kind::Plan.key_of(EpochId(1)), flip_first);
    assert_eq!(corrupt_place(open(folder.path()).newest_records()), "the plan of epoch 1");

    let folder = two_epochs();
    tamper(folder.path(), Family::Records, &Kind::Commit.key_of(EpochId(1)), flip_first);
    let checkpoint = open(folder.path());
    assert_eq!(corrupt_place(checkpoint.newest_records()), "the commit of epoch 1");
    let refused = checkpoint.write_plan(&plan(2));
    assert_eq!(corrupt_place(refused), "the commit of epoch 1");
    let rest: Vec<_> = checkpoint.commits(EpochId(0)..=EpochId(9)).unwrap().map(|record| record.is_ok()).collect();
    assert_eq!(rest, [true, false]);
    drop(checkpoint);

    let folder = two_epochs();
    tamper(folder.path(), Family::Records, &Kind::Manifest.key(), flip_first);
    assert_eq!(corrupt_place(open(folder.path()).manifest()), "the operators' manifest");

    let folder = two_epochs();
    tamper(folder.path(), Family::Blocks, &at.to_bytes(), flip_first);
    let checkpoint = open(folder.path());
    assert_eq!(corrupt_place(checkpoint.read_block(&at)), format!("the block of {at}"));
    let blocks: Vec<_> = checkpoint.blocks(operator(), 1).unwrap().collect();
    assert!(blocks[0].is_ok() && blocks[1].is_err() && blocks.len() == 2);
    drop(checkpoint);

    let folder = two_epochs();
    tamper(folder.path(), Family::Index, &at.to_bytes(), flip_first);
    let places: Vec<_> = open(folder.path()).bucket_index(operator()).unwrap().filter_map(Result::err).collect();
    assert!(matches!(&places[..], [StateError::Corrupt { place, .. }] if place.contains("epoch 1")), "{places:?}");
}

#[test]
fn a_flipped_byte_in_the_identity_is_refused() {
    let folder = two_epochs();
    tamper(folder.path(), Family::Records, &Kind::Identity.key(), flip_first);
    let place = corrupt_place(Checkpoint::open(folder.path(), "shop", &SMALL).map(|_| ()));
    assert!(place.contains("identity"), "{place}");
}

#[test]
fn an_identity_that_is_gone_is_not_written_anew() {
    let folder = two_epochs();
    let db =
        DB::open_cf(&Options::default(), folder.path().join(paths::DATABASE), Family::ALL.map(Family::name)).unwrap();
    db.delete_cf(db.cf_handle("records").unwrap(), Kind::Identity.key()).unwrap();
    drop(db);
    let place = corrupt_place(Checkpoint::open(folder.path(), "shop", &SMALL).map(|_| ()));
    assert!(place.contains(folder.path().to_str().unwrap()), "{place}");
}

#[test]
fn what_a_newer_engine_wrote_is_refused_as_such() {
    let folder = two_epochs();
    let newer = |key: Vec<u8>, text: &str| {
        let stored = checksum::append_checksum(&key, text.as_bytes().to_vec());
        tamper(folder.path(), Family::Records, &key, |_| stored);
    };
    // Not even the fields are the ones known here: only the format can be relied on.
    newer(Kind::Plan.key_of(EpochId(1)), r#"{"format":2,"ranges":[]}"#);
    let found = open(folder.path()).newest_records();
    assert!(
        matches!(&found, Err(StateError::Format { found: 2, supported: 1, place }) if place == "the plan of epoch 1"),
        "{found:?}"
    );
    newer(Kind::Identity.key(), r#"{"format":7,"job":"shop","job_id":"0"}"#);
    let opened = Checkpoint::open(folder.path(), "shop", &SMALL).map(|_| ());
    assert!(matches!(&opened, Err(StateError::Format { found: 7, supported: 1, .. })), "{opened:?}");
    assert!(matches!(Checkpoint::open_read_only(folder.path()), Err(StateError::Format { found: 7, .. })));
}

#[test]
fn ranges_of_epochs_are_inclusive() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = open(folder.path());
    (0..300).for_each(|epoch| run(&checkpoint, epoch, StateChanges::default()));
    let found: Vec<_> = checkpoint.commits(EpochId(254)..=EpochId(257)).unwrap().map(Result::unwrap).collect();
    assert_eq!(found, [254, 255, 256, 257].map(commit));
    assert_eq!(checkpoint.plans(EpochId(299)..=EpochId(u64::MAX)).unwrap().count(), 1);
    assert_eq!(
        checkpoint.newest_records().unwrap(),
        NewestRecords { plan: Some(plan(299)), commit: Some(commit(299)) }
    );
}
