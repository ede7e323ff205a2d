//! What is named by a text or by its parameter: `IDENTIFIER('t')` in FROM, and named arguments.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectName, ObjectNamePart, Statement,
    TableFactor, Value, VisitorMut,
};

use super::dialect::{NO_NAME, identifier_parts};
use crate::error::nearest;
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
            if let TableFactor::Table { name, args: args @ Some(_), .. } = factor
                && small(name) == "identifier"
            {
                let Some(named) = args.as_ref().and_then(|args| table_named(&args.args)) else {
                    let problem = SqlProblem::new(NO_NAME, "write the name itself, or IDENTIFIER('schema.table')");
                    return ControlFlow::Break(problem.code("NOT_A_CONSTANT_STRING").at_text(self.0, "IDENTIFIER"));
                };
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
    let usage = format!("{called}({})", signature.parameters.join(", "));
    let places = placed(&called, signature.parameters, &usage, std::mem::take(&mut list.args))?;
    let last = places.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    let required = signature.parameters.len() - signature.defaults.len();
    for (at, place) in places.into_iter().enumerate().take(last) {
        let default = || at.checked_sub(required).and_then(|at| signature.defaults.get(at)).map(constant);
        let missing = || {
            let message = format!("`{called}` is not given `{}`", signature.parameters[at]);
            SqlProblem::new(message, format!("write {usage}")).code("REQUIRED_PARAMETER_NOT_FOUND")
        };
        list.args.push(place.or_else(default).ok_or_else(missing)?);
    }
    Ok(())
}

fn constant(text: &Option<&str>) -> FunctionArg {
    let value = text.map_or(Value::Null, |text| Value::SingleQuotedString(text.to_string()));
    FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::value(value)))
}

/// The arguments of a call in the order of the function's parameters, by their places and by their names; none where one is left out.
///
/// # Errors
/// Spark's, for too many arguments, and for a name that the function does not have, or has twice; `usage` is how it is called.
pub fn placed(
    called: &str,
    parameters: &[&str],
    usage: &str,
    args: Vec<FunctionArg>,
) -> Result<Vec<Option<FunctionArg>>, SqlProblem> {
    let mut places: Vec<Option<FunctionArg>> = vec![None; parameters.len()];
    let count = args.len();
    for (at, argument) in args.into_iter().enumerate() {
        let (place, value) = match argument {
            FunctionArg::Named { name, arg, .. } => (place_of(called, parameters, usage, &name.value)?, arg),
            FunctionArg::ExprNamed { name, arg, .. } => (place_of(called, parameters, usage, &name.to_string())?, arg),
            FunctionArg::Unnamed(value) => (at, value),
        };
        if !matches!(value, FunctionArgExpr::Expr(_)) {
            return Err(SqlProblem::new(format!("`*` is no value for `{called}`"), format!("write {usage}")));
        }
        match places.get_mut(place) {
            Some(slot @ None) => *slot = Some(FunctionArg::Unnamed(value)),
            Some(Some(_)) => {
                let message = format!("`{called}` is given `{}` twice", parameters[place]);
                let problem = SqlProblem::new(message, format!("write {usage}"));
                return Err(problem.code("DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT.DOUBLE_NAMED_ARGUMENT_REFERENCE"));
            }
            None => return Err(wrong_number(called, parameters.len(), usage, count)),
        }
    }
    Ok(places)
}

fn place_of(called: &str, parameters: &[&str], usage: &str, name: &str) -> Result<usize, SqlProblem> {
    let found = parameters.iter().position(|known| known.eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        let help = match nearest(&name.to_lowercase(), parameters) {
            Some(other) => format!("did you mean `{other}`? It is {usage}"),
            None => format!("it is {usage}"),
        };
        SqlProblem::new(format!("`{called}` has no argument `{name}`"), help).code("UNRECOGNIZED_PARAMETER_NAME")
    })
}

/// What is said of a call with another number of arguments than the function takes.
pub fn wrong_number(called: &str, takes: usize, usage: &str, count: usize) -> SqlProblem {
    let (takes, plural) = match takes {
        0 => ("no".to_string(), "s"),
        1 => ("1".to_string(), ""),
        several => (several.to_string(), "s"),
    };
    let message = format!("`{called}` takes {takes} argument{plural}, here are {count}");
    SqlProblem::new(message, format!("write {usage}")).code("WRONG_NUM_ARGS.WITHOUT_SUGGESTION")
}
