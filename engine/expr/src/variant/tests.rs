//! Variants, against what Spark gives.
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int32Array, ListArray};
use arrow::datatypes::{DataType, Int32Type};

use super::{
    Casting, Edit, Item, Shape, appended, changed, column, deleted, find, has_variant, is_variant, item_of_json,
    items_of, parse_path, read, shape_of, text_of, type_with_json, variant, with_json, without_nulls, write,
};

const TEXTS: [&str; 9] = [
    "null",
    "true",
    "-12",
    "1.25",
    "\"x\"",
    "[]",
    "{}",
    "[1,\"a\",{\"k\":[null,2.5]}]",
    "{\"a\":1,\"b\":{\"c\":[true,null,\"x\"]},\"ä\":\"é\"}",
];

fn item(text: &str) -> Item {
    item_of_json(text).unwrap()
}

#[test]
fn what_is_written_is_read_back_and_has_its_json() {
    let items: Vec<Item> = TEXTS.iter().map(|text| item(text)).collect();
    let written = write(items.iter().map(Some).chain([None])).unwrap();
    assert!(is_variant(written.data_type()) && written.is_null(TEXTS.len()));
    let back = read(&written).unwrap();
    assert_eq!(back.iter().flatten().collect::<Vec<_>>(), items.iter().collect::<Vec<_>>());
    assert_eq!(back[TEXTS.len()], None);
    for (text, item) in TEXTS.iter().zip(&items) {
        assert_eq!(item.json(), *text);
    }
}

/// Spark 4.3 says so.
#[test]
fn numbers_are_whole_then_decimal_then_double() {
    assert_eq!(item("3000000000"), Item::Whole(3_000_000_000));
    assert_eq!(item("1.50"), Item::Decimal(150, 2));
    assert_eq!(item("1.50").json(), "1.5");
    assert_eq!(item("12345678901234567890"), Item::Decimal(12_345_678_901_234_567_890, 0));
    assert_eq!(item("1e2"), Item::Double(100.0));
    assert_eq!(item("123456789012345678901234567890123456789"), Item::Double(1.234_567_890_123_456_8e38));
    assert_eq!(item("1 2"), Item::Whole(1));
    assert!(item_of_json("{\"a\":1,\"a\":2}").unwrap_err().contains("`a` stands twice"));
    assert!(item_of_json("[1,").is_err());
}

#[test]
fn a_path_leads_to_members_and_items() {
    let value = item("{\"a\":{\"b c\":[1,2]},\"x.y\":3}");
    let found = |path: &str| find(&value, &parse_path(path).unwrap()).map(Item::json);
    assert_eq!(found("$.a['b c'][1]").as_deref(), Some("2"));
    assert_eq!(found("$[\"x.y\"]").as_deref(), Some("3"));
    assert_eq!(found("$.a[0]"), None);
    assert_eq!(found("$"), Some(value.json()));
    assert!(["x", "$a", "$.", "$[x]", "$['a"].iter().all(|path| parse_path(path).is_none()));
}

#[test]
fn a_cast_that_does_not_fit_is_an_error_or_null() {
    let items = [item("1.9"), item("\"7\""), item("null"), item("\"x\"")];
    let of = |count: usize| items[..count].iter().map(Some).collect::<Vec<_>>();
    let read = column(&DataType::Int32, &of(3), Casting::Strict).unwrap();
    assert_eq!(read.as_primitive::<Int32Type>().iter().collect::<Vec<_>>(), [Some(1), Some(7), None]);
    let error = column(&DataType::Int32, &of(4), Casting::Strict).unwrap_err().to_string();
    assert!(error.contains("INVALID_VARIANT_CAST") && error.contains("try_variant_get"), "{error}");
    assert!(column(&DataType::Int32, &of(4), Casting::Trying).unwrap().is_null(3));
    assert_eq!(text_of(&item("{\"a\":1}")).as_deref(), Some("{\"a\":1}"));
}

#[test]
fn schemas_are_sparks_and_come_back_from_their_text() {
    let shape = |text: &str| shape_of(&item(text));
    let cases = [
        ("null", "VOID"),
        ("1.50", "DECIMAL(2,1)"),
        ("[{\"b\":true,\"a\":0}]", "ARRAY<OBJECT<a: BIGINT, b: BOOLEAN>>"),
        ("{\"a b\":1,\"c`d\":[]}", "OBJECT<`a b`: BIGINT, `c``d`: ARRAY<VOID>>"),
        ("[1,\"a\"]", "ARRAY<VARIANT>"),
        ("{}", "OBJECT<>"),
    ];
    for (text, wanted) in cases {
        assert_eq!(shape(text).text(), wanted);
        assert_eq!(Shape::parse(wanted), Some(shape(text)), "{wanted}");
    }
    assert_eq!(shape("1").with(shape("2.5")).text(), "DECIMAL(21,1)");
    assert_eq!(shape("1").with(shape("{\"a\":2}")).text(), "VARIANT");
    assert_eq!(Shape::parse("OBJECT<a"), None);
}

#[test]
fn changes_reach_their_place_and_say_why_they_cannot() {
    let change = |text: &str, path: &str, edit: Edit| {
        let mut value = item(text);
        changed(&mut value, &parse_path(path).unwrap(), Item::Whole(5), edit).map(|()| value.json())
    };
    assert_eq!(change("{\"b\":1}", "$.a[1]", Edit::Set).unwrap(), "{\"a\":[null,5],\"b\":1}");
    assert_eq!(change("[1,2]", "$[1]", Edit::Insert).unwrap(), "[1,5,2]");
    assert_eq!(change("[1,2]", "$[1]", Edit::Set).unwrap(), "[1,5]");
    assert_eq!(change("{\"a\":1}", "$.b", Edit::Replace).unwrap(), "{\"a\":1}");
    assert!(change("{\"a\":1}", "$.a", Edit::Insert).unwrap_err().contains("variant_set"));
    assert!(change("{\"a\":1}", "$.a.b", Edit::Set).is_err());
    let mut value = item("{\"a\":[1],\"b\":null}");
    appended(&mut value, &parse_path("$.a").unwrap(), Item::Null).unwrap();
    deleted(&mut value, &parse_path("$.a[0]").unwrap());
    assert_eq!(value.json(), "{\"a\":[null],\"b\":null}");
    assert_eq!(without_nulls(value, true).json(), "{\"a\":[]}");
}

#[test]
fn a_table_gets_json_wherever_a_variant_stands() {
    let items = [item("1"), item("{\"a\":null}")];
    let variants = write(items.iter().map(Some)).unwrap();
    let field = Arc::new(arrow::datatypes::Field::new_list_field(variant(), true));
    let offsets = arrow::buffer::OffsetBuffer::from_lengths([2]);
    let list: arrow::array::ArrayRef = Arc::new(ListArray::try_new(field, offsets, variants, None).unwrap());
    assert!(has_variant(list.data_type()));
    let shown = with_json(&list).unwrap();
    assert_eq!(shown.data_type(), &type_with_json(list.data_type()));
    let texts = shown.as_list::<i32>().value(0);
    assert_eq!(texts.as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["1", "{\"a\":null}"]);
    let numbers: arrow::array::ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
    assert_eq!(items_of(&numbers).unwrap(), [Some(Item::Whole(1)), None]);
}

/// Bytes out of Spark 4.3's `parse_json('{"a": 5}')`.
#[test]
fn bytes_are_those_of_spark() {
    let value = Item::Object(vec![("a".to_string(), Item::Whole(5))]);
    let (names, bytes) = value.write().unwrap();
    assert_eq!(bytes, [2, 1, 0, 0, 2, 12, 5]);
    assert_eq!(Item::read(&[1, 1, 0, 1, b'a'], &bytes).unwrap(), value);
    assert_eq!(Item::read(&names, &bytes).unwrap(), value);
    assert!(Item::read(&names, &[2, 1, 9]).is_err());
}
