//! What can go wrong with a place outside of the engine, by what the operator must do about it.

use std::fmt;

use epoch::{Contradiction, DataGap, Message, Position};

/// What somebody has to do about an error: a driver decides by this alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorKind {
    /// Something is away or full: wait, and try again.
    Unavailable,
    /// The job file, the environment or the rights are wrong: change them.
    Settings,
    /// Records, rows or files are not what they must be: mend them, or say in the job file what to do with them.
    Data,
    /// Checkpoint and places cannot both be right: a person decides which is.
    Contradiction,
    /// A fault of the engine: report it.
    Internal,
    /// Somebody asked for the end.
    Stopped,
}

/// Why a source cannot go on. Its text names the source, the place and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceError {
    /// Nobody answers: start it, or wait for it.
    Unavailable {
        /// Source in the job file.
        source: String,
        /// What was tried and what came back.
        what: Message,
        /// What to do.
        remedy: String,
    },
    /// Records that were planned or acknowledged are gone: decide whether the job may go on without them.
    DataLoss(Box<DataLoss>),
    /// The job file, the place or the rights are not as they must be: change them.
    Settings {
        /// Source in the job file.
        source: String,
        /// What is wrong.
        what: Message,
        /// What to do.
        remedy: String,
    },
    /// The stop flag was set while the source waited.
    Stopped,
    /// The client library did something it must not do: a fault of the engine.
    Internal {
        /// Source in the job file.
        source: String,
        /// What happened.
        what: Message,
    },
}

/// Records that are no longer where the job must read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataLoss {
    /// Source in the job file.
    pub source: String,
    /// Stream of the lost records.
    pub stream: String,
    /// Partition of the lost records.
    pub partition: i32,
    /// First position that is lost.
    pub from: Position,
    /// First position that is there again; equal to `from` or before it if the split is gone or began anew.
    pub until: Position,
    /// What is there instead.
    pub reason: String,
    /// What else was found to be lost at the same look, in other splits.
    pub others: Vec<DataGap>,
}

impl DataLoss {
    /// What was found lost at one look; `None` if nothing was.
    pub fn of(source: &str, gaps: &[DataGap]) -> Option<DataLoss> {
        let (first, others) = gaps.split_first()?;
        let DataGap { stream, partition, from, until, reason } = first.clone();
        Some(DataLoss { source: source.to_string(), stream, partition, from, until, reason, others: others.to_vec() })
    }

    /// All that was found lost, for who keeps it.
    pub fn gaps(&self) -> Vec<DataGap> {
        let DataLoss { stream, partition, from, until, reason, .. } = self.clone();
        [DataGap { stream, partition, from, until, reason }].into_iter().chain(self.others.iter().cloned()).collect()
    }
}

impl SourceError {
    /// What to do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            SourceError::Unavailable { .. } => ErrorKind::Unavailable,
            SourceError::DataLoss(_) => ErrorKind::Data,
            SourceError::Settings { .. } => ErrorKind::Settings,
            SourceError::Stopped => ErrorKind::Stopped,
            SourceError::Internal { .. } => ErrorKind::Internal,
        }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceError::Unavailable { source, what, remedy } | SourceError::Settings { source, what, remedy } => {
                write!(f, "source {source}: {what}\n  {remedy}")
            }
            SourceError::DataLoss(loss) => loss.fmt(f),
            SourceError::Stopped => f.write_str("stopped while waiting for the source"),
            SourceError::Internal { source, what } => write!(
                f,
                "source {source}: {what}\n  this is a fault of the engine; run the job again and report it with this text"
            ),
        }
    }
}

impl fmt::Display for DataLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DataLoss { source, stream, partition, from, until, reason, others } = self;
        write!(f, "source {source}: data was lost in {stream} [{partition}]: from offset {from} to {until}: {reason}")?;
        for DataGap { stream, partition, from, until, .. } in others {
            write!(f, "\n  and in {stream} [{partition}]: from offset {from} to {until}")?;
        }
        write!(
            f,
            "\n  \
             to go on without these records set `on_data_loss = \"continue\"` in [source.{source}] (the gap is recorded); \
             to read the topic from its start again use a new checkpoint"
        )
    }
}

impl std::error::Error for SourceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SourceError::Unavailable { what, .. }
            | SourceError::Settings { what, .. }
            | SourceError::Internal { what, .. } => what.cause(),
            SourceError::DataLoss(_) | SourceError::Stopped => None,
        }
    }
}

/// An error of a place that rows are written to. Every text names the place and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkError {
    /// The store does not answer or keeps failing: try again later, nothing is lost.
    Unavailable(Message),
    /// The job or the environment is wrong: location, keys, rights.
    Settings(Message),
    /// A table or a file in the warehouse is damaged, or another program changed what belongs to the job.
    Data(Message),
    /// The table cannot take these columns.
    Refused(Message),
    /// No space left where the warehouse is.
    DiskFull(Message),
    /// What the place says cannot be true beside what the checkpoint says.
    Contradiction(Contradiction),
    /// A fault of the engine.
    Internal(Message),
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SinkError::Unavailable(text) => write!(f, "the warehouse is not available: {text}"),
            SinkError::Settings(text) => write!(f, "the warehouse cannot be used: {text}"),
            SinkError::Data(text) => write!(f, "the warehouse holds something unexpected: {text}"),
            SinkError::Refused(text) => write!(f, "the table cannot take these columns: {text}"),
            SinkError::DiskFull(text) => {
                write!(f, "no space left in the warehouse: {text}; free some")
            }
            SinkError::Contradiction(what) => what.fmt(f),
            SinkError::Internal(text) => write!(f, "fault of the engine in the warehouse: {text}"),
        }
    }
}

impl std::error::Error for SinkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SinkError::Unavailable(text)
            | SinkError::Settings(text)
            | SinkError::Data(text)
            | SinkError::Refused(text)
            | SinkError::DiskFull(text)
            | SinkError::Internal(text) => text.cause(),
            SinkError::Contradiction(_) => None,
        }
    }
}

impl SinkError {
    /// Sorts an error of the file system. `place` says what was being done, and where.
    pub fn file(place: &str, error: &std::io::Error) -> SinkError {
        let text = Message::caused_by(format!("{place}: {error}"), error);
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => SinkError::DiskFull(text),
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                SinkError::Settings(text.reworded(|text| format!("{text}; the engine needs to write there")))
            }
            _ => SinkError::Unavailable(text),
        }
    }

    /// True if trying the same again at once may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, SinkError::Unavailable(_))
    }

    /// What to do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            SinkError::Unavailable(_) | SinkError::DiskFull(_) => ErrorKind::Unavailable,
            SinkError::Settings(_) | SinkError::Refused(_) => ErrorKind::Settings,
            SinkError::Data(_) => ErrorKind::Data,
            SinkError::Contradiction(_) => ErrorKind::Contradiction,
            SinkError::Internal(_) => ErrorKind::Internal,
        }
    }

    /// The error with the name of the table that cannot take the columns.
    #[must_use]
    pub fn of_table(self, table: &str) -> SinkError {
        match self {
            SinkError::Refused(text) => SinkError::Refused(text.reworded(|text| format!("table {table}: {text}"))),
            other => other,
        }
    }
}

/// An error of a static table. Every text names the table, the place and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaticError {
    /// The store does not answer or keeps failing: try again later.
    Unavailable(Message),
    /// The job or the environment is wrong: path, format, keys, rights.
    Settings(Message),
    /// What lies there cannot be read, or is not what the job needs.
    Data(Message),
    /// A copy of the rows has no place in the checkpoint.
    TooLarge(Message),
    /// A fault of the engine.
    Internal(Message),
}

impl fmt::Display for StaticError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StaticError::Unavailable(text) => write!(f, "{text}; this may pass: the job can be started again"),
            StaticError::Settings(text) | StaticError::Data(text) | StaticError::TooLarge(text) => text.fmt(f),
            StaticError::Internal(text) => write!(f, "fault of the engine: {text}; please report it"),
        }
    }
}

impl std::error::Error for StaticError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StaticError::Unavailable(text)
            | StaticError::Settings(text)
            | StaticError::Data(text)
            | StaticError::TooLarge(text)
            | StaticError::Internal(text) => text.cause(),
        }
    }
}

impl StaticError {
    /// What to do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            StaticError::Unavailable(_) => ErrorKind::Unavailable,
            StaticError::Settings(_) | StaticError::TooLarge(_) => ErrorKind::Settings,
            StaticError::Data(_) => ErrorKind::Data,
            StaticError::Internal(_) => ErrorKind::Internal,
        }
    }

    /// An error of the store under a static table.
    pub fn of_sink(name: &str, error: SinkError) -> StaticError {
        let of_table = |text: Message| text.reworded(|text| named(name, text));
        match error {
            SinkError::Unavailable(text) | SinkError::DiskFull(text) => StaticError::Unavailable(of_table(text)),
            SinkError::Settings(text) => StaticError::Settings(of_table(text)),
            SinkError::Data(text) | SinkError::Refused(text) => StaticError::Data(of_table(text)),
            SinkError::Contradiction(what) => StaticError::Data(named(name, &what.to_string()).into()),
            SinkError::Internal(text) => StaticError::Internal(of_table(text)),
        }
    }
}

/// A text with the static table's name in front.
pub fn named(name: &str, text: &str) -> String {
    format!("static table {name}: {text}")
}
