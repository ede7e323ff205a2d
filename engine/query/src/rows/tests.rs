//! Rows in each form, against texts written by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use arrow::array::{Array, Int64Array, ListArray, StringArray, StructArray, TimestampMicrosecondArray};
use arrow::datatypes::Int32Type;

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
