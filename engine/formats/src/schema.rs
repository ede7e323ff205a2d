//! The columns of a source as an Arrow schema.

use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use job::{Column, DataType, Format, Source};

/// The Arrow schema of these columns: all nullable, in file order, named as in SQL.
///
/// A timestamp is `Timestamp(Microsecond, "UTC")`, text `Utf8`. Arrays have the element field `item`, maps the fields
/// `entries`, `key` and `value`, as DataFusion builds them.
#[must_use]
pub fn arrow_schema(columns: &[Column]) -> SchemaRef {
    let fields: Fields = columns.iter().map(|column| nullable(&column.name, &column.data_type)).collect();
    Arc::new(Schema::new(fields))
}

/// The Arrow schema of a source's records: the columns that the job file gives it, or the one of format `raw`. Computed columns are not
/// among them.
#[must_use]
pub fn source_schema(source: &Source) -> SchemaRef {
    match (source.format, source.schema.is_empty()) {
        (Format::Raw, true) => Arc::new(Schema::new(vec![Field::new("value", ArrowType::Binary, true)])),
        _ => arrow_schema(&source.schema),
    }
}

fn nullable(name: &str, data_type: &DataType) -> FieldRef {
    Arc::new(Field::new(name, arrow_type(data_type), true))
}

/// The Arrow type of a column type.
#[must_use]
pub fn arrow_type(data_type: &DataType) -> ArrowType {
    match data_type {
        DataType::Boolean => ArrowType::Boolean,
        DataType::Int => ArrowType::Int32,
        DataType::BigInt => ArrowType::Int64,
        DataType::Float => ArrowType::Float32,
        DataType::Double => ArrowType::Float64,
        DataType::Decimal(precision, scale) => ArrowType::Decimal128(*precision, *scale),
        DataType::String => ArrowType::Utf8,
        DataType::Binary => ArrowType::Binary,
        DataType::Date => ArrowType::Date32,
        DataType::Timestamp => ArrowType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Array(element) => ArrowType::List(element_field(element)),
        DataType::Map(value) => ArrowType::Map(entries_field(value), false),
        DataType::Struct(members) => ArrowType::Struct(member_fields(members)),
    }
}

pub(crate) fn element_field(element: &DataType) -> FieldRef {
    nullable("item", element)
}

pub(crate) fn entries_field(value: &DataType) -> FieldRef {
    Arc::new(Field::new("entries", ArrowType::Struct(entry_fields(value)), false))
}

pub(crate) fn entry_fields(value: &DataType) -> Fields {
    Fields::from(vec![Arc::new(Field::new("key", ArrowType::Utf8, false)), nullable("value", value)])
}

pub(crate) fn member_fields(members: &[(String, DataType)]) -> Fields {
    members.iter().map(|(name, data_type)| nullable(name, data_type)).collect()
}
