//! What becomes of a part that panics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::side_by_side;
use crate::error::RunError;

#[test]
fn a_lanes_panic_keeps_its_text_and_its_place() {
    for parts in [1, 2, 3] {
        let work: Vec<usize> = (0..parts).collect();
        let numbers: Vec<usize> = Vec::new();
        let results = side_by_side(work, &"a lane", |part| match part {
            0 => Ok(numbers[part + 7]),
            part => Ok(part),
        });
        let error = results[0].as_ref().expect_err("it panicked").to_string();
        assert!(error.contains("a lane panicked at ") && error.contains("lanes/tests.rs:"), "{error}");
        assert!(error.contains("the len is 0 but the index is 7"), "{error}");
        assert_eq!(results.len(), parts, "the others are waited for");
        assert!(results[1..].iter().all(Result::is_ok));
    }
}

#[test]
fn a_formatted_text_is_kept_too() {
    let results = side_by_side(vec![5], &"a thread that computes t", |part: i32| -> Result<(), RunError> {
        panic!("number {part} is odd")
    });
    let error = results[0].as_ref().expect_err("it panicked").to_string();
    assert!(error.contains("a thread that computes t panicked at") && error.contains("number 5 is odd"), "{error}");
}

#[test]
fn a_fail_point_that_unwinds_is_no_panic() {
    let caught = std::panic::catch_unwind(|| {
        side_by_side(vec![()], &"a lane", |()| -> Result<(), RunError> { std::panic::resume_unwind(Box::new(7_u64)) })
    });
    assert_eq!(caught.expect_err("it goes on").downcast_ref::<u64>(), Some(&7));
}
