//! Why a run ended, by what the operator must do.

use connector::{ErrorKind, Message, SinkError, SourceError, StaticError};
use epoch::accounting::Breach;
use epoch::{Contradiction, EpochId};
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
        /// The epoch that it ended, if one ran.
        epoch: Option<EpochId>,
        /// What happened.
        error: OperatorError,
    },
    /// A record could not be decoded and the job says `on_error = "fail"`.
    Rejected(String),
    /// The query does not fit the state in the checkpoint.
    StateMismatch(Message),
    /// Checkpoint and places cannot both be right, or the checkpoint contradicts itself.
    Contradiction(Contradiction),
    /// Rows are missing or too many: a fault of the engine, found before anything was committed.
    Books(Breach),
    /// The job cannot be planned.
    Plan(String),
    /// A fault of the engine.
    Internal(Message),
    /// The stop flag was set; the running epoch was given up and its records will be read again.
    Stopped,
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RunError::Source(error) => error.fmt(f),
            RunError::State(error) => error.fmt(f),
            RunError::Sink(error) => error.fmt(f),
            RunError::Static(error) => error.fmt(f),
            RunError::Operator { table, epoch: Some(epoch), error } => {
                write!(f, "table {table}, epoch {epoch}: {error}")
            }
            RunError::Operator { table, epoch: None, error } => write!(f, "table {table}: {error}"),
            RunError::Rejected(what) | RunError::Plan(what) => f.write_str(what),
            RunError::StateMismatch(what) => what.fmt(f),
            RunError::Contradiction(what) => what.fmt(f),
            RunError::Books(breach) => write!(
                f,
                "{breach}; nothing of this epoch was committed; this is a fault of the engine, please report it"
            ),
            RunError::Internal(what) => write!(f, "fault of the engine: {what}; please report it"),
            RunError::Stopped => f.write_str("stopped; the running epoch was given up, its records will be read again"),
        }
    }
}

impl std::error::Error for RunError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RunError::Source(error) => Some(error),
            RunError::State(error) => Some(error),
            RunError::Sink(error) => Some(error),
            RunError::Static(error) => Some(error),
            RunError::Operator { error, .. } => Some(error),
            RunError::Contradiction(error) => Some(error),
            RunError::Books(error) => Some(error),
            RunError::StateMismatch(what) | RunError::Internal(what) => what.cause(),
            RunError::Rejected(_) | RunError::Plan(_) | RunError::Stopped => None,
        }
    }
}

impl RunError {
    /// The error with the epoch that it ended.
    pub(crate) fn in_epoch(self, number: EpochId) -> RunError {
        match self {
            RunError::Operator { table, error, .. } => RunError::Operator { table, epoch: Some(number), error },
            other => other,
        }
    }

    /// Writes what libraries had said below it to the log, at its finest level but one: the error's own text is whole without.
    pub fn log_causes(&self) {
        for cause in epoch::message::causes_of(self) {
            tracing::debug!("caused by: {cause}");
        }
    }

    /// What somebody has to do about it. A driver decides by this alone whether it waits, and the command line by which code it ends.
    pub fn kind(&self) -> ErrorKind {
        match self {
            RunError::Source(error) => error.kind(),
            RunError::State(error) => state_kind(error),
            RunError::Sink(error) => error.kind(),
            RunError::Static(error) => error.kind(),
            RunError::Operator { .. } | RunError::Rejected(_) => ErrorKind::Data,
            RunError::StateMismatch(_) | RunError::Plan(_) => ErrorKind::Settings,
            RunError::Contradiction(_) => ErrorKind::Contradiction,
            RunError::Books(_) | RunError::Internal(_) => ErrorKind::Internal,
            RunError::Stopped => ErrorKind::Stopped,
        }
    }
}

/// The checkpoint is on a local disk: what the system refuses there needs somebody's hand, and damage a copy.
fn state_kind(error: &StateError) -> ErrorKind {
    match error {
        _ if error.is_disk_full() => ErrorKind::Unavailable,
        StateError::Owned { .. }
        | StateError::NotACheckpoint { .. }
        | StateError::Mismatch { .. }
        | StateError::Format { .. }
        | StateError::Io { .. }
        | StateError::Poisoned { .. } => ErrorKind::Settings,
        StateError::Corrupt { .. } => ErrorKind::Data,
        StateError::Protocol(_) => ErrorKind::Internal,
    }
}

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
        match error {
            SinkError::Contradiction(what) => RunError::Contradiction(what),
            other => RunError::Sink(other),
        }
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
    move |error| RunError::Operator { table: table.to_string(), epoch: None, error }
}
