//! A plain value of every kind.
#![allow(clippy::unwrap_used, reason = "tests")]

use arrow::datatypes::{Field, Fields, TimeUnit};

use super::*;

#[test]
fn every_kind_of_column_has_a_plain_value() {
    let entry =
        Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Int32, true)]);
    let list = DataType::List(Arc::new(Field::new("item", DataType::Date32, true)));
    let kinds = [
        DataType::Int64,
        DataType::Float32,
        DataType::Decimal128(10, 2),
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entry), false)), false),
        DataType::Struct(Fields::from(vec![Field::new("a", list.clone(), true)])),
        list,
    ];
    let fields: Vec<Field> = kinds.into_iter().map(|kind| Field::new("x", kind, false)).collect();
    let row = plain_row(&Arc::new(Schema::new(fields)));
    assert_eq!(row.num_rows(), 1);
    assert!(row.columns().iter().all(|column| column.null_count() == 0), "{row:?}");
}
