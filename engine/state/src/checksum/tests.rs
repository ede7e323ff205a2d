//! Checksums: every flipped bit is found, and the bytes on the disk stay what they are.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;

fn place() -> String {
    "the value".to_string()
}

#[test]
fn what_was_stored_comes_back() {
    for length in [0, 1, 8, 9, 10, 240, 241, 5000] {
        let value: Vec<u8> = (0..length).map(|at| at as u8).collect();
        let stored = append_checksum(b"key", value.clone());
        assert_eq!(stored.len(), length + CHECKSUM_BYTES);
        assert_eq!(strip_checksum(b"key", stored.clone(), place).unwrap(), value);
        assert_eq!(verify_checksum(b"key", &stored, place).unwrap(), value);
    }
}

#[test]
fn the_stored_bytes_never_change() {
    let stored = append_checksum(b"key", b"value".to_vec());
    assert_eq!(stored, [b"value".as_slice(), &[185, 210, 174, 198, 229, 206, 255, 6], &[1]].concat());
}

#[test]
fn every_flipped_bit_is_found() {
    let stored = append_checksum(b"key", (0..100).collect());
    for bit in 0..stored.len() * 8 {
        let mut flipped = stored.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match strip_checksum(b"key", flipped, place) {
            Err(StateError::Corrupt { place, .. }) => assert_eq!(place, "the value"),
            other => panic!("bit {bit}: {other:?}"),
        }
    }
}

#[test]
fn a_newer_format_is_not_called_damage() {
    let value = b"value";
    let mut stored = value.to_vec();
    stored.extend_from_slice(&checksum_of(b"key", value, FORMAT + 1).to_le_bytes());
    stored.push(FORMAT + 1);
    assert!(matches!(strip_checksum(b"key", stored, place), Err(StateError::Format { found: 2, supported: 1, .. })));
}

#[test]
fn a_value_under_another_key_is_found() {
    let stored = append_checksum(b"key", vec![1, 2, 3]);
    assert!(matches!(strip_checksum(b"kez", stored, place), Err(StateError::Corrupt { .. })));
}

#[test]
fn a_value_cut_short_is_found() {
    let stored = append_checksum(b"key", vec![1, 2, 3]);
    for length in 0..stored.len() {
        assert!(strip_checksum(b"key", stored[..length].to_vec(), place).is_err(), "{length} bytes");
    }
}
