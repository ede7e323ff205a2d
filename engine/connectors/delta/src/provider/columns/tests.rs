//! Types as they are read.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};

use super::{partition_field, read_type, top_field};

fn field(name: &str, kind: DataType, nullable: bool) -> FieldRef {
    Arc::new(Field::new(name, kind, nullable))
}

#[test]
fn texts_are_views_at_every_depth_but_in_maps() {
    let within = |text: DataType, nullable: bool| {
        DataType::List(field("element", DataType::Struct(vec![field("name", text, nullable)].into()), nullable))
    };
    assert_eq!(read_type(&within(DataType::Utf8, false)), within(DataType::Utf8View, true));
    assert_eq!(read_type(&DataType::LargeBinary), DataType::BinaryView);
    let map = |nullable: bool| {
        let pair = vec![field("key", DataType::Utf8, false), field("value", DataType::Utf8, nullable)];
        DataType::Map(field("key_value", DataType::Struct(pair.into()), false), false)
    };
    assert_eq!(read_type(&map(false)), map(true));
}

#[test]
fn only_what_is_inside_a_column_may_be_null_against_the_schema() {
    assert!(!top_field(&Field::new("key", DataType::Int64, false)).is_nullable());
}

#[test]
fn a_partition_column_of_text_is_a_dictionary() {
    let text = DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8));
    assert_eq!(partition_field(&Field::new("day", DataType::Utf8, true)).data_type(), &text);
    assert_eq!(partition_field(&Field::new("day", DataType::Date32, true)).data_type(), &DataType::Date32);
}
