//! Calls of functions of the job in the syntax tree: how many arguments, and which is which.

use datafusion::execution::SessionState;
use datafusion::sql::sqlparser::ast::{Function, FunctionArgumentList, FunctionArguments, Ident, ObjectNamePart};

use super::JobFunction;
use crate::guard::{placed, wrong_number};
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
        return Err(at(too_few(called, 0)));
    };
    in_order(called, list).map_err(at)
}

fn in_order(called: &JobFunction, list: &mut FunctionArgumentList) -> Result<(), SqlProblem> {
    let parameters: Vec<&str> = called.arguments.iter().map(|field| field.name().as_str()).collect();
    let args = std::mem::take(&mut list.args);
    let count = args.len();
    let places = placed(&called.name, &parameters, &called.call_text(), args)?;
    list.args = places.into_iter().collect::<Option<Vec<_>>>().ok_or_else(|| too_few(called, count))?;
    Ok(())
}

fn too_few(called: &JobFunction, count: usize) -> SqlProblem {
    wrong_number(&called.name, called.arguments.len(), &called.call_text(), count)
}
