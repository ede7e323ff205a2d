//! Each bound is reached by itself, and a disk is short of space by what it says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;

const BOUNDS: Bounds = Bounds { commits: 4, bytes: 100, age: Duration::from_secs(60) };

#[test]
fn each_bound_is_reached_by_itself() {
    let reached = |commits, bytes, seconds| BOUNDS.reached(commits, bytes, Duration::from_secs(seconds));
    assert_eq!(reached(3, 99, 59), None);
    assert_eq!(reached(4, 0, 0), Some(Reached::Commits));
    assert_eq!(reached(1, 100, 0), Some(Reached::Bytes));
    assert_eq!(reached(1, 0, 60), Some(Reached::Age));
    assert_eq!(reached(0, 0, 60), None, "nothing waits");
}

#[test]
fn a_disk_is_short_of_space_once_less_is_free_than_is_held_back() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    assert_eq!(ShortOfSpace::of(place, 1), None);
    let short = ShortOfSpace::of(place, u64::MAX).unwrap();
    let output = std::process::Command::new("df").args(["--output=avail", "-B1", place]).output().unwrap();
    let said: u64 = String::from_utf8(output.stdout).unwrap().lines().last().unwrap().trim().parse().unwrap();
    assert!(short.free.abs_diff(said) < 1 << 30, "df says {said}, and other programs write meanwhile: {short:?}");
    for part in [place, "held back for commits (min_free_space in [job])", "nothing more is read"] {
        assert!(short.to_string().contains(part), "{short}");
    }
    assert_eq!(ShortOfSpace::of(place, 0), None, "nothing is held back");
    assert_eq!(ShortOfSpace::of("/nowhere/at/all", u64::MAX), None, "it is found out when it is written to");
}
