//! The names of columns without one, as Spark gives them: `sum(v)`, `(a + 1)`, `CAST(s AS INT)`.

mod calls;
mod values;

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CaseWhen, CastKind, Expr, Ident, LambdaFunction, OrderByExpr, Select, SelectItem,
    Statement, Subscript, TrimWhereField, UnaryOperator, VisitorMut,
};

use crate::walk::walk_mut;

/// Gives the columns of every query of a statement their names; see [`name_columns`].
pub fn name_all(statement: &mut Statement) {
    struct Namer;
    impl VisitorMut for Namer {
        type Break = ();

        fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
            name_columns(select);
            ControlFlow::Continue(())
        }
    }
    let _: ControlFlow<()> = walk_mut(statement, &mut Namer);
}

/// Gives every column of a query that has no name the one that Spark gives it (`toPrettySQL` of catalyst's `package.scala`). Columns that
/// are named by what they are of, and generators, stay. The second of two that would have the same name gets a number behind it: DataFusion
/// refuses equal names.
pub fn name_columns(select: &mut Select) {
    let mut names: Vec<String> = select.projection.iter().filter_map(given_name).collect();
    for item in &mut select.projection {
        let SelectItem::UnnamedExpr(expr) = item else { continue };
        let Some(name) = heading(expr) else { continue };
        let numbered = (1..).map(|number| format!("{name}_{number}"));
        let name = std::iter::once(name.clone()).chain(numbered).find(|name| !names.contains(&name.to_lowercase()));
        let Some(name) = name else { continue };
        names.push(name.to_lowercase());
        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::with_quote('`', name) };
    }
}

fn given_name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.to_lowercase()),
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(name.value.to_lowercase()),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) => names.last().map(|name| name.value.to_lowercase()),
        _ => None,
    }
}

/// The name of a column that is computed so; none for those that have one.
fn heading(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => None,
        Expr::Nested(inner) => heading(inner),
        Expr::Function(function) if calls::is_generator(function) => None,
        // A cast of a column is named as the column.
        Expr::Cast { expr: inner, kind: CastKind::Cast | CastKind::DoubleColon, .. } => match inner.as_ref() {
            Expr::Identifier(name) => Some(name.value.clone()),
            Expr::CompoundIdentifier(names) => names.last().map(|name| name.value.clone()),
            _ => Some(written(expr)),
        },
        Expr::CompoundFieldAccess { access_chain, .. } => match access_chain.last() {
            Some(AccessExpr::Dot(Expr::Identifier(field))) => Some(field.value.clone()),
            _ => Some(written(expr)),
        },
        _ => Some(written(expr)),
    }
}

/// An expression as Spark writes it.
fn written(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(name) => name.value.clone(),
        Expr::CompoundIdentifier(names) => names.last().map_or(String::new(), |name| name.value.clone()),
        Expr::Value(value) => values::literal(&value.value),
        Expr::TypedString(typed) => values::typed(typed),
        Expr::Interval(interval) => values::interval(interval),
        Expr::Nested(inner) => written(inner),
        Expr::BinaryOp { left, op, right } => binary(left, op, right),
        Expr::UnaryOp { op, expr: inner } => unary(*op, inner),
        Expr::IsNull(inner) => format!("({} IS NULL)", written(inner)),
        Expr::IsNotNull(inner) => format!("({} IS NOT NULL)", written(inner)),
        Expr::IsTrue(inner) => format!("({} <=> true)", written(inner)),
        Expr::IsFalse(inner) => format!("({} <=> false)", written(inner)),
        Expr::IsNotTrue(inner) => format!("(NOT ({} <=> true))", written(inner)),
        Expr::IsNotFalse(inner) => format!("(NOT ({} <=> false))", written(inner)),
        Expr::IsUnknown(inner) => format!("({} IS UNKNOWN)", written(inner)),
        Expr::IsNotUnknown(inner) => format!("({} IS NOT UNKNOWN)", written(inner)),
        Expr::IsNotDistinctFrom(left, right) => format!("({} <=> {})", written(left), written(right)),
        Expr::IsDistinctFrom(left, right) => format!("(NOT ({} <=> {}))", written(left), written(right)),
        Expr::Function(function) => calls::call(function),
        Expr::Case { operand, conditions, else_result, .. } => {
            case(operand.as_deref(), conditions, else_result.as_deref())
        }
        Expr::Cast { kind, expr: inner, data_type, .. } => {
            values::cast(kind, written(inner), values::is_number(expr), data_type)
        }
        Expr::Lambda(lambda) => of_lambda(lambda),
        Expr::Tuple(values) => format!("struct({})", list(values)),
        Expr::Struct { values, .. } => format!("struct({})", list(values)),
        Expr::Named { expr: inner, name } => format!("{} AS {}", written(inner), name.value),
        Expr::CompoundFieldAccess { root, access_chain } => access(root, access_chain),
        _ => of_tests(expr),
    }
}

/// What asks whether something holds, and what has words of SQL's own.
fn of_tests(expr: &Expr) -> String {
    let not = |negated: bool, text: String| if negated { format!("(NOT {text})") } else { text };
    match expr {
        Expr::Between { expr: inner, negated, low, high } => {
            not(*negated, format!("between({}, {}, {})", written(inner), written(low), written(high)))
        }
        Expr::InList { expr: inner, list: values, negated } => {
            not(*negated, format!("({} IN ({}))", written(inner), list(values)))
        }
        Expr::InSubquery { expr: inner, negated, .. } => {
            not(*negated, format!("({} IN (listquery()))", written(inner)))
        }
        Expr::Exists { negated, .. } => not(*negated, "exists()".to_string()),
        Expr::Subquery(_) => "scalarsubquery()".to_string(),
        Expr::Like { expr: inner, negated, pattern, any: false, escape_char } => {
            let escape = escape_char.as_ref().map_or(String::new(), |escape| format!(" ESCAPE {escape}"));
            not(*negated, format!("{} LIKE {}{escape}", written(inner), written(pattern)))
        }
        Expr::ILike { expr: inner, negated, pattern, any: false, .. } => {
            not(*negated, format!("ilike({}, {})", written(inner), written(pattern)))
        }
        Expr::RLike { expr: inner, negated, pattern, .. } => {
            not(*negated, format!("RLIKE({}, {})", written(inner), written(pattern)))
        }
        Expr::Extract { field, expr: inner, .. } => format!("extract({field} FROM {})", written(inner)),
        Expr::Position { expr: inner, r#in } => format!("locate({}, {}, 1)", written(inner), written(r#in)),
        Expr::Substring { expr: inner, substring_from, substring_for, .. } => {
            let from = substring_from.as_ref().map_or("1".to_string(), |from| written(from));
            let length = substring_for.as_ref().map_or(i32::MAX.to_string(), |length| written(length));
            format!("substring({}, {from}, {length})", written(inner))
        }
        Expr::Overlay { expr: inner, overlay_what, overlay_from, overlay_for } => {
            let length = overlay_for.as_ref().map_or("-1".to_string(), |length| written(length));
            let parts = [inner, overlay_what, overlay_from].map(|part| written(part));
            format!("overlay({}, {length})", parts.join(", "))
        }
        Expr::Trim { expr: inner, trim_where, trim_what, .. } => trim(inner, trim_where.as_ref(), trim_what.as_deref()),
        other => other.to_string(),
    }
}

fn trim(inner: &Expr, place: Option<&TrimWhereField>, what: Option<&Expr>) -> String {
    let Some(what) = what else {
        let name = match place {
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
            _ => "trim",
        };
        return format!("{name}({})", written(inner));
    };
    let place = place.map_or("BOTH".to_string(), ToString::to_string);
    format!("TRIM({place} {} FROM {})", written(what), written(inner))
}

fn list(values: &[Expr]) -> String {
    values.iter().map(written).collect::<Vec<_>>().join(", ")
}

fn binary(left: &Expr, op: &BinaryOperator, right: &Expr) -> String {
    // An instant moved by an interval has no parentheses.
    if matches!(right, Expr::Interval(_)) && !matches!(left, Expr::Interval(_)) {
        return format!("{} {op} {}", written(left), written(right));
    }
    let (left, right) = (written(left), written(right));
    let sign = match op {
        BinaryOperator::NotEq => return format!("(NOT ({left} = {right}))"),
        BinaryOperator::StringConcat => return format!("concat({left}, {right})"),
        BinaryOperator::Spaceship => "<=>".to_string(),
        BinaryOperator::MyIntegerDivide => "div".to_string(),
        BinaryOperator::PGBitwiseShiftLeft => "<<".to_string(),
        BinaryOperator::PGBitwiseShiftRight => ">>".to_string(),
        BinaryOperator::Custom(sign) => sign.clone(),
        other => other.to_string(),
    };
    format!("({left} {sign} {right})")
}

fn unary(op: UnaryOperator, inner: &Expr) -> String {
    match op {
        UnaryOperator::Not | UnaryOperator::BangNot => format!("(NOT {})", written(inner)),
        UnaryOperator::BitwiseNot => format!("~{}", written(inner)),
        UnaryOperator::Plus => format!("(+ {})", written(inner)),
        UnaryOperator::Minus if values::is_number(inner) => format!("-{}", written(inner)),
        UnaryOperator::Minus => format!("(- {})", written(inner)),
        _ => format!("{op}{}", written(inner)),
    }
}

fn case(operand: Option<&Expr>, conditions: &[CaseWhen], otherwise: Option<&Expr>) -> String {
    let mut text = "CASE".to_string();
    for CaseWhen { condition, result } in conditions {
        let condition = match operand {
            Some(operand) => format!("({} = {})", written(operand), written(condition)),
            None => written(condition),
        };
        text.push_str(&format!(" WHEN {condition} THEN {}", written(result)));
    }
    if let Some(otherwise) = otherwise {
        text.push_str(&format!(" ELSE {}", written(otherwise)));
    }
    text + " END"
}

fn of_lambda(lambda: &LambdaFunction) -> String {
    let names: Vec<&str> = lambda.params.iter().map(|parameter| parameter.name.value.as_str()).collect();
    let parameters = vec!["namedlambdavariable()"; names.len()].join(", ");
    let mut body = lambda.body.as_ref().clone();
    calls::hide_variables(&mut body, &names);
    format!("lambdafunction({}, {parameters})", written(&body))
}

fn access(root: &Expr, chain: &[AccessExpr]) -> String {
    chain.iter().fold(written(root), |text, access| match access {
        AccessExpr::Dot(field) => format!("{text}.{}", written(field)),
        AccessExpr::Subscript(Subscript::Index { index }) => format!("{text}[{}]", written(index)),
        AccessExpr::Subscript(other) => format!("{text}[{other}]"),
    })
}

/// One key of an order: NULLs stand first upwards and last downwards, unless it says so.
fn order_key(key: &OrderByExpr) -> String {
    let ascending = key.options.asc.unwrap_or(true);
    let nulls_first = key.options.nulls_first.unwrap_or(ascending);
    let (way, nulls) = (if ascending { "ASC" } else { "DESC" }, if nulls_first { "FIRST" } else { "LAST" });
    format!("{} {way} NULLS {nulls}", written(&key.expr))
}

#[cfg(test)]
mod tests;
