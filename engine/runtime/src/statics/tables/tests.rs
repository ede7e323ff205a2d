//! When a static table is looked at again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;

#[test]
fn when_to_look_again() {
    for refresh in [Refresh::Never, Refresh::OnChange, Refresh::Every(10)] {
        assert!(is_due(refresh, None, 5), "{refresh:?}: not looked at yet");
    }
    assert!(!is_due(Refresh::Never, Some(0), i64::MAX));
    assert!(is_due(Refresh::OnChange, Some(5), 5));
    assert!(!is_due(Refresh::Every(10), Some(5), 14));
    assert!(is_due(Refresh::Every(10), Some(5), 15));
}
