//! Triggers do not wait longer than they must.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use job::Trigger;

use super::wait;
use crate::clock;

#[test]
fn an_interval_ends_at_a_multiple_since_1970() {
    let interval_us = 50_000;
    wait(Trigger::Interval(Duration::from_micros(50_000)), clock::now_us(), false, &AtomicBool::new(false));
    let past_us = clock::now_us() % interval_us;
    assert!(past_us < 40_000, "woke {past_us} µs after the multiple");
}

#[test]
fn an_overrun_interval_starts_at_once_and_is_not_made_up_for() {
    let started = Instant::now();
    let long_ago_us = clock::now_us() - 10_000_000;
    wait(Trigger::Interval(Duration::from_secs(5)), long_ago_us, false, &AtomicBool::new(false));
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_set_stop_flag_ends_the_wait() {
    let started = Instant::now();
    wait(Trigger::Interval(Duration::from_secs(3600)), clock::now_us(), false, &AtomicBool::new(true));
    assert!(started.elapsed() < Duration::from_secs(60));
}
