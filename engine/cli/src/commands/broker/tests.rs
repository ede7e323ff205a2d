//! Topics as they are given on the command line.
use super::*;

#[test]
fn topics_carry_their_partitions() {
    assert_eq!(topic("events:12"), Ok(("events".to_owned(), 12)));
    assert_eq!(topic("events"), Ok(("events".to_owned(), 1)));
    for wrong in ["events:0", "events:-1", "events:many", ":4", "", "events:"] {
        assert!(topic(wrong).is_err(), "{wrong}");
    }
}
