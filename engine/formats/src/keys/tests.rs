//! Keys are found whatever was predicted.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn every_key_is_found_in_every_order(
        names in prop::collection::vec("[a-zé_]{0,20}", 0..40),
        read in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..100),
    ) {
        let mut keys = Keys::new(names.iter().map(String::as_str));
        let mut before = UNKNOWN;
        for (index, unknown) in read {
            let name = if names.is_empty() || unknown { "other KEY" } else { index.get(&names) };
            let expected = names.iter().position(|known| known == name).map_or(UNKNOWN, |index| index as u16);
            let record = format!("  \"{name}\" : 1");
            let (found, value) = keys.read(record.as_bytes(), 2, before).unwrap();
            prop_assert_eq!(found, expected);
            prop_assert_eq!(value, record.len() - 1);
            before = found;
        }
    }
}

#[test]
fn a_key_is_found_by_its_escapes_and_not_by_a_prefix() {
    let mut keys = Keys::new(["a", "ab", "über"]);
    for (record, expected) in [
        (r#""\u0061":1"#, 0),
        (r#""a\u0062":1"#, 1),
        (r#""\u00fcber":1"#, 2),
        (r#""abc":1"#, UNKNOWN),
        (r#""":1"#, UNKNOWN),
    ] {
        assert_eq!(keys.read(record.as_bytes(), 0, UNKNOWN).unwrap().0, expected, "{record}");
    }
    assert!(keys.read(b"a:1", 0, UNKNOWN).is_err());
    assert!(keys.read(b"\"a\" 1", 0, UNKNOWN).is_err());
    assert!(keys.read(b"\"a", 0, UNKNOWN).is_err());
}
