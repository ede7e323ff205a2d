//! Seals: every flipped bit is found.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;

fn place() -> String {
    "the value".to_string()
}

#[test]
fn what_was_sealed_comes_back() {
    for length in [0, 1, 8, 9, 10, 240, 241, 5000] {
        let value: Vec<u8> = (0..length).map(|at| at as u8).collect();
        let sealed = seal(b"key", value.clone());
        assert_eq!(sealed.len(), length + SEAL_BYTES);
        assert_eq!(open(b"key", sealed.clone(), place).unwrap(), value);
        assert_eq!(open_borrowed(b"key", &sealed, place).unwrap(), value);
    }
}

#[test]
fn every_flipped_bit_is_found() {
    let sealed = seal(b"key", (0..100).collect());
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match open(b"key", flipped, place) {
            Err(StateError::Corrupt { place, .. }) => assert_eq!(place, "the value"),
            other => panic!("bit {bit}: {other:?}"),
        }
    }
}

#[test]
fn a_newer_format_is_not_called_damage() {
    let value = b"value";
    let mut sealed = value.to_vec();
    sealed.extend_from_slice(&checksum(b"key", value, FORMAT + 1).to_le_bytes());
    sealed.push(FORMAT + 1);
    assert!(matches!(open(b"key", sealed, place), Err(StateError::Format { found: 2, supported: 1, .. })));
}

#[test]
fn a_value_under_another_key_is_found() {
    let sealed = seal(b"key", vec![1, 2, 3]);
    assert!(matches!(open(b"kez", sealed, place), Err(StateError::Corrupt { .. })));
}

#[test]
fn a_value_cut_short_is_found() {
    let sealed = seal(b"key", vec![1, 2, 3]);
    for length in 0..sealed.len() {
        assert!(open(b"key", sealed[..length].to_vec(), place).is_err(), "{length} bytes");
    }
}
