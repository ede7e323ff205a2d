//! Keys: their bytes sort as they do, and nothing is lost on the way.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn any_key() -> impl Strategy<Value = BlockKey> {
    // Few values per part as well as all of them, so that keys agree in their first parts often enough.
    let number = || prop_oneof![0u64..3, any::<u64>()];
    let bucket = prop_oneof![-2i64..3, any::<i64>(), Just(i64::MIN), Just(i64::MAX)];
    let small = || prop_oneof![0u16..3, any::<u16>()];
    (number(), bucket, prop_oneof![0u8..3, any::<u8>()], number(), small(), small()).prop_map(
        |(operator, bucket, section, epoch, writer, sequence)| BlockKey {
            operator: OperatorId(operator),
            bucket,
            section,
            epoch: EpochId(epoch),
            writer,
            sequence,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn bytes_sort_as_the_parts_do(a in any_key(), b in any_key()) {
        // The tuple's order is the oracle: it is the compiler's, not ours.
        let parts = |k: &BlockKey| (k.operator.0, k.bucket, k.section, k.epoch.0, k.writer, k.sequence);
        prop_assert_eq!(a.to_bytes().cmp(&b.to_bytes()), parts(&a).cmp(&parts(&b)));
    }

    #[test]
    fn a_key_survives_its_bytes(a in any_key()) {
        prop_assert_eq!(BlockKey::from_bytes(&a.to_bytes()), Some(a));
    }

    #[test]
    fn a_bucket_range_holds_exactly_its_buckets(a in any_key(), from in -3i64..3, until in -3i64..3) {
        let range = BucketRange { operator: a.operator, from, until };
        let (low, high) = range.bounds();
        let inside = a.to_bytes()[..] >= low[..] && a.to_bytes()[..] < high[..];
        prop_assert_eq!(inside, a.bucket >= from && a.bucket < until);
    }

    #[test]
    fn bounds_of_a_bucket_and_of_an_operator_hold_exactly_theirs(a in any_key(), b in any_key()) {
        let inside = |(low, high): (Vec<u8>, Vec<u8>)| a.to_bytes()[..] >= low[..] && a.to_bytes()[..] < high[..];
        prop_assert_eq!(inside(operator_bounds(b.operator)), a.operator == b.operator);
        prop_assert_eq!(inside(bucket_bounds(b.operator, b.bucket)), (a.operator, a.bucket) == (b.operator, b.bucket));
    }
}

#[test]
fn the_bytes_of_a_key_never_change() {
    let at = BlockKey {
        operator: OperatorId(0x0102_0304_0506_0708),
        bucket: -1,
        section: 9,
        epoch: EpochId(10),
        writer: 0x0b0c,
        sequence: 0x0d0e,
    };
    let expected = [
        1, 2, 3, 4, 5, 6, 7, 8, 0x7f, 255, 255, 255, 255, 255, 255, 255, 9, 0, 0, 0, 0, 0, 0, 0, 10, 0x0b, 0x0c, 0x0d,
        0x0e,
    ];
    assert_eq!(at.to_bytes(), expected);
    assert_eq!(BlockKey::from_bytes(&expected[..28]), None);
    assert_eq!(BlockKey::from_bytes(&[]), None);
}

#[test]
fn the_last_operator_and_the_last_bucket_have_bounds_too() {
    let at = BlockKey {
        operator: OperatorId(u64::MAX),
        bucket: i64::MAX,
        section: u8::MAX,
        epoch: EpochId(u64::MAX),
        writer: u16::MAX,
        sequence: u16::MAX,
    };
    let (low, high) = bucket_bounds(at.operator, at.bucket);
    assert!(at.to_bytes()[..] >= low[..] && at.to_bytes()[..] < high[..]);
}

#[test]
fn an_operators_id_is_the_hash_of_its_name() {
    // xxh3-64 of "abc" by the reference implementation (xxhsum -H3).
    assert_eq!(OperatorId::of("abc"), OperatorId(0x78af_5f94_892f_3950));
}
