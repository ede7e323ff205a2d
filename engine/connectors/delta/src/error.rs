//! Errors of the libraries under a table, sorted by what the operator has to do.

use connector::{Message, SinkError};
use deltalake_core::DeltaTableError;
use parquet::errors::ParquetError;
use storage::error::{KEYS, find, is_refused, store_error, without_answer};

/// How the Delta library's kernel begins the text of an object store's error.
const STORE_ERROR: &str = "Error interacting with object store: ";

/// What to do with a table that asks more of its readers than we have.
const BEYOND_US: &str = "read it with the program that writes it, or let that program drop the feature (ALTER TABLE … DROP FEATURE) or copy the table";

/// Sorts an error of writing Parquet: the disk's, or ours.
pub(crate) fn parquet_error(place: &str, error: &ParquetError) -> SinkError {
    if let ParquetError::External(inner) = error
        && let Some(io) = find::<std::io::Error>(inner.as_ref())
    {
        return SinkError::file(place, io);
    }
    SinkError::Internal(Message::caused_by(format!("{place}: {error}"), error))
}

/// Sorts an error of reading with SQL.
pub(crate) fn query_error(place: &str, error: &datafusion::error::DataFusionError) -> SinkError {
    if let Some(own) = find::<SinkError>(error) {
        return own.clone();
    }
    match find::<object_store::Error>(error) {
        Some(store) => store_error(place, store),
        None => SinkError::Data(said_by(place, error, &error.to_string())),
    }
}

/// Sorts an error of the Delta library.
pub(crate) fn delta_error(place: &str, error: &DeltaTableError) -> SinkError {
    if let Some(store) = find::<object_store::Error>(error) {
        return store_error(place, store);
    }
    let whole = without_backtrace(&error.to_string()).to_string();
    let text = said_by(place, error, &whole);
    // The library keeps the text of the store's error, not the error.
    match whole.split_once(STORE_ERROR) {
        Some((_, cause)) if is_refused(cause) => SinkError::Settings(text.reworded(|text| format!("{text}; {KEYS}"))),
        Some((_, cause)) if cause.contains("NoSuchBucket") => {
            SinkError::Settings(text.reworded(|text| format!("{text}; make the bucket, or correct `warehouse`")))
        }
        Some((_, cause)) if !cause.contains("not found") => SinkError::Unavailable(text),
        _ => SinkError::Data(text),
    }
}

/// What a library said at a place, without what may not be printed.
fn said_by(place: &str, error: &(dyn std::error::Error + 'static), words: &str) -> Message {
    let clean = |text: &str| without_structures(&without_answer(without_backtrace(text)));
    Message::caused_by_cleaned(format!("{place}: {}", without_structures(&without_answer(words))), error, &clean)
}

/// The kernel puts its own structures into some texts; what stands before them says enough.
fn without_structures(text: &str) -> String {
    match text.split_once("ParsedLogPath {") {
        Some((said, _)) => said.trim_end_matches([' ', ':']).to_string(),
        None => text.to_string(),
    }
}

/// The kernel's errors carry where in it they were met, if RUST_BACKTRACE is set; the text alone is for the reader.
fn without_backtrace(text: &str) -> &str {
    text.split_once("\n   0: ").map_or(text, |(text, _)| text)
}

/// Sorts an error of reading a table: its protocol may ask for what we do not have.
pub(crate) fn reading_error(place: &str, error: &DeltaTableError) -> SinkError {
    match delta_error(place, error) {
        SinkError::Data(text) if text.as_str().contains("Unsupported") => {
            SinkError::Data(text.reworded(|text| format!("{text}; {BEYOND_US}")))
        }
        other => other,
    }
}
