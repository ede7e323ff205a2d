//! Equal keys are equal however they are stored; different keys are not; a shard never changes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Field, Fields, Int8Type, Int32Type, Int64Type, TimeUnit};
use state::KeyPartitioning;

use super::{encode::Encoder, hash_keys, stable_hashes};
use crate::keyed::shard_of;

fn bytes(column: &ArrayRef) -> Vec<Vec<u8>> {
    let encoder = Encoder::new(column).unwrap();
    let one = |row| {
        let mut key = Vec::new();
        encoder.append(row, &mut key);
        key
    };
    (0..column.len()).map(one).collect()
}

fn texts() -> ArrayRef {
    Arc::new(StringArray::from(vec![Some("a"), Some(""), None, Some("user-12345"), Some("ü"), Some("a")]))
}

#[test]
fn the_shard_of_a_key_is_pinned() {
    let shards = |columns: &[ArrayRef], partitioning| -> Vec<u8> {
        let hashes = stable_hashes(columns, columns.first().map_or(1, |column| column.len())).unwrap();
        hashes.into_iter().map(|hash| shard_of(hash, partitioning)).collect()
    };
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(0), Some(1), Some(-1), Some(1 << 40), None]));
    let both = [Arc::clone(&numbers), texts().slice(0, 5)];
    // Computed apart from this code: XXH3 of the Python package xxhash over the bytes that `encode` describes; modulo 64, and its highest
    // six bits.
    let pinned: [(&[ArrayRef], &[u8], &[u8]); 5] = [
        (&[texts()], &[30, 39, 27, 45, 42, 30], &[44, 35, 49, 19, 34, 44]),
        (&[numbers], &[0, 55, 12, 40, 27], &[12, 40, 20, 21, 49]),
        (&both, &[22, 46, 61, 2, 20], &[10, 10, 41, 46, 21]),
        (&[window(None)], &[54, 54, 55], &[48, 48, 52]),
        (&[], &[2], &[11]),
    ];
    for (columns, per_operator, by_group) in pinned {
        assert_eq!(shards(columns, KeyPartitioning::PerOperator), per_operator);
        assert_eq!(shards(columns, KeyPartitioning::KeyGroups), by_group);
    }
}

fn window(nulls: Option<NullBuffer>) -> ArrayRef {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let fields = Fields::from(vec![Field::new("start", time.clone(), true), Field::new("end", time, true)]);
    let times = |from: i64| Arc::new(TimestampMicrosecondArray::from(vec![from, from, from + 7]).with_timezone("UTC"));
    Arc::new(StructArray::new(fields, vec![times(0), times(60)], nulls))
}

#[test]
fn texts_are_equal_however_they_are_stored() {
    let expected = bytes(&texts());
    let dictionary = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
    for kind in [DataType::LargeUtf8, DataType::Utf8View, dictionary, DataType::Binary, DataType::BinaryView] {
        assert_eq!(bytes(&cast(&texts(), &kind).unwrap()), expected, "{kind}");
    }
    assert_eq!(bytes(&texts().slice(2, 3)), expected[2..5]);
}

#[test]
fn whole_numbers_are_equal_whatever_their_width() {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(0), Some(5), None, Some(100)]));
    let kinds = [DataType::Int8, DataType::Int16, DataType::Int32, DataType::UInt8, DataType::UInt32, DataType::UInt64];
    for kind in kinds {
        assert_eq!(bytes(&cast(&numbers, &kind).unwrap()), bytes(&numbers), "{kind}");
    }
    let large: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
    let negative: ArrayRef = Arc::new(Int64Array::from(vec![-1]));
    assert_ne!(bytes(&large), bytes(&negative));
}

#[test]
fn zeros_and_nans_are_one_key_also_inside_of_lists_and_structs() {
    let nan = f64::from_bits(f64::NAN.to_bits() | 1);
    let floats = vec![0.0, -0.0, f64::NAN, nan, 1.5];
    let column: ArrayRef = Arc::new(Float64Array::from(floats.clone()));
    let field = Arc::new(Field::new("item", DataType::Float64, true));
    let lists: ArrayRef =
        Arc::new(ListArray::new(field, OffsetBuffer::from_lengths([1; 5]), Arc::clone(&column), None));
    let fields = Fields::from(vec![Field::new("f", DataType::Float64, true)]);
    let structs: ArrayRef = Arc::new(StructArray::new(fields, vec![Arc::clone(&column)], None));
    let narrow = cast(&column, &DataType::Float32).unwrap();
    for column in [column, lists, structs, narrow] {
        let keys = bytes(&column);
        assert!(keys[0] == keys[1] && keys[2] == keys[3], "{}", column.data_type());
        assert!(keys[0] != keys[2] && keys[0] != keys[4] && keys[2] != keys[4]);
    }
}

/// Rows that are all different, in every kind of column.
fn different() -> Vec<ArrayRef> {
    let lists = |rows: Vec<Option<Vec<Option<i64>>>>| Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(rows));
    let list = lists(vec![
        None,
        Some(vec![]),
        Some(vec![None]),
        Some(vec![None, None]),
        Some(vec![Some(0)]),
        Some(vec![Some(0), Some(0)]),
        Some(vec![Some(1), Some(2)]),
        Some(vec![Some(2), Some(1)]),
    ]);
    let fixed = FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(
        vec![None, Some(vec![Some(1), Some(2)]), Some(vec![Some(2), Some(1)]), Some(vec![None, Some(1)])],
        2,
    );
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for entries in [vec![], vec![("a", 1)], vec![("a", 2)], vec![("a", 1), ("b", 1)], vec![("a1", 1)]] {
        for (key, value) in entries {
            maps.keys().append_value(key);
            maps.values().append_value(value);
        }
        maps.append(true).unwrap();
    }
    let pair = |first: ArrayRef, second: ArrayRef, nulls| -> ArrayRef {
        let field = |name: &str, column: &ArrayRef| Field::new(name, column.data_type().clone(), true);
        let fields = Fields::from(vec![field("a", &first), field("b", &second)]);
        Arc::new(StructArray::new(fields, vec![first, second], nulls))
    };
    let one: ArrayRef = Arc::new(StringArray::from(vec![Some("ab"), Some("a"), None, Some(""), None, None]));
    let two: ArrayRef = Arc::new(StringArray::from(vec![Some("c"), Some("bc"), Some("abc"), Some("abc"), None, None]));
    let nulls = NullBuffer::from(vec![true, true, true, true, true, false]);
    vec![
        list,
        Arc::new(fixed),
        Arc::new(maps.finish()),
        pair(one, two, Some(nulls)),
        Arc::new(Decimal128Array::from(vec![Some(0), Some(1), Some(-1), Some(i128::MAX), None])),
        Arc::new(IntervalMonthDayNanoArray::from(vec![
            None,
            Some(arrow::datatypes::IntervalMonthDayNano::new(1, 0, 0)),
        ])),
        Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
        Arc::new(FixedSizeBinaryArray::try_from_iter([[0_u8, 1], [1, 0], [0, 0]].into_iter()).unwrap()),
        Arc::new(StringArray::from(vec![Some(""), Some("\0"), Some("\0\0"), Some("a"), Some("a\0"), None])),
        Arc::new(Float64Array::from(vec![
            Some(0.0),
            Some(f64::MIN_POSITIVE),
            Some(f64::INFINITY),
            Some(f64::NAN),
            None,
        ])),
    ]
}

#[test]
fn different_keys_have_different_bytes_and_none_begins_another() {
    for column in different() {
        let keys = bytes(&column);
        for (at, key) in keys.iter().enumerate() {
            for (other_at, other) in keys.iter().enumerate().filter(|(other, _)| *other != at) {
                // What begins no other key can be put together with the next column without being mistaken.
                assert!(!other.starts_with(key), "{} rows {at}, {other_at}", column.data_type());
            }
        }
        let twice = concat(&[column.as_ref(), column.as_ref()]).unwrap();
        assert_eq!(bytes(&twice.slice(keys.len(), keys.len())), keys, "the second half of {}", column.data_type());
    }
}

#[test]
fn keys_of_two_columns_are_not_mistaken() {
    let first: ArrayRef = Arc::new(StringArray::from(vec!["ab", "a", ""]));
    let second: ArrayRef = Arc::new(StringArray::from(vec!["c", "bc", "abc"]));
    let keys = hash_keys(&[first, second], 3).unwrap().keys;
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
}

#[test]
fn nulls_are_told_also_those_among_the_values_of_a_dictionary() {
    let values: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
    let keys = Int8Array::from(vec![Some(0), Some(1), None]);
    let column: ArrayRef = Arc::new(DictionaryArray::<Int8Type>::new(keys, values));
    let hashes = hash_keys(&[column], 3).unwrap();
    assert_eq!(hashes.has_null, Some(vec![false, true, true]));
    assert_eq!(hashes.keys[1], hashes.keys[2]);
    assert_eq!(hash_keys(&[window(None)], 3).unwrap().has_null, None);
    let null = NullBuffer::from(vec![true, false, true]);
    assert_eq!(hash_keys(&[window(Some(null))], 3).unwrap().has_null, Some(vec![false, true, false]));
}

#[test]
fn many_keys_spread_over_the_shards() {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..64_000));
    let mut counts: BTreeMap<u8, usize> = BTreeMap::new();
    let shards = stable_hashes(&[column], 64_000).unwrap().into_iter();
    let shards = shards.map(|hash| shard_of(hash, KeyPartitioning::KeyGroups));
    shards.for_each(|shard| *counts.entry(shard).or_default() += 1);
    assert_eq!(counts.len(), 64);
    assert!(counts.values().all(|count| (850..1_150).contains(count)), "{counts:?}");
}
