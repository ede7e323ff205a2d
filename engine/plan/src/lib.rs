//! Spark-style streaming SQL to plans that run: parsed, rewritten, checked against the rules of streaming, compiled once.

pub mod batch;
mod bounds;
mod build;
mod casts;
mod compile;
mod error;
pub mod explain;
pub mod functions;
mod graph;
mod guard;
mod node;
mod normalize;
mod problem;
mod read;
mod relation;
mod rewrite;
mod rules;
mod session;
mod times;
mod walk;
mod window;
mod words;

pub use casts::rewrite as with_spark_semantics;
pub use compile::TablePlan;
pub use graph::{Graph, STATIC_NOT_READ, TableProblem, plan_job};
pub use guard::with_literals;
pub use node::{Edge, LatePlan, LookupNode, Node, NodeKind, OperatorNode, Origin, StaticPlan};
pub use operators::remedied;
pub use problem::SqlProblem;
pub use read::{ReadFault, Readable};
pub use relation::{METADATA_COLUMNS, Relation, Rows, source_relation};
pub use session::{BatchClock, session, session_config};
pub use times::{EventTime, TimeKind};

#[cfg(test)]
mod tests;
