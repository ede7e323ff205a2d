//! What is near, and what is not.

use super::*;

const NAMES: [&str; 4] = ["max_offsets_per_trigger", "topic", "topics", "on_error"];

#[test]
fn slips_are_found() {
    for (wrong, meant) in [
        ("maxOffsetsPerTrigger", "max_offsets_per_trigger"),
        ("tpoic", "topic"),
        ("on-error", "on_error"),
        ("topiks", "topics"),
    ] {
        assert_eq!(nearest(wrong, NAMES), Some(meant));
    }
}

#[test]
fn other_words_are_not() {
    assert_eq!(nearest("format", NAMES), None);
    assert_eq!(nearest("", NAMES), None);
    assert_eq!(nearest(&"topic".repeat(1000), NAMES), None);
}
