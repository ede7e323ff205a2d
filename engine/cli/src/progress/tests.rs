//! When a line of progress is shown.
use super::*;

#[test]
fn nothing_is_said_in_the_first_two_seconds() {
    assert!(!is_due(Duration::from_millis(1999), None, true));
    assert!(!is_due(Duration::from_millis(1999), None, false));
    assert!(is_due(Duration::from_secs(2), None, true));
    assert!(is_due(Duration::from_secs(2), None, false));
}

#[test]
fn a_live_line_changes_often_and_a_log_gets_few_lines() {
    let running = Duration::from_secs(60);
    assert!(is_due(running, Some(Duration::from_millis(200)), true));
    assert!(!is_due(running, Some(Duration::from_millis(199)), true));
    assert!(is_due(running, Some(Duration::from_secs(5)), false));
    assert!(!is_due(running, Some(Duration::from_millis(4999)), false));
}

#[test]
fn what_runs_gives_its_result() {
    assert_eq!(while_running("counting", || (1..=4).sum::<u32>()), 10);
}
