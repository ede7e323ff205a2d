//! The types that a table holds: those of Delta Lake, to which what a query or a file has is brought.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

/// Characters that Delta and Parquet readers do not take in a column's name.
const FORBIDDEN: &[char] = &[' ', ',', ';', '{', '}', '(', ')', '\n', '\t', '='];

/// The table's schema for rows of `schema`: Delta's types, every column nullable, timestamps in microseconds UTC.
///
/// # Errors
/// The column if its name or type cannot be in a table, and what to write instead.
pub fn table_schema(schema: &Schema) -> Result<SchemaRef, String> {
    if schema.fields().is_empty() {
        return Err("the query has no column".to_string());
    }
    Ok(Arc::new(Schema::new(table_fields(schema.fields(), "")?)))
}

fn table_fields(fields: &Fields, above: &str) -> Result<Vec<Field>, String> {
    let mut names = HashSet::new();
    fields
        .iter()
        .map(|field| {
            let path = format!("{above}{}", field.name());
            check_name(field.name(), &path)?;
            if !names.insert(field.name().to_lowercase()) {
                return Err(format!("column `{path}` is there twice (letter case does not count); rename one with AS"));
            }
            Ok(Field::new(field.name(), table_type(field.data_type(), &path)?, true))
        })
        .collect()
}

fn check_name(name: &str, path: &str) -> Result<(), String> {
    if name.is_empty() || name.contains(FORBIDDEN) {
        return Err(format!(
            "the name of column `{path}` is empty or has one of the characters ` ,;{{}}()=`, newline, tab; give it a name with AS"
        ));
    }
    Ok(())
}

fn table_type(from: &DataType, path: &str) -> Result<DataType, String> {
    let list = |item: &Field| -> Result<DataType, String> {
        let element = table_type(item.data_type(), &format!("{path}.element"))?;
        Ok(DataType::List(Arc::new(Field::new("element", element, true))))
    };
    Ok(match from {
        DataType::Boolean | DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => from.clone(),
        DataType::Float32 | DataType::Float64 | DataType::Date32 | DataType::Utf8 | DataType::Binary => from.clone(),
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Float16 => DataType::Float32,
        DataType::Date64 => DataType::Date32,
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Timestamp(_, _) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Dictionary(_, values) => table_type(values, path)?,
        DataType::RunEndEncoded(_, values) => table_type(values.data_type(), path)?,
        DataType::Struct(fields) => DataType::Struct(table_fields(fields, &format!("{path}."))?.into()),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => list(item)?,
        DataType::ListView(item) | DataType::LargeListView(item) => list(item)?,
        DataType::Map(entries, sorted) => map_type(entries, *sorted, path)?,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
            if *scale >= 0 =>
        {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Decimal256(precision, scale) if *precision <= 38 && *scale >= 0 => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Null => {
            return Err(format!("column `{path}` has no type, it is always NULL; write CAST(NULL AS <type>)"));
        }
        other => {
            return Err(format!(
                "column `{path}` is {other}, which a Delta table does not hold; CAST it to another type"
            ));
        }
    })
}

fn map_type(entries: &Field, sorted: bool, path: &str) -> Result<DataType, String> {
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(format!("column `{path}` is a map without entries; CAST it to another type"));
    };
    let (Some(key), Some(value)) = (fields.first(), fields.get(1)) else {
        return Err(format!("column `{path}` is a map without key and value; CAST it to another type"));
    };
    let fields = vec![
        Field::new("key", table_type(key.data_type(), &format!("{path}.key"))?, false),
        Field::new("value", table_type(value.data_type(), &format!("{path}.value"))?, true),
    ];
    Ok(DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(fields.into()), false)), sorted))
}

#[cfg(test)]
mod tests;
