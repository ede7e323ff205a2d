//! Expressions and types for people: as the user wrote them, or nearly so.

use arrow::datatypes::{DataType, Field, IntervalUnit};
use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::logical_expr::Expr;
use datafusion::scalar::ScalarValue;

use crate::interval::fields::IntervalType;
use crate::interval::month_day_nano_us;
use crate::variant::is_variant;
use crate::window::duration;

/// An expression for people, in explanations, in errors, in the description of state: no names of tables, no types of constants.
pub fn expr_text(expr: &Expr) -> String {
    spelled(expr, |column| Column::new_unqualified(column.name))
}

/// As [`expr_text`], with the names of tables, where two of them have columns of one name.
pub fn qualified_expr_text(expr: &Expr) -> String {
    spelled(expr, |column| column)
}

/// The column of a key, set apart by its number, for people by its text.
pub fn key_name(at: usize, key: &Expr) -> String {
    format!("key {} {}", at + 1, expr_text(key))
}

fn spelled(expr: &Expr, named: fn(Column) -> Column) -> String {
    let plain = expr.clone().transform_up(|expr| {
        Ok(match expr {
            Expr::Column(column) => Transformed::yes(Expr::Column(named(column))),
            Expr::Alias(alias) => Transformed::yes(*alias.expr),
            Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(span)), metadata) => match month_day_nano_us(span) {
                Some(us) => {
                    Transformed::yes(Expr::Column(Column::new_unqualified(format!("INTERVAL '{}'", duration(us)))))
                }
                None => Transformed::no(Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(span)), metadata)),
            },
            Expr::Literal(ScalarValue::DurationMicrosecond(Some(us)), _) => {
                Transformed::yes(Expr::Column(Column::new_unqualified(format!("INTERVAL '{}'", duration(us)))))
            }
            other => Transformed::no(other),
        })
    });
    match plain.data() {
        Ok(plain) => plain.human_display().to_string().replace("count(1)", "count(*)"),
        Err(_) => expr.human_display().to_string(),
    }
}

/// The type of a column in Spark's names: of an interval with its fields.
pub fn field_type_name(field: &Field) -> String {
    match IntervalType::of_field(field) {
        Some(kind) => format!("interval {}", kind.words()),
        None => type_name(field.data_type()),
    }
}

/// A type in Spark's names, for people.
pub fn type_name(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_string(),
        DataType::Int8 => "tinyint".to_string(),
        DataType::Int16 => "smallint".to_string(),
        DataType::Int32 => "int".to_string(),
        DataType::Int64 => "bigint".to_string(),
        DataType::Float32 => "float".to_string(),
        DataType::Float64 => "double".to_string(),
        DataType::Boolean => "boolean".to_string(),
        DataType::Date32 => "date".to_string(),
        DataType::Binary => "binary".to_string(),
        DataType::Null => "void".to_string(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Timestamp(_, None) => "timestamp_ntz".to_string(),
        DataType::Timestamp(..) => "timestamp".to_string(),
        DataType::Time64(_) => "time(6)".to_string(),
        DataType::Interval(IntervalUnit::YearMonth) => "interval year to month".to_string(),
        DataType::Interval(_) => "interval".to_string(),
        DataType::Duration(_) => "interval day to second".to_string(),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                format!("map<{},{}>", type_name(pair[0].data_type()), type_name(pair[1].data_type()))
            }
            other => type_name(other),
        },
        DataType::List(element) => format!("array<{}>", type_name(element.data_type())),
        kind if is_variant(kind) => "variant".to_string(),
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| format!("{}:{}", field.name(), type_name(field.data_type())));
            format!("struct<{}>", fields.collect::<Vec<_>>().join(","))
        }
        other => other.to_string().to_lowercase(),
    }
}

/// DataFusion's text in the user's words: `Utf8("x")` is 'x', `Int64(1)` is 1, `Utf8` is string.
pub fn plain_text(text: &str) -> String {
    let mut plain = text.to_string();
    for kind in ["Int64", "Int32", "UInt64", "Float64", "Boolean", "Utf8"] {
        let open = format!("{kind}(");
        while let Some(start) = plain.find(&open) {
            let inner = start + open.len();
            let Some(length) = plain[inner..].find(')') else { break };
            let value = plain[inner..inner + length].replace('"', "'");
            plain.replace_range(start..=inner + length, &value);
        }
    }
    let types = [
        ("Timestamp(µs, \"UTC\")", "timestamp"),
        ("Utf8", "string"),
        ("Boolean", "boolean"),
        ("Float64", "double"),
        ("Float32", "float"),
        ("Int64", "bigint"),
        ("Int32", "int"),
        ("Date32", "date"),
        ("count(1)", "count(*)"),
        ("count(*) AS count(*)", "count(*)"),
    ];
    types.into_iter().fold(plain, |plain, (inner, word)| plain.replace(inner, word))
}
