//! Fail points are read as they are written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use epoch::{EpochId, Step};

use super::{FailPoint, StepSide};

#[test]
fn every_fail_point_reads_back_as_written() {
    for step in Step::ALL {
        for side in [StepSide::Before, StepSide::After] {
            let point = FailPoint { step, side, epoch: EpochId(7) };
            assert_eq!(FailPoint::parse(&point.to_string()), Ok(point));
        }
    }
}

#[test]
fn a_mistyped_fail_point_is_refused_with_an_example() {
    for text in ["", "commit", "commit:after", "commit:later:3", "comit:after:3", "commit:after:x", "commit:after:3:4"]
    {
        assert!(FailPoint::parse(text).unwrap_err().contains("commit:after:3"), "{text}");
    }
}
