//! An error of ours is known again, and reads as it did.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use datafusion::common::Diagnostic;
use datafusion::error::DataFusionError;

use super::*;

#[test]
fn an_error_of_ours_is_known_below_what_others_put_around_it() {
    let plain = DataFusionError::Plan("no field x".to_string());
    let error = refused(DataFusionError::Plan("no field x".to_string()), FIELD_NOT_FOUND, "write another");
    assert_eq!(error.to_string(), plain.to_string());
    assert_eq!(refusal_in(&error), Some((FIELD_NOT_FOUND, "write another")));
    let around = error.with_diagnostic(Diagnostic::new_error("theirs", None)).context("while planning");
    assert_eq!(refusal_in(&around), Some((FIELD_NOT_FOUND, "write another")));
    assert_eq!(around.find_root().to_string(), plain.to_string());
}

#[test]
fn an_error_of_others_is_not_ours() {
    let theirs = DataFusionError::Plan("no field x".to_string());
    assert_eq!(refusal_in(&theirs), None);
    let with_help = theirs.with_diagnostic(Diagnostic::new_error("theirs", None).with_help("do that", None));
    assert_eq!(refusal_in(&with_help), None);
}
