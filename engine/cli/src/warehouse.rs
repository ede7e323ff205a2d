//! Whether there is a warehouse to look at.

use std::path::Path;

use crate::ending::{Failure, Outcome};

/// Refuses a local warehouse that is not there: opening would make an empty one. `remedy` says what to do then.
///
/// # Errors
/// There is no such folder.
pub fn check_is_there(location: &str, remedy: &str) -> Outcome {
    let folder = match location.split_once("://") {
        Some(("file", folder)) => folder,
        // Of a place in an object store only opening can say so.
        Some(_) => return Ok(()),
        None => location,
    };
    if Path::new(folder).is_dir() {
        return Ok(());
    }
    Err(Failure::WrongInput(format!("there is no warehouse folder {folder}\n  {remedy}")))
}
