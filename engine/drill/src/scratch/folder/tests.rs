//! Folders are taken away that nobody owns, and no others.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn names(parent: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(parent).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_folder_goes_with_all_that_is_in_it() {
    let parent = tempfile::tempdir().unwrap();
    let folder = ScratchFolder::make(parent.path(), "1", None).unwrap();
    fs::create_dir_all(folder.path().join("run/checkpoint")).unwrap();
    fs::write(folder.path().join("run/checkpoint/file"), "x").unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    folder.remove().unwrap();
    assert!(folder.is_over());
    assert_eq!(names(parent.path()), [""; 0]);
    folder.remove().unwrap();
}

#[test]
fn what_another_is_at_work_in_is_not_left() {
    let parent = tempfile::tempdir().unwrap();
    let owned = ScratchFolder::make(parent.path(), "1", None).unwrap();
    assert!(left_in(parent.path()).is_empty());
    // A process that it has started outlives it.
    let of_child = owned.lock().try_clone().unwrap();
    drop(owned);
    assert!(left_in(parent.path()).is_empty());
    drop(of_child);
    let left = left_in(parent.path());
    assert_eq!(left.len(), 1);
    assert!(left_in(parent.path()).is_empty(), "it is this one's now");
    left[0].remove().unwrap();
    assert_eq!(names(parent.path()), [""; 0]);
}

#[test]
fn what_is_left_names_its_place_in_the_store() {
    let parent = tempfile::tempdir().unwrap();
    drop(ScratchFolder::make(parent.path(), "1", Some("s3://bucket/w/_drill/1")).unwrap());
    drop(ScratchFolder::make(parent.path(), "2", None).unwrap());
    let mut left: Vec<Option<String>> =
        left_in(parent.path()).iter().map(|left| left.remote().map(str::to_owned)).collect();
    left.sort();
    assert_eq!(left, [None, Some("s3://bucket/w/_drill/1".to_owned())]);
}

#[test]
fn a_folder_that_names_a_place_which_no_drill_has_made_is_not_touched() {
    let parent = tempfile::tempdir().unwrap();
    for (id, remote) in [("1", "s3://bucket/warehouse"), ("2", "s3://bucket/w/_drill/1"), ("3", "/")] {
        drop(ScratchFolder::make(parent.path(), id, Some(remote)).unwrap());
    }
    let elsewhere = tempfile::tempdir().unwrap();
    drop(ScratchFolder::make(elsewhere.path(), "4", None).unwrap());
    std::os::unix::fs::symlink(elsewhere.path().join("engine-drill-4"), parent.path().join("engine-drill-4")).unwrap();
    assert!(left_in(parent.path()).is_empty());
}

#[test]
fn what_is_kept_and_what_is_of_others_stays() {
    let parent = tempfile::tempdir().unwrap();
    let kept = ScratchFolder::make(parent.path(), "1", None).unwrap();
    fs::write(kept.path().join("evidence"), "x").unwrap();
    kept.keep();
    assert!(kept.is_over());
    drop(kept);
    fs::create_dir(parent.path().join("engine-drill-of-an-engine-of-before")).unwrap();
    fs::create_dir(parent.path().join("something-else")).unwrap();
    fs::write(parent.path().join("something-else").join(OWNER), "").unwrap();
    assert!(left_in(parent.path()).is_empty());
    assert_eq!(names(parent.path()), ["engine-drill-1", "engine-drill-of-an-engine-of-before", "something-else"]);
    assert!(left_in(&parent.path().join("none")).is_empty());
}
