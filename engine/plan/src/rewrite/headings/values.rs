//! Constants and types in the names of columns.

use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CastKind, DataType, ExactNumberInfo, Expr, Interval, TimezoneInfo, TypedString, Value,
};
use expr::interval::fields::IntervalType;

/// A constant: texts stand without quotes.
pub fn literal(value: &Value) -> String {
    match value {
        Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => text.clone(),
        Value::HexStringLiteral(digits) => {
            let digits = digits.to_uppercase();
            if digits.len() % 2 == 0 { format!("X'{digits}'") } else { format!("X'0{digits}'") }
        }
        Value::Null => "NULL".to_string(),
        Value::Boolean(value) => value.to_string(),
        other => other.to_string(),
    }
}

/// `DATE '2024-02-29'`.
pub fn typed(typed: &TypedString) -> String {
    let text = literal(&typed.value.value);
    match &typed.data_type {
        DataType::Time(..) => format!("TIME '{text}'"),
        other => format!("{} '{}'", type_name(other), in_microseconds(&text)),
    }
}

/// A time without the digits that stand behind its microseconds.
fn in_microseconds(text: &str) -> String {
    let Some((whole, fraction)) = text.split_once('.') else { return text.to_string() };
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    format!("{whole}.{}{}", &fraction[..digits.min(6)], &fraction[digits..])
}

/// `INTERVAL '1' DAY`, which the guard writes with its fields in front.
pub fn interval(interval: &Interval) -> String {
    if let Expr::Value(value) = interval.value.as_ref()
        && let Value::SingleQuotedString(content) = &value.value
        && let Some((words, digits)) = content.split_once(':')
        && let Some(kind) = IntervalType::parse(words)
        && let Some(value) = kind.parse_digits(digits)
    {
        return kind.text(value);
    }
    interval.to_string()
}

/// A cast of what is written so, which is a constant number or another value.
pub fn cast(kind: &CastKind, inner: String, is_number: bool, data_type: &DataType) -> String {
    match kind {
        // Of arrays, maps and structs Spark hides it.
        _ if is_nested(data_type) => inner,
        // As the guard writes `1L`.
        CastKind::SafeCast if is_number => number(inner, data_type),
        CastKind::TryCast | CastKind::SafeCast => format!("TRY_CAST({inner} AS {})", type_name(data_type)),
        CastKind::Cast | CastKind::DoubleColon => format!("CAST({inner} AS {})", type_name(data_type)),
    }
}

fn is_nested(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Array(_) | DataType::Map(..) | DataType::Struct(..))
}

/// True for a number, with a type behind it or not.
pub fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, Value::Number(..)),
        Expr::Cast { kind: CastKind::SafeCast, expr: number, .. } => matches!(number.as_ref(), Expr::Value(_)),
        _ => false,
    }
}

/// A number as its type shows it: a double has a point.
fn number(text: String, data_type: &DataType) -> String {
    match data_type {
        DataType::Double(_) | DataType::DoublePrecision => match text.parse::<f64>() {
            Ok(value) => expr::scalar::number_text::double_text(value),
            Err(_) => text,
        },
        DataType::Float(_) | DataType::Real => match text.parse::<f32>() {
            Ok(value) => expr::scalar::number_text::float_text(value),
            Err(_) => text,
        },
        _ => text,
    }
}

/// A type in Spark's words.
pub fn type_name(kind: &DataType) -> String {
    match kind {
        DataType::Integer(_) | DataType::Int(_) => "INT".to_string(),
        DataType::Real => "FLOAT".to_string(),
        DataType::Bytea | DataType::Binary(_) => "BINARY".to_string(),
        DataType::Bool => "BOOLEAN".to_string(),
        DataType::Text | DataType::Varchar(_) | DataType::Char(_) => "STRING".to_string(),
        DataType::Float(ExactNumberInfo::None) => "FLOAT".to_string(),
        DataType::Decimal(digits) | DataType::Dec(digits) | DataType::Numeric(digits) => match digits {
            ExactNumberInfo::None => "DECIMAL(10,0)".to_string(),
            ExactNumberInfo::Precision(precision) => format!("DECIMAL({precision},0)"),
            ExactNumberInfo::PrecisionAndScale(precision, scale) => format!("DECIMAL({precision},{scale})"),
        },
        DataType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithTimeZone) => "TIMESTAMP".to_string(),
        DataType::TimestampNtz(_) => "TIMESTAMP_NTZ".to_string(),
        DataType::Time(precision, _) => format!("TIME({})", precision.unwrap_or(6)),
        DataType::Array(ArrayElemTypeDef::AngleBracket(element)) => format!("ARRAY<{}>", type_name(element)),
        DataType::Map(key, value) => format!("MAP<{}, {}>", type_name(key), type_name(value)),
        DataType::Struct(fields, _) => {
            let field = |field: &datafusion::sql::sqlparser::ast::StructField| {
                let name = field.field_name.as_ref().map_or(String::new(), |name| name.value.clone());
                format!("{name}: {}", type_name(&field.field_type))
            };
            format!("STRUCT<{}>", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        DataType::Interval { fields: Some(fields), .. } => format!("INTERVAL {fields}").to_uppercase(),
        DataType::Custom(name, _) => match name.to_string().to_uppercase().as_str() {
            "BYTE" => "TINYINT".to_string(),
            "SHORT" => "SMALLINT".to_string(),
            "TIMESTAMP_LTZ" => "TIMESTAMP".to_string(),
            other => other.to_string(),
        },
        other => other.to_string().to_uppercase(),
    }
}
