//! Columns of sources that SQL computes: of the fields of a record and the metadata columns, before any table reads it.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::prelude::SessionContext;
use expr::display::{expr_text, type_name};
use expr::types::instant;
use expr::typing::TypeRules;
use futures::executor::block_on;
use job::{ComputedColumn, Source};
use operators::{OperatorError, Pipeline};

use crate::build::try_rows;
use crate::error::to_problem;
use crate::expression::{self, Subject};
use crate::fault::Fault;
use crate::guard::parse_expression;
use crate::made::Words;
use crate::problem::SqlProblem;
use crate::relation::{METADATA_COLUMNS, Relation, source_relation};

/// The computed columns of one source, compiled.
#[derive(Debug, Clone)]
pub struct Computed {
    /// The columns that they are computed of: those of the record, then the metadata columns.
    pub record: SchemaRef,
    /// All columns in the order of the job file, then the metadata columns.
    pub schema: SchemaRef,
    /// The computed ones, in the order of the job file.
    pub columns: Vec<CompiledColumn>,
}

/// A computed column, compiled.
#[derive(Debug, Clone)]
pub struct CompiledColumn {
    /// Its name.
    pub name: String,
    /// Its place among all columns of the source.
    pub at: usize,
    /// A record for which it is NULL is rejected.
    pub required: bool,
    /// Makes it of the columns of the record.
    pub pipeline: Pipeline,
    /// What it is made of, in words.
    made: String,
}

/// Compiles the computed columns of a source; `columns` are those of its records.
///
/// # Errors
/// All problems, each with the name of its column.
pub fn compile(
    context: &SessionContext,
    source: &Source,
    columns: &Schema,
    rules: TypeRules,
) -> Result<Computed, Vec<(String, SqlProblem)>> {
    let record = source_relation(&source.name, columns, None);
    let mut fields: Vec<Arc<Field>> = columns.fields().iter().cloned().collect();
    let (mut compiled, mut problems) = (Vec::new(), Vec::new());
    for (before, column) in source.computed.iter().enumerate() {
        let at = (column.after + before).min(fields.len());
        match of_column(context, source, column, &record, rules) {
            Ok((pipeline, made)) => {
                let kind = pipeline.schema().field(0).data_type().clone();
                fields.insert(at, Arc::new(Field::new(&column.name, kind, true)));
                let (name, required) = (column.name.clone(), column.required);
                compiled.push(CompiledColumn { name, at, required, pipeline, made });
            }
            Err(problem) => {
                fields.insert(at, Arc::new(Field::new(&column.name, DataType::Null, true)));
                problems.push((column.name.clone(), problem));
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let schema = source_relation(&source.name, &Schema::new(fields), None).schema;
    Ok(Computed { record: record.schema, schema, columns: compiled })
}

impl Computed {
    /// The columns of the source without the metadata columns.
    pub fn own_columns(&self) -> Schema {
        let own = self.schema.fields().len() - METADATA_COLUMNS.len();
        Schema::new(self.schema.fields().iter().take(own).cloned().collect::<Vec<_>>())
    }

    /// The rows with their computed columns.
    ///
    /// # Errors
    /// An expression has no value for a row; the name of its column stands before what is wrong.
    pub fn rows(&self, record: &RecordBatch) -> Result<RecordBatch, OperatorError> {
        let mut columns = record.columns().to_vec();
        for column in &self.columns {
            let made = column.pipeline.run(record).map_err(|error| match OperatorError::from(error) {
                OperatorError::Row(what) => OperatorError::Row(format!("column \"{}\": {what}", column.name)),
                other => other,
            })?;
            columns.insert(column.at, Arc::clone(made.rows.column(0)));
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// What the columns are made of, in words: other words mean other rows, wherever state is kept of them.
    pub fn words(&self) -> Words {
        let names = self.schema.fields().iter().map(|field| field.name().clone());
        let mut columns: Vec<String> = names.collect();
        for column in &self.columns {
            columns[column.at].clone_from(&column.made);
        }
        Words { columns, conditions: Vec::new() }
    }

    /// What a column is made of, in words, if it is computed.
    pub fn made_of(&self, name: &str) -> Option<&str> {
        self.columns.iter().find(|column| column.name == name).map(|column| column.made.as_str())
    }

    /// The columns with their types and expressions, for `engine explain`.
    pub fn describe(&self, source: &Source) -> Vec<String> {
        let line = |column: &CompiledColumn| {
            let written = source.computed.iter().find(|written| written.name == column.name);
            let text = written.map_or(column.made.as_str(), |written| written.expression.text.as_str());
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            format!("{} {} = {text}", column.name, type_name(self.schema.field(column.at).data_type()))
        };
        self.columns.iter().map(line).collect()
    }
}

fn of_column(
    context: &SessionContext,
    source: &Source,
    column: &ComputedColumn,
    record: &Relation,
    rules: TypeRules,
) -> Result<(Pipeline, String), SqlProblem> {
    let text = column.expression.text.as_str();
    let subject = Subject { text, what: "a computed column", reads: "the columns of its record", rules };
    let parsed = parse_expression(text, rules)?;
    let planned = expression::plan(context, record, &column.name, parsed, &subject)
        .map_err(|problem| of_other_column(source, problem))?;
    let is_time = source.watermark.as_ref().is_some_and(|watermark| watermark.column == column.name);
    if is_time && planned.kind != instant() {
        return Err(no_event_time(&planned.kind));
    }
    let compile = || -> Result<Pipeline, Fault> {
        let state = context.state();
        let physical = block_on(state.create_physical_plan(&planned.plan))?;
        Ok(Pipeline::compile(physical, state.task_ctx())?)
    };
    let pipeline = compile().map_err(|fault| fault.into_problem(text))?;
    let tried = pipeline.run(&RecordBatch::new_empty(Arc::clone(&record.schema)));
    tried.and_then(|_| try_rows(&pipeline, &record.schema)).map_err(|error| to_problem(&error, text))?;
    Ok((pipeline, expr_text(&planned.raw)))
}

fn no_event_time(kind: &DataType) -> SqlProblem {
    let message = format!("the event time must be a timestamp, and this expression gives {}", type_name(kind));
    let help = match kind {
        DataType::Utf8 => "make a timestamp of it: to_timestamp(text, 'dd/MM/yyyy HH:mm'), or CAST(… AS TIMESTAMP)",
        kind if kind.is_numeric() => {
            "make a timestamp of it: timestamp_millis(n), timestamp_micros(n) or timestamp_seconds(n), by what n counts"
        }
        _ => "make a timestamp of it: CAST(… AS TIMESTAMP)",
    };
    SqlProblem::new(message, help).code("EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE")
}

/// A column that is computed itself is not there yet when another one is.
fn of_other_column(source: &Source, problem: SqlProblem) -> SqlProblem {
    let names = |column: &&ComputedColumn| problem.message.contains(&format!("there is no column `{}`", column.name));
    match source.computed.iter().find(names) {
        Some(other) => {
            let message = format!("`{}` is computed itself, and is not there yet", other.name);
            let help = format!("put its expression in its place: {}", other.expression.text);
            SqlProblem { message, help, ..problem }
        }
        None => problem,
    }
}
