//! Parquet files with timestamps as Spark writes them by default.
#![allow(clippy::unwrap_used, reason = "tests")]

use arrow::array::{Array, AsArray};
use arrow::datatypes::TimestampMicrosecondType;
use parquet::data_type::{Int32Type, Int96, Int96Type};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::*;

/// Julian day of 1970-01-01.
const EPOCH: i64 = 2_440_588;

/// Days from there to 9999-12-31 and to 0001-01-01, and the microseconds of a day.
const LAST: i64 = 2_932_896;
const FIRST: i64 = -719_162;
const DAY_US: i64 = 86_400_000_000;

/// A file with a number, an instant, and an instant in a struct: rows of these days, some nanoseconds after midnight.
fn file(days: &[i64], nanoseconds: u64) -> Bytes {
    let schema = "message table { required int32 n; required int96 at; required group s { required int96 inner; } }";
    let mut bytes = Vec::new();
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let of_day = |day: &i64| {
        let julian = u32::try_from(EPOCH + day).unwrap();
        Int96::from(vec![nanoseconds as u32, (nanoseconds >> 32) as u32, julian])
    };
    let instants: Vec<Int96> = days.iter().map(of_day).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int32Type>().write_batch(&vec![7; days.len()], None, None).unwrap();
    column.close().unwrap();
    while let Some(mut column) = group.next_column().unwrap() {
        column.typed::<Int96Type>().write_batch(&instants, None, None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    Bytes::from(bytes)
}

#[test]
fn old_timestamps_of_spark_are_read_in_every_year() {
    let content = file(&[0, LAST, FIRST], 86_399_999_999_000);
    let schema = schema_of(&content).unwrap();
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    assert_eq!(schema.field(1).data_type(), &instant);
    let target = TargetColumns::by_files(&schema).unwrap();
    let rows = rows_of(&target, &content).unwrap();
    let wanted = [0, LAST, FIRST].map(|day| day * DAY_US + DAY_US - 1);
    let at = rows[0].column_by_name("at").unwrap().as_primitive::<TimestampMicrosecondType>();
    assert_eq!(at.values(), &wanted);
    let inner = rows[0].column_by_name("s").unwrap().as_struct().column(0).clone();
    assert_eq!(inner.as_primitive::<TimestampMicrosecondType>().values(), &wanted);
    assert_eq!(rows[0].column_by_name("n").unwrap().len(), 3);
}
