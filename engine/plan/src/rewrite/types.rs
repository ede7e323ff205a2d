//! What a query with Spark's types writes otherwise than one without: names of types, and operators that can fail.

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CaseWhen, CastKind, DataType, ExactNumberInfo, Expr, Function, Ident, Interval, ObjectName,
    TimezoneInfo, UnaryOperator, Value, WindowFrameBound, WindowSpec, WindowType,
};
use expr::interval::fields::IntervalType;
use expr::scalar::arithmetic::unary::{ABSOLUTE, NEGATIVE};
use expr::scalar::intervals::{CALENDAR, EXTRACT, INTERVAL, TRY_INTERVAL};

use super::calls::{arguments, call, name_of, relation_name, text};
use super::forms;

/// Digits of the second in a TIMESTAMP.
const MICROSECONDS: Option<u64> = Some(6);

/// Rewrites one expression, not what is inside of it.
pub fn rewrite(expr: &mut Expr) {
    if let Expr::Cast { kind: kind @ CastKind::SafeCast, expr: number, .. } = expr
        && matches!(number.as_ref(), Expr::Value(_))
    {
        // A number with a type, as the guard writes it.
        *kind = CastKind::Cast;
    }
    match expr {
        // A minus binds stronger than `::`.
        Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } if is_cast_number(inner) => {
            if let Expr::Cast { expr: number, .. } = inner.as_mut() {
                **number = Expr::UnaryOp { op: UnaryOperator::Minus, expr: number.clone() };
            }
            *expr = inner.as_ref().clone();
        }
        Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } if !is_number(inner) => {
            *expr = call(NEGATIVE, vec![inner.as_ref().clone()]);
        }
        Expr::Extract { field, expr: time, .. } => {
            // The other fields are those of times alone.
            if let Some(name @ ("year" | "month" | "day" | "hour" | "minute" | "second_with_fraction")) =
                forms::part(&forms::field_name(field))
            {
                *expr = call(EXTRACT, vec![text(name), time.as_ref().clone()]);
            }
        }
        Expr::Function(function) => {
            if let Some(rewritten) = rewritten_call(function) {
                *expr = rewritten;
            }
        }
        Expr::Cast { kind, expr: inner, data_type: DataType::Interval { fields, .. }, .. } => {
            let words = fields.as_ref().map_or(CALENDAR.to_string(), |fields| fields.to_string().to_lowercase());
            let name = if matches!(kind, CastKind::TryCast | CastKind::SafeCast) { TRY_INTERVAL } else { INTERVAL };
            *expr = call(name, vec![text(words), inner.as_ref().clone()]);
        }
        Expr::Interval(interval) => {
            if let Some((words, digits)) = spelled(interval) {
                *expr = call(INTERVAL, vec![text(words), text(digits)]);
            }
        }
        Expr::Cast { data_type, .. } => spell(data_type),
        Expr::TypedString(typed) => spell(&mut typed.data_type),
        _ => {}
    }
}

/// What a call is written as instead; its frame, and the name of a count of rows, change in place.
fn rewritten_call(function: &mut Function) -> Option<Expr> {
    if let Some(WindowType::WindowSpec(spec)) = &mut function.over {
        frame(spec);
    }
    let name = name_of(function);
    if name == "regr_count" {
        // The rows, or the pairs, in which no argument is NULL.
        function.name = ObjectName::from(vec![Ident::new("count")]);
        return None;
    }
    if let (Some(ntz), Some(arguments)) = (without_zone(&name), arguments(function)) {
        return Some(Expr::Cast {
            kind: CastKind::Cast,
            expr: Box::new(call(ntz, arguments)),
            data_type: DataType::Timestamp(MICROSECONDS, TimezoneInfo::None),
            array: false,
            format: None,
        });
    }
    if name == "nvl2"
        && let Some(Ok([value, then, otherwise])) = arguments(function).map(<[Expr; 3]>::try_from)
    {
        return Some(Expr::Case {
            case_token: AttachedToken::empty(),
            end_token: AttachedToken::empty(),
            operand: None,
            conditions: vec![CaseWhen { condition: Expr::IsNotNull(Box::new(value)), result: then }],
            else_result: Some(Box::new(otherwise)),
        });
    }
    let own = match name.as_str() {
        "negative" => NEGATIVE,
        "abs" => ABSOLUTE,
        "nvl" | "ifnull" => "coalesce",
        _ => return None,
    };
    let arguments = arguments(function).filter(|_| function.over.is_none())?;
    Some(call(own, arguments))
}

/// The fields and the digits of an interval as the guard spells it.
fn spelled(interval: &Interval) -> Option<(String, String)> {
    let Expr::Value(value) = interval.value.as_ref() else { return None };
    let Value::SingleQuotedString(content) = &value.value else { return None };
    let (words, digits) = content.split_once(':')?;
    IntervalType::parse(words).map(|_| (words.to_string(), digits.to_string()))
}

/// The bounds of a frame stay intervals of DataFusion's, which takes no others there.
pub fn frame(spec: &mut WindowSpec) {
    let Some(frame) = &mut spec.window_frame else { return };
    for bound in [Some(&mut frame.start_bound), frame.end_bound.as_mut()].into_iter().flatten() {
        let (WindowFrameBound::Preceding(Some(distance)) | WindowFrameBound::Following(Some(distance))) = bound else {
            continue;
        };
        if let Expr::Interval(interval) = distance.as_mut()
            && let Some((words, digits)) = spelled(interval)
            && let Some(kind) = IntervalType::parse(&words)
            && let Some(value) = kind.parse_digits(&digits)
        {
            let unit = if kind.is_of_months() { "months" } else { "microseconds" };
            *interval.value = text(format!("{value} {unit}"));
            interval.leading_field = None;
        }
    }
}

/// The function that gives an instant, for those that give a TIMESTAMP_NTZ.
fn without_zone(name: &str) -> Option<&'static str> {
    match name {
        "to_timestamp_ntz" => Some("to_timestamp"),
        "make_timestamp_ntz" => Some("make_timestamp"),
        "localtimestamp" => Some("now"),
        _ => None,
    }
}

fn is_cast_number(expr: &Expr) -> bool {
    matches!(expr, Expr::Cast { kind: CastKind::DoubleColon, expr, .. } if is_number(expr) || is_cast_number(expr))
}

fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, Value::Number(..)),
        _ => false,
    }
}

/// A type in the words that DataFusion has for it: TIMESTAMP is an instant, TIMESTAMP_NTZ is none.
fn spell(kind: &mut DataType) {
    match kind {
        DataType::Timestamp(precision, zone @ (TimezoneInfo::None | TimezoneInfo::WithTimeZone)) => {
            (*precision, *zone) = (MICROSECONDS, TimezoneInfo::WithTimeZone);
        }
        DataType::Dec(digits) => {
            *kind = DataType::Decimal(*digits);
            spell(kind);
        }
        DataType::TimestampNtz(_) => *kind = DataType::Timestamp(MICROSECONDS, TimezoneInfo::None),
        DataType::Decimal(digits @ ExactNumberInfo::None) | DataType::Numeric(digits @ ExactNumberInfo::None) => {
            *digits = ExactNumberInfo::PrecisionAndScale(10, 0)
        }
        DataType::Custom(name, arguments) if arguments.is_empty() => {
            *kind = match relation_name(name).as_str() {
                "byte" => DataType::TinyInt(None),
                "short" => DataType::SmallInt(None),
                "timestamp_ltz" => DataType::Timestamp(MICROSECONDS, TimezoneInfo::WithTimeZone),
                _ => return,
            };
        }
        DataType::Array(ArrayElemTypeDef::AngleBracket(element)) => spell(element),
        DataType::Struct(fields, _) => fields.iter_mut().for_each(|field| spell(&mut field.field_type)),
        _ => {}
    }
}
