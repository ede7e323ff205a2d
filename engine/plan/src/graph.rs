//! All tables of a job, in the order in which rows pass through them.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{ObjectName, Query, Statement, Visit, Visitor};
use job::{Job, OutputMode, Table};

use crate::compile::{TablePlan, compile_table};
use crate::error::{nearest, shorten, to_problem};
use crate::guard::parse;
use crate::problem::SqlProblem;
use crate::relation::{Relation, source_relation};
use crate::rewrite::relation_name;
use crate::session::{BatchClock, planning_session, register};

/// A job's tables, compiled.
#[derive(Debug)]
pub struct Graph {
    /// Tables, each after the one it reads.
    pub tables: Vec<TablePlan>,
    /// Sources with their metadata columns, by name.
    pub sources: BTreeMap<String, Relation>,
    /// What `current_timestamp` reads.
    pub clock: BatchClock,
}

/// A problem of one table's SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableProblem {
    /// The table.
    pub table: String,
    /// Its problem.
    pub problem: SqlProblem,
}

/// Plans a job: every table, or every problem. `schemas` holds the columns of each source.
///
/// # Errors
/// All problems of all tables. A table that reads one with problems is not looked at further.
pub fn plan_job(job: &Job, schemas: &BTreeMap<String, SchemaRef>) -> Result<Graph, Vec<TableProblem>> {
    let clock = BatchClock::default();
    let mut planner =
        Planner::new(job, schemas, &clock).map_err(|problem| vec![TableProblem { table: String::new(), problem }])?;
    let mut waiting = planner.parse_all(job);
    while let Some(at) = planner.next_ready(&waiting) {
        let (table, statement, inputs) = waiting.remove(at);
        planner.plan(table, statement, &inputs);
    }
    planner.report_stuck(&waiting);
    if planner.problems.is_empty() {
        Ok(Graph { tables: planner.tables, sources: planner.sources, clock })
    } else {
        Err(planner.problems)
    }
}

type Waiting<'a> = (&'a Table, Statement, Vec<String>);

struct Planner {
    context: SessionContext,
    relations: HashMap<String, Relation>,
    sources: BTreeMap<String, Relation>,
    names: Vec<String>,
    modes: HashMap<String, (OutputMode, bool)>,
    tables: Vec<TablePlan>,
    problems: Vec<TableProblem>,
}

impl Planner {
    fn new(job: &Job, schemas: &BTreeMap<String, SchemaRef>, clock: &BatchClock) -> Result<Planner, SqlProblem> {
        let context = planning_session(clock).map_err(|error| to_problem(&error, ""))?;
        let mut planner = Planner {
            context,
            relations: HashMap::new(),
            sources: BTreeMap::new(),
            names: job.sources.keys().cloned().chain(job.tables.iter().map(|table| table.name.clone())).collect(),
            modes: HashMap::new(),
            tables: Vec::new(),
            problems: Vec::new(),
        };
        for (name, source) in &job.sources {
            let Some(schema) = schemas.get(name) else { continue };
            let event_time = source.watermark.as_ref().map(|watermark| watermark.column.as_str());
            let relation = source_relation(name, schema, event_time);
            planner.sources.insert(name.clone(), relation.clone());
            planner.add_relation(relation)?;
        }
        Ok(planner)
    }

    fn add_relation(&mut self, relation: Relation) -> Result<(), SqlProblem> {
        register(&self.context, &relation).map_err(|error| to_problem(&error, ""))?;
        self.relations.insert(relation.name.to_lowercase(), relation);
        Ok(())
    }

    fn parse_all<'a>(&mut self, job: &'a Job) -> Vec<Waiting<'a>> {
        let mut waiting = Vec::new();
        for table in &job.tables {
            match parse(&table.sql).and_then(|statement| {
                let inputs = inputs_of(&statement);
                self.check_inputs(table, &inputs)?;
                Ok((table, statement, inputs))
            }) {
                Ok(parsed) => waiting.push(parsed),
                Err(problem) => self.problems.push(TableProblem { table: table.name.clone(), problem }),
            }
        }
        waiting
    }

    /// Every input must exist, and for now there is one.
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
        match inputs {
            [] => Err(SqlProblem::new("the query reads no source and no table of the job", "read a source in FROM")),
            [_] => Ok(()),
            [_, second, ..] => Err(SqlProblem::new(
                "a table reads one input for now, this one reads several",
                "make a table of each part",
            )
            .at_text(&table.sql, second)),
        }
    }

    fn next_ready(&self, waiting: &[Waiting<'_>]) -> Option<usize> {
        waiting.iter().position(|(_, _, inputs)| inputs.iter().all(|input| self.relations.contains_key(input)))
    }

    fn plan(&mut self, table: &Table, statement: Statement, inputs: &[String]) {
        let Some(input) = inputs.first().and_then(|input| self.relations.get(input)).cloned() else { return };
        let planned = compile_table(&self.context, table, statement, &self.relations, &input);
        let planned = planned.and_then(|plan| match self.refuse_chain(table, &plan, &input) {
            Some(problem) => Err(vec![problem]),
            None => Ok(plan),
        });
        match planned {
            Err(problems) => {
                let name = &table.name;
                self.problems.extend(problems.into_iter().map(|problem| TableProblem { table: name.clone(), problem }));
            }
            Ok(plan) => self.accept(plan),
        }
    }

    fn accept(&mut self, plan: TablePlan) {
        let relation = Relation {
            name: plan.name.clone(),
            schema: Arc::clone(&plan.schema),
            event_time: plan.event_time.clone(),
            hidden: Vec::new(),
        };
        self.modes.insert(plan.name.to_lowercase(), (plan.mode, plan.aggregate.is_some()));
        match self.add_relation(relation) {
            Ok(()) => self.tables.push(plan),
            Err(problem) => self.problems.push(TableProblem { table: plan.name, problem }),
        }
    }

    /// A table over one whose rows are replaced would have to take rows back; that comes later.
    fn refuse_chain(&self, table: &Table, plan: &TablePlan, input: &Relation) -> Option<SqlProblem> {
        let (mode, is_aggregate) = self.modes.get(&input.name.to_lowercase())?;
        let is_aggregated = plan.aggregate.is_some();
        if *is_aggregate && (*mode != OutputMode::Append || is_aggregated) {
            let message = match is_aggregated {
                true => {
                    format!("`{}` is an aggregate, and an aggregate of an aggregate is not supported yet", input.name)
                }
                false => format!(
                    "rows of `{}` are replaced after each epoch, and a table over such rows is not supported yet",
                    input.name
                ),
            };
            return Some(
                SqlProblem::new(message, "read the source, or query the aggregate with `engine sql`")
                    .at_text(&table.sql, &input.name),
            );
        }
        None
    }

    fn report_stuck(&mut self, waiting: &[Waiting<'_>]) {
        let reads: HashMap<String, &Vec<String>> =
            waiting.iter().map(|(table, _, inputs)| (table.name.to_lowercase(), inputs)).collect();
        for (table, _, inputs) in waiting {
            // A table reads one input: the chain of inputs either comes back to the table, or ends or circles elsewhere.
            let name = table.name.to_lowercase();
            let mut chain: Vec<&str> = Vec::new();
            let mut at = inputs.first();
            while let Some(input) = at.filter(|input| **input != name && !chain.contains(&input.as_str())) {
                chain.push(input);
                at = reads.get(input).and_then(|inputs| inputs.first());
            }
            if at != Some(&name) {
                continue;
            }
            let through = if chain.is_empty() { String::new() } else { format!(" through {}", chain.join(" and ")) };
            let problem = SqlProblem::new(
                format!("`{}` reads itself{through}", table.name),
                "a table reads only sources and other tables, in no circle",
            )
            .at_text(&table.sql, inputs.first().map_or("", String::as_str));
            self.problems.push(TableProblem { table: table.name.clone(), problem });
        }
    }
}

/// Names of the relations that a statement reads, in lower case, each once; names of its own WITH parts are not among them.
fn inputs_of(statement: &Statement) -> Vec<String> {
    let mut visitor = Inputs::default();
    let _: ControlFlow<()> = statement.visit(&mut visitor);
    let Inputs { mut found, own } = visitor;
    found.retain(|name| !own.contains(name));
    found
}

#[derive(Default)]
struct Inputs {
    found: Vec<String>,
    own: Vec<String>,
}

impl Visitor for Inputs {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if let Some(with) = &query.with {
            self.own.extend(with.cte_tables.iter().map(|table| table.alias.name.value.to_lowercase()));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let name = relation_name(relation);
        if !self.found.contains(&name) {
            self.found.push(name);
        }
        ControlFlow::Continue(())
    }
}
