//! Rows in each form, against texts written by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use arrow::array::{
    Array, BinaryArray, BooleanArray, Float32Array, Float64Array, Float64Builder, Int64Array, Int64Builder,
    IntervalMonthDayNanoArray, ListArray, MapArray, MapBuilder, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Fields, Int32Type, IntervalMonthDayNano};

use super::*;

fn rows() -> RecordBatch {
    let times = TimestampMicrosecondArray::from(vec![Some(1_500_000), Some(60_000_000), None]).with_timezone("UTC");
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None]), None, Some(vec![])]);
    let time_field = Arc::new(Field::new("start", times.data_type().clone(), true));
    let windows = StructArray::from(vec![(time_field, Arc::new(times.clone()) as ArrayRef)]);
    RecordBatch::try_from_iter_with_nullable([
        ("name", Arc::new(StringArray::from(vec![Some("a,\"b\""), None, Some("c")])) as ArrayRef, true),
        ("count", Arc::new(Int64Array::from(vec![1, 2, 3])), true),
        ("at", Arc::new(times), true),
        ("list", Arc::new(lists), true),
        ("window", Arc::new(windows), true),
    ])
    .unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_table_has_readable_times() {
    let text = table(&[rows()]).unwrap();
    let expected = r#"
+-------+-------+-----------------------+--------+--------------------------------+
| name  | count | at                    | list   | window                         |
+-------+-------+-----------------------+--------+--------------------------------+
| a,"b" | 1     | 1970-01-01 00:00:01.500 | [1, NULL] | {start: 1970-01-01 00:00:01.500} |
"#;
    let words = |text: &str| {
        text.split_whitespace().filter(|word| !word.starts_with('+')).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(words(&text)[..words(expected).len()], words(expected), "{text}");
}

#[test]
fn csv_has_one_header_and_json_in_nested_columns() {
    let body = "\"a,\"\"b\"\"\",1,1970-01-01T00:00:01.500Z,\"[1,null]\",\"{\"\"start\"\":\"\"1970-01-01T00:00:01.500Z\"\"}\"\n\
                ,2,1970-01-01T00:01:00Z,,\"{\"\"start\"\":\"\"1970-01-01T00:01:00Z\"\"}\"\n\
                c,3,,[],\"{\"\"start\"\":null}\"\n";
    assert_eq!(text(csv(&rows(), true).unwrap()), format!("name,count,at,list,window\n{body}"));
    assert_eq!(text(csv(&rows(), false).unwrap()), body);
}

#[test]
fn json_is_one_object_a_line_with_nulls() {
    let text = text(json_lines(&rows()).unwrap());
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1]["name"], serde_json::Value::Null);
    assert!(lines[1].as_object().unwrap().contains_key("name"));
    assert_eq!(lines[0]["list"], serde_json::json!([1, null]));
    assert_eq!(lines[0]["window"]["start"].as_str().unwrap(), lines[0]["at"].as_str().unwrap());
    assert!(lines[0]["at"].as_str().unwrap().starts_with("1970-01-01T00:00:01.5"));
}

#[test]
fn no_rows_still_have_names() {
    let schema = rows().schema();
    let empty = RecordBatch::new_empty(Arc::clone(&schema));
    assert_eq!(text(csv(&empty, true).unwrap()), "name,count,at,list,window\n");
    assert_eq!(text(json_lines(&empty).unwrap()), "");
    assert!(empty_table(&schema).unwrap().contains("| name | count | at | list | window |"));
}

#[test]
fn one_row_stands_on_one_line() {
    let expected = "name=NULL, count=2, at=1970-01-01T00:01:00Z, list=NULL, window={start: 1970-01-01T00:01:00Z}";
    assert_eq!(line(&rows(), 1), expected);
}

#[test]
fn json_loses_no_number_and_no_key() {
    let mut numbers = MapBuilder::new(None, Int64Builder::new(), Float64Builder::new());
    numbers.keys().append_value(7);
    numbers.values().append_value(f64::NAN);
    numbers.keys().append_value(-1);
    numbers.values().append_null();
    numbers.append(true).unwrap();
    numbers.append(true).unwrap();
    let doubles = Float64Array::from(vec![Some(f64::NEG_INFINITY), Some(1.5)]);
    let narrow = Float32Array::from(vec![Some(f32::INFINITY), None]);
    let bytes = BinaryArray::from(vec![Some(&[1_u8, 0xab][..]), None]);
    let spans = IntervalMonthDayNanoArray::from(vec![Some(IntervalMonthDayNano::new(1, 2, 0)), None]);
    let rows = RecordBatch::try_from_iter_with_nullable([
        ("m", Arc::new(numbers.finish()) as ArrayRef, true),
        ("d", Arc::new(doubles), true),
        ("f", Arc::new(narrow), true),
        ("b", Arc::new(bytes), true),
        ("i", Arc::new(spans), true),
    ])
    .unwrap();
    let text = text(json_lines(&rows).unwrap());
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["m"], serde_json::json!({ "7": "NaN", "-1": null }));
    assert_eq!(lines[1]["m"], serde_json::json!({}));
    assert_eq!((&lines[0]["d"], &lines[1]["d"]), (&serde_json::json!("-Infinity"), &serde_json::json!(1.5)));
    assert_eq!((&lines[0]["f"], &lines[1]["f"]), (&serde_json::json!("Infinity"), &serde_json::Value::Null));
    assert_eq!((&lines[0]["b"], &lines[1]["b"]), (&serde_json::json!("01ab"), &serde_json::Value::Null));
    assert!(lines[0]["i"].as_str().unwrap().contains("2 days"), "{text}");
    // The same in the columns of CSV that have no other form.
    let csv = String::from_utf8(csv(&rows.project(&[0]).unwrap(), false).unwrap()).unwrap();
    assert_eq!(csv.lines().next().unwrap(), "\"{\"\"7\"\":\"\"NaN\"\",\"\"-1\"\":null}\"");
}

#[test]
fn keys_of_every_kind_are_texts() {
    let times = TimestampMicrosecondArray::from(vec![0]).with_timezone("UTC");
    let pairs = StructArray::from(vec![(
        Arc::new(Field::new("a", DataType::Int64, true)),
        Arc::new(Int64Array::from(vec![1])) as ArrayRef,
    )]);
    for (keys, wanted) in [
        (Arc::new(times) as ArrayRef, "{\"1970-01-01T00:00:00Z\":5}"),
        (Arc::new(pairs), "{\"{\\\"a\\\":1}\":5}"),
        (Arc::new(BooleanArray::from(vec![true])), "{\"true\":5}"),
    ] {
        let fields = Fields::from(vec![
            Field::new("key", keys.data_type().clone(), false),
            Field::new("value", DataType::Int64, true),
        ]);
        let values: ArrayRef = Arc::new(Int64Array::from(vec![5]));
        let entries = StructArray::new(fields.clone(), vec![keys, values], None);
        let field = Arc::new(Field::new("entries", DataType::Struct(fields), false));
        let map: ArrayRef = Arc::new(MapArray::new(field, OffsetBuffer::from_lengths([1]), entries, None, false));
        let rows = RecordBatch::try_from_iter([("m", map)]).unwrap();
        assert_eq!(text(json_lines(&rows).unwrap()), format!("{{\"m\":{wanted}}}\n"));
    }
}

#[test]
fn control_characters_of_records_reach_no_terminal() {
    let text = "a\u{1b}[2J\u{7f}\u{9b}1m\r\n\tb";
    let nested = ListArray::from_iter_primitive::<arrow::datatypes::Int32Type, _, _>([Some([Some(1)])]);
    let texts: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let batch = RecordBatch::try_from_iter([("t", texts), ("l", Arc::new(nested) as ArrayRef)]).unwrap();
    let shown = r"a\u001b[2J\u007f\u009b1m\r\n\tb";
    let table = table(std::slice::from_ref(&batch)).unwrap();
    assert!(table.contains(shown) && table.contains("[1]"), "{table}");
    assert!(!table.replace('\n', "").contains(char::is_control), "{table:?}");
    assert_eq!(line(&batch, 0), format!("t={shown}, l=[1]"));
    // Programs get what is there, as JSON writes it.
    let json = String::from_utf8(json_lines(&batch).unwrap()).unwrap();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["t"], text, "{json}");
    assert!(!json.contains('\u{1b}'), "{json}");
}

#[test]
fn a_variant_is_its_json_in_every_form() {
    let items = [expr::variant::item_of_json("{\"a\":[1,\"x\"]}").unwrap()];
    let variants = expr::variant::write(items.iter().map(Some).chain([None])).unwrap();
    let batch = RecordBatch::try_from_iter_with_nullable([("v", variants, true)]).unwrap();
    assert!(table(std::slice::from_ref(&batch)).unwrap().contains("| {\"a\":[1,\"x\"]} |"));
    assert_eq!(text(csv(&batch, true).unwrap()), "v\n\"{\"\"a\"\":[1,\"\"x\"\"]}\"\n\"\"\n");
    assert_eq!(text(json_lines(&batch).unwrap()), "{\"v\":\"{\\\"a\\\":[1,\\\"x\\\"]}\"}\n{\"v\":null}\n");
    assert_eq!(line(&batch, 0), "v={\"a\":[1,\"x\"]}");
}
