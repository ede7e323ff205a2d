//! The parts of a query that run: stateless pipelines, time windows and aggregates with state.

pub mod aggregate;
pub mod block;
pub mod dedup;
pub mod join;
pub mod keyed;
pub mod lookup;
pub mod materialize;
pub mod operator;
pub mod pipeline;
pub mod recompute;
pub mod session;
pub mod slot;
pub mod state_rows;
pub mod store;

pub use aggregate::{Aggregate, AggregateLane, AggregateSpec};
pub use expr::window::WindowSpec;
pub use pipeline::{Passed, Pipeline};
pub use slot::SlotExec;

/// What can go wrong inside an operator.
#[derive(Debug)]
pub enum OperatorError {
    /// The query itself failed on a row, or an engine fault; the text says where.
    Compute(String),
    /// The checkpoint could not be read.
    State(state::StateError),
    /// A state block is not what this operator wrote.
    Damaged(String),
}

impl std::fmt::Display for OperatorError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OperatorError::Compute(what) => f.write_str(what),
            OperatorError::State(error) => error.fmt(f),
            OperatorError::Damaged(what) => {
                write!(f, "state is damaged: {what}; `engine checkpoint verify` names every damaged record")
            }
        }
    }
}

impl std::error::Error for OperatorError {}

impl From<datafusion::error::DataFusionError> for OperatorError {
    fn from(error: datafusion::error::DataFusionError) -> Self {
        OperatorError::Compute(expr::map_keys::remedied(error.strip_backtrace()))
    }
}

impl From<arrow::error::ArrowError> for OperatorError {
    fn from(error: arrow::error::ArrowError) -> Self {
        OperatorError::Compute(error.to_string())
    }
}

impl From<state::StateError> for OperatorError {
    fn from(error: state::StateError) -> Self {
        OperatorError::State(error)
    }
}
