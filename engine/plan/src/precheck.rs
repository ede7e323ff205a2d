//! What the syntax tree alone shows to be wrong, found before DataFusion plans the query, which would say it in its own words.

use std::ops::ControlFlow;

use datafusion::execution::SessionState;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArguments, Ident, ObjectNamePart, Query, Select, Statement, TableFactor, Value,
    ValueWithSpan, Visitor,
};

use crate::functions::unknown_function;
use crate::problem::SqlProblem;
use crate::walk::walk;

/// Checks a statement whose names are spelled and whose forms are DataFusion's, as `rewrite` leaves it.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(statement: &Statement, sql: &str, state: &SessionState) -> Result<(), SqlProblem> {
    match walk(statement, &mut Checker { sql, state, around: Vec::new() }) {
        ControlFlow::Break(problem) => Err(problem),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// What stands around the place that is visited.
enum Around {
    /// A query: calls outside of it are not around what is inside.
    Query,
    /// A function of several rows, with its name and how it is written.
    OfRows { kind: &'static str, name: String, written: String },
    /// A function that takes lambdas.
    WithLambda,
    /// Any other expression.
    Other,
}

struct Checker<'a> {
    sql: &'a str,
    state: &'a SessionState,
    around: Vec<Around>,
}

type Flow = ControlFlow<SqlProblem>;

impl Visitor for Checker<'_> {
    type Break = SqlProblem;

    fn pre_visit_query(&mut self, _: &Query) -> Flow {
        self.around.push(Around::Query);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> Flow {
        self.around.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> Flow {
        match &select.selection {
            Some(condition) => walk(condition, &mut Where { state: self.state, depth: 0 }),
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> Flow {
        match unsupported_factor(factor) {
            Some(form) => self.unsupported(form),
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_value(&mut self, value: &ValueWithSpan) -> Flow {
        if !matches!(value.value, Value::Placeholder(_)) {
            return ControlFlow::Continue(());
        }
        let message = "the query has a parameter, and nothing gives it a value";
        let help = "write the value itself; ${NAME} in a job file is an environment variable";
        ControlFlow::Break(SqlProblem::new(message, help).code("UNBOUND_SQL_PARAMETER"))
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> Flow {
        let around = match expr {
            Expr::Function(function) => self.function(function)?,
            Expr::Lambda(_) if !matches!(self.around.last(), Some(Around::WithLambda)) => {
                let help = "a lambda is an argument: transform(items, x -> x + 1)";
                let problem = SqlProblem::new("a lambda stands where a value is needed", help)
                    .code("INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION");
                return ControlFlow::Break(problem.at_text(self.sql, "->"));
            }
            other => match unsupported_expr(other) {
                Some(form) => return self.unsupported(form),
                None => Around::Other,
            },
        };
        self.around.push(around);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &Expr) -> Flow {
        self.around.pop();
        ControlFlow::Continue(())
    }
}

impl Checker<'_> {
    fn unsupported(&self, form: &str) -> Flow {
        let help = "write it with joins, aggregates and subqueries";
        let problem = SqlProblem::new(format!("{form} is not supported"), help);
        ControlFlow::Break(problem.at_text(self.sql, form))
    }

    /// What a call is to what stands inside of it.
    fn function(&self, function: &Function) -> ControlFlow<SqlProblem, Around> {
        let name = planned_name(function);
        let is_scalar = self.state.scalar_functions().contains_key(&name);
        if !is_scalar && self.state.higher_order_functions().contains_key(&name) {
            return ControlFlow::Continue(Around::WithLambda);
        }
        if !is_known(&name, function, self.state) {
            return ControlFlow::Break(unknown_function(&name, self.sql, self.state));
        }
        if let Some(problem) = self.within_group(&name, function) {
            return ControlFlow::Break(problem);
        }
        let Some(kind) = kind_of_rows(&name, function, self.state) else {
            return ControlFlow::Continue(Around::Other);
        };
        match self.nested(kind, function) {
            Some(problem) => ControlFlow::Break(problem),
            None => ControlFlow::Continue(Around::OfRows { kind, name, written: function.to_string() }),
        }
    }

    /// `WITHIN GROUP` belongs to functions that ask for the order of their values, which is one.
    fn within_group(&self, name: &str, function: &Function) -> Option<SqlProblem> {
        match function.within_group.as_slice() {
            [] => None,
            [_] => {
                let aggregate = self.state.aggregate_functions().get(name)?;
                let message = "WITHIN GROUP is only supported for ordered-set aggregate functions";
                let help = "it belongs to percentile_cont, percentile_disc, mode and listagg";
                (!aggregate.supports_within_group_clause()).then(|| SqlProblem::new(message, help))
            }
            _ => {
                let message = "Only a single ordering expression is permitted in a WITHIN GROUP clause";
                Some(SqlProblem::new(message, "order by one expression"))
            }
        }
    }

    /// An aggregate in an aggregate, or OVER in OVER: there is no one group or window that both could be of.
    fn nested(&self, kind: &'static str, function: &Function) -> Option<SqlProblem> {
        let of_query = self.around.iter().rposition(|around| matches!(around, Around::Query)).unwrap_or_default();
        let outer = self.around[of_query..].iter().find_map(|around| match around {
            Around::OfRows { kind: outer, name, written } if *outer == kind => Some((name, written)),
            _ => None,
        });
        let (name, written) = outer?;
        let message = format!("{kind} function calls cannot be nested: '{function}' is nested inside '{written}'");
        let problem = SqlProblem::new(message, "make the inner aggregate a table of its own");
        Some(problem.code("NESTED_AGGREGATE_FUNCTION").at_text(self.sql, name))
    }
}

/// The name by which DataFusion looks a function up: without letter case, unless it is quoted.
fn planned_name(function: &Function) -> String {
    let spelled = |name: &Ident| match name.quote_style {
        None => name.value.to_ascii_lowercase(),
        Some(_) => name.value.clone(),
    };
    match function.name.0.as_slice() {
        [ObjectNamePart::Identifier(name)] => spelled(name),
        _ => function.name.to_string(),
    }
}

/// True if DataFusion finds the function, or makes something else of the call.
fn is_known(name: &str, function: &Function, state: &SessionState) -> bool {
    let is_name_alone = matches!(function.args, FunctionArguments::None);
    let is_special = ["unnest", "unnest_outer", "map", "make_map"].contains(&name);
    is_name_alone
        || is_special
        || state.scalar_functions().contains_key(name)
        || state.aggregate_functions().contains_key(name)
        || function.over.is_some() && state.window_functions().contains_key(name)
}

/// What a call that reads several rows is called in messages. A function of one row comes before an aggregate of the same name.
fn kind_of_rows(name: &str, function: &Function, state: &SessionState) -> Option<&'static str> {
    match function.over {
        _ if state.scalar_functions().contains_key(name) => None,
        Some(_) => Some("Window"),
        None => state.aggregate_functions().contains_key(name).then_some("Aggregate"),
    }
}

/// Looks for an aggregate among the conditions of WHERE. One of a subquery there is of the subquery's rows.
struct Where<'a> {
    state: &'a SessionState,
    depth: usize,
}

impl Visitor for Where<'_> {
    type Break = SqlProblem;

    fn pre_visit_query(&mut self, _: &Query) -> Flow {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> Flow {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> Flow {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        if self.depth > 0 || kind_of_rows(&planned_name(function), function, self.state) != Some("Aggregate") {
            return ControlFlow::Continue(());
        }
        let message = "an aggregate in WHERE: rows are left out before they are aggregated";
        let problem = SqlProblem::new(message, "put the condition into HAVING");
        ControlFlow::Break(problem.code("INVALID_WHERE_CONDITION"))
    }
}

/// The forms of FROM that the parser reads and DataFusion has no plan for.
fn unsupported_factor(factor: &TableFactor) -> Option<&'static str> {
    Some(match factor {
        TableFactor::Unpivot { .. } => "UNPIVOT",
        TableFactor::MatchRecognize { .. } => "MATCH_RECOGNIZE",
        TableFactor::JsonTable { .. } => "JSON_TABLE",
        TableFactor::OpenJsonTable { .. } => "OPENJSON",
        TableFactor::XmlTable { .. } => "XMLTABLE",
        TableFactor::SemanticView { .. } => "SEMANTIC_VIEW",
        TableFactor::TableFunction { .. } => "TABLE(",
        _ => return None,
    })
}

/// The forms of expressions that the parser reads and DataFusion has no plan for.
fn unsupported_expr(expr: &Expr) -> Option<&'static str> {
    Some(match expr {
        Expr::Collate { .. } => "COLLATE",
        Expr::Convert { .. } => "CONVERT",
        Expr::MatchAgainst { .. } => "MATCH",
        Expr::MemberOf(_) => "MEMBER OF",
        Expr::IsNormalized { .. } => "NORMALIZED",
        Expr::InUnnest { .. } => "IN UNNEST",
        Expr::OuterJoin(_) => "(+)",
        Expr::Prior(_) => "PRIOR",
        _ => return None,
    })
}
