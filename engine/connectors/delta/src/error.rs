//! What can go wrong in the warehouse, sorted by what the operator has to do.

use std::error::Error;

use deltalake_core::DeltaTableError;
use parquet::errors::ParquetError;

/// How the Delta library's kernel begins the text of an object store's error.
const STORE_ERROR: &str = "Error interacting with object store: ";

/// What to do when the store refuses the keys.
const KEYS: &str = "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the rights on the place";

/// What to do with a table that asks more of its readers than we have.
const BEYOND_US: &str = "read it with the program that writes it, or let that program drop the feature (ALTER TABLE … DROP FEATURE) or copy the table";

/// An error of the warehouse. Every text names the place and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkError {
    /// The store does not answer or keeps failing: try again later, nothing is lost.
    Unavailable(String),
    /// The job or the environment is wrong: location, keys, rights.
    Settings(String),
    /// A table or a file in the warehouse is damaged, or another program changed what belongs to the job.
    Data(String),
    /// The table cannot take these columns.
    Refused(String),
    /// No space left where the warehouse is.
    DiskFull(String),
    /// A fault of the engine.
    Internal(String),
}

impl std::fmt::Display for SinkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SinkError::Unavailable(text) => write!(f, "the warehouse is not available: {text}"),
            SinkError::Settings(text) => write!(f, "the warehouse cannot be used: {text}"),
            SinkError::Data(text) => write!(f, "the warehouse holds something unexpected: {text}"),
            SinkError::Refused(text) => write!(f, "the table cannot take these columns: {text}"),
            SinkError::DiskFull(text) => {
                write!(f, "no space left in the warehouse: {text}; free some and start the job again")
            }
            SinkError::Internal(text) => write!(f, "fault of the engine in the warehouse: {text}"),
        }
    }
}

impl Error for SinkError {}

impl SinkError {
    /// Sorts an error of the object store. `place` says what was being done, and where.
    pub(crate) fn store(place: &str, error: &object_store::Error) -> SinkError {
        use object_store::Error as Store;
        let text = format!("{place}: {}", without_answer(&error.to_string()));
        match error {
            _ if is_disk_full(error) => SinkError::DiskFull(text),
            Store::Unauthenticated { .. } | Store::PermissionDenied { .. } => {
                SinkError::Settings(format!("{text}; {KEYS}"))
            }
            // object_store has no kind of its own for a refused listing, nor for a bucket that is not there.
            _ if is_refused(&text) => SinkError::Settings(format!("{text}; {KEYS}")),
            _ if error.to_string().contains("NoSuchBucket") => {
                SinkError::Settings(format!("{text}: the bucket does not exist; make it, or correct `warehouse`"))
            }
            Store::NotFound { .. } => SinkError::Data(format!("{text}; was it deleted?")),
            Store::InvalidPath { .. } | Store::NotSupported { .. } | Store::NotImplemented { .. } => {
                SinkError::Settings(text)
            }
            _ if is_forbidden(error) => SinkError::Settings(format!("{text}; the engine needs to write there")),
            _ => SinkError::Unavailable(text),
        }
    }

    /// Sorts an error of the file system.
    pub(crate) fn file(place: &str, error: &std::io::Error) -> SinkError {
        let text = format!("{place}: {error}");
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => SinkError::DiskFull(text),
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                SinkError::Settings(format!("{text}; the engine needs to write there"))
            }
            _ => SinkError::Unavailable(text),
        }
    }

    /// Sorts an error of writing Parquet: the disk's, or ours.
    pub(crate) fn parquet(place: &str, error: &ParquetError) -> SinkError {
        if let ParquetError::External(inner) = error
            && let Some(io) = find::<std::io::Error>(inner.as_ref())
        {
            return SinkError::file(place, io);
        }
        SinkError::Internal(format!("{place}: {error}"))
    }

    /// Sorts an error of reading with SQL.
    pub(crate) fn query(place: &str, error: &datafusion::error::DataFusionError) -> SinkError {
        if let Some(own) = find::<SinkError>(error) {
            return own.clone();
        }
        match find::<object_store::Error>(error) {
            Some(store) => SinkError::store(place, store),
            None => SinkError::Data(format!("{place}: {}", without_answer(&error.to_string()))),
        }
    }

    /// Sorts an error of the Delta library.
    pub(crate) fn delta(place: &str, error: &DeltaTableError) -> SinkError {
        if let Some(store) = find::<object_store::Error>(error) {
            return SinkError::store(place, store);
        }
        let whole = error.to_string();
        let text = format!("{place}: {}", without_answer(&whole));
        // The library keeps the text of the store's error, not the error.
        match whole.split_once(STORE_ERROR) {
            Some((_, cause)) if is_refused(cause) => SinkError::Settings(format!("{text}; {KEYS}")),
            Some((_, cause)) if cause.contains("NoSuchBucket") => {
                SinkError::Settings(format!("{text}; make the bucket, or correct `warehouse`"))
            }
            Some((_, cause)) if !cause.contains("not found") => SinkError::Unavailable(text),
            _ => SinkError::Data(text),
        }
    }

    /// Sorts an error of reading a table: its protocol may ask for what we do not have.
    pub(crate) fn reading(place: &str, error: &DeltaTableError) -> SinkError {
        match SinkError::delta(place, error) {
            SinkError::Data(text) if text.contains("Unsupported") => SinkError::Data(format!("{text}; {BEYOND_US}")),
            other => other,
        }
    }

    /// True if trying the same again may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, SinkError::Unavailable(_))
    }
}

/// True if the text of a store's error says that it refuses the keys, or what they may do.
fn is_refused(text: &str) -> bool {
    ["401 Unauthorized", "403 Forbidden"].iter().any(|status| text.contains(status))
}

/// The text of a store's error without the XML that a server answered: of that only the code. Amazon's answer to a wrong
/// key repeats the key's id, and keys are never printed.
fn without_answer(text: &str) -> String {
    let Some(at) = ["<?xml", "<Error>"].iter().filter_map(|begin| text.find(begin)).min() else {
        return text.to_string();
    };
    let (said, answer) = text.split_at(at);
    let code = answer.split_once("<Code>").and_then(|(_, rest)| Some(rest.split_once("</Code>")?.0));
    format!("{} ({})", said.trim_end_matches([' ', ':']), code.unwrap_or("no code"))
}

/// The first error of type `E` in the chain of causes.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

fn is_disk_full(error: &object_store::Error) -> bool {
    find::<std::io::Error>(error)
        .is_some_and(|io| matches!(io.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded))
}

fn is_forbidden(error: &object_store::Error) -> bool {
    find::<std::io::Error>(error).is_some_and(|io| {
        matches!(io.kind(), std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem)
    })
}
