//! Types that a query may have, and what the table makes of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;

fn schema(fields: Vec<Field>) -> Schema {
    Schema::new(fields)
}

fn one(kind: DataType) -> Result<DataType, String> {
    table_schema(&schema(vec![Field::new("c", kind, false)])).map(|schema| schema.field(0).data_type().clone())
}

#[test]
fn types_become_those_of_delta() {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    for (from, to) in [
        (DataType::UInt64, DataType::Int64),
        (DataType::UInt32, DataType::Int64),
        (DataType::UInt16, DataType::Int32),
        (DataType::UInt8, DataType::Int16),
        (DataType::Utf8View, DataType::Utf8),
        (DataType::LargeUtf8, DataType::Utf8),
        (DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::LargeUtf8)), DataType::Utf8),
        (DataType::Timestamp(TimeUnit::Nanosecond, None), utc.clone()),
        (DataType::Timestamp(TimeUnit::Second, Some("+02:00".into())), utc.clone()),
        (DataType::Decimal128(10, 2), DataType::Decimal128(10, 2)),
        (DataType::BinaryView, DataType::Binary),
    ] {
        assert_eq!(one(from.clone()).unwrap(), to, "{from}");
    }
    let list = one(DataType::LargeList(Arc::new(Field::new("item", DataType::Utf8View, false)))).unwrap();
    assert_eq!(list, DataType::List(Arc::new(Field::new("element", DataType::Utf8, true))));
    assert!(table_schema(&schema(vec![Field::new("c", DataType::Int64, false)])).unwrap().field(0).is_nullable());
}

#[test]
fn what_cannot_be_is_refused_with_its_column() {
    for (field, part) in [
        (Field::new("count(*)", DataType::Int64, true), "`count(*)`"),
        (Field::new("two words", DataType::Int64, true), "AS"),
        (Field::new("n", DataType::Null, true), "CAST(NULL"),
        (Field::new("d", DataType::Duration(TimeUnit::Second), true), "`d`"),
        (Field::new("d", DataType::Decimal256(60, 2), true), "`d`"),
        (Field::new("s", DataType::Struct(vec![Field::new("a b", DataType::Int64, true)].into()), true), "`s.a b`"),
    ] {
        match table_schema(&schema(vec![field])) {
            Err(text) => assert!(text.contains(part), "{text}"),
            other => panic!("{part}: {other:?}"),
        }
    }
    let twice = schema(vec![Field::new("A", DataType::Int64, true), Field::new("a", DataType::Int64, true)]);
    assert!(matches!(table_schema(&twice), Err(text) if text.contains("twice")));
    assert!(table_schema(&schema(vec![])).is_err());
}
