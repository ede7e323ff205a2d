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
        Err(SinkError::Settings(text)) => text.to_string(),
        other => panic!("{location}: {other:?}"),
    }
}

#[test]
fn what_is_missing_is_named() {
    assert!(refusal("s3://bucket/x", &[("AWS_EC2_METADATA_DISABLED", "true")]).contains("AWS_ACCESS_KEY_ID"));
    assert!(refusal("s3://bucket/x", &FULL[1..]).contains("AWS_ACCESS_KEY_ID"));
    assert!(refusal("s3://bucket/x", &FULL[..1]).contains("AWS_SECRET_ACCESS_KEY"));
    assert!(refusal("s3://bucket/x", &FULL[..3]).contains("AWS_ALLOW_HTTP=true"));
    assert!(refusal("s3:///x", FULL).contains("bucket"));
    assert!(refusal("gs://bucket/x", FULL).contains("s3://bucket/prefix"));
    assert!(refusal("", &[]).contains("empty"));
    let empty = [("AWS_ACCESS_KEY_ID", ""), ("AWS_EC2_METADATA_DISABLED", "true")];
    assert!(refusal("s3://bucket/x", &empty).contains("AWS_ACCESS_KEY_ID"));
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

#[test]
fn a_folder_that_delta_readers_take_for_another_is_refused_before_it_is_made() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a%20b", "x%ce", "back\\slash"] {
        let inner = folder.path().join(name).join("ware");
        let text = refusal(inner.to_str().unwrap(), &[]);
        assert!(text.contains(name) && text.contains("another name"), "{text}");
        assert!(!inner.exists(), "{text}");
        // A way to it by another name is no way out.
        std::fs::create_dir_all(&inner).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&inner, &link).unwrap();
        assert!(refusal(link.to_str().unwrap(), &[]).contains("another name"));
        std::fs::remove_file(link).unwrap();
    }
    for name in ["100%", "a%b", "5%zz", "mit ümlaut", "a#b?c"] {
        assert!(open(folder.path().join(name).to_str().unwrap(), &[]).is_ok(), "{name}");
    }
    assert!(refusal("s3://bucket/a%2520b", FULL).contains("another name"));
    assert!(open("s3://bucket/a%20b", FULL).is_ok());
}
