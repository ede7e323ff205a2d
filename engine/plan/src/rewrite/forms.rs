//! Spark's ways of writing an expression as DataFusion's.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, DataType, DateTimeField, Expr, Function, FunctionArguments, Ident, JsonPath,
    JsonPathElem, LambdaFunction, NullTreatment, ObjectName, TrimWhereField, UnaryOperator, Value, ValueWithSpan,
    VisitorMut,
};

use super::calls::{access, arguments, call, name_of, set_arguments, text};
use super::within_group;
use crate::walk::walk_mut;

/// Rewrites one expression, not what is inside of it.
pub fn rewrite(expr: &mut Expr) {
    let rewritten = match expr {
        Expr::Value(value) => match &value.value {
            Value::DoubleQuotedString(content) => Some(text(content.clone())),
            _ => None,
        },
        Expr::CompoundFieldAccess { root, access_chain } => access(root, access_chain),
        Expr::BinaryOp { left, op: BinaryOperator::Spaceship, right } => {
            Some(Expr::IsNotDistinctFrom(left.clone(), right.clone()))
        }
        Expr::BinaryOp { left, op: BinaryOperator::MyIntegerDivide, right } => {
            Some(call("div", vec![left.as_ref().clone(), right.as_ref().clone()]))
        }
        Expr::JsonAccess { value, path } => of_variant(value, path),
        Expr::BinaryOp { left, op, right } if shift(op).is_some() => {
            shift(op).map(|name| call(name, vec![left.as_ref().clone(), right.as_ref().clone()]))
        }
        Expr::UnaryOp { op: UnaryOperator::BitwiseNot, expr } => Some(call("bitwise_not", vec![expr.as_ref().clone()])),
        Expr::Cast { data_type: data_type @ (DataType::Binary(_) | DataType::Varbinary(_)), .. } => {
            *data_type = DataType::Bytea;
            None
        }
        Expr::Like { .. } | Expr::ILike { .. } => {
            own_escape(expr);
            like_several(expr)
        }
        Expr::UnaryOp { op: UnaryOperator::BangNot, expr } => {
            Some(Expr::UnaryOp { op: UnaryOperator::Not, expr: expr.clone() })
        }
        Expr::RLike { negated, expr, pattern, .. } => {
            let matches = call("rlike", vec![expr.as_ref().clone(), pattern.as_ref().clone()]);
            Some(match negated {
                true => Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(matches) },
                false => matches,
            })
        }
        Expr::Extract { field, expr, .. } => {
            part(&field_name(field)).map(|name| call(name, vec![expr.as_ref().clone()]))
        }
        Expr::Position { expr, r#in } => Some(call("locate", vec![expr.as_ref().clone(), r#in.as_ref().clone()])),
        Expr::Substring { expr, substring_from: Some(from), substring_for, .. } => {
            let arguments = [Some(&*expr), Some(&*from), substring_for.as_ref()];
            Some(call("substring", arguments.into_iter().flatten().map(|argument| argument.as_ref().clone()).collect()))
        }
        Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
            let arguments = [Some(&*expr), Some(&*overlay_what), Some(&*overlay_from), overlay_for.as_ref()];
            Some(call("overlay", arguments.into_iter().flatten().map(|argument| argument.as_ref().clone()).collect()))
        }
        Expr::Struct { values, fields } if fields.is_empty() => Some(named_struct(values)),
        Expr::Function(function) => called(function),
        _ => None,
    };
    if let Some(rewritten) = rewritten {
        *expr = rewritten;
    }
}

/// The function that an operator that shifts stands for.
fn shift(op: &BinaryOperator) -> Option<&'static str> {
    match op {
        BinaryOperator::PGBitwiseShiftLeft => Some("shiftleft"),
        BinaryOperator::PGBitwiseShiftRight => Some("shiftright"),
        BinaryOperator::Custom(op) if op == ">>>" => Some("shiftrightunsigned"),
        _ => None,
    }
}

/// `total.sum` in a lambda is a field of its argument `total`, no column of a table.
pub fn lambda_fields(lambda: &mut LambdaFunction) {
    struct Fields(Vec<String>);
    impl VisitorMut for Fields {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if let Expr::CompoundIdentifier(names) = expr
                && let Some((first, fields)) = names.split_first()
                && self.0.contains(&first.value)
            {
                let of = |inner, field: &Ident| super::calls::field_of(inner, &field.value);
                *expr = fields.iter().fold(Expr::Identifier(first.clone()), of);
            }
            ControlFlow::Continue(())
        }
    }
    let names = lambda.params.iter().map(|parameter| parameter.name.value.clone()).collect();
    let _: ControlFlow<()> = walk_mut(&mut lambda.body, &mut Fields(names));
}

/// `struct(a, b AS c, 1)`: fields are named as their columns, others by their place.
fn named_struct(values: &[Expr]) -> Expr {
    let fields = values.iter().enumerate().flat_map(|(at, value)| {
        let (name, value) = match value {
            Expr::Named { expr, name } => (name.value.clone(), expr.as_ref().clone()),
            Expr::Identifier(name) => (name.value.clone(), value.clone()),
            Expr::CompoundIdentifier(names) => {
                (names.last().map_or(String::new(), |name| name.value.clone()), value.clone())
            }
            _ => (format!("col{}", at + 1), value.clone()),
        };
        [text(name), value]
    });
    call("named_struct", fields.collect())
}

/// The name of a field in small letters.
pub fn field_name(field: &DateTimeField) -> String {
    field.to_string().trim_matches('\'').to_lowercase()
}

/// Words for parts of a time that other engines have, and Spark has not.
const UNKNOWN_PARTS: &[&str] = &[
    "epoch",
    "isodow",
    "microsecond",
    "microseconds",
    "millisecond",
    "milliseconds",
    "nanosecond",
    "nanoseconds",
    "century",
    "decade",
    "millennium",
];

/// The part of a time that is asked for and that there is not.
pub fn unknown_part(expr: &Expr) -> Option<String> {
    let field = match expr {
        Expr::Extract { field, .. } => field_name(field),
        Expr::Function(function) if ["date_part", "datepart"].contains(&name_of(function).as_str()) => {
            match arguments(function)?.first()? {
                Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(field), .. }) => field.to_lowercase(),
                _ => return None,
            }
        }
        _ => return None,
    };
    UNKNOWN_PARTS.contains(&field.as_str()).then_some(field)
}

/// The function that gives a part of a time.
pub fn part(field: &str) -> Option<&'static str> {
    Some(match field {
        "year" | "years" | "yr" | "yrs" | "y" => "year",
        "yearofweek" | "isoyear" => "yearofweek",
        "quarter" | "quarters" | "qtr" => "quarter",
        "month" | "months" | "mon" | "mons" => "month",
        "week" | "weeks" | "w" => "weekofyear",
        "day" | "days" | "d" => "day",
        "dayofweek" | "dow" => "dayofweek",
        "dayofweek_iso" | "dow_iso" => "dayofweek_iso",
        "doy" | "dayofyear" => "dayofyear",
        "hour" | "hours" | "hr" | "hrs" | "h" => "hour",
        "minute" | "minutes" | "min" | "mins" | "m" => "minute",
        "second" | "seconds" | "sec" | "secs" | "s" => "second_with_fraction",
        _ => return None,
    })
}

/// `x LIKE 'a/%' ESCAPE '/'` with the one escape that DataFusion has, the backslash. Of a pattern that is no constant it stays, and is
/// refused.
fn own_escape(like: &mut Expr) {
    let (Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. }) = like else { return };
    let Some(Value::SingleQuotedString(escape)) = escape_char.as_ref().map(|escape| &escape.value) else { return };
    let letters: Vec<char> = escape.chars().collect();
    let ([escape], Expr::Value(text)) = (letters.as_slice(), pattern.as_mut()) else { return };
    let Value::SingleQuotedString(text) = &mut text.value else { return };
    if *escape == '\\' {
        return;
    }
    let mut letters = text.chars();
    let mut written = String::new();
    while let Some(letter) = letters.next() {
        let letter = match letter {
            letter if letter == *escape => match letters.next() {
                Some(next) if next == *escape || matches!(next, '%' | '_') => next,
                // Before another letter it means nothing.
                _ => return,
            },
            '%' | '_' => {
                written.push(letter);
                continue;
            }
            letter => letter,
        };
        if matches!(letter, '%' | '_' | '\\') {
            written.push('\\');
        }
        written.push(letter);
    }
    (*text, *escape_char) = (written, None);
}

/// `x LIKE ANY ('a%', 'b%')` and `LIKE ALL`.
fn like_several(like: &Expr) -> Option<Expr> {
    let (Expr::Like { pattern, any, .. } | Expr::ILike { pattern, any, .. }) = like else { return None };
    let (patterns, all) = match pattern.as_ref() {
        Expr::Tuple(patterns) if *any => (patterns.clone(), false),
        Expr::Nested(pattern) if *any => (vec![pattern.as_ref().clone()], false),
        Expr::Function(function) => match name_of(function).as_str() {
            "all" => (arguments(function)?, true),
            "any" | "some" => (arguments(function)?, false),
            _ => return None,
        },
        _ => return None,
    };
    let one = |wanted: Expr| {
        let mut one = like.clone();
        if let Expr::Like { pattern, any, negated, .. } | Expr::ILike { pattern, any, negated, .. } = &mut one {
            (*pattern, *any, *negated) = (Box::new(wanted), false, false);
        }
        one
    };
    let (Expr::Like { negated, .. } | Expr::ILike { negated, .. }) = like else { return None };
    // NOT LIKE ANY holds if one of them is not matched, NOT LIKE ALL if none is.
    let parts = patterns.into_iter().map(|pattern| match negated {
        true => Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(one(pattern)) },
        false => one(pattern),
    });
    let op = if all { BinaryOperator::And } else { BinaryOperator::Or };
    let joined =
        parts.reduce(|left, right| Expr::BinaryOp { left: Box::new(left), op: op.clone(), right: Box::new(right) });
    joined.map(|joined| Expr::Nested(Box::new(joined)))
}

fn not(expr: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(expr) }
}

/// `forall(array, x -> …)`: for no element the opposite holds.
fn for_all(array: &Expr, lambda: &Expr) -> Option<Expr> {
    let Expr::Lambda(lambda) = lambda else { return None };
    let mut opposite = lambda.clone();
    opposite.body = Box::new(not(Expr::Nested(lambda.body.clone())));
    Some(not(call("array_any_match", vec![array.clone(), Expr::Lambda(opposite)])))
}

/// `dateadd(HOUR, 1, t)` and `datediff(HOUR, a, b)`, whose first argument is a word.
fn with_unit(name: &str, unit: &str, first: &Expr, second: &Expr) -> Option<Expr> {
    let unit = unit.to_lowercase();
    let instant = |expr: &Expr| call("__instant", vec![expr.clone()]);
    match name {
        "dateadd" | "date_add" | "timestampadd" => {
            Some(call("__add_units", vec![text(unit), first.clone(), instant(second)]))
        }
        "datediff" | "date_diff" | "timestampdiff" => {
            Some(call("__whole_units", vec![text(unit), instant(first), instant(second)]))
        }
        _ => None,
    }
}

fn case(conditions: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> Expr {
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: conditions.into_iter().map(|(condition, result)| CaseWhen { condition, result }).collect(),
        else_result: otherwise.map(Box::new),
    }
}

fn called(function: &mut Function) -> Option<Expr> {
    if let Some(rewritten) = within_group::rewrite(function) {
        return Some(rewritten);
    }
    let name = name_of(function);
    let arguments = arguments(function)?;
    if function.over.is_some() {
        end_of_window(function, &name, &arguments);
    }
    if let Some(other) = other_name(&name, arguments.len()) {
        return renamed(function, other);
    }
    if let ("regr_avgx" | "regr_avgy", [y, x]) = (name.as_str(), arguments.as_slice()) {
        let (value, other) = if name == "regr_avgx" { (x, y) } else { (y, x) };
        let known = Expr::IsNotNull(Box::new(other.clone()));
        set_arguments(function, vec![case(vec![(known, value.clone())], None)]);
        return renamed(function, "avg");
    }
    if let [Expr::Identifier(unit), first, second] = arguments.as_slice()
        && unit.quote_style.is_none()
        && let Some(rewritten) = with_unit(&name, &unit.value, first, second)
    {
        return Some(rewritten);
    }
    if let Some(rewritten) = of_text(&name, &arguments) {
        return Some(rewritten);
    }
    match (name.as_str(), arguments.as_slice()) {
        ("if" | "iff", [condition, then, otherwise]) => {
            Some(case(vec![(condition.clone(), then.clone())], Some(otherwise.clone())))
        }
        ("date_part" | "datepart", [Expr::Value(field), time]) => match &field.value {
            Value::SingleQuotedString(field) => {
                part(&field.to_uppercase().to_lowercase()).map(|name| call(name, vec![time.clone()]))
            }
            _ => None,
        },
        ("transform", [_, Expr::Lambda(lambda)]) if lambda.params.len() == 2 => {
            renamed(function, "transform_with_index")
        }
        ("filter", [_, Expr::Lambda(lambda)]) if lambda.params.len() == 2 => renamed(function, "filter_with_index"),
        ("array_sort", [_, Expr::Lambda(_)]) => renamed(function, "array_sort_by"),
        ("transform", [_, Expr::Lambda(_)]) => renamed(function, "array_transform"),
        ("filter", [_, Expr::Lambda(_)]) => renamed(function, "array_filter"),
        ("array_any_match", [_, Expr::Lambda(_)]) => None,
        ("forall", [array, lambda]) => for_all(array, lambda),
        ("arrays_zip", [_, ..]) => Some(named_zip(&arguments)),
        ("like", [value, pattern]) => Some(like(value, pattern, false, None)),
        ("ilike", [value, pattern]) => Some(like(value, pattern, true, None)),
        ("like", [value, pattern, Expr::Value(escape)]) => Some(like(value, pattern, false, Some(escape))),
        ("ilike", [value, pattern, Expr::Value(escape)]) => Some(like(value, pattern, true, Some(escape))),
        ("current_catalog", []) => Some(text("spark_catalog")),
        ("current_database" | "current_schema", []) => Some(text("default")),
        ("current_timezone", []) => Some(text("UTC")),
        ("dayname", [day]) => Some(call("date_format", vec![day.clone(), text("EEE")])),
        ("zeroifnull", [value]) => Some(call("coalesce", vec![value.clone(), zero()])),
        ("nullifzero", [value]) => Some(call("nullif", vec![value.clone(), zero()])),
        ("positive", [value]) => Some(Expr::Nested(Box::new(value.clone()))),
        ("array_prepend", [array, element]) => Some(call("list_push_front", vec![element.clone(), array.clone()])),
        (name, [value]) => cast_type(name).map(|data_type| Expr::Cast {
            kind: CastKind::Cast,
            expr: Box::new(value.clone()),
            data_type,
            array: false,
            format: None,
        }),
        _ => None,
    }
}

/// The function that a call of so many arguments is of, where it has another name here.
fn other_name(name: &str, arguments: usize) -> Option<&'static str> {
    Some(match (name, arguments) {
        ("map", 0) => "__empty_map",
        ("try_make_interval", 1..) => "make_interval",
        ("make_timestamp" | "make_timestamp_ltz" | "try_make_timestamp" | "try_make_timestamp_ltz", 1..=3) => {
            "__timestamp_of"
        }
        ("make_timestamp_ntz" | "try_make_timestamp_ntz", 2) => "__local_timestamp_of",
        ("try_make_timestamp_ltz", _) => "try_make_timestamp",
        ("localtimestamp" | "current_timestamp", 0) => "now",
        ("curdate", 0) => "current_date",
        ("grouping_id", 1..) => "grouping",
        ("len", 1) => "length",
        ("lcase", 1) => "lower",
        ("ucase", 1) => "upper",
        ("try_avg", 1) => "avg",
        _ => return None,
    })
}

/// Functions of texts that DataFusion spells or orders otherwise.
fn of_text(name: &str, arguments: &[Expr]) -> Option<Expr> {
    match (name, arguments) {
        // Not the same as of nothing at all.
        ("concat", [Expr::Value(null)]) if null.value == Value::Null => Some(Expr::Cast {
            kind: CastKind::Cast,
            expr: Box::new(Expr::Value(null.clone())),
            data_type: DataType::String(None),
            array: false,
            format: None,
        }),
        ("replace", [value, part]) => Some(call("replace", vec![value.clone(), part.clone(), text("")])),
        ("ltrim" | "rtrim", [letters, value]) => Some(trimmed(name, letters, value)),
        ("to_binary", [value]) => Some(call("__to_bytes", vec![value.clone()])),
        ("try_to_binary", [value]) => Some(call("unhex", vec![value.clone()])),
        ("to_binary", [value, Expr::Value(form)]) => bytes(value, &form.value, ["__to_bytes", "unbase64"]),
        ("try_to_binary", [value, Expr::Value(form)]) => bytes(value, &form.value, ["unhex", "__try_unbase64"]),
        _ => None,
    }
}

/// `ltrim('xy', value)`: Spark names the letters first, DataFusion last; the form in words says which is which.
fn trimmed(name: &str, letters: &Expr, value: &Expr) -> Expr {
    Expr::Trim {
        expr: Box::new(value.clone()),
        trim_where: Some(if name == "ltrim" { TrimWhereField::Leading } else { TrimWhereField::Trailing }),
        trim_what: Some(Box::new(letters.clone())),
        trim_characters: None,
    }
}

/// An INT, so that a TINYINT beside it becomes one and a BIGINT stays what it is.
fn zero() -> Expr {
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(super::calls::number(0)),
        data_type: DataType::Int(None),
        array: false,
        format: None,
    }
}

/// `arrays_zip(a, s.b, array(1))`: fields are named as their columns, others by their number from 0.
fn named_zip(arrays: &[Expr]) -> Expr {
    let fields = arrays.iter().enumerate().flat_map(|(at, array)| {
        let name = match array {
            Expr::Identifier(name) => name.value.clone(),
            Expr::CompoundIdentifier(names) => names.last().map_or(at.to_string(), |name| name.value.clone()),
            _ => at.to_string(),
        };
        [text(name), array.clone()]
    });
    call("named_zip", fields.collect())
}

/// `to_binary(text, 'hex' | 'utf-8' | 'base64')`.
fn bytes(value: &Expr, form: &Value, [of_hexadecimal, of_base64]: [&str; 2]) -> Option<Expr> {
    let Value::SingleQuotedString(form) = form else { return None };
    match form.to_lowercase().as_str() {
        "hex" => Some(call(of_hexadecimal, vec![value.clone()])),
        "utf-8" | "utf8" => Some(call("encode", vec![value.clone(), text("UTF-8")])),
        "base64" => Some(call(of_base64, vec![value.clone()])),
        _ => None,
    }
}

/// `first(x, true) OVER (…)` is `first_value(x) IGNORE NULLS OVER (…)`.
fn end_of_window(function: &mut Function, name: &str, arguments: &[Expr]) {
    let own = match name {
        "first" | "first_value" => "first_value",
        "last" | "last_value" => "last_value",
        _ => return,
    };
    let _: Option<Expr> = renamed(function, own);
    if let ([_, Expr::Value(flag)], FunctionArguments::List(list)) = (arguments, &mut function.args)
        && let Value::Boolean(ignores) = flag.value
    {
        list.args.truncate(1);
        function.null_treatment = Some(if ignores { NullTreatment::IgnoreNulls } else { NullTreatment::RespectNulls });
    }
}

fn like(value: &Expr, pattern: &Expr, any_case: bool, escape: Option<&ValueWithSpan>) -> Expr {
    let (expr, pattern, escape_char) = (Box::new(value.clone()), Box::new(pattern.clone()), escape.cloned());
    let mut like = match any_case {
        true => Expr::ILike { negated: false, any: false, expr, pattern, escape_char },
        false => Expr::Like { negated: false, any: false, expr, pattern, escape_char },
    };
    own_escape(&mut like);
    like
}

/// `v:a.b[0]` is `variant_get(v, '$.a.b[0]')`.
fn of_variant(value: &Expr, path: &JsonPath) -> Option<Expr> {
    let mut written = "$".to_string();
    for step in &path.path {
        match step {
            JsonPathElem::Dot { key, .. } => written.push_str(&format!("[\"{key}\"]")),
            JsonPathElem::Bracket { key: Expr::Value(key) } | JsonPathElem::ColonBracket { key: Expr::Value(key) } => {
                match &key.value {
                    Value::Number(place, _) => written.push_str(&format!("[{place}]")),
                    Value::SingleQuotedString(name) | Value::DoubleQuotedString(name) => {
                        written.push_str(&format!("[\"{name}\"]"));
                    }
                    _ => return None,
                }
            }
            JsonPathElem::Bracket { .. } | JsonPathElem::ColonBracket { .. } => return None,
        }
    }
    Some(call("variant_get", vec![value.clone(), text(written)]))
}

fn renamed(function: &mut Function, name: &str) -> Option<Expr> {
    function.name = ObjectName::from(vec![Ident::new(name)]);
    None
}

/// `string(x)` and the like are casts.
fn cast_type(name: &str) -> Option<DataType> {
    Some(match name {
        "string" => DataType::String(None),
        "tinyint" => DataType::TinyInt(None),
        "smallint" => DataType::SmallInt(None),
        "int" => DataType::Int(None),
        "bigint" => DataType::BigInt(None),
        "float" => DataType::Real,
        "double" => DataType::Double(datafusion::sql::sqlparser::ast::ExactNumberInfo::None),
        "boolean" => DataType::Boolean,
        "decimal" => DataType::Decimal(datafusion::sql::sqlparser::ast::ExactNumberInfo::PrecisionAndScale(10, 0)),
        "binary" => DataType::Bytea,
        "date" => DataType::Date,
        "timestamp" => DataType::Timestamp(None, datafusion::sql::sqlparser::ast::TimezoneInfo::None),
        _ => return None,
    })
}
