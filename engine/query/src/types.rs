//! Types in the names of the job file.

use arrow::datatypes::{DataType, FieldRef};

/// A type as the job file writes it.
pub fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 | DataType::Int16 | DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "binary".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::List(item) | DataType::LargeList(item) => format!("array<{}>", type_name(item.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) => {
                let names: Vec<String> = pair.iter().map(|field| type_name(field.data_type())).collect();
                format!("map<{}>", names.join(","))
            }
            other => other.to_string(),
        },
        DataType::Struct(members) => {
            let named = |field: &FieldRef| format!("{}:{}", field.name(), type_name(field.data_type()));
            format!("struct<{}>", members.iter().map(named).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}
