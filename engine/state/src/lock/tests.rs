//! One owner at a time, tested with a second real process.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::fixture::{self, Other, SMALL};
use crate::{Checkpoint, StateError};

/// Run by the tests below in a process of its own: opens the checkpoint and holds it until killed.
#[test]
#[ignore = "run by another test"]
fn child_holds_the_checkpoint() {
    let Ok(folder) = std::env::var(fixture::FOLDER) else { return };
    let _checkpoint = fixture::open(Path::new(&folder));
    fixture::say("holding");
    // The parent never writes; this ends when it kills us.
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// Run by the tests below in a process of its own: tries to open the checkpoint and says what the answer was.
#[test]
#[ignore = "run by another test"]
fn child_asks_for_the_checkpoint() {
    let Ok(folder) = std::env::var(fixture::FOLDER) else { return };
    match Checkpoint::open(Path::new(&folder), "shop", &SMALL) {
        Err(StateError::Owned { host, pid, .. }) => fixture::say(format!("owned {host} {pid}")),
        other => fixture::say(format!("{:?}", other.err())),
    }
}

#[test]
fn a_second_process_is_refused_with_host_and_process() {
    let folder = tempfile::tempdir().unwrap();
    let _checkpoint = fixture::open(folder.path());
    let mut other = Other::start("lock::tests::child_asks_for_the_checkpoint", folder.path());
    let host = std::process::Command::new("uname").arg("-n").output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap().trim().to_string();
    assert_eq!(other.line(), format!("owned {host} {}", std::process::id()));
    other.child.wait().unwrap();
}

#[test]
fn the_owner_named_is_the_other_process_and_its_death_frees_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let mut other = Other::start("lock::tests::child_holds_the_checkpoint", folder.path());
    assert_eq!(other.line(), "holding");
    match Checkpoint::open(folder.path(), "shop", &SMALL) {
        Err(error @ StateError::Owned { .. }) => {
            let StateError::Owned { pid, .. } = &error else { unreachable!() };
            assert_eq!(*pid, other.child.id());
            assert!(error.to_string().contains(&format!("process {} on host", other.child.id())), "{error}");
        }
        other => panic!("{:?}", other.err()),
    }
    // A reader needs no lock.
    Checkpoint::open_read_only(folder.path()).unwrap();
    other.kill();
    fixture::open(folder.path());
}

#[test]
fn a_second_opening_in_the_same_process_is_refused_too() {
    let folder = tempfile::tempdir().unwrap();
    let first = fixture::open(folder.path());
    assert!(
        matches!(Checkpoint::open(folder.path(), "shop", &SMALL), Err(StateError::Owned { pid, .. }) if pid == std::process::id())
    );
    drop(first);
    fixture::open(folder.path());
}

#[test]
fn the_note_of_a_shorter_owner_leaves_nothing_of_the_longer_one() {
    let folder = tempfile::tempdir().unwrap();
    drop(FolderLock::lock(folder.path(), "a-job-with-a-very-long-name").unwrap());
    let _owner = FolderLock::lock(folder.path(), "b").unwrap();
    let text = std::fs::read_to_string(folder.path().join(paths::OWNER)).unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    assert_eq!(words.len(), 4, "{text}");
    assert_eq!(words[1], std::process::id().to_string());
    assert!(words[2].parse::<u64>().unwrap() > 1_700_000_000_000, "{text}");
    assert_eq!(words[3], "b");
    assert!(text.ends_with("b\n"));
}

#[test]
fn an_owner_whose_note_cannot_be_read_still_owns() {
    let folder = tempfile::tempdir().unwrap();
    let _owner = FolderLock::lock(folder.path(), "a").unwrap();
    std::fs::write(folder.path().join(paths::OWNER), "").unwrap();
    match FolderLock::lock(folder.path(), "a") {
        Err(StateError::Owned { host, pid, .. }) => assert_eq!((host.as_str(), pid), ("unknown", 0)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn giving_up_a_checkpoint_frees_it_even_while_a_copy_of_the_file_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let owner = FolderLock::lock(folder.path(), "a").unwrap();
    // As a forked child holds it until it runs its own program.
    let _copy = owner.file.try_clone().unwrap();
    drop(owner);
    FolderLock::lock(folder.path(), "a").unwrap();
}
