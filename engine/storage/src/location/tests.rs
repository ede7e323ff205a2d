//! Locations and the environment: every missing key is named, no key is printed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;

const FULL: &[(&str, &str)] = &[
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "hush-hush"),
    ("AWS_ENDPOINT_URL", "http://127.0.0.1:9000"),
    ("AWS_ALLOW_HTTP", "true"),
];

fn open(location: &str, variables: &[(&str, &str)]) -> Result<Location, SinkError> {
    let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_string());
    Location::with_variables(location, &find)
}

fn refusal(location: &str, variables: &[(&str, &str)]) -> String {
    match open(location, variables) {
        Err(SinkError::Settings(text)) => text,
        other => panic!("{location}: {other:?}"),
    }
}

#[test]
fn what_is_missing_is_named() {
    assert!(refusal("s3://bucket/x", &[]).contains("AWS_ACCESS_KEY_ID"));
    assert!(refusal("s3://bucket/x", &FULL[..1]).contains("AWS_SECRET_ACCESS_KEY"));
    assert!(refusal("s3://bucket/x", &FULL[..3]).contains("AWS_ALLOW_HTTP=true"));
    assert!(refusal("s3:///x", FULL).contains("bucket"));
    assert!(refusal("gs://bucket/x", FULL).contains("s3://bucket/prefix"));
    assert!(refusal("", &[]).contains("empty"));
    assert!(refusal("s3://bucket/x", &[("AWS_ACCESS_KEY_ID", "")]).contains("AWS_ACCESS_KEY_ID"));
}

#[test]
fn keys_are_not_printed() {
    let location = open("s3://bucket/lake", FULL).unwrap();
    let shown = format!("{location:?}");
    assert!(shown.contains("s3://bucket/lake/"), "{shown}");
    assert!(!shown.contains("hush") && !shown.contains("AKID"), "{shown}");
}

#[test]
fn a_local_folder_is_made_and_absolute() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("with space/ware");
    let location = open(inner.to_str().unwrap(), &[]).unwrap();
    assert!(inner.is_dir());
    assert_eq!(location.url.scheme(), "file");
    assert!(location.url.path().ends_with("with%20space/ware/"));
    assert_eq!(location.folder.unwrap(), inner.canonicalize().unwrap());
}
