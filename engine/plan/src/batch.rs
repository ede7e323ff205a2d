//! A table's query as one batch over everything that its inputs hold: what the table must show once nothing is open any more.

mod answer;
mod late;
mod opaque;
pub(crate) mod sessions;

pub use answer::Answer;
pub use late::LATE_BY;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::SessionContext;
use expr::clock::BatchClock;
use job::{Job, Table};
use operators::OperatorError;

use crate::compile::{TablePlan, analyze};
use crate::fault::Result;
use crate::graph::Graph;
use crate::graph::{register_functions, rules_of};
use crate::guard::parse;
use crate::logical::any_node;
use crate::problem::SqlProblem;
use crate::relation::{Relation, reference};
use crate::rewrite::rewrite;
use crate::session::{planning_session, register, register_as};

/// Plans and runs the batch queries of a job's tables. `T` and what it reads are named as in the job.
pub struct Batch<'a> {
    job: &'a Job,
    graph: &'a Graph,
    context: SessionContext,
    relations: HashMap<String, Relation>,
}

/// A table that keeps every row of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The table.
    pub table: String,
    /// Where the source's columns stand in it: source column to table column.
    pub columns: BTreeMap<String, String>,
}

/// Why a batch query gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// It has no value for one of the rows, and what is wrong with that.
    Row(String),
    /// Anything else.
    Other(String),
}

impl From<Unanswered> for String {
    fn from(unanswered: Unanswered) -> String {
        match unanswered {
            Unanswered::Row(what) => format!("its query has no value for a row: {what}"),
            Unanswered::Other(what) => what,
        }
    }
}

impl<'a> Batch<'a> {
    /// A session that knows the job's sources, tables and static tables, all without rows.
    ///
    /// # Errors
    /// Never in practice.
    pub fn new(job: &'a Job, graph: &'a Graph) -> Result<Batch<'a>, String> {
        let words = |error: DataFusionError| error.to_string();
        let context = planning_session(&BatchClock::default(), rules_of(job)).map_err(words)?;
        register_functions(&context, job, rules_of(job));
        let mut batch = Batch { job, graph, context, relations: HashMap::new() };
        let statics = graph.statics.iter().map(|(name, schema)| crate::relation::static_relation(name, schema, false));
        let tables = graph.tables.iter().map(TablePlan::relation);
        for relation in graph.sources.values().cloned().chain(statics).chain(tables) {
            register(&batch.context, &relation).map_err(words)?;
            batch.relations.insert(relation.name.to_lowercase(), relation);
        }
        Ok(batch)
    }

    /// The session in which the queries run.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Puts rows in the place of a source, a table or a static table. They may have the column [`LATE_BY`].
    ///
    /// # Errors
    /// If the session refuses them.
    pub fn fill(&mut self, name: &str, rows: Arc<dyn TableProvider>) -> Result<(), String> {
        let known =
            self.relations.get(&name.to_lowercase()).ok_or_else(|| format!("the job has no relation {name}"))?;
        let schema = rows.schema();
        let time = |field: &Arc<Field>| {
            let at = known.schema.index_of(field.name()).ok()?;
            known.times.get(at).copied().flatten()
        };
        let mut hidden = known.hidden.clone();
        hidden.push(LATE_BY.to_string());
        let times = schema.fields().iter().map(time).collect();
        let relation = Relation { schema, times, hidden, ..known.clone() };
        let put = |context: &SessionContext| {
            context.deregister_table(reference(&relation.name))?;
            register_as(context, &relation.name, Arc::new(opaque::Opaque(rows)))
        };
        put(&self.context).map_err(|error| error.to_string())?;
        self.relations.insert(name.to_lowercase(), relation);
        Ok(())
    }

    /// The tables that keep every row of a source, and with which columns.
    pub fn copies(&self, source: &str) -> Vec<Copy> {
        let copy = |table: &Table| {
            let plan = self.graph.tables.iter().find(|plan| plan.name == table.name)?;
            let reads_it = plan.inputs.len() == 1 && plan.inputs[0].eq_ignore_ascii_case(source);
            if !reads_it || table.deduplicate.is_some() {
                return None;
            }
            let analyzed = self.analyzed(table).ok()?;
            Some(Copy { table: table.name.clone(), columns: passed_columns(&analyzed)? })
        };
        self.job.tables.iter().filter_map(copy).collect()
    }

    /// The batch query of a table.
    ///
    /// # Errors
    /// Why there is none: a column that is not kept, a form that a batch cannot have.
    pub fn answer(&self, table: &Table) -> Result<Answer, String> {
        let plan = self.analyzed(table).map_err(|fault| in_words(fault, &table.sql))?;
        if asks_for_time(&plan) {
            return Err("its query asks what time it is, which was another in every epoch".to_string());
        }
        if table.deduplicate.is_some() {
            return Err("which of several equal rows stays depends on which came first".to_string());
        }
        let plan = crate::normalize::normalize(&self.context.state(), plan, &self.relations, &table.sql);
        let plan = plan.map_err(|fault| in_words(fault, &table.sql))?;
        answer::of(plan, table, &self.relations).map_err(|fault| in_words(fault, &table.sql))
    }

    fn analyzed(&self, table: &Table) -> Result<LogicalPlan> {
        let mut statement = parse(&table.sql, rules_of(self.job))?;
        rewrite(&mut statement, &table.sql, &self.relations, &self.context.state())?;
        analyze(&self.context.state(), statement, &table.sql)
    }

    /// All rows that stand in the place of a source, a table or a static table.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn rows_of(&self, name: &str) -> Result<RecordBatch, String> {
        let words = |error: DataFusionError| error.to_string();
        let known =
            self.relations.get(&name.to_lowercase()).ok_or_else(|| format!("the job has no relation {name}"))?;
        let frame = self.context.table(reference(&known.name)).await.map_err(words)?;
        let schema = Arc::new(frame.schema().as_arrow().clone());
        let batches = frame.collect().await.map_err(words)?;
        concat_batches(&schema, &batches).map_err(|error| error.to_string())
    }

    /// Runs a query to its end.
    ///
    /// # Errors
    /// What went wrong, told apart by whether a row is at fault.
    pub async fn run(&self, plan: &LogicalPlan) -> Result<(SchemaRef, Vec<RecordBatch>), Unanswered> {
        let words = |error: DataFusionError| match OperatorError::from(error) {
            OperatorError::Row(what) => Unanswered::Row(what),
            other => Unanswered::Other(other.to_string()),
        };
        let frame = self.context.execute_logical_plan(plan.clone()).await.map_err(words)?;
        let fields: Vec<Field> = frame.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
        Ok((Arc::new(Schema::new(fields)), frame.collect().await.map_err(words)?))
    }
}

fn in_words(fault: crate::fault::Fault, sql: &str) -> String {
    let SqlProblem { message, .. } = fault.into_problem(sql);
    message
}

/// The columns that a plan of projections passes on as they are: name below to name above. `None` if it does anything else.
fn passed_columns(plan: &LogicalPlan) -> Option<BTreeMap<String, String>> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let fields = scan.projected_schema.fields().iter();
            Some(fields.map(|field| (field.name().clone(), field.name().clone())).collect())
        }
        LogicalPlan::SubqueryAlias(alias) => passed_columns(&alias.input),
        LogicalPlan::Projection(projection) => {
            let below = passed_columns(&projection.input)?;
            let mut passed = BTreeMap::new();
            for (expr, field) in projection.expr.iter().zip(projection.schema.fields()) {
                let Expr::Column(column) = expr.clone().unalias() else { continue };
                let Some((source, _)) = below.iter().find(|(_, name)| **name == column.name) else { continue };
                passed.insert(source.clone(), field.name().clone());
            }
            Some(passed)
        }
        _ => None,
    }
}

fn asks_for_time(plan: &LogicalPlan) -> bool {
    any_node(plan, |node| node.expressions().iter().any(Expr::is_volatile)).unwrap_or(true)
}
