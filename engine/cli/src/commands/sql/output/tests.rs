//! Rows in each format, against texts written by hand.
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

fn written(format: Format, batches: &[RecordBatch], schema: &SchemaRef) -> (u64, String) {
    let mut out = Vec::new();
    let mut output = Output::new(format, &mut out);
    for batch in batches {
        output.write(batch).unwrap();
    }
    let rows = output.end(schema).unwrap();
    (rows, String::from_utf8(out).unwrap())
}

#[test]
fn a_table_has_readable_times() {
    let (count, text) = written(Format::Table, &[rows()], &rows().schema());
    assert_eq!(count, 3);
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
fn a_long_table_is_written_in_blocks() {
    let batch = rows();
    let (count, text) = written(Format::Table, &vec![batch.clone(); 400], &batch.schema());
    assert_eq!(count, 1200);
    assert_eq!(text.matches("| name ").count(), 2, "one heading for the first thousand, one for the rest");
    assert_eq!(text.matches("1970-01-01 00:01:00 ").count(), 400);
}

#[test]
fn csv_has_one_header_and_json_in_nested_columns() {
    let (count, text) = written(Format::Csv, &[rows(), rows()], &rows().schema());
    assert_eq!(count, 6);
    let body = "\"a,\"\"b\"\"\",1,1970-01-01T00:00:01.500Z,\"[1,null]\",\"{\"\"start\"\":\"\"1970-01-01T00:00:01.500Z\"\"}\"\n\
                ,2,1970-01-01T00:01:00Z,,\"{\"\"start\"\":\"\"1970-01-01T00:01:00Z\"\"}\"\n\
                c,3,,[],\"{\"\"start\"\":null}\"\n";
    assert_eq!(text, format!("name,count,at,list,window\n{body}{body}"));
}

#[test]
fn json_is_one_object_a_line_with_nulls() {
    let (count, text) = written(Format::Json, &[rows()], &rows().schema());
    assert_eq!(count, 3);
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1]["name"], serde_json::Value::Null);
    assert!(lines[1].as_object().unwrap().contains_key("name"));
    assert_eq!(lines[0]["list"], serde_json::json!([1, null]));
    assert_eq!(lines[0]["window"]["start"].as_str().unwrap(), lines[0]["at"].as_str().unwrap());
    assert!(lines[0]["at"].as_str().unwrap().starts_with("1970-01-01T00:00:01.5"));
}

#[test]
fn no_rows_still_have_headings() {
    let schema = rows().schema();
    assert_eq!(written(Format::Csv, &[], &schema), (0, "name,count,at,list,window\n".to_owned()));
    assert_eq!(written(Format::Json, &[], &schema), (0, String::new()));
    assert!(written(Format::Table, &[], &schema).1.contains("| name | count | at | list | window |"));
}
