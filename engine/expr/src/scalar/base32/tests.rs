//! Base32, there and back.
use super::{decode, encode};

#[test]
fn every_length_comes_back() {
    for length in 0..40 {
        let bytes: Vec<u8> = (0..length).map(|at: u8| at.wrapping_mul(37)).collect();
        assert_eq!(decode(encode(&bytes).as_bytes()), bytes);
    }
}
