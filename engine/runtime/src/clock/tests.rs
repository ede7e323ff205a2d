//! The machine's uptime clock runs, and clocks that are set do what they are told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use super::{Clock, SetClock};

#[test]
fn the_machines_uptime_counts_from_one_start_and_does_not_go_back() {
    let first = Clock::Wall.uptime();
    let second = Clock::Wall.uptime();
    assert!(!first.boot.is_empty());
    assert_eq!(second.since(&first), Some(second.us - first.us));
    assert!(second.us >= first.us && first.us > 0, "{first:?} {second:?}");
}

#[test]
fn a_wall_clock_that_is_stepped_leaves_the_uptime_alone() {
    let set = Arc::new(SetClock::at(1_000));
    let clock = Clock::Set(Arc::clone(&set));
    let before = clock.uptime();
    set.step_wall(500);
    assert_eq!((clock.now_us(), clock.uptime()), (1_500, before.clone()));
    set.pass_to(1_600);
    assert_eq!((clock.now_us(), clock.uptime().since(&before)), (1_600, Some(100)));
    set.step_wall(-500);
    assert_eq!(clock.now_us(), 1_100);
    set.start_machine();
    assert_eq!(clock.uptime().since(&before), None);
}
