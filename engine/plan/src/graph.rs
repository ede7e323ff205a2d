//! All tables of a job, in the order in which rows pass through them.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use connector::Capabilities;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{ObjectName, Query, Statement, Visit, Visitor};
use expr::clock::BatchClock;
use expr::typing::TypeRules;
use job::{ComputedColumn, Job, Refresh, Source, Table, Types};

use crate::compile::{Place, TablePlan, compile_table};
use crate::computed::{self, Computed};
use crate::error::{nearest, shorten, to_problem};
use crate::guard::{parse, parse_expression};
use crate::job_function::define::{Definitions, define, names_called};
use crate::job_problem::{JobProblem, TextOf};
use crate::node::{Node, Origin};
use crate::problem::SqlProblem;
use crate::relation::{Relation, source_relation, static_relation};
use crate::rewrite::{WithNames, relation_name};
use crate::session::{planning_session, register};
use crate::time_forms;
use crate::walk::walk;

/// A job's tables, compiled.
#[derive(Debug)]
pub struct Graph {
    /// Tables, each after those it reads.
    pub tables: Vec<TablePlan>,
    /// What the tables are made of, each node after those that feed it.
    pub nodes: Vec<Node>,
    /// Sources with their metadata columns, by name.
    pub sources: BTreeMap<String, Relation>,
    /// Columns of the static tables, by name.
    pub statics: BTreeMap<String, SchemaRef>,
    /// The columns of sources that are computed, by source; only of those that have some.
    pub computed: BTreeMap<String, Computed>,
    /// The functions of the job: how each is called, what it gives, its expression.
    pub functions: Vec<String>,
    /// What `current_timestamp` reads.
    pub clock: BatchClock,
}

impl Graph {
    /// The plan of a table; letter case does not count.
    pub fn plan_of(&self, table: &str) -> Option<&TablePlan> {
        self.tables.iter().find(|plan| plan.name.eq_ignore_ascii_case(table))
    }
}

/// Spark has no name for it: a static table whose columns the caller did not know.
pub const STATIC_NOT_READ: &str = "STATIC_TABLE_NOT_READ";

/// Plans a job: every table, or every problem. `schemas` holds the columns of each source and of each static table;
/// `capabilities` say what the sink of the tables can take.
///
/// # Errors
/// All problems of all tables, computed columns and functions. A table that reads or calls one with problems is not looked at further. If there is no other
/// problem, a static table that is not among `schemas` is one ([`STATIC_NOT_READ`]).
pub fn plan_job(
    job: &Job,
    schemas: &BTreeMap<String, SchemaRef>,
    capabilities: &Capabilities,
) -> Result<Graph, Vec<JobProblem>> {
    let clock = BatchClock::default();
    let mut planner = Planner::new(job, schemas, *capabilities, &clock)
        .map_err(|problem| vec![JobProblem { of: TextOf::Job, problem }])?;
    let mut waiting = planner.parse_all(job);
    while let Some(at) = planner.next_ready(&waiting) {
        let (table, statement, inputs) = waiting.remove(at);
        let has_readers = planner.read_by_others(table);
        planner.plan(table, statement, &inputs, has_readers);
    }
    planner.report_stuck(&waiting);
    planner.report_unread(job, &waiting);
    if planner.problems.is_empty() {
        let Planner { tables, nodes, sources, statics, computed, functions, .. } = planner;
        let functions = functions.texts;
        Ok(Graph { tables, nodes, sources, statics, computed, functions, clock })
    } else {
        Err(planner.problems)
    }
}

/// The rules of types that a job goes by.
pub fn rules_of(job: &Job) -> TypeRules {
    match job.types {
        Types::Spark { ansi } => TypeRules::Spark { ansi },
        Types::Before => TypeRules::Before,
    }
}

/// Makes the functions of a job known to a session that goes by these rules of types.
pub fn register_functions(context: &SessionContext, job: &Job, rules: TypeRules) -> Definitions {
    define(context, &job.functions, rules)
}

type Waiting<'a> = (&'a Table, Statement, Vec<String>);

struct Planner {
    context: SessionContext,
    relations: HashMap<String, Relation>,
    sources: BTreeMap<String, Relation>,
    statics: BTreeMap<String, SchemaRef>,
    computed: BTreeMap<String, Computed>,
    functions: Definitions,
    names: Vec<String>,
    /// Names that tables read, in lower case.
    read: Vec<(String, String)>,
    tables: Vec<TablePlan>,
    nodes: Vec<Node>,
    problems: Vec<JobProblem>,
    /// What the sink of the tables can take.
    capabilities: Capabilities,
}

impl Planner {
    fn new(
        job: &Job,
        schemas: &BTreeMap<String, SchemaRef>,
        capabilities: Capabilities,
        clock: &BatchClock,
    ) -> Result<Planner, SqlProblem> {
        let context = planning_session(clock, rules_of(job)).map_err(|error| to_problem(&error, ""))?;
        let functions = register_functions(&context, job, rules_of(job));
        let mut planner = Planner {
            context,
            relations: HashMap::new(),
            sources: BTreeMap::new(),
            statics: BTreeMap::new(),
            computed: BTreeMap::new(),
            functions,
            names: names_of(job),
            read: Vec::new(),
            tables: Vec::new(),
            nodes: Vec::new(),
            problems: Vec::new(),
            capabilities,
        };
        let of_function = |(name, problem): &(String, SqlProblem)| JobProblem {
            of: TextOf::Function(name.clone()),
            problem: problem.clone(),
        };
        planner.problems.extend(planner.functions.problems.iter().map(of_function));
        for (name, source) in &job.sources {
            let Some(schema) = schemas.get(name) else { continue };
            planner.add_source(source, schema, rules_of(job))?;
        }
        for (name, table) in &job.statics {
            let Some(schema) = schemas.get(name) else { continue };
            planner.statics.insert(name.clone(), Arc::clone(schema));
            planner.add_relation(static_relation(name, schema, table.refresh == Refresh::Never))?;
        }
        Ok(planner)
    }

    fn add_source(&mut self, source: &Source, schema: &SchemaRef, rules: TypeRules) -> Result<(), SqlProblem> {
        self.problems.extend(time_forms::check(source));
        let calls_broken = |column: &ComputedColumn| {
            parse_expression(&column.expression.text, rules).is_ok_and(|expr| self.calls_broken(&expr))
        };
        // What is wrong with the function is said there.
        if source.computed.iter().any(calls_broken) {
            return Ok(());
        }
        let mut schema = Arc::clone(schema);
        if !source.computed.is_empty() {
            match computed::compile(&self.context, source, &schema, rules) {
                Ok(columns) => {
                    schema = Arc::new(columns.own_columns());
                    self.computed.insert(source.name.clone(), columns);
                }
                Err(problems) => {
                    let of = |column| TextOf::Column { source: source.name.clone(), column };
                    self.problems
                        .extend(problems.into_iter().map(|(column, problem)| JobProblem { of: of(column), problem }));
                    return Ok(());
                }
            }
        }
        let event_time = source.watermark.as_ref().map(|watermark| watermark.column.as_str());
        let relation = source_relation(&source.name, &schema, event_time);
        self.sources.insert(source.name.clone(), relation.clone());
        self.add_relation(relation)
    }

    /// True if a function is called that is not there because of a problem of its own.
    fn calls_broken(&self, tree: &impl Visit) -> bool {
        !self.functions.broken.is_empty() && names_called(tree).iter().any(|name| self.functions.broken.contains(name))
    }

    fn add_relation(&mut self, relation: Relation) -> Result<(), SqlProblem> {
        register(&self.context, &relation).map_err(|error| to_problem(&error, ""))?;
        self.relations.insert(relation.name.to_lowercase(), relation);
        Ok(())
    }

    fn parse_all<'a>(&mut self, job: &'a Job) -> Vec<Waiting<'a>> {
        let mut waiting = Vec::new();
        for table in &job.tables {
            match parse(&table.sql, rules_of(job)).and_then(|statement| {
                let inputs = inputs_of(&statement);
                self.check_inputs(table, &inputs)?;
                Ok((table, statement, inputs))
            }) {
                Ok((_, statement, _)) if self.calls_broken(&statement) => {}
                Ok(parsed) => {
                    self.read.extend(parsed.2.iter().map(|input| (table.name.to_lowercase(), input.clone())));
                    waiting.push(parsed);
                }
                Err(problem) => self.problems.push(JobProblem::of_table(&table.name, problem)),
            }
        }
        waiting
    }

    /// Every input must exist.
    fn check_inputs(&self, table: &Table, inputs: &[String]) -> Result<(), SqlProblem> {
        let known = |input: &String| self.names.iter().any(|name| name.eq_ignore_ascii_case(input));
        if let Some(unknown) = inputs.iter().find(|input| !known(input)) {
            let names: Vec<&str> = self.names.iter().map(String::as_str).filter(|name| *name != table.name).collect();
            let help = match nearest(unknown, &names) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("sources and tables of this job are: {}", shorten(&names)),
            };
            return Err(SqlProblem::new(format!("there is no source or table `{unknown}`"), help)
                .code("TABLE_OR_VIEW_NOT_FOUND")
                .at_text(&table.sql, unknown));
        }
        if inputs.is_empty() {
            return Err(SqlProblem::new("the query reads no source and no table of the job", "read a source in FROM"));
        }
        Ok(())
    }

    /// True if another table reads this one.
    fn read_by_others(&self, table: &Table) -> bool {
        let name = table.name.to_lowercase();
        self.read.iter().any(|(reader, read)| *read == name && *reader != name)
    }

    fn next_ready(&self, waiting: &[Waiting<'_>]) -> Option<usize> {
        waiting.iter().position(|(_, _, inputs)| inputs.iter().all(|input| self.relations.contains_key(input)))
    }

    fn plan(&mut self, table: &Table, statement: Statement, inputs: &[String], has_readers: bool) {
        let at = Place { position: self.tables.len(), first: self.nodes.len(), has_readers };
        match compile_table(&self.context, table, statement, &self.relations, inputs, at, &self.capabilities) {
            Err(problems) => {
                let name = &table.name;
                self.problems.extend(problems.into_iter().map(|problem| JobProblem::of_table(name, problem)));
            }
            Ok((plan, nodes)) => self.accept(plan, nodes),
        }
    }

    fn accept(&mut self, plan: TablePlan, nodes: Vec<Node>) {
        match self.add_relation(plan.relation()) {
            Ok(()) => {
                debug_assert_eq!(
                    plan.nodes,
                    self.nodes.len()..self.nodes.len() + nodes.len(),
                    "nodes are numbered in order"
                );
                self.tables.push(plan);
                self.nodes.extend(nodes);
                debug_assert!(
                    self.nodes.iter().enumerate().all(is_after_its_inputs),
                    "a node comes before one that feeds it"
                );
            }
            Err(problem) => self.problems.push(JobProblem::of_table(&plan.name, problem)),
        }
    }

    fn report_stuck(&mut self, waiting: &[Waiting<'_>]) {
        let reads: HashMap<String, &Vec<String>> =
            waiting.iter().map(|(table, _, inputs)| (table.name.to_lowercase(), inputs)).collect();
        for (table, _, inputs) in waiting {
            let name = table.name.to_lowercase();
            let Some(chain) = circle(&name, inputs, &reads, &mut Vec::new()) else { continue };
            let through = if chain.is_empty() { String::new() } else { format!(" through {}", chain.join(" and ")) };
            let problem = SqlProblem::new(
                format!("`{}` reads itself{through}", table.name),
                "a table reads only sources and other tables, in no circle",
            )
            .at_text(&table.sql, chain.first().map_or(name.as_str(), String::as_str));
            self.problems.push(JobProblem::of_table(&table.name, problem));
        }
    }
}

impl Planner {
    /// The columns of a static table are not known: neither the job file nor its files say them.
    fn report_unread(&mut self, job: &Job, waiting: &[Waiting<'_>]) {
        let unread = |input: &String| {
            let name = job.statics.keys().find(|name| name.eq_ignore_ascii_case(input))?;
            (!self.statics.contains_key(name)).then_some(name)
        };
        let found = waiting.iter().find_map(|(table, _, inputs)| Some((*table, inputs.iter().find_map(unread)?)));
        if let (true, Some((table, name))) = (self.problems.is_empty(), found) {
            let message = format!("the columns of the static table `{name}` are not known");
            let help = format!("add [static.{name}.schema], or put its files where `path` says");
            let problem = SqlProblem::new(message, help).code(STATIC_NOT_READ).at_text(&table.sql, name);
            self.problems.push(JobProblem::of_table(&table.name, problem));
        }
    }
}

/// The runtime passes rows on in one pass over the nodes.
fn is_after_its_inputs((at, node): (usize, &Node)) -> bool {
    node.inputs.iter().all(|edge| match edge.from {
        Origin::Node(from) => from < at,
        Origin::Source(_) => true,
    })
}

/// Everything that SQL can read.
fn names_of(job: &Job) -> Vec<String> {
    let tables = job.tables.iter().map(|table| table.name.clone());
    job.sources.keys().cloned().chain(job.statics.keys().cloned()).chain(tables).collect()
}

/// The tables between a table and itself, if its inputs lead back to it.
fn circle(
    name: &str,
    inputs: &[String],
    reads: &HashMap<String, &Vec<String>>,
    seen: &mut Vec<String>,
) -> Option<Vec<String>> {
    if inputs.iter().any(|input| input == name) {
        return Some(Vec::new());
    }
    for input in inputs {
        if seen.contains(input) {
            continue;
        }
        seen.push(input.clone());
        let Some(next) = reads.get(input) else { continue };
        if let Some(mut chain) = circle(name, next, reads, seen) {
            chain.insert(0, input.clone());
            return Some(chain);
        }
    }
    None
}

/// Names of the relations that a statement reads, in lower case, each once; names of its own WITH parts are not among them.
fn inputs_of(statement: &Statement) -> Vec<String> {
    let mut visitor = Inputs::default();
    let _: ControlFlow<()> = walk(statement, &mut visitor);
    visitor.found
}

#[derive(Default)]
struct Inputs {
    found: Vec<String>,
    /// A part of WITH may be named as what it reads: it has the name only after itself.
    own: WithNames,
}

impl Visitor for Inputs {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.own.enter(query);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.own.leave(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let name = relation_name(relation);
        if !self.own.contains(&name) && !self.found.contains(&name) {
            self.found.push(name);
        }
        ControlFlow::Continue(())
    }
}
