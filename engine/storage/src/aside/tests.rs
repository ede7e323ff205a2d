//! Files aside: taken once, by a put of the same bytes to the same name, and otherwise removed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions};

use super::*;
use crate::SyncedLocal;

fn names(folder: &FilePath) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn with(aside: &Aside, mode: PutMode) -> PutOptions {
    let mut options = PutOptions::from(mode);
    options.extensions.insert(aside.clone());
    options
}

#[tokio::test]
async fn a_put_gives_what_lies_aside_its_name_and_syncs_the_folder_only() {
    for mode in [PutMode::Create, PutMode::Overwrite] {
        let folder = tempfile::tempdir().unwrap();
        let store = SyncedLocal::new();
        let name = folder.path().join("entry");
        let aside = Aside::write(&name, "rows".into()).unwrap();
        assert_eq!(names(folder.path()).len(), 1);
        assert!(!names(folder.path()).contains(&"entry".to_string()), "the name is not there before the put");
        let path = Path::from_absolute_path(&name).unwrap();
        store.put_opts(&path, "rows".into(), with(&aside, mode.clone())).await.unwrap();
        assert_eq!(names(folder.path()), ["entry"], "{mode:?}");
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "rows");
        assert_eq!(store.synced(), (0, 1), "the bytes were synced before");
    }
}

#[tokio::test]
async fn a_put_of_other_bytes_or_to_another_name_writes_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = SyncedLocal::new();
    let aside = Aside::write(&folder.path().join("entry"), "rows".into()).unwrap();
    for (name, bytes) in [("entry", "others"), ("elsewhere", "rows")] {
        let path = Path::from_absolute_path(folder.path().join(name)).unwrap();
        store.put_opts(&path, bytes.into(), with(&aside, PutMode::Create)).await.unwrap();
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), bytes);
    }
    drop(aside);
    assert_eq!(names(folder.path()), ["elsewhere", "entry"], "what no put took is gone");
}

#[tokio::test]
async fn a_name_that_is_taken_stays_and_nothing_is_left_aside() {
    let folder = tempfile::tempdir().unwrap();
    let store = SyncedLocal::new();
    let name = folder.path().join("entry");
    let path = Path::from_absolute_path(&name).unwrap();
    store.put(&path, "theirs".into()).await.unwrap();
    let aside = Aside::write(&name, "ours".into()).unwrap();
    let error = store.put_opts(&path, "ours".into(), with(&aside, PutMode::Create)).await.unwrap_err();
    assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "theirs");
    assert_eq!(names(folder.path()), ["entry"]);
}

#[tokio::test]
async fn what_was_cleared_away_by_another_start_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = SyncedLocal::new();
    let name = folder.path().join("entry");
    let aside = Aside::write(&name, "rows".into()).unwrap();
    clear_asides(folder.path()).unwrap();
    assert!(names(folder.path()).is_empty());
    let path = Path::from_absolute_path(&name).unwrap();
    store.put_opts(&path, "rows".into(), with(&aside, PutMode::Create)).await.unwrap();
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "rows");
}

#[test]
fn only_what_an_engine_has_left_aside_is_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let others = ["00000000000000000007.json", "00000000000000000007.json#3", "a#x12345678901", "#"];
    let ours = ["00000000000000000007.json#10000000000", "shop.json#123450000000017"];
    for name in others.iter().chain(&ours) {
        fs::write(folder.path().join(name), b"").unwrap();
    }
    clear_asides(folder.path()).unwrap();
    let mut left = others.map(str::to_string).to_vec();
    left.sort();
    assert_eq!(names(folder.path()), left);
    clear_asides(&folder.path().join("absent")).unwrap();
}
