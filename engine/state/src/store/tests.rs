//! What every store keeps, as one suite over all of them; and that the checkpoint survives a store that fails.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod failing;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::*;
use crate::fixture::{Site, over_every_store};

over_every_store!(
    what_is_written_is_read_until_it_is_deleted,
    families_are_apart,
    a_batch_is_applied_in_its_order,
    a_range_is_from_its_first_key_to_before_its_last,
    keys_sort_by_their_bytes,
    a_cursor_goes_to_both_ends_and_on,
    a_cursor_keeps_what_it_began_with,
    everything_is_there_after_opening_again,
    a_second_owner_is_refused_until_the_first_is_gone,
    a_batch_is_seen_whole_or_not_at_all,
    what_was_deleted_gives_its_space_back,
    any_batches_leave_what_a_map_would_hold,
);

fn place() -> String {
    "the entry".to_string()
}

fn get(store: &dyn Store, key: &[u8]) -> Option<Vec<u8>> {
    store.get(Family::Blocks, key, &place).unwrap()
}

fn write(store: &dyn Store, fill: impl FnOnce(&mut WriteBatch)) {
    let mut batch = WriteBatch::default();
    fill(&mut batch);
    store.write(batch, true).unwrap();
}

fn put_all(store: &dyn Store, keys: &[&[u8]]) {
    write(store, |batch| keys.iter().for_each(|key| batch.put(Family::Blocks, key, key.to_vec())));
}

/// The keys in a range, by `entries`.
fn keys(store: &dyn Store, from: &[u8], until: &[u8]) -> Vec<Vec<u8>> {
    let found = entries(store, Family::Blocks, from.to_vec(), until.to_vec(), |_| place()).unwrap();
    found.map(|entry| entry.unwrap().0).collect()
}

fn what_is_written_is_read_until_it_is_deleted(site: &Site) {
    let store = site.store();
    assert_eq!(get(&*store, b"a"), None);
    write(&*store, |batch| {
        batch.put(Family::Blocks, b"a", b"one".to_vec());
        batch.put(Family::Blocks, b"empty", Vec::new());
    });
    assert_eq!(get(&*store, b"a").as_deref(), Some(&b"one"[..]));
    assert_eq!(get(&*store, b"empty").as_deref(), Some(&b""[..]));
    assert_eq!(get(&*store, b"aa"), None);
    write(&*store, |batch| batch.put(Family::Blocks, b"a", b"two".to_vec()));
    assert_eq!(get(&*store, b"a").as_deref(), Some(&b"two"[..]));
    write(&*store, |batch| {
        batch.delete(Family::Blocks, b"a");
        batch.delete(Family::Blocks, b"never there");
    });
    assert_eq!(get(&*store, b"a"), None);
    write(&*store, |_| {});
    assert_eq!(keys(&*store, b"", b"\xff"), [b"empty"]);
}

fn families_are_apart(site: &Site) {
    let store = site.store();
    for family in Family::ALL {
        write(&*store, |batch| batch.put(family, b"key", family.name().into()));
    }
    write(&*store, |batch| batch.delete(Family::Records, b"key"));
    write(&*store, |batch| batch.delete_range(Family::Index, b"a", b"z"));
    let found = Family::ALL.map(|family| store.get(family, b"key", &place).unwrap());
    assert_eq!(found, [None, Some(b"blocks".to_vec()), None]);
}

fn a_batch_is_applied_in_its_order(site: &Site) {
    let store = site.store();
    put_all(&*store, &[b"a", b"b", b"c", b"d"]);
    write(&*store, |batch| {
        batch.delete_range(Family::Blocks, b"a", b"c");
        batch.put(Family::Blocks, b"b", b"again".to_vec());
        batch.put(Family::Blocks, b"d", b"again".to_vec());
        batch.delete(Family::Blocks, b"d");
        batch.delete(Family::Blocks, b"e");
        batch.put(Family::Blocks, b"e", b"new".to_vec());
    });
    assert_eq!(keys(&*store, b"", b"\xff"), [b"b", b"c", b"e"]);
    assert_eq!(get(&*store, b"b").as_deref(), Some(&b"again"[..]));
}

fn a_range_is_from_its_first_key_to_before_its_last(site: &Site) {
    let store = site.store();
    put_all(&*store, &[b"a", b"b", b"c", b"d"]);
    assert_eq!(keys(&*store, b"b", b"d"), [b"b", b"c"]);
    assert_eq!(keys(&*store, b"bb", b"cc"), [b"c"]);
    assert!(keys(&*store, b"b", b"b").is_empty());
    assert!(keys(&*store, b"x", b"z").is_empty());
    assert!(keys(&*store, b"d", b"a").is_empty());
    write(&*store, |batch| batch.delete_range(Family::Blocks, b"b", b"d"));
    assert_eq!(keys(&*store, b"", b"\xff"), [b"a", b"d"]);
}

fn keys_sort_by_their_bytes(site: &Site) {
    let store = site.store();
    let sorted: [&[u8]; 6] = [b"\x00", b"\x00\x00", b"\x01", b"\x7f\xff", b"\x80", b"\xff\x00"];
    put_all(&*store, &[sorted[3], sorted[5], sorted[0], sorted[4], sorted[2], sorted[1]]);
    assert_eq!(keys(&*store, b"", b"\xff\xff"), sorted);
}

fn a_cursor_goes_to_both_ends_and_on(site: &Site) {
    let store = site.store();
    put_all(&*store, &[b"a", b"b", b"c", b"d"]);
    let mut cursor = store.iterate(Family::Blocks, b"b".to_vec(), b"d".to_vec()).unwrap();
    let key = |entry: Result<Option<Entry<'_>>, StateError>| entry.unwrap().map(|(key, _)| key.to_vec());
    assert_eq!(key(cursor.next(&place)), None, "it is nowhere yet");
    assert_eq!(key(cursor.last(&place)).as_deref(), Some(&b"c"[..]));
    assert_eq!(key(cursor.next(&place)), None);
    assert_eq!(key(cursor.next(&place)), None);
    assert_eq!(key(cursor.first(&place)).as_deref(), Some(&b"b"[..]));
    assert_eq!(key(cursor.next(&place)).as_deref(), Some(&b"c"[..]));
    assert_eq!(key(cursor.next(&place)), None);
    let mut nothing = store.iterate(Family::Blocks, b"x".to_vec(), b"z".to_vec()).unwrap();
    assert_eq!(key(nothing.first(&place)), None);
    assert_eq!(key(nothing.last(&place)), None);
}

fn a_cursor_keeps_what_it_began_with(site: &Site) {
    let store = site.store();
    put_all(&*store, &[b"a", b"c"]);
    let mut cursor = store.iterate(Family::Blocks, b"a".to_vec(), b"z".to_vec()).unwrap();
    write(&*store, |batch| {
        batch.put(Family::Blocks, b"b", b"new".to_vec());
        batch.put(Family::Blocks, b"c", b"new".to_vec());
        batch.delete(Family::Blocks, b"a");
    });
    let mut found = Vec::new();
    let mut entry = cursor.first(&place).unwrap();
    while let Some((key, value)) = entry {
        found.push((key.to_vec(), value.to_vec()));
        entry = cursor.next(&place).unwrap();
    }
    assert_eq!(found, [(b"a".to_vec(), b"a".to_vec()), (b"c".to_vec(), b"c".to_vec())]);
    drop(cursor);
    assert_eq!(keys(&*store, b"", b"\xff"), [b"b", b"c"]);
}

fn everything_is_there_after_opening_again(site: &Site) {
    let store = site.store();
    put_all(&*store, &[b"a", b"b"]);
    write(&*store, |batch| batch.delete(Family::Blocks, b"a"));
    drop(store);
    let store = site.store();
    assert_eq!(keys(&*store, b"", b"\xff"), [b"b"]);
    store.flush().unwrap();
    drop(store);
    let store = site.store();
    store.compact().unwrap();
    assert_eq!(keys(&*store, b"", b"\xff"), [b"b"]);
}

fn a_second_owner_is_refused_until_the_first_is_gone(site: &Site) {
    let first = site.open_store().unwrap();
    let second = site.open_store().err().unwrap();
    assert!(matches!(second, StateError::Io { .. }), "{second:?}");
    assert!(second.to_string().starts_with("cannot open the "), "{second}");
    // What was refused has closed nothing.
    put_all(&*first, &[b"a"]);
    assert!(site.open_store().is_err());
    drop(first);
    assert_eq!(keys(&*site.open_store().unwrap(), b"", b"\xff"), [b"a"]);
}

fn a_batch_is_seen_whole_or_not_at_all(site: &Site) {
    let store = site.store();
    // A torn batch is there for microseconds: the writer goes on until the reader has seen this many that differ.
    const ENOUGH: u64 = 200;
    let seen = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut last = 0;
            while seen.load(Ordering::Acquire) < ENOUGH {
                let pair: Vec<_> = entries(&*store, Family::Blocks, b"a".to_vec(), b"z".to_vec(), |_| place())
                    .unwrap()
                    .map(|entry| u64::from_be_bytes(entry.unwrap().1.try_into().unwrap()))
                    .collect();
                let is_whole = pair.is_empty() && last == 0 || matches!(pair[..], [b, y] if b == y && b >= last);
                // Else the writer would not end.
                seen.fetch_add(if is_whole { u64::from(pair.first() > Some(&last)) } else { ENOUGH }, Ordering::AcqRel);
                assert!(is_whole, "{pair:?} after {last}");
                last = pair.first().copied().unwrap_or(last);
            }
        });
        let mut number = 1_u64;
        while seen.load(Ordering::Acquire) < ENOUGH {
            let mut batch = WriteBatch::default();
            for key in [b"b", b"y"] {
                batch.delete(Family::Blocks, key);
            }
            for key in [b"b", b"y"] {
                batch.put(Family::Blocks, key, number.to_be_bytes().to_vec());
            }
            store.write(batch, false).unwrap();
            number += 1;
        }
    });
}

fn what_was_deleted_gives_its_space_back(site: &Site) {
    let store = site.store();
    for number in 0..8_u8 {
        let noise = crate::fixture::noise(u64::from(number), 100_000);
        write(&*store, |batch| batch.put(Family::Blocks, &[number], noise));
    }
    store.compact().unwrap();
    let full = store.file_bytes().unwrap();
    assert!((800_000..900_000).contains(&full), "{full}");
    assert!(store.memory_bytes() > 0);
    write(&*store, |batch| batch.delete_range(Family::Blocks, &[1], &[255]));
    store.compact().unwrap();
    let left = store.file_bytes().unwrap();
    assert!((100_000..150_000).contains(&left), "{left}");
}

/// One change of a random batch, on few keys so that they meet.
#[derive(Debug, Clone)]
enum Move {
    Put(Vec<u8>, u8),
    Delete(Vec<u8>),
    DeleteRange(Vec<u8>, Vec<u8>),
}

fn any_key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![0_u8..3, Just(255)], 1..4)
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => (any_key(), any::<u8>()).prop_map(|(key, value)| Move::Put(key, value)),
        1 => any_key().prop_map(Move::Delete),
        1 => (any_key(), any_key()).prop_map(|(from, until)| Move::DeleteRange(from, until)),
    ]
}

fn any_batches_leave_what_a_map_would_hold(site: &Site) {
    let batches = prop::collection::vec(prop::collection::vec(any_move(), 1..12), 40..60);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let batches = batches.new_tree(&mut runner).unwrap().current();
    let mut model = BTreeMap::<Vec<u8>, Vec<u8>>::new();
    let mut store = site.store();
    for (number, moves) in batches.into_iter().enumerate() {
        let mut batch = WriteBatch::default();
        for change in moves {
            match change {
                Move::Put(key, value) => {
                    batch.put(Family::Blocks, &key, vec![value; 3]);
                    model.insert(key, vec![value; 3]);
                }
                Move::Delete(key) => {
                    batch.delete(Family::Blocks, &key);
                    model.remove(&key);
                }
                Move::DeleteRange(from, until) if from < until => {
                    batch.delete_range(Family::Blocks, &from, &until);
                    model.retain(|key, _| *key < from || *key >= until);
                }
                Move::DeleteRange(..) => {}
            }
        }
        store.write(batch, number % 3 == 0).unwrap();
        match number % 20 {
            7 => store.flush().unwrap(),
            13 => store.compact().unwrap(),
            19 => {
                drop(store);
                store = site.store();
            }
            _ => {}
        }
        let found = entries(&*store, Family::Blocks, Vec::new(), vec![255; 5], |_| place()).unwrap();
        assert_eq!(found.map(Result::unwrap).collect::<BTreeMap<_, _>>(), model, "after batch {number}");
        for (key, value) in &model {
            assert_eq!(get(&*store, key).as_ref(), Some(value));
            let (from, until) = (key.clone(), vec![255; 5]);
            let mut cursor = store.iterate(Family::Blocks, from.clone(), until).unwrap();
            assert_eq!(cursor.first(&place).unwrap().map(|(key, _)| key), Some(&key[..]));
            let mut cursor = store.iterate(Family::Blocks, Vec::new(), from).unwrap();
            let before = model.range::<Vec<u8>, _>(..key).next_back().map(|(key, _)| key.as_slice());
            assert_eq!(cursor.last(&place).unwrap().map(|(key, _)| key), before);
        }
    }
}
