//! Spark-style streaming SQL to plans that run: parsed, rewritten, checked against the rules of streaming, compiled once.

pub mod batch;
mod bounds;
mod build;
mod compile;
mod computed;
mod error;
pub mod explain;
mod expression;
mod fault;
mod functions;
mod graph;
mod guard;
mod job_function;
mod job_problem;
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
mod sql_types;
mod stored;
mod time_forms;
mod times;
mod typed_expressions;
mod walk;
mod window;

pub use compile::TablePlan;
pub use computed::{CompiledColumn, Computed};
pub use error::problem_of_call;
pub use expr::clock::BatchClock;
pub use expr::display::type_name;
pub use graph::{Graph, STATIC_NOT_READ, plan_job, register_functions};
pub use guard::{SparkDialect, check_literals, with_literals};
pub use job_function::define::Definitions;
pub use job_problem::{JobProblem, TextOf};
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
