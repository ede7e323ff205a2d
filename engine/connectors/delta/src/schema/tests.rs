//! Rows of a query, and what the table makes of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use arrow::array::{
    Array, AsArray, DictionaryArray, StringViewArray, StructArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};

use super::*;

fn schema(fields: Vec<Field>) -> Schema {
    Schema::new(fields)
}

#[test]
fn rows_are_brought_to_the_table_by_name() {
    let nanos = TimestampNanosecondArray::from(vec![1_500_000_123_456_789_i64]);
    let dictionary: DictionaryArray<Int32Type> = vec!["x"].into_iter().collect();
    let window = StructArray::from(vec![(
        Arc::new(Field::new("start", nanos.data_type().clone(), false)),
        Arc::new(nanos.clone()) as ArrayRef,
    )]);
    let batch = RecordBatch::try_from_iter([
        ("n", Arc::new(UInt64Array::from(vec![7])) as ArrayRef),
        ("window", Arc::new(window)),
        ("kind", Arc::new(dictionary)),
        ("name", Arc::new(StringViewArray::from(vec!["é"]))),
    ])
    .unwrap();
    let mut fields: Vec<_> = table_schema(batch.schema_ref()).unwrap().fields().iter().cloned().collect();
    fields.reverse();
    fields.push(Arc::new(Field::new("newer", DataType::Utf8, true)));
    let rows = to_table_rows(&batch, &Arc::new(Schema::new(fields))).unwrap();
    assert_eq!(rows.column_by_name("n").unwrap().as_primitive::<Int64Type>().value(0), 7);
    assert_eq!(rows.column_by_name("kind").unwrap().as_string::<i32>().value(0), "x");
    assert_eq!(rows.column_by_name("name").unwrap().as_string::<i32>().value(0), "é");
    assert!(rows.column_by_name("newer").unwrap().is_null(0));
    let start = rows.column_by_name("window").unwrap().as_struct().column(0).clone();
    assert_eq!(start.as_primitive::<TimestampMicrosecondType>().value(0), 1_500_000_123_456);
}

#[test]
fn a_value_that_does_not_fit_is_an_error_not_null() {
    let batch = RecordBatch::try_from_iter([("n", Arc::new(UInt64Array::from(vec![u64::MAX])) as ArrayRef)]).unwrap();
    let table = table_schema(batch.schema_ref()).unwrap();
    assert!(matches!(to_table_rows(&batch, &table), Err(SinkError::Data(text)) if text.as_str().contains("`n`")));
}

#[test]
fn only_added_columns_are_an_evolution() {
    let a = Field::new("a", DataType::Int64, true);
    let b = Field::new("b", DataType::Utf8, true);
    let added = added_columns(&schema(vec![a.clone()]), &schema(vec![b.clone(), a.clone()])).unwrap();
    assert_eq!(added.iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), ["b"]);
    let text = |result: Result<Vec<Arc<Field>>, SinkError>| result.unwrap_err().to_string();
    assert!(text(added_columns(&schema(vec![a.clone(), b]), &schema(vec![a.clone()]))).contains("`b`"));
    let other = Field::new("a", DataType::Utf8, true);
    assert!(
        text(added_columns(&schema(vec![a]), &schema(vec![other])))
            .contains("Int64 in the table and Utf8 in the query")
    );
}
