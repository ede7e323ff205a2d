//! Building parts of SQL.

use datafusion::sql::sqlparser::ast::{
    AccessExpr, ExcludeSelectItem, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, Subscript, Value, WildcardAdditionalOptions,
};
use expr::scalar::fields_of::FIELD;

/// A call of a function.
pub fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let args = arguments.into_iter().map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))).collect();
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: vec![] }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    })
}

/// A constant text.
pub fn text(value: impl Into<String>) -> Expr {
    Expr::value(Value::SingleQuotedString(value.into()))
}

/// A constant whole number.
pub fn number(value: usize) -> Expr {
    Expr::value(Value::Number(value.to_string(), false))
}

/// The arguments of a call, if they are plain expressions.
pub fn arguments(function: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let plain = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    });
    plain.collect()
}

/// Gives a call other arguments; what stands beside them stays.
pub fn set_arguments(function: &mut Function, arguments: Vec<Expr>) {
    if let FunctionArguments::List(list) = &mut function.args {
        list.args =
            arguments.into_iter().map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))).collect();
    }
}

/// The relation that an object name means, in lower case.
pub fn relation_name(name: &ObjectName) -> String {
    let parts: Vec<String> = name.0.iter().map(|part| part.to_string().replace('`', "").to_lowercase()).collect();
    parts.join(".")
}

/// The name of a function in lower case.
pub fn name_of(function: &Function) -> String {
    relation_name(&function.name)
}

/// `a.b[0].c` as calls: fields by name, items of arrays from 0, values of maps by key. `is_window` fields have small letters.
pub fn access(root: &Expr, chain: &[AccessExpr]) -> Option<Expr> {
    let mut rest = chain;
    let mut names = match root {
        Expr::Identifier(name) => vec![name.clone()],
        Expr::CompoundIdentifier(names) => names.clone(),
        _ => Vec::new(),
    };
    let mut inner = root.clone();
    if !names.is_empty() {
        while let Some((AccessExpr::Dot(Expr::Identifier(name)), after)) = rest.split_first() {
            names.push(name.clone());
            rest = after;
        }
        inner = match names.as_slice() {
            [one] => Expr::Identifier(one.clone()),
            _ => Expr::CompoundIdentifier(names),
        };
    }
    rest.iter().try_fold(inner, |inner, access| match access {
        AccessExpr::Dot(Expr::Identifier(field)) => Some(field_of(inner, &field.value)),
        AccessExpr::Subscript(Subscript::Index { index }) => Some(call("item_at", vec![inner, index.clone()])),
        _ => None,
    })
}

/// A field of a struct.
pub fn field_of(inner: Expr, field: &str) -> Expr {
    let is_window = matches!(&inner, Expr::Function(function) if ["window", "session_window"].contains(&name_of(function).as_str()));
    let field = if is_window { field.to_lowercase() } else { field.to_string() };
    call(if is_window { "get_field" } else { FIELD }, vec![inner, text(field)])
}

/// The names that `* EXCEPT (…)` or `* EXCLUDE (…)` leaves out, in lower case.
pub fn excluded(options: &WildcardAdditionalOptions) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    if let Some(except) = &options.opt_except {
        names.push(except.first_element.value.to_lowercase());
        names.extend(except.additional_elements.iter().map(|name| name.value.to_lowercase()));
    }
    match &options.opt_exclude {
        Some(ExcludeSelectItem::Single(name)) => names.push(relation_name(name)),
        Some(ExcludeSelectItem::Multiple(several)) => names.extend(several.iter().map(relation_name)),
        None => {}
    }
    names
}
