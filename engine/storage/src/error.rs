//! Errors of object stores, sorted by what the operator has to do.

use std::error::Error;

use connector::{Message, SinkError};

/// What to do when the store refuses the keys.
pub const KEYS: &str = "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the rights on the place";

/// Sorts an error of the object store. `place` says what was being done, and where.
pub fn store_error(place: &str, error: &object_store::Error) -> SinkError {
    use object_store::Error as Store;
    let text = format!("{place}: {}", without_answer(&error.to_string()));
    let say = |text: String| Message::caused_by_cleaned(text, error, &without_answer);
    match error {
        _ if is_disk_full(error) => SinkError::DiskFull(say(text)),
        Store::Unauthenticated { .. } | Store::PermissionDenied { .. } => {
            SinkError::Settings(say(format!("{text}; {KEYS}")))
        }
        // object_store has no kind of its own for a refused listing, nor for a bucket that is not there.
        _ if is_refused(&text) => SinkError::Settings(say(format!("{text}; {KEYS}"))),
        _ if error.to_string().contains("NoSuchBucket") => {
            SinkError::Settings(say(format!("{text}: the bucket does not exist; make it, or correct `warehouse`")))
        }
        Store::NotFound { .. } => SinkError::Data(say(format!("{text}; was it deleted?"))),
        Store::InvalidPath { .. } | Store::NotSupported { .. } | Store::NotImplemented { .. } => {
            SinkError::Settings(say(text))
        }
        _ if is_forbidden(error) => SinkError::Settings(say(format!("{text}; the engine needs to write there"))),
        _ => SinkError::Unavailable(say(text)),
    }
}

/// True if the text of a store's error says that it refuses the keys, or what they may do.
pub fn is_refused(text: &str) -> bool {
    ["401 Unauthorized", "403 Forbidden"].iter().any(|status| text.contains(status))
}

/// The text of a store's error without the XML that a server answered: of that only the code. Amazon's answer to a wrong
/// key repeats the key's id, and keys are never printed.
pub fn without_answer(text: &str) -> String {
    let Some(at) = ["<?xml", "<Error>"].iter().filter_map(|begin| text.find(begin)).min() else {
        return text.to_string();
    };
    let (said, answer) = text.split_at(at);
    let code = answer.split_once("<Code>").and_then(|(_, rest)| Some(rest.split_once("</Code>")?.0));
    format!("{} ({})", said.trim_end_matches([' ', ':']), code.unwrap_or("no code"))
}

/// The first error of type `E` in the chain of causes.
pub fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
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

#[cfg(test)]
mod tests;
