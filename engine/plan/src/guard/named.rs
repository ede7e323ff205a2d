//! What is named by a text or by its parameter: `IDENTIFIER('t')` in FROM, and named arguments.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, ObjectNamePart, Statement,
    TableFactor, Value, VisitorMut,
};

use super::dialect::identifier_parts;
use crate::problem::SqlProblem;
use crate::walk::walk_mut;

/// A function whose arguments have names in Spark, and what stands for those that are left out.
struct Signature {
    name: &'static str,
    parameters: &'static [&'static str],
    defaults: &'static [Option<&'static str>],
}

const SIGNATURES: [Signature; 1] = [Signature {
    name: "mask",
    parameters: &["str", "upperChar", "lowerChar", "digitChar", "otherChar"],
    defaults: &[Some("X"), Some("x"), Some("n"), None],
}];

/// Puts named arguments into their places, and tables under the names that IDENTIFIER gives.
///
/// # Errors
/// Spark's, for a name that the function does not have, or has twice.
pub fn resolve(statement: &mut Statement, sql: &str) -> Result<(), SqlProblem> {
    struct Resolver<'a>(&'a str);
    impl VisitorMut for Resolver<'_> {
        type Break = SqlProblem;

        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlProblem> {
            let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
            match in_places(function) {
                Ok(()) => ControlFlow::Continue(()),
                Err(problem) => ControlFlow::Break(problem.at_text(self.0, &function.name.to_string())),
            }
        }

        fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<SqlProblem> {
            if let TableFactor::Table { name, args, .. } = factor
                && small(name) == "identifier"
                && let Some(named) = args.as_ref().and_then(|args| table_named(&args.args))
            {
                (*name, *args) = (named, None);
            }
            ControlFlow::Continue(())
        }
    }
    match walk_mut(statement, &mut Resolver(sql)) {
        ControlFlow::Break(problem) => Err(problem),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// A name in small letters.
fn small(name: &ObjectName) -> String {
    name.to_string().replace('`', "").to_lowercase()
}

fn table_named(args: &[FunctionArg]) -> Option<ObjectName> {
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))] = args else { return None };
    let (Value::SingleQuotedString(name) | Value::DoubleQuotedString(name)) = &value.value else { return None };
    let parts = identifier_parts(name)?;
    Some(ObjectName(parts.into_iter().map(ObjectNamePart::Identifier).collect()))
}

fn in_places(function: &mut Function) -> Result<(), SqlProblem> {
    let called = small(&function.name);
    let FunctionArguments::List(list) = &mut function.args else { return Ok(()) };
    let is_named = |argument: &FunctionArg| !matches!(argument, FunctionArg::Unnamed(_));
    let Some(signature) = SIGNATURES.iter().find(|known| known.name == called) else { return Ok(()) };
    if !list.args.iter().any(is_named) {
        return Ok(());
    }
    let mut places: Vec<Option<FunctionArg>> = vec![None; signature.parameters.len().max(list.args.len())];
    for (at, argument) in std::mem::take(&mut list.args).into_iter().enumerate() {
        let (place, value) = match argument {
            FunctionArg::Unnamed(value) => (at, value),
            FunctionArg::Named { name, arg, .. } => (place_of(signature, &name)?, arg),
            FunctionArg::ExprNamed { name, arg, .. } => (place_of(signature, &Ident::new(name.to_string()))?, arg),
        };
        if places[place].replace(FunctionArg::Unnamed(value)).is_some() {
            let name = signature.parameters.get(place).copied().unwrap_or_default();
            let message = format!("`{called}` is given `{name}` twice");
            return Err(SqlProblem::new(message, "leave one out")
                .code("DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT.DOUBLE_NAMED_ARGUMENT_REFERENCE"));
        }
    }
    let last = places.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    let required = signature.parameters.len() - signature.defaults.len();
    for (at, place) in places.into_iter().enumerate().take(last) {
        let filled = match (place, at.checked_sub(required).and_then(|at| signature.defaults.get(at))) {
            (Some(argument), _) => argument,
            (None, Some(default)) => {
                let value =
                    Expr::value(default.map_or(Value::Null, |text| Value::SingleQuotedString(text.to_string())));
                FunctionArg::Unnamed(FunctionArgExpr::Expr(value))
            }
            (None, None) => {
                let name = signature.parameters.get(at).copied().unwrap_or_default();
                let message = format!("`{called}` is not given `{name}`");
                return Err(SqlProblem::new(message, format!("write {name} => …")).code("REQUIRED_PARAMETER_NOT_FOUND"));
            }
        };
        list.args.push(filled);
    }
    Ok(())
}

fn place_of(signature: &Signature, name: &Ident) -> Result<usize, SqlProblem> {
    let found = signature.parameters.iter().position(|known| known.eq_ignore_ascii_case(&name.value));
    found.ok_or_else(|| {
        let message = format!("`{}` has no argument `{}`", signature.name, name.value);
        let help = format!("its arguments are {}", signature.parameters.join(", "));
        SqlProblem::new(message, help).code("UNRECOGNIZED_PARAMETER_NAME")
    })
}
