//! Reading, over every store: a damaged or newer record is named, whatever the store thinks of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::fixture::{Site, commit, key, operator, over_every_store, put, run};
use crate::store::WriteBatch;
use crate::{BlockKey, Checkpoint, StateChanges};

over_every_store!(
    a_damaged_commit_is_named_and_nothing_follows_it,
    a_damaged_manifest_is_named,
    a_damaged_block_is_named,
    a_damaged_index_entry_is_named,
    a_flipped_byte_in_the_identity_is_refused,
    an_identity_that_is_gone_is_not_written_anew,
    what_a_newer_engine_wrote_is_refused_as_such,
    ranges_of_epochs_are_inclusive,
);

/// Changes a stored value behind the checkpoint's back, in a way that the store's own checksums cover.
fn tamper(site: &Site, family: Family, key: &[u8], change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let store = site.store();
    let value = store.get(family, key, &|| "the value".to_string()).unwrap().unwrap();
    let mut batch = WriteBatch::default();
    batch.put(family, key, change(value));
    store.write(batch, true).unwrap();
}

fn flip_first(mut value: Vec<u8>) -> Vec<u8> {
    value[0] ^= 0x10;
    value
}

/// Two epochs, the second of which has the block [`second`].
fn two_epochs(site: &Site) {
    let checkpoint = site.open();
    run(&checkpoint, 0, StateChanges { manifest: Some(b"query".to_vec()), ..put(key(1, 0, 0), 100) });
    run(&checkpoint, 1, put(second(), 100));
}

fn second() -> BlockKey {
    key(1, 1, 0)
}

fn corrupt_place<T: std::fmt::Debug>(result: Result<T, StateError>) -> String {
    match result {
        Err(StateError::Corrupt { place, .. }) => place,
        other => panic!("{other:?}"),
    }
}

fn a_damaged_commit_is_named_and_nothing_follows_it(site: &Site) {
    two_epochs(site);
    tamper(site, Family::Records, &Kind::Commit.key_of(EpochId(1)), flip_first);
    let checkpoint = site.open();
    assert_eq!(corrupt_place(checkpoint.newest_commit()), "the commit of epoch 1");
    let refused = checkpoint.commit(&commit(2), StateChanges::default()).map(|_| ());
    assert_eq!(corrupt_place(refused), "the commit of epoch 1");
    let rest: Vec<_> = checkpoint.commits(EpochId(0)..=EpochId(9)).unwrap().map(|record| record.is_ok()).collect();
    assert_eq!(rest, [true, false]);
}

fn a_damaged_manifest_is_named(site: &Site) {
    two_epochs(site);
    tamper(site, Family::Records, &Kind::Manifest.key(), flip_first);
    assert_eq!(corrupt_place(site.open().manifest()), "the operators' manifest");
}

fn a_damaged_block_is_named(site: &Site) {
    two_epochs(site);
    tamper(site, Family::Blocks, &second().to_bytes(), flip_first);
    let checkpoint = site.open();
    assert_eq!(corrupt_place(checkpoint.read_block(&second())), format!("the block of {}", second()));
    let blocks: Vec<_> = checkpoint.blocks(operator(), 1).unwrap().collect();
    assert!(blocks[0].is_ok() && blocks[1].is_err() && blocks.len() == 2);
}

fn a_damaged_index_entry_is_named(site: &Site) {
    two_epochs(site);
    tamper(site, Family::Index, &second().to_bytes(), flip_first);
    let places: Vec<_> = site.open().bucket_index(operator()).unwrap().filter_map(Result::err).collect();
    assert!(matches!(&places[..], [StateError::Corrupt { place, .. }] if place.contains("epoch 1")), "{places:?}");
}

fn a_flipped_byte_in_the_identity_is_refused(site: &Site) {
    two_epochs(site);
    tamper(site, Family::Records, &Kind::Identity.key(), flip_first);
    let place = corrupt_place(site.open_for("shop").map(|_| ()));
    assert!(place.contains("identity"), "{place}");
}

fn an_identity_that_is_gone_is_not_written_anew(site: &Site) {
    two_epochs(site);
    let store = site.store();
    let mut batch = WriteBatch::default();
    batch.delete(Family::Records, &Kind::Identity.key());
    store.write(batch, true).unwrap();
    let folder = store.folder().display().to_string();
    drop(store);
    let place = corrupt_place(site.open_for("shop").map(|_| ()));
    assert!(place.contains(&folder), "{place}");
}

fn what_a_newer_engine_wrote_is_refused_as_such(site: &Site) {
    two_epochs(site);
    let newer = |key: Vec<u8>, text: &str| {
        let stored = checksum::append_checksum(&key, text.as_bytes().to_vec());
        tamper(site, Family::Records, &key, |_| stored);
    };
    // Not even the fields are the ones known here: only the format can be relied on.
    newer(Kind::Commit.key_of(EpochId(1)), r#"{"plan":{"format":3},"ranges":[]}"#);
    let found = site.open().newest_commit();
    assert!(
        matches!(&found, Err(StateError::Format { found: 3, supported: 2, place }) if place == "the commit of epoch 1"),
        "{found:?}"
    );
    newer(Kind::Identity.key(), r#"{"format":7,"job":"shop","job_id":"0"}"#);
    let opened = site.open_for("shop").map(|_| ());
    assert!(matches!(&opened, Err(StateError::Format { found: 7, supported: 2, .. })), "{opened:?}");
    if let Site::Disk(folder) = site {
        assert!(matches!(Checkpoint::open_read_only(folder.path()), Err(StateError::Format { found: 7, .. })));
    }
}

fn ranges_of_epochs_are_inclusive(site: &Site) {
    let checkpoint = site.open();
    (0..300).for_each(|epoch| run(&checkpoint, epoch, StateChanges::default()));
    let found: Vec<_> = checkpoint.commits(EpochId(254)..=EpochId(257)).unwrap().map(Result::unwrap).collect();
    assert_eq!(found, [254, 255, 256, 257].map(commit));
    assert_eq!(checkpoint.newest_commit().unwrap(), Some(commit(299)));
}
