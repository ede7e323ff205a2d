//! Types of SQL that DataFusion does not read: MAP, VARIANT, TIME of a precision, and arrays and structs of such.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::sql::sqlparser::ast::{ArrayElemTypeDef, DataType as SqlType};
use expr::scalar::clock_time::clock;
use expr::scalar::parse_schema;
use expr::variant::variant;

/// Reads them.
#[derive(Debug)]
pub struct SparkTypes;

impl TypePlanner for SparkTypes {
    fn plan_type_field(&self, sql_type: &SqlType) -> Result<Option<FieldRef>> {
        Ok(of_sql(sql_type).map(|kind| Arc::new(Field::new("", kind, true))))
    }
}

/// The type; none if DataFusion reads it as Spark does.
fn of_sql(sql_type: &SqlType) -> Option<DataType> {
    match sql_type {
        SqlType::Map(key, value) => {
            let fields = vec![Field::new("key", part(key)?, false), Field::new("value", part(value)?, true)];
            Some(DataType::Map(Arc::new(Field::new("entries", DataType::Struct(fields.into()), false)), false))
        }
        SqlType::Array(ArrayElemTypeDef::AngleBracket(element)) => {
            let element = of_sql(element)?;
            Some(DataType::List(Arc::new(Field::new_list_field(element, true))))
        }
        SqlType::Time(..) => Some(clock()),
        SqlType::Custom(name, _) if name.to_string().eq_ignore_ascii_case("variant") => Some(variant()),
        _ => None,
    }
}

/// A type inside of another: those that DataFusion reads, too.
fn part(sql_type: &SqlType) -> Option<DataType> {
    of_sql(sql_type).or_else(|| parse_schema(&sql_type.to_string()).ok())
}
