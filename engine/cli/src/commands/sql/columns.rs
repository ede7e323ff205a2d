//! Tables and columns as `\d` lists them, types in the job file's names.

use arrow::datatypes::{DataType, Schema};
use delta::TableInfo;

use crate::show::Side::{Left, Right};
use crate::show::{bytes, count, table};

/// The tables of a warehouse.
pub fn list_tables(tables: &[TableInfo]) -> Vec<String> {
    let dash = || "-".to_owned();
    let rows: Vec<Vec<String>> = tables
        .iter()
        .map(|table| {
            vec![
                table.name.clone(),
                table.rows.map_or_else(dash, count),
                count(table.files),
                bytes(table.bytes),
                table.version.to_string(),
                table.epoch.map_or_else(dash, |epoch| epoch.to_string()),
            ]
        })
        .collect();
    let columns =
        [("table", Left), ("rows", Right), ("files", Right), ("size", Right), ("version", Right), ("epoch", Right)];
    table(&columns, &rows)
}

/// The columns of one table.
pub fn list_columns(schema: &Schema) -> Vec<String> {
    let rows: Vec<Vec<String>> =
        schema.fields().iter().map(|field| vec![field.name().clone(), type_name(field.data_type())]).collect();
    table(&[("column", Left), ("type", Left)], &rows)
}

/// A type in the names of the job file.
fn type_name(data_type: &DataType) -> String {
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
            let named =
                |field: &arrow::datatypes::FieldRef| format!("{}:{}", field.name(), type_name(field.data_type()));
            format!("struct<{}>", members.iter().map(named).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}
