//! A running epoch gets a grace, and only after the stop flag is set.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{Abort, GRACE, Stop};

#[test]
fn an_epoch_may_finish_for_a_while_after_the_stop_flag_and_then_is_given_up() {
    let flag = Arc::new(AtomicBool::new(false));
    let abort = Abort::after(&flag);
    let stop = Stop::new(Arc::clone(&flag), &abort);
    assert!(!stop.is_set() && stop.check().is_ok());
    let stopped = Instant::now();
    flag.store(true, Ordering::Release);
    assert!(stop.is_set() && stop.check().is_ok(), "the grace has begun");
    while stop.check().is_ok() {
        assert!(stopped.elapsed() < GRACE * 10, "the epoch was never given up");
        std::thread::yield_now();
    }
    assert!(stopped.elapsed() >= GRACE);
}

#[test]
fn dropping_the_watcher_does_not_wait_for_the_grace() {
    let abort = Abort::after(&Arc::new(AtomicBool::new(true)));
    let started = Instant::now();
    drop(abort);
    assert!(started.elapsed() < GRACE.max(Duration::from_secs(1)));
}
