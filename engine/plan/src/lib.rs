//! Spark-style streaming SQL to plans that run: parsed, rewritten, checked against the rules of streaming, compiled once.

pub mod batch;
mod bounds;
mod build;
mod compile;
mod error;
pub mod explain;
mod fault;
mod functions;
mod graph;
mod guard;
mod logical;
mod made;
mod meaning;
mod node;
mod normalize;
mod optimize;
mod precheck;
mod problem;
mod read;
mod rehearsal;
mod relation;
mod rewrite;
mod rules;
mod session;
mod times;
mod typed_expressions;
mod walk;
mod window;

pub use compile::TablePlan;
pub use expr::clock::BatchClock;
pub use expr::display::type_name;
pub use graph::{Graph, STATIC_NOT_READ, TableProblem, plan_job};
pub use guard::{SparkDialect, with_literals};
pub use made::text_hash;
pub use node::{Edge, LatePlan, LookupNode, Node, NodeKind, OperatorNode, Origin, StaticPlan};
pub use problem::SqlProblem;
pub use read::{ReadFault, Readable};
pub use relation::{METADATA_COLUMNS, Relation, Rows, source_relation};
pub use session::{session, session_config, with_rules};
pub use times::{EventTime, TimeKind};
pub use typed_expressions::typed_expressions;

#[cfg(test)]
mod tests;
