//! `percentile_cont(0.5) WITHIN GROUP (ORDER BY x)` and its kin as plain calls: `percentile(x, 0.5)`.

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArguments, Ident, ObjectName,
};

use super::calls::{arguments, call, name_of, number, text};

/// Rewrites a call in place, if it has a WITHIN GROUP that is known, or is a `listagg` without its delimiter. What has to stand
/// around the call is given back.
pub fn rewrite(function: &mut Function) -> Option<Expr> {
    let name = name_of(function);
    let is_list = ["listagg", "string_agg"].contains(&name.as_str());
    match function.within_group.as_slice() {
        [] if is_list => as_list(function),
        [order] if order.with_fill.is_none() => {
            let is_descending = order.options.asc == Some(false);
            let value = order.expr.clone();
            match (name.as_str(), arguments(function)?.as_slice()) {
                ("percentile_cont" | "quantile_cont", [share]) => {
                    let name = if is_descending { "percentile_descending" } else { "percentile" };
                    called_as(function, name, vec![value, share.clone()]);
                }
                ("percentile_disc", [share]) => {
                    let name = if is_descending { "percentile_disc_descending" } else { "percentile_disc" };
                    called_as(function, name, vec![value, share.clone()]);
                }
                ("mode", []) => {
                    let name = if is_descending { "mode_descending" } else { "mode_ascending" };
                    called_as(function, name, vec![value]);
                }
                _ if is_list => return as_list(function),
                _ => {}
            }
            None
        }
        [_, ..] if is_list => as_list(function),
        _ => None,
    }
}

fn called_as(function: &mut Function, name: &str, arguments: Vec<Expr>) {
    function.name = ObjectName::from(vec![Ident::new(name)]);
    function.within_group.clear();
    if let FunctionArguments::List(list) = &mut function.args {
        let unnamed = |argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument));
        list.args = arguments.into_iter().map(unnamed).collect();
    }
}

/// `listagg(x[, delimiter]) [WITHIN GROUP (ORDER BY …)]`: the order stands inside of the call. With DISTINCT it is the text of an
/// array, whose values are kept once and in an order that is the same on every run.
fn as_list(function: &mut Function) -> Option<Expr> {
    let given = arguments(function)?;
    let (value, delimiter) = match given.as_slice() {
        [value] => (value.clone(), text("")),
        [value, delimiter] => (value.clone(), delimiter.clone()),
        _ => return None,
    };
    let orders = std::mem::take(&mut function.within_group);
    let FunctionArguments::List(list) = &mut function.args else { return None };
    if !orders.is_empty() {
        list.clauses.push(FunctionArgumentClause::OrderBy(orders));
    }
    let is_distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    let has_order = list.clauses.iter().any(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_)));
    let name = name_of(function);
    if is_distinct && has_order {
        called_as(function, "array_agg", vec![value]);
        return Some(joined(Expr::Function(function.clone()), delimiter));
    }
    called_as(function, &name, vec![value, delimiter]);
    None
}

/// The text of an array; of an empty one NULL, as every aggregate of no values.
fn joined(array: Expr, delimiter: Expr) -> Expr {
    let is_filled = Expr::BinaryOp {
        left: Box::new(call("size", vec![array.clone()])),
        op: BinaryOperator::Gt,
        right: Box::new(number(0)),
    };
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen { condition: is_filled, result: call("array_join", vec![array, delimiter]) }],
        else_result: None,
    }
}
