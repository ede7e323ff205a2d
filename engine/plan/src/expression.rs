//! One expression of the job file over the columns of one row: a computed column of a source, the body of a function.

use std::collections::HashMap;
use std::ops::ControlFlow;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement as DataFusionStatement;
use datafusion::sql::sqlparser::ast::{Expr as Ast, Ident, Query, SelectItem, SetExpr, Statement, Visitor};
use expr::scalar::time_windows::session_call;
use expr::typing::TypeRules;
use futures::executor::block_on;
use job::OutputMode;

use crate::compile::analyzed;
use crate::error::to_problem;
use crate::fault::Fault;
use crate::guard::parse;
use crate::job_function::inline::inlined;
use crate::precheck;
use crate::problem::SqlProblem;
use crate::relation::{Relation, reference};
use crate::rewrite::rewrite;
use crate::rules;
use crate::session::register;
use crate::walk::walk;
use crate::window::window_call;

/// What an expression is, in the words of its problems.
pub struct Subject<'a> {
    /// Its text.
    pub text: &'a str,
    /// What it makes: "a computed column".
    pub what: &'static str,
    /// What it may read: "the record's fields".
    pub reads: &'static str,
    /// The rules of types.
    pub rules: TypeRules,
}

/// An expression that was planned and checked.
pub struct Planned {
    /// As DataFusion's planner made it, without calls of functions of the job.
    pub raw: Expr,
    /// Its plan over the relation, with the types that the rules have.
    pub plan: LogicalPlan,
    /// Its type.
    pub kind: DataType,
}

/// Plans an expression over a relation that is known by its name while this runs, and only then.
///
/// # Errors
/// What is wrong with it.
pub fn plan(
    context: &SessionContext,
    relation: &Relation,
    name: &str,
    expression: Ast,
    subject: &Subject<'_>,
) -> Result<Planned, SqlProblem> {
    check_form(&expression, subject)?;
    let refused = |error| to_problem(&error, subject.text);
    let before = context.deregister_table(reference(&relation.name)).map_err(refused)?;
    register(context, relation).map_err(refused)?;
    let planned = plan_known(context, relation, name, expression, subject);
    context.deregister_table(reference(&relation.name)).map_err(refused)?;
    if let Some(before) = before {
        context.register_table(reference(&relation.name), before).map_err(refused)?;
    }
    planned
}

fn plan_known(
    context: &SessionContext,
    relation: &Relation,
    name: &str,
    expression: Ast,
    subject: &Subject<'_>,
) -> Result<Planned, SqlProblem> {
    let (state, text) = (context.state(), subject.text);
    let relations = HashMap::from([(relation.name.to_lowercase(), relation.clone())]);
    let mut statement = selecting(relation, name, expression, subject.rules)?;
    rewrite(&mut statement, text, &relations, &state)?;
    precheck::check(&statement, text, &state)?;
    let problem = |fault: Fault| fault.into_problem(text);
    let raw = block_on(::batch::plan(&state, DataFusionStatement::Statement(Box::new(statement))));
    let raw = raw.map_err(Fault::from).and_then(|plan| Ok(inlined(plan, text)?)).map_err(problem)?;
    let plan = analyzed(&state, raw.clone()).map_err(problem)?;
    let raw = match &raw {
        LogicalPlan::Projection(projection) if is_plain(&projection.input) => projection.expr.first().cloned(),
        _ => None,
    };
    let Some(raw) = raw.filter(|expr| !expr.exists(|part| Ok(is_of_rows(part))).unwrap_or(true)) else {
        let message = format!("{} is computed of one row, and this takes several, or makes several", subject.what);
        let help = "leave aggregates, OVER, explode and windows to the SQL of a table";
        return Err(SqlProblem::new(message, help));
    };
    let rules = rules::Subject { plan: &plan, sql: text, mode: OutputMode::Append, relations: &relations };
    if let Some(problem) = rules::check(&rules).into_iter().next() {
        return Err(problem);
    }
    let kind = plan.schema().field(0).data_type().clone();
    Ok(Planned { raw: raw.unalias(), plan, kind })
}

/// `SELECT expression AS name FROM relation`.
fn selecting(relation: &Relation, name: &str, expression: Ast, rules: TypeRules) -> Result<Statement, SqlProblem> {
    let mut statement = parse(&format!("SELECT 1 FROM `{}`", relation.name), rules)?;
    if let Statement::Query(query) = &mut statement
        && let SetExpr::Select(select) = query.body.as_mut()
    {
        select.projection = vec![SelectItem::ExprWithAlias { expr: expression, alias: Ident::with_quote('`', name) }];
    }
    Ok(statement)
}

/// A query in an expression reads other tables, which a row does not wait for.
fn check_form(expression: &Ast, subject: &Subject<'_>) -> Result<(), SqlProblem> {
    struct Queries;
    impl Visitor for Queries {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    if walk(expression, &mut Queries).is_continue() {
        return Ok(());
    }
    let message = format!("{} reads {} and nothing else", subject.what, subject.reads);
    let help = "leave subqueries to the SQL of a table";
    Err(SqlProblem::new(message, help).at_text(subject.text, "SELECT"))
}

fn is_plain(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::TableScan(_) => true,
        LogicalPlan::SubqueryAlias(alias) => is_plain(&alias.input),
        _ => false,
    }
}

fn is_of_rows(expr: &Expr) -> bool {
    matches!(expr, Expr::AggregateFunction(_) | Expr::WindowFunction(_) | Expr::Unnest(_))
        || window_call(expr).is_some()
        || session_call(expr).is_some()
}
