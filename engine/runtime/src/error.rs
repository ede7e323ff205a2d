//! Why a run ended, by what the operator must do.

use connector::{SinkError, SourceError, StaticError};
use epoch::accounting::Breach;
use epoch::protocol::Contradiction;
use operators::OperatorError;
use state::StateError;

/// An error that ends a run. Its text names the place and the remedy.
#[derive(Debug)]
pub enum RunError {
    /// The source cannot go on.
    Source(SourceError),
    /// The checkpoint cannot be used.
    State(StateError),
    /// The warehouse cannot be used.
    Sink(SinkError),
    /// A static table cannot be read.
    Static(StaticError),
    /// The query failed, or its state is damaged.
    Operator {
        /// Table whose query it is.
        table: String,
        /// What happened.
        error: OperatorError,
    },
    /// A record could not be decoded and the job says `on_error = "fail"`.
    Rejected(String),
    /// The query does not fit the state in the checkpoint.
    StateMismatch(String),
    /// The checkpoint's records contradict each other.
    Contradiction(Contradiction),
    /// Rows are missing or too many: a fault of the engine, found before anything was committed.
    Books(Breach),
    /// The job cannot be planned.
    Plan(String),
    /// A fault of the engine.
    Internal(String),
    /// The stop flag was set; the running epoch was given up and will run again.
    Stopped,
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RunError::Source(error) => error.fmt(f),
            RunError::State(error) => error.fmt(f),
            RunError::Sink(error) => error.fmt(f),
            RunError::Static(error) => error.fmt(f),
            RunError::Operator { table, error } => write!(f, "table {table}: {error}"),
            RunError::Rejected(what) | RunError::StateMismatch(what) | RunError::Plan(what) => f.write_str(what),
            RunError::Contradiction(what) => write!(
                f,
                "the checkpoint contradicts itself: {what}; run `engine checkpoint verify` on it, and restore it from a backup or start with a new checkpoint and warehouse"
            ),
            RunError::Books(breach) => write!(
                f,
                "{breach}; nothing of this epoch was committed; this is a fault of the engine, please report it"
            ),
            RunError::Internal(what) => write!(f, "fault of the engine: {what}; please report it"),
            RunError::Stopped => f.write_str("stopped; the running epoch was given up and will run again"),
        }
    }
}

impl std::error::Error for RunError {}

impl From<SourceError> for RunError {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Stopped => RunError::Stopped,
            other => RunError::Source(other),
        }
    }
}

impl From<StateError> for RunError {
    fn from(error: StateError) -> Self {
        RunError::State(error)
    }
}

impl From<SinkError> for RunError {
    fn from(error: SinkError) -> Self {
        RunError::Sink(error)
    }
}

impl From<StaticError> for RunError {
    fn from(error: StaticError) -> Self {
        RunError::Static(error)
    }
}

impl From<Breach> for RunError {
    fn from(breach: Breach) -> Self {
        RunError::Books(breach)
    }
}

/// Names the table of an operator's error.
pub fn of_table(table: &str) -> impl FnOnce(OperatorError) -> RunError + '_ {
    move |error| RunError::Operator { table: table.to_string(), error }
}
