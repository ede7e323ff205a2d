//! The sketch against exact counts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use xxhash_rust::xxh3::xxh3_64;

use super::{REGISTERS, Sketch};

fn sketch_of(values: impl Iterator<Item = u64>) -> Sketch {
    let mut sketch = Sketch::default();
    values.for_each(|value| sketch.insert(xxh3_64(&value.to_le_bytes())));
    sketch
}

#[test]
fn few_values_are_counted_exactly_however_often_they_come() {
    for distinct in [0_u64, 1, 2, 17, 511, 512] {
        assert_eq!(sketch_of((0..distinct * 7).map(|value| value % distinct.max(1))).estimate(), distinct);
    }
}

#[test]
fn many_values_are_estimated_within_four_standard_errors() {
    for distinct in [600_u64, 1_000, 10_000, 200_000] {
        let error = sketch_of(0..distinct).estimate() as f64 / distinct as f64 - 1.0;
        assert!(error.abs() < 4.0 * 1.04 / (REGISTERS as f64).sqrt(), "{distinct}: {error}");
    }
}

#[test]
fn merging_gives_what_one_sketch_would_have_seen_whatever_the_split() {
    for distinct in [50_u64, 700, 5_000] {
        let mut whole = sketch_of(0..distinct);
        for cut in [1, distinct / 3, distinct - 1] {
            let mut left = sketch_of(0..cut);
            left.merge(&sketch_of(cut..distinct));
            assert_eq!(left.encode(), whole.encode(), "{distinct} cut at {cut}");
        }
    }
}

#[test]
fn an_encoded_sketch_reads_back_and_damaged_bytes_do_not() {
    for distinct in [0_u64, 3, 1_000] {
        let mut sketch = sketch_of(0..distinct);
        let bytes = sketch.encode();
        assert_eq!(Sketch::decode(&bytes).unwrap().encode(), bytes);
    }
    assert_eq!(Sketch::decode(&[]), None);
    assert_eq!(Sketch::decode(&[0, 1, 2]), None);
    assert_eq!(Sketch::decode(&[1, 0, 0]), None);
    assert_eq!(Sketch::decode(&[9]), None);
}
