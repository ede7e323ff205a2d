//! Spark-style streaming SQL to plans that run: parsed, rewritten, checked against the rules of streaming, compiled once.

mod casts;
mod compile;
mod error;
pub mod explain;
pub mod functions;
mod graph;
mod guard;
mod problem;
mod relation;
mod rewrite;
mod rules;
mod session;
mod split;
mod window;
mod words;

pub use casts::rewrite as with_spark_semantics;
pub use compile::{AggregateStage, TablePlan};
pub use graph::{Graph, TableProblem, plan_job};
pub use problem::SqlProblem;
pub use relation::{METADATA_COLUMNS, Relation, source_relation};
pub use session::{BatchClock, session_config};

#[cfg(test)]
mod tests;
