//! Why a static table cannot be read, by what the operator must do.

use delta::SinkError;

/// An error of a static table. Every text names the table, the place and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaticError {
    /// The store does not answer or keeps failing: try again later.
    Unavailable(String),
    /// The job or the environment is wrong: path, format, keys, rights.
    Settings(String),
    /// What lies there cannot be read, or is not what the job needs.
    Data(String),
    /// A copy of the rows has no place in the checkpoint.
    TooLarge(String),
    /// A fault of the engine.
    Internal(String),
}

impl std::fmt::Display for StaticError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StaticError::Unavailable(text) => write!(f, "{text}; this may pass: the job can be started again"),
            StaticError::Settings(text) | StaticError::Data(text) | StaticError::TooLarge(text) => f.write_str(text),
            StaticError::Internal(text) => write!(f, "fault of the engine: {text}; please report it"),
        }
    }
}

impl std::error::Error for StaticError {}

impl StaticError {
    /// An error of the store under a static table.
    pub(super) fn of_sink(name: &str, error: SinkError) -> StaticError {
        match error {
            SinkError::Unavailable(text) | SinkError::DiskFull(text) => StaticError::Unavailable(named(name, &text)),
            SinkError::Settings(text) => StaticError::Settings(named(name, &text)),
            SinkError::Data(text) | SinkError::Refused(text) => StaticError::Data(named(name, &text)),
            SinkError::Internal(text) => StaticError::Internal(named(name, &text)),
        }
    }
}

/// A text with the table's name in front.
pub(super) fn named(name: &str, text: &str) -> String {
    format!("static table {name}: {text}")
}
