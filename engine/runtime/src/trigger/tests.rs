//! Triggers do not wait longer than they must.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use job::Trigger;

use super::{Started, wait};
use crate::clock;

/// An epoch that began now by the monotonic clock, when the wall clock was so far ahead of what it is, microseconds.
fn started_at(ahead_us: i64) -> Started {
    Started { wall_us: clock::now_us() + ahead_us, instant: Instant::now() }
}

#[test]
fn an_interval_ends_at_a_multiple_since_1970() {
    let interval_us = 50_000;
    wait(Trigger::Interval(Duration::from_micros(50_000)), started_at(0), false, &AtomicBool::new(false));
    let past_us = clock::now_us() % interval_us;
    assert!(past_us < 40_000, "woke {past_us} µs after the multiple");
}

#[test]
fn an_overrun_interval_starts_at_once_and_is_not_made_up_for() {
    let now = Instant::now();
    let long_ago = now.checked_sub(Duration::from_secs(10)).expect("the machine has been up for ten seconds");
    let started = Started { wall_us: clock::now_us() - 10_000_000, instant: long_ago };
    wait(Trigger::Interval(Duration::from_secs(5)), started, false, &AtomicBool::new(false));
    assert!(now.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_step_backwards_of_the_wall_clock_makes_no_pause_longer_than_the_interval() {
    // The epoch began at a time that is an hour ahead of what the wall clock shows now: it was set back meanwhile.
    for ahead_us in [3_600_000_000, 86_400_000_000 * 365] {
        let now = Instant::now();
        wait(Trigger::Interval(Duration::from_millis(100)), started_at(ahead_us), false, &AtomicBool::new(false));
        assert!(now.elapsed() < Duration::from_secs(5), "slept {:?}", now.elapsed());
    }
}

#[test]
fn a_step_forward_of_the_wall_clock_cuts_no_pause_short() {
    // The epoch began at a multiple, an hour before what the wall clock shows now.
    let interval_us = 200_000;
    let behind_us = 3_600_000_000;
    let wall_us = (clock::now_us() - behind_us) / interval_us * interval_us;
    let started = Started { wall_us, instant: Instant::now() };
    wait(Trigger::Interval(Duration::from_micros(200_000)), started, false, &AtomicBool::new(false));
    assert!(started.instant.elapsed() >= Duration::from_millis(200), "slept {:?}", started.instant.elapsed());
}

#[test]
fn a_set_stop_flag_ends_the_wait() {
    let now = Instant::now();
    wait(Trigger::Interval(Duration::from_secs(3600)), started_at(0), false, &AtomicBool::new(true));
    assert!(now.elapsed() < Duration::from_secs(60));
}
