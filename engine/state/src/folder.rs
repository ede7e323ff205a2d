//! The folder of a checkpoint: made durable if it is new, refused if it holds other things.

use std::fs::File;
use std::path::Path;

use epoch::{Message, paths};

use crate::error::StateError;

/// Makes the folder if it is new, and refuses one that holds other things.
pub(crate) fn make_folder(folder: &Path) -> Result<(), StateError> {
    let failed = |action| {
        move |error: std::io::Error| StateError::Io {
            action,
            place: folder.to_path_buf(),
            detail: Message::caused_by(error.to_string(), &error),
        }
    };
    if folder.exists() && !folder.is_dir() {
        let reason = "it is a file".to_string();
        return Err(StateError::NotACheckpoint { folder: folder.to_path_buf(), reason });
    }
    let there = folder.ancestors().find(|ancestor| ancestor.exists()).map(Path::to_path_buf);
    std::fs::create_dir_all(folder).map_err(failed("make"))?;
    if folder.join(paths::OWNER).exists() {
        return Ok(());
    }
    if let Some(entry) = std::fs::read_dir(folder).map_err(failed("list"))?.next() {
        let name = entry.map_err(failed("list"))?.file_name();
        // Two engines may make the same checkpoint at the same moment: what the other made is no stranger.
        if name != paths::OWNER && name != paths::DATABASE {
            let reason = format!("it holds {}", name.display());
            return Err(StateError::NotACheckpoint { folder: folder.to_path_buf(), reason });
        }
    }
    // The names of new folders must be as durable as what will be in them, up to the first that was there before.
    for parent in folder.ancestors().skip(1) {
        let named = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        File::open(named).and_then(|parent| parent.sync_all()).map_err(failed("sync the parent of"))?;
        if there.as_deref().is_some_and(|there| there == parent || there == folder) {
            break;
        }
    }
    Ok(())
}
