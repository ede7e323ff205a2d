//! The synced disk: what is put is synced, whole, and a taken name is not replaced.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::io::Write;

use futures::TryStreamExt;
use object_store::ObjectStoreExt;

use super::*;

fn at(folder: &tempfile::TempDir, name: &str) -> Path {
    Path::from_absolute_path(folder.path()).unwrap().join("deep").join("er").join(name)
}

#[tokio::test]
async fn a_put_syncs_the_file_and_every_folder_that_came_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let store = SyncedLocal::new();
    store.put_opts(&at(&folder, "a"), "one".into(), PutMode::Create.into()).await.unwrap();
    // Two new folders, each named in its parent, and the folder of the file.
    assert_eq!(store.synced(), (1, 3));
    store.put(&at(&folder, "a"), "two".into()).await.unwrap();
    assert_eq!(store.synced(), (2, 4));
    assert_eq!(store.get(&at(&folder, "a")).await.unwrap().bytes().await.unwrap(), "two");
}

#[tokio::test]
async fn a_taken_name_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = SyncedLocal::new();
    store.put_opts(&at(&folder, "a"), "one".into(), PutMode::Create.into()).await.unwrap();
    let error = store.put_opts(&at(&folder, "a"), "two".into(), PutMode::Create.into()).await.unwrap_err();
    assert!(matches!(error, object_store::Error::AlreadyExists { .. }), "{error}");
    assert_eq!(store.get(&at(&folder, "a")).await.unwrap().bytes().await.unwrap(), "one");
    let parent = folder.path().join("deep/er");
    assert_eq!(fs::read_dir(parent).unwrap().count(), 1, "nothing is left aside");
}

#[tokio::test]
async fn of_many_creators_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let store = SyncedLocal::new();
    for round in 0..20 {
        let name = at(&folder, &round.to_string());
        let tries = (0..16).map(|who| {
            let (store, name) = (store.clone(), name.clone());
            async move { store.put_opts(&name, format!("{who}").into(), PutMode::Create.into()).await.is_ok() }
        });
        let won = futures::future::join_all(tries).await.into_iter().filter(|won| *won).count();
        assert_eq!(won, 1);
    }
}

#[tokio::test]
async fn parts_become_one_object_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = SyncedLocal::new();
    let name = at(&folder, "big");
    let mut upload = store.put_multipart(&name).await.unwrap();
    upload.put_part("ab".into()).await.unwrap();
    upload.put_part("cd".into()).await.unwrap();
    assert!(store.head(&name).await.is_err(), "not there before it is complete");
    upload.complete().await.unwrap();
    assert_eq!(store.get(&name).await.unwrap().bytes().await.unwrap(), "abcd");
    let listed: Vec<_> =
        store.list(Some(&Path::from_absolute_path(folder.path()).unwrap())).try_collect().await.unwrap();
    assert_eq!(listed.len(), 1);
}

#[test]
fn a_finished_file_is_synced_with_its_folder_and_either_failure_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part");
    let mut file = File::create_new(&path).unwrap();
    file.write_all(b"rows").unwrap();
    sync_file_and_folder(&file, &path).unwrap();
    let elsewhere = folder.path().join("gone").join("part");
    let error = sync_file_and_folder(&file, &elsewhere).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound, "{error}");
    // A pipe cannot be synced.
    let (_, pipe) = io::pipe().unwrap();
    let pipe = File::from(std::os::fd::OwnedFd::from(pipe));
    assert!(sync_file_and_folder(&pipe, &path).is_err());
}
