//! What is written of a query's batches in each format, first to last. (How rows are written is tested where that is done.)
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use arrow::array::{ArrayRef, Int64Array, StringArray};

use super::*;

fn rows() -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([
        ("name", Arc::new(StringArray::from(vec![Some("a"), None, Some("c")])) as ArrayRef, true),
        ("count", Arc::new(Int64Array::from(vec![1, 2, 3])), true),
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
fn a_long_table_is_written_in_blocks() {
    let batch = rows();
    let (count, text) = written(Format::Table, &vec![batch.clone(); 400], &batch.schema());
    assert_eq!(count, 1200);
    assert_eq!(text.matches("| name ").count(), 2, "one heading for the first thousand, one for the rest");
    assert_eq!(text.matches("| NULL | 2 ").count(), 400);
}

#[test]
fn csv_has_one_header() {
    let (count, text) = written(Format::Csv, &[rows(), rows()], &rows().schema());
    assert_eq!((count, text.as_str()), (6, "name,count\na,1\n,2\nc,3\na,1\n,2\nc,3\n"));
}

#[test]
fn json_goes_on_line_by_line() {
    let (count, text) = written(Format::Json, &[rows(), rows()], &rows().schema());
    assert_eq!((count, text.lines().count()), (6, 6));
    assert_eq!(text.lines().nth(4), Some("{\"name\":null,\"count\":2}"));
}

#[test]
fn no_rows_still_have_headings() {
    let schema = rows().schema();
    assert_eq!(written(Format::Csv, &[], &schema), (0, "name,count\n".to_owned()));
    assert_eq!(written(Format::Json, &[], &schema), (0, String::new()));
    assert!(written(Format::Table, &[], &schema).1.contains("| name | count |"));
}
