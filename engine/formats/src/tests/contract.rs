//! What each type takes, in words of the contract; and the words of rejects.

use arrow::util::display::{ArrayFormatter, FormatOptions};
use job::{Column, DataType};

use super::{column, columns, decode, flush};
use crate::limits::{BATCH_BYTES_MAX, REASON_BYTES_MAX, RECORD_BYTES_MAX};
use crate::{Decoder, JsonDecoder, RawDecoder};

/// The one value of the record, as Arrow prints it; or the reason of its reject.
fn one(data_type: DataType, value: &str) -> Result<String, String> {
    let (batch, rejects) = decode(&[column("x", data_type)], &[format!("{{\"x\":{value}}}")]);
    match rejects.into_iter().next() {
        Some(reject) => Err(reject.reason),
        None => {
            let options = FormatOptions::new().with_null("NULL");
            Ok(ArrayFormatter::try_new(batch.column(0), &options).unwrap().value(0).to_string())
        }
    }
}

fn list(element: DataType) -> DataType {
    DataType::Array(Box::new(element))
}

#[test]
fn values_are_taken_as_the_contract_says() {
    use DataType::*;
    for (data_type, value, expected) in [
        (Int, "2147483647", "2147483647"),
        (Int, "-2147483648", "-2147483648"),
        (Int, "1.0", "1"),
        (Int, "1e2", "100"),
        (Int, "-0", "0"),
        (Int, "null", "NULL"),
        (BigInt, "9223372036854775807", "9223372036854775807"),
        (BigInt, "-9223372036854775808", "-9223372036854775808"),
        (BigInt, "9.223372036854775807e18", "9223372036854775807"),
        (Double, "1", "1.0"),
        (Double, "1e-400", "0.0"),
        (Double, "-1.5e3", "-1500.0"),
        (Float, "0.1", "0.1"),
        (Boolean, "true", "true"),
        (String, "1.50", "1.50"),
        (String, "true", "true"),
        (String, "null", "NULL"),
        (String, r#"{"a": [1, "b"]}"#, r#"{"a": [1, "b"]}"#),
        (String, r#""\ud834\udd1e\t\"\/""#, "\u{1d11e}\t\"/"),
        (String, r#""\ud87e\udc00\uDBFF\uDFFF""#, "\u{2f800}\u{10ffff}"),
        (Binary, r#""AP+A""#, "00ff80"),
        (Binary, r#""\/w==""#, "ff"),
        (Binary, r#""_w==""#, "!"),
        (Binary, r#""/w""#, "ff"),
        (Date, r#""2026-01-31""#, "2026-01-31"),
        (Date, r#""2026-01\u002d31""#, "2026-01-31"),
        (Timestamp, r#""2026-01-31 10:20:30.5+02:00""#, "2026-01-31T08:20:30.500Z"),
        (Timestamp, "1767225600", "2026-01-01T00:00:00Z"),
        (Timestamp, "-1", "1969-12-31T23:59:59Z"),
        (Decimal(5, 2), "1.005", "1.01"),
        (Decimal(5, 2), "999.99", "999.99"),
        (Decimal(5, 2), r#""-12.345""#, "-12.35"),
        (Decimal(38, 0), "99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
        (list(Int), "[1,null,3]", "[1, NULL, 3]"),
        (list(list(Int)), "[[],null,[1]]", "[[], NULL, [1]]"),
        (Map(Box::new(Int)), r#"{"a":1,"b":null,"\u0061":2}"#, "{a: 2, b: NULL}"),
        (Struct(vec![("a".to_owned(), Int), ("b".to_owned(), String)]), r#"{"b":1,"a":2,"c":[]}"#, "{a: 2, b: 1}"),
        (Struct(vec![("a".to_owned(), Int)]), r#"{"a":"x","a":2}"#, "{a: 2}"),
        (Struct(vec![("a".to_owned(), Int)]), "{}", "{a: NULL}"),
    ] {
        let result = one(data_type.clone(), value);
        match expected {
            "!" => assert!(result.is_err(), "{data_type:?} {value}"),
            _ => assert_eq!(result.as_deref(), Ok(expected), "{data_type:?} {value}"),
        }
    }
}

#[test]
fn reasons_name_field_expected_and_found() {
    use DataType::*;
    let item = Struct(vec![("price".to_owned(), Double)]);
    for (data_type, value, expected) in [
        (Double, r#""abc""#, r#"field "x": expected double, found string "abc""#),
        (Double, "1e400", r#"field "x": expected double, found number 1e400, out of range"#),
        (Float, "1e39", r#"field "x": expected float, found number 1e39, out of range"#),
        (Int, "2147483648", r#"field "x": expected int, found number 2147483648, out of range"#),
        (Int, "1.5", r#"field "x": expected int, found number 1.5"#),
        (Int, r#""5""#, r#"field "x": expected int, found string "5""#),
        (Int, "1e99999", r#"field "x": expected int, found number 1e99999, out of range"#),
        (
            BigInt,
            "9223372036854775808",
            r#"field "x": expected bigint, found number 9223372036854775808, out of range"#,
        ),
        (Boolean, "1", r#"field "x": expected boolean, found number 1"#),
        (Boolean, r#""true""#, r#"field "x": expected boolean, found string "true""#),
        (Date, r#""2026-02-29""#, r#"field "x": expected date (yyyy-mm-dd), found string "2026-02-29""#),
        (Timestamp, r#""soon""#, r#"field "x": expected timestamp (ISO-8601), found string "soon""#),
        (Timestamp, "1.5", r#"field "x": expected timestamp (ISO-8601), found number 1.5"#),
        (
            Timestamp,
            "1767225600000",
            r#"field "x": expected timestamp (ISO-8601), found number 1767225600000, seconds since 1970 out of range"#,
        ),
        (Decimal(5, 2), "1000", r#"field "x": expected decimal(5,2), found number 1000, out of range"#),
        (Decimal(5, 2), r#""1,5""#, r#"field "x": expected decimal(5,2), found string "1,5""#),
        (Binary, r#""?""#, r#"field "x": expected binary (base64), found string "?""#),
        (list(Int), r#"{"a":1}"#, r#"field "x": expected array, found object {"a":1}"#),
        (
            list(item.clone()),
            r#"[{},{},{},{"price":"free"}]"#,
            r#"field "x[3].price": expected double, found string "free""#,
        ),
        (Map(Box::new(list(Int))), r#"{"k":[1,true]}"#, r#"field "x["k"][1]": expected int, found boolean true"#),
        (item, "[]", r#"field "x": expected struct (object), found array []"#),
    ] {
        assert_eq!(one(data_type, value), Err(expected.to_owned()));
    }
}

#[test]
fn reasons_tell_where_a_text_stops_being_an_object() {
    let columns = columns(&[("a", DataType::Int)]);
    for (record, expected) in [
        (&b""[..], "empty value at byte 0"),
        (b"  \n", "empty value at byte 3"),
        (b"[1]", "expected '{' at byte 0"),
        (b"1", "expected '{' at byte 0"),
        (b"{\"a\":1", "expected ',' or '}' at byte 6"),
        (b"{\"a\":1 \"b\":2}", "expected ',' or '}' at byte 7"),
        (b"{\"a\":1,}", "expected a key in quotes at byte 7"),
        (b"{,}", "expected a key in quotes at byte 1"),
        (b"{\"a\":1}{\"a\":2}", "more text after the object at byte 7"),
        (b"{\"a\":01}", "leading zero in a number at byte 5"),
        (b"{\"a\":1.}", "expected a digit at byte 7"),
        (b"{\"a\":NaN}", "expected a value at byte 5"),
        (b"{\"b\":\"\\x\"}", "unknown escape in a string at byte 6"),
        (b"{\"b\":\"\\ud800\"}", "lone surrogate in a string at byte 6"),
        (b"{\"b\":\"\n\"}", "control character in a string at byte 6"),
        (b"{\"b\":\"x", "string without end at byte 7"),
        (b"{\"b\":\"\xff\"}", "invalid UTF-8 at byte 6"),
        (b"\xef\xbb\xbf{}", "expected '{' at byte 0"),
    ] {
        let (_, rejects) = decode(&columns, &[record]);
        assert_eq!(rejects[0].reason, format!("not a JSON object: {expected}"));
    }
}

#[test]
fn a_reason_is_short_whatever_the_record() {
    let long = "\u{20ac}".repeat(1000);
    let nested = DataType::Struct(vec![(long.clone(), DataType::Int)]);
    let (_, rejects) = decode(&columns(&[(&long, nested)]), &[format!("{{\"{long}\":{{\"{long}\":\"{long}\"}}}}")]);
    assert!(rejects[0].reason.len() <= REASON_BYTES_MAX);
    assert!(rejects[0].reason.contains("expected int, found string"), "{}", rejects[0]);
}

#[test]
fn a_required_field_must_have_a_value() {
    let id = Column { required: true, ..column("id", DataType::Int) };
    let copy = Column { name: "copy".to_owned(), ..id.clone() };
    let columns = [column("other", DataType::Int), id, copy];
    let records =
        [r#"{"id":1}"#, r#"{"other":1}"#, r#"{"id":null}"#, "{}", r#"{"id":1,"id":null}"#, r#"{"id":null,"id":2}"#];
    let (batch, rejects) = decode(&columns, &records);
    assert_eq!(batch.num_rows(), 2);
    assert_eq!(rejects.len(), 4);
    assert!(rejects.iter().all(|reject| reject.reason == r#"field "id" is missing"#), "{rejects:?}");
}

#[test]
fn two_columns_can_read_one_field() {
    let text = Column { field: "at".to_owned(), ..column("text", DataType::String) };
    let time = Column { field: "at".to_owned(), ..column("time", DataType::Timestamp) };
    let (batch, rejects) = decode(&[text, time], &[r#"{"at":"2026-01-01"}"#, r#"{"at":"never"}"#, "{}"]);
    assert_eq!(rejects.len(), 1);
    let printed = arrow::util::pretty::pretty_format_batches(&[batch]).unwrap().to_string();
    assert!(printed.contains("| 2026-01-01 | 2026-01-01T00:00:00Z |"), "{printed}");
}

#[test]
fn the_newest_event_time_is_that_of_rows_taken() {
    let columns = columns(&[("at", DataType::Timestamp), ("n", DataType::Int)]);
    let mut decoder = JsonDecoder::new(&columns).with_event_time(0);
    assert_eq!(decoder.event_time_max_us(), None);
    for (record, expected) in [
        (r#"{"n":1}"#, None),
        (r#"{"at":5}"#, Some(5_000_000)),
        (r#"{"at":9,"n":"x"}"#, Some(5_000_000)),
        (r#"{"at":3}"#, Some(5_000_000)),
        (r#"{"at":null}"#, Some(5_000_000)),
        (r#"{"at":8,"at":7}"#, Some(7_000_000)),
    ] {
        let _ = decoder.push(record.as_bytes());
        assert_eq!(decoder.event_time_max_us(), expected, "{record}");
    }
    flush(&mut decoder);
    assert_eq!(decoder.event_time_max_us(), None);
}

#[test]
fn records_past_a_limit_are_rejected_and_leave_the_rest() {
    let record = |bytes: usize| format!("{{\"s\":\"{}\"}}", "x".repeat(bytes - 8));
    let records = [record(100), record(RECORD_BYTES_MAX + 1), record(RECORD_BYTES_MAX)];
    let (batch, rejects) = decode(&columns(&[("s", DataType::String)]), &records);
    assert_eq!(batch.num_rows(), 2);
    assert!(rejects[0].reason.contains("16777216"), "{}", rejects[0]);
    assert!(crate::size::check_batch(1, BATCH_BYTES_MAX - 1).is_ok());
    assert!(crate::size::check_batch(2, BATCH_BYTES_MAX - 1).unwrap_err().reason.contains("limit"));
}

#[test]
fn raw_keeps_every_value() {
    let mut decoder = RawDecoder::new(&[]);
    for value in [&b"\xff\x00"[..], b"", b"{}"] {
        decoder.push(value).unwrap();
    }
    assert_eq!((decoder.rows(), decoder.bytes()), (3, 4));
    let arrays = decoder.flush().unwrap();
    let expected = arrow::array::BinaryArray::from_vec(vec![&b"\xff\x00"[..], b"", b"{}"]);
    assert_eq!(arrays[0].to_data(), expected.into());
    assert_eq!(decoder.schema().field(0).name(), "value");
    let mut text = RawDecoder::new(&columns(&[("line", DataType::String)]));
    text.push(b"a\xff").unwrap();
    assert_eq!(text.flush().unwrap()[0].to_data(), arrow::array::StringArray::from(vec!["a\u{fffd}"]).into());
}
