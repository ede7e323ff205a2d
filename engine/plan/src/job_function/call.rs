//! Calls of functions of the job in the syntax tree: how many arguments, and which is which.

use datafusion::execution::SessionState;
use datafusion::sql::sqlparser::ast::{
    Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectNamePart,
};

use super::JobFunction;
use crate::error::nearest;
use crate::problem::SqlProblem;
use crate::rewrite::relation_name;

/// Brings the arguments of a call of a function of the job into its order. Any other call stays as it is.
///
/// # Errors
/// It has other arguments than the function.
pub fn positional(function: &mut Function, sql: &str, state: &SessionState) -> Result<(), SqlProblem> {
    let Some(called) = JobFunction::of(&relation_name(&function.name), state) else { return Ok(()) };
    let place = match function.name.0.as_slice() {
        [ObjectNamePart::Identifier(name)] => name.span.start,
        _ => return Ok(()),
    };
    let at = |problem: SqlProblem| match place.line {
        0 => problem.at_text(sql, &called.name),
        line => problem.at_line(sql, line, place.column),
    };
    // A name may be quoted: what it means has no case all the same.
    function.name.0 = vec![ObjectNamePart::Identifier(Ident::with_quote('`', &called.key))];
    let FunctionArguments::List(list) = &mut function.args else {
        return Err(at(wrong_number(called, 0)));
    };
    in_order(called, list).map_err(at)
}

fn in_order(called: &JobFunction, list: &mut FunctionArgumentList) -> Result<(), SqlProblem> {
    let mut values: Vec<Option<FunctionArg>> = vec![None; called.arguments.len()];
    let count = list.args.len();
    for (at, argument) in std::mem::take(&mut list.args).into_iter().enumerate() {
        let (place, value) = match argument {
            FunctionArg::Named { name, arg, .. } => (named(called, &name.value)?, arg),
            FunctionArg::ExprNamed { name, arg, .. } => (named(called, &name.to_string())?, arg),
            FunctionArg::Unnamed(value) => (at, value),
        };
        if !matches!(value, FunctionArgExpr::Expr(_)) {
            let help = format!("write {}", called.call_text());
            return Err(SqlProblem::new(format!("`*` is no value for `{}`", called.name), help));
        }
        match values.get_mut(place) {
            Some(slot @ None) => *slot = Some(FunctionArg::Unnamed(value)),
            Some(Some(_)) => {
                let name = called.arguments[place].name();
                let message = format!("`{}` is given `{name}` twice", called.name);
                let problem = SqlProblem::new(message, format!("write {}", called.call_text()));
                return Err(problem.code("DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT.DOUBLE_NAMED_ARGUMENT_REFERENCE"));
            }
            None => return Err(wrong_number(called, count)),
        }
    }
    list.args = values.into_iter().collect::<Option<Vec<_>>>().ok_or_else(|| wrong_number(called, count))?;
    Ok(())
}

fn named(called: &JobFunction, name: &str) -> Result<usize, SqlProblem> {
    let found = called.arguments.iter().position(|field| field.name().eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        let names: Vec<&str> = called.arguments.iter().map(|field| field.name().as_str()).collect();
        let help = match nearest(&name.to_lowercase(), &names) {
            Some(other) => format!("did you mean `{other}`? It is {}", called.call_text()),
            None => format!("it is {}", called.call_text()),
        };
        let message = format!("`{}` has no argument `{name}`", called.name);
        SqlProblem::new(message, help).code("UNRECOGNIZED_PARAMETER_NAME")
    })
}

fn wrong_number(called: &JobFunction, count: usize) -> SqlProblem {
    let (takes, plural) = match called.arguments.len() {
        0 => ("no".to_string(), "s"),
        1 => ("1".to_string(), ""),
        several => (several.to_string(), "s"),
    };
    let message = format!("`{}` takes {takes} argument{plural}, here are {count}", called.name);
    let help = format!("write {}", called.call_text());
    SqlProblem::new(message, help).code("WRONG_NUM_ARGS.WITHOUT_SUGGESTION")
}
