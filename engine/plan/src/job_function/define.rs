//! The functions of a job file, each checked once and made known to a session.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use datafusion::common::Column;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Cast, Expr, ScalarUDF};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{Expr as Ast, Ident, OneOrManyWithParens, Visit, Visitor, VisitorMut};
use expr::typing::TypeRules;
use job::{Function, FunctionBody};

use super::{JobFunction, signature};
use crate::expression::{self, Subject};
use crate::guard::parse_expression;
use crate::problem::SqlProblem;
use crate::relation::static_relation;
use crate::rewrite::{is_special_form, relation_name};
use crate::walk::{walk, walk_mut};

/// What came of the functions of a job.
#[derive(Debug, Default)]
pub struct Definitions {
    /// How each is called and what it gives, in the order of the file.
    pub texts: Vec<String>,
    /// Problems, each with the name of its function.
    pub problems: Vec<(String, SqlProblem)>,
    /// Functions that are not there because of them, in small letters.
    pub broken: HashSet<String>,
}

/// Makes the functions of a job known to a session, each after those that it calls.
pub fn define(context: &SessionContext, functions: &[Function], rules: TypeRules) -> Definitions {
    let mut made = Definitions::default();
    let mut texts: HashMap<String, String> = HashMap::new();
    let mut waiting: Vec<Parsed<'_>> = Vec::new();
    for function in functions {
        match Parsed::new(function, functions, context, rules) {
            Ok(parsed) => waiting.push(parsed),
            Err(problem) => made.refuse(function, problem),
        }
    }
    report_circles(&mut waiting, &mut made);
    let is_ready = |parsed: &Parsed<'_>, waiting: &[Parsed<'_>]| {
        parsed.calls.iter().all(|call| !waiting.iter().any(|other| other.key == *call))
    };
    while let Some(at) = (0..waiting.len()).find(|at| is_ready(&waiting[*at], &waiting)) {
        let parsed = waiting.remove(at);
        if parsed.calls.iter().any(|call| made.broken.contains(call)) {
            // What is wrong with the other one is said there.
            made.broken.insert(parsed.key);
            continue;
        }
        match parsed.function(context) {
            Ok(function) => {
                texts.insert(function.key.clone(), function.to_string());
                context.register_udf(ScalarUDF::new_from_impl(function));
            }
            Err(problem) => made.refuse(parsed.definition, problem),
        }
    }
    made.texts = functions.iter().filter_map(|function| texts.remove(&function.name.to_lowercase())).collect();
    made
}

impl Definitions {
    fn refuse(&mut self, function: &Function, problem: SqlProblem) {
        self.broken.insert(function.name.to_lowercase());
        self.problems.push((function.name.clone(), problem));
    }
}

/// A function whose expression was parsed.
struct Parsed<'a> {
    definition: &'a Function,
    key: String,
    text: &'a str,
    body: Ast,
    /// Functions of the job that it calls, in small letters.
    calls: BTreeSet<String>,
    rules: TypeRules,
}

impl<'a> Parsed<'a> {
    fn new(
        definition: &'a Function,
        all: &[Function],
        context: &SessionContext,
        rules: TypeRules,
    ) -> Result<Parsed<'a>, SqlProblem> {
        let FunctionBody::Sql(sql) = &definition.body;
        let key = definition.name.to_lowercase();
        if is_built_in(&key, context) {
            let message = format!("there is a built-in function `{key}`");
            let help = format!("give this one another name, for example `{key}_of_job`");
            return Err(SqlProblem::new(message, help).code("ROUTINE_ALREADY_EXISTS"));
        }
        let mut body = parse_expression(&sql.text, rules)?;
        let _: ControlFlow<()> = walk_mut(&mut body, &mut Lambdas { function: &key, scopes: Vec::new() });
        let names: HashSet<String> = all.iter().map(|function| function.name.to_lowercase()).collect();
        let calls = names_called(&body).into_iter().filter(|name| names.contains(name)).collect();
        Ok(Parsed { definition, key, text: &sql.text, body, calls, rules })
    }

    fn function(&self, context: &SessionContext) -> Result<JobFunction, SqlProblem> {
        let Parsed { definition, key, text, .. } = self;
        let field =
            |argument: &job::Argument| Field::new(&argument.name, formats::arrow_type(&argument.data_type), true);
        let arguments = Schema::new(definition.arguments.iter().map(field).collect::<Vec<_>>());
        let arguments = Arc::new(if definition.arguments.is_empty() {
            // A table has a column at least; no name of SQL is empty.
            Schema::new(vec![Field::new(" ", arrow::datatypes::DataType::Boolean, true)])
        } else {
            arguments
        });
        let relation = static_relation(key, &arguments, false);
        let subject = Subject { text, what: "a function of the job", reads: "its arguments", rules: self.rules };
        let planned = expression::plan(context, &relation, "result", self.body.clone(), &subject)
            .map_err(|problem| self.worded(problem))?;
        let returns = definition.returns.as_ref().map(formats::arrow_type);
        let mut body = planned.raw;
        if let Some(returns) = &returns {
            body = Expr::Cast(Cast::new(Box::new(body), returns.clone()));
        }
        let fields = match definition.arguments.is_empty() {
            true => Vec::new(),
            false => arguments.fields().iter().cloned().collect(),
        };
        let mut function = JobFunction {
            name: definition.name.clone(),
            key: key.clone(),
            signature: signature(),
            uses: vec![0; fields.len()],
            arguments: fields,
            returns: returns.unwrap_or(planned.kind),
            body,
            text: (*text).to_string(),
        };
        function.count_uses();
        Ok(function)
    }

    /// What is said of columns, said of arguments.
    fn worded(&self, mut problem: SqlProblem) -> SqlProblem {
        if problem.code == Some("UNRESOLVED_COLUMN.WITH_SUGGESTION")
            && problem.message.starts_with("there is no column")
        {
            problem.message = problem.message.replace("there is no column", "the function has no argument");
            problem.help = match self.definition.arguments.is_empty() {
                true => "the function has no arguments: add arguments = { … }".to_string(),
                false => problem
                    .help
                    .replace("the columns are", "its arguments are")
                    .replace("The columns are", "Its arguments are"),
            };
        }
        problem
    }
}

impl JobFunction {
    /// The argument that a column of its expression is.
    pub(super) fn place_of(&self, column: &Column) -> Option<usize> {
        let is_own = column.relation.as_ref().is_some_and(|relation| relation.table() == self.key);
        let place = || self.arguments.iter().position(|field| *field.name() == column.name);
        if is_own { place() } else { None }
    }

    fn count_uses(&mut self) {
        let mut uses = std::mem::take(&mut self.uses);
        let visited = self.body.apply(|part| {
            if let Expr::Column(column) = part
                && let Some(at) = self.place_of(column)
            {
                uses[at] += 1;
            }
            Ok(TreeNodeRecursion::Continue)
        });
        debug_assert!(visited.is_ok(), "the closure never fails");
        self.uses = uses;
    }
}

/// True if SQL means something by a call of this name already.
fn is_built_in(key: &str, context: &SessionContext) -> bool {
    let state = context.state();
    let is_registered = state.scalar_functions().get(key).is_some_and(|function| !function.inner().is::<JobFunction>())
        || state.aggregate_functions().contains_key(key)
        || state.window_functions().contains_key(key)
        || state.higher_order_functions().contains_key(key);
    is_registered || is_special_form(key)
}

/// Functions that call themselves, directly or through others, are refused.
fn report_circles(waiting: &mut Vec<Parsed<'_>>, made: &mut Definitions) {
    let calls: HashMap<String, BTreeSet<String>> =
        waiting.iter().map(|parsed| (parsed.key.clone(), parsed.calls.clone())).collect();
    waiting.retain(|parsed| {
        let Some((first, through)) = circle(&parsed.key, &calls) else { return true };
        let through = if through.is_empty() { String::new() } else { format!(" through {}", through.join(" and ")) };
        let message = format!("`{}` calls itself{through}", parsed.definition.name);
        let help =
            "a function stands for its expression: write one that ends, for example with aggregate(sequence(1, n), …)";
        made.refuse(parsed.definition, SqlProblem::new(message, help).at_text(parsed.text, &first));
        false
    });
}

/// The first call on the way from a function back to itself, and the functions between.
fn circle(key: &str, calls: &HashMap<String, BTreeSet<String>>) -> Option<(String, Vec<String>)> {
    let mut seen: HashSet<&str> = HashSet::new();
    let mut ways: Vec<(&str, Vec<&str>)> =
        calls.get(key)?.iter().map(|call| (call.as_str(), vec![call.as_str()])).collect();
    while let Some((at, way)) = ways.pop() {
        if at == key {
            let between = way[..way.len() - 1].iter().map(|name| format!("`{name}`")).collect();
            return Some((way[0].to_string(), between));
        }
        if seen.insert(at) {
            for call in calls.get(at).into_iter().flatten() {
                ways.push((call, way.iter().copied().chain([call.as_str()]).collect()));
            }
        }
    }
    None
}

/// The names of all functions that are called in a tree, in small letters.
pub fn names_called(tree: &impl Visit) -> BTreeSet<String> {
    let mut calls = Calls::default();
    let _: ControlFlow<()> = walk(tree, &mut calls);
    calls.0
}

#[derive(Default)]
struct Calls(BTreeSet<String>);

impl Visitor for Calls {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Ast) -> ControlFlow<()> {
        if let Ast::Function(function) = expr {
            self.0.insert(relation_name(&function.name));
        }
        ControlFlow::Continue(())
    }
}

/// Gives the variables of lambdas names that no value of a call can hold: `x -> x + n` over a column `x` for `n` would read the wrong one.
struct Lambdas<'a> {
    function: &'a str,
    scopes: Vec<Vec<String>>,
}

impl Lambdas<'_> {
    fn rename(&self, name: &mut Ident) {
        let lower = name.value.to_lowercase();
        if self.scopes.iter().flatten().any(|variable| *variable == lower) {
            name.value = format!("{lower}__{}", self.function);
        }
    }
}

impl VisitorMut for Lambdas<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Ast) -> ControlFlow<()> {
        match expr {
            Ast::Lambda(lambda) => {
                let names = lambda.params.iter().map(|parameter| parameter.name.value.to_lowercase());
                self.scopes.push(names.collect());
                match &mut lambda.params {
                    OneOrManyWithParens::One(parameter) => self.rename(&mut parameter.name),
                    OneOrManyWithParens::Many(parameters) => {
                        parameters.iter_mut().for_each(|parameter| self.rename(&mut parameter.name));
                    }
                }
            }
            Ast::Identifier(name) => self.rename(name),
            Ast::CompoundIdentifier(names) => names.first_mut().into_iter().for_each(|name| self.rename(name)),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Ast) -> ControlFlow<()> {
        if matches!(expr, Ast::Lambda(_)) {
            self.scopes.pop();
        }
        ControlFlow::Continue(())
    }
}
