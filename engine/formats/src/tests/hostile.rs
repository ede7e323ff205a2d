//! Records that are wrong in every way: rejected, without a trace and without a panic.

use job::DataType;
use proptest::prelude::*;

use super::rows::{schema, schema_and_records};
use super::{columns, decode};
use crate::limits::REASON_BYTES_MAX;
use crate::{Decoder, JsonDecoder};

const GOOD: &str = r#"{"id":7,"name":"\u00e4 b","price":1.5,"items":[{"n":1,"tags":["a"]},{"n":null}],"at":"2026-01-01T00:00:00Z","m":{"k":1}}"#;

fn shop() -> Vec<job::Column> {
    let tags = DataType::Array(Box::new(DataType::String));
    let item = DataType::Struct(vec![("n".to_owned(), DataType::Int), ("tags".to_owned(), tags)]);
    columns(&[
        ("id", DataType::BigInt),
        ("name", DataType::String),
        ("price", DataType::Double),
        ("items", DataType::Array(Box::new(item))),
        ("at", DataType::Timestamp),
        ("m", DataType::Map(Box::new(DataType::Int))),
        ("ok", DataType::Boolean),
        ("raw", DataType::Binary),
    ])
}

/// A thousand records of each kind of damage to [`GOOD`].
fn damaged() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let many = |make: &dyn Fn(usize) -> Vec<u8>| (0..1000).map(make).collect::<Vec<_>>();
    let good = GOOD.as_bytes();
    let replaced = |from: &str, to: String| GOOD.replacen(from, &to, 1).into_bytes();
    vec![
        ("cut off", many(&|i| good[..i % good.len()].to_vec())),
        ("cut off at the front", many(&|i| good[1 + i % (good.len() - 1)..].to_vec())),
        ("doubled", many(&|i| [good, &vec![b' '; i], good].concat())),
        (
            "not UTF-8",
            many(&|i| {
                let mut record = good.to_vec();
                record[i % good.len()] = 0x80 | i as u8;
                record
            }),
        ),
        ("control characters", many(&|i| replaced(" b", char::from(i as u8 % 0x20).to_string()))),
        ("wrong type", many(&|i| replaced("1.5", format!("\"{i}\"")))),
        ("wrong type inside", many(&|i| replaced("\"n\":null", format!("\"n\":\"{i}\"")))),
        ("wrong type in a map", many(&|i| replaced("\"k\":1", format!("\"k\":1,\"l\":[{i}]")))),
        ("too large a number", many(&|i| replaced("1.5", format!("1e{}", 309 + i)))),
        ("too long a number", many(&|i| replaced("1.5", "9".repeat(1001 + i)))),
        ("bad base64 in the end", many(&|i| replaced("\"m\"", format!("\"raw\":\"AAAA{i}?\",\"m\"")))),
        ("impossible date", many(&|i| replaced("2026-01-01", format!("2026-02-{}", 29 + i % 70)))),
        ("too deep", many(&|i| replaced("1.5", format!("{}1{}", "[".repeat(64 + i), "]".repeat(64 + i))))),
        ("bad escape", many(&|i| replaced("\\u00e4", format!("\\{}", ['a', 'x', 'u', '0', '\''][i % 5])))),
        ("lone surrogate", many(&|i| replaced("\\u00e4", format!("\\u{:04x}", 0xD800 + i)))),
        ("not an object", many(&|i| format!("[{GOOD},{i}]").into_bytes())),
    ]
}

#[test]
fn a_thousand_damaged_records_of_every_kind_leave_no_trace() {
    let columns = shop();
    let (expected, _) = decode(&columns, &[GOOD; 500]);
    for (kind, records) in damaged() {
        let mut decoder = JsonDecoder::new(&columns).with_event_time(4);
        for (index, record) in records.iter().enumerate() {
            let reject = decoder.push(record).expect_err(kind);
            assert!(reject.reason.len() <= REASON_BYTES_MAX, "{kind}: {reject}");
            assert!(
                reject.reason.starts_with("field \"") || reject.reason.starts_with("not a JSON object: "),
                "{kind}: {reject}"
            );
            if index % 2 == 0 {
                decoder.push(GOOD.as_bytes()).unwrap();
            }
        }
        assert_eq!(super::flush(&mut decoder), expected, "{kind}");
    }
}

#[test]
fn a_million_open_brackets_are_rejected() {
    for opening in ["[", "{\"items\":", "{\"a\":[", "{\"m\":{\"k\":"] {
        let brackets = opening.repeat(1_000_000);
        let record = format!("{{\"x\":{brackets}");
        let (batch, rejects) = decode(&shop(), &[&brackets, &record]);
        assert_eq!((batch.num_rows(), rejects.len()), (0, 2));
    }
}

/// One change to the bytes of a record.
fn mutate(record: &mut Vec<u8>, place: prop::sample::Index, how: u8, byte: u8) {
    if record.is_empty() {
        return;
    }
    let at = place.index(record.len());
    match how % 5 {
        0 => record[at] = byte,
        1 => record.truncate(at),
        2 => record.insert(at, byte),
        3 => drop(record.remove(at)),
        _ => record[at] = b"{}[]\",:\\e-.0n"[byte as usize % 13],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn rejected_rows_leave_no_trace((columns, records) in schema_and_records(), damage in prop::collection::vec(
        (any::<prop::sample::Index>(), any::<u8>(), any::<u8>()), 20,
    )) {
        let mut mixed = JsonDecoder::new(&columns);
        let mut kept = Vec::new();
        for (record, (place, how, byte)) in records.iter().zip(damage) {
            let mut damaged = record.clone().into_bytes();
            mutate(&mut damaged, place, how, byte);
            for bytes in [damaged, record.clone().into_bytes()] {
                let rows = mixed.rows();
                let taken = mixed.push(&bytes).is_ok();
                prop_assert_eq!(mixed.rows(), rows + usize::from(taken));
                // What is not JSON to serde_json must not be taken (it may be JSON and not fit).
                let json = serde_json::from_slice::<serde_json::Value>(&bytes);
                // serde_json cannot hold 1e999, which we keep as the text of a string.
                let object = json.map_or_else(|error| error.to_string().contains("out of range"), |value| value.is_object());
                prop_assert!(!taken || object, "{:?}", String::from_utf8_lossy(&bytes));
                if taken {
                    kept.push(bytes);
                }
            }
        }
        let (expected, rejects) = decode(&columns, &kept);
        prop_assert_eq!(rejects, vec![]);
        prop_assert_eq!(super::flush(&mut mixed), expected);
    }

    #[test]
    fn no_bytes_make_it_panic(columns in schema(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (batch, rejects) = decode(&columns, &[bytes]);
        prop_assert_eq!(batch.num_rows() + rejects.len(), 1);
    }

    #[test]
    fn no_change_to_a_record_makes_it_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<u8>()), 1..6)) {
        let mut record = GOOD.as_bytes().to_vec();
        for (place, how, byte) in changes {
            mutate(&mut record, place, how, byte);
        }
        let (batch, rejects) = decode(&shop(), &[record]);
        prop_assert_eq!(batch.num_rows() + rejects.len(), 1);
    }
}
