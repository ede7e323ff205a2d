//! Why a query makes no nodes: a problem of its text, or an error of DataFusion.

use datafusion::error::DataFusionError;
use operators::OperatorError;

use crate::error::to_problem;
use crate::problem::SqlProblem;

/// Why a query makes no nodes.
#[derive(Debug)]
pub enum Fault {
    /// The query cannot run on a stream; what to write instead.
    Problem(SqlProblem),
    /// DataFusion refused it.
    Plan(DataFusionError),
}

impl From<DataFusionError> for Fault {
    /// A problem that went through one of DataFusion's walks over a plan comes out as it went in.
    fn from(error: DataFusionError) -> Fault {
        match error {
            DataFusionError::External(inner) => match inner.downcast::<SqlProblem>() {
                Ok(problem) => Fault::Problem(*problem),
                Err(inner) => Fault::Plan(DataFusionError::External(inner)),
            },
            error => Fault::Plan(error),
        }
    }
}

impl From<SqlProblem> for DataFusionError {
    fn from(problem: SqlProblem) -> DataFusionError {
        DataFusionError::External(Box::new(problem))
    }
}

impl From<Fault> for DataFusionError {
    fn from(fault: Fault) -> DataFusionError {
        match fault {
            Fault::Problem(problem) => problem.into(),
            Fault::Plan(error) => error,
        }
    }
}

impl From<OperatorError> for Fault {
    fn from(error: OperatorError) -> Fault {
        Fault::Plan(DataFusionError::Plan(error.to_string()))
    }
}

impl From<SqlProblem> for Fault {
    fn from(problem: SqlProblem) -> Fault {
        Fault::Problem(problem)
    }
}

impl Fault {
    /// The fault as a problem of the SQL text.
    pub fn into_problem(self, sql: &str) -> SqlProblem {
        match self {
            Fault::Problem(problem) => problem,
            Fault::Plan(error) => to_problem(&error, sql),
        }
    }
}

/// What planning gives.
pub type Result<T, E = Fault> = std::result::Result<T, E>;

/// Spark's name for a shape that an output mode cannot have.
pub const UNSUPPORTED: &str = "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION";

/// The refusal of complete mode without an aggregate: its rows would be kept for ever.
pub fn no_aggregate() -> SqlProblem {
    let message = "Complete output mode not supported when there are no streaming aggregations";
    SqlProblem::new(message, "set mode = \"append\", or aggregate with GROUP BY").code(UNSUPPORTED)
}

#[cfg(test)]
mod tests;
