//! What is kept of a store's error, and what is not.

use std::io;

use connector::causes_of;

use super::*;

/// What Amazon answers to a wrong key, as object_store passes it on.
const ANSWER: &str = "Server returned non-2xx status code: 403 Forbidden: <?xml version=\"1.0\"?><Error><Code>InvalidAccessKeyId</Code>\
                      <AWSAccessKeyId>AKIASECRET</AWSAccessKeyId></Error>";

#[test]
fn the_system_stays_below_the_error_of_a_full_disk() {
    let full = io::Error::from_raw_os_error(28);
    let error = object_store::Error::Generic { store: "LocalFileSystem", source: Box::new(full) };
    let sorted = store_error("write a.parquet", &error);
    assert!(matches!(sorted, SinkError::DiskFull(_)), "{sorted:?}");
    let causes = causes_of(&sorted);
    assert!(causes.last().is_some_and(|cause| cause.starts_with("No space left on device")), "{causes:?}");
}

#[test]
fn a_key_is_kept_in_no_cause() {
    let error = object_store::Error::PermissionDenied { path: "a".to_string(), source: ANSWER.into() };
    let sorted = store_error("read a", &error);
    let causes = causes_of(&sorted);
    assert!(!causes.is_empty());
    for text in causes.iter().chain([&sorted.to_string(), &format!("{sorted:?}")]) {
        assert!(text.contains("InvalidAccessKeyId") && !text.contains("AKIASECRET"), "{text}");
    }
}
