//! What can go wrong with a checkpoint, by what the reader of the message must do.

use std::fmt;
use std::path::PathBuf;

use epoch::Message;

/// An error of the checkpoint. Every message names the place and the remedy.
#[derive(Debug)]
pub enum StateError {
    /// Another engine runs on this checkpoint: stop it, or use another checkpoint.
    Owned {
        /// The checkpoint.
        folder: PathBuf,
        /// Host of the owner, as the owner wrote it.
        host: String,
        /// Process of the owner on that host.
        pid: u32,
    },
    /// The folder is not a checkpoint: name another folder.
    NotACheckpoint {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The checkpoint belongs to another job: name another folder.
    Mismatch {
        /// The checkpoint.
        folder: PathBuf,
        /// Job that made the checkpoint.
        found: String,
        /// Job that asked for it.
        expected: String,
    },
    /// Written by a newer engine: use that engine.
    Format {
        /// What has this format.
        place: String,
        /// Format found.
        found: u32,
        /// Newest format that this engine reads.
        supported: u32,
    },
    /// Bytes are not what was written: restore the checkpoint from a copy.
    Corrupt {
        /// The record, block or file.
        place: String,
        /// What was found.
        detail: Message,
    },
    /// The operating system refused: repair what it names (space, permission, device), then start again.
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file or folder.
        place: PathBuf,
        /// The system's own words.
        detail: Message,
    },
    /// An earlier write failed, so nobody knows what is durable: start the job again, recovery will find out.
    Poisoned {
        /// The checkpoint.
        folder: PathBuf,
        /// The failure.
        cause: Message,
    },
    /// The engine broke its own protocol: report it. Nothing was written.
    Protocol(String),
}

impl StateError {
    /// True if there is no space left: once there is, the same can be done again.
    pub fn is_disk_full(&self) -> bool {
        let text = match self {
            StateError::Io { detail, .. } => detail,
            StateError::Poisoned { cause, .. } => cause,
            _ => return false,
        };
        // The system's words, as RocksDB passes them on.
        ["No space left on device", "Disk quota exceeded"].iter().any(|words| text.as_str().contains(words))
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StateError::Owned { folder, host, pid } => write!(
                f,
                "checkpoint {} is in use by process {pid} on host {host}; stop that job first, or give this one a checkpoint of its own",
                folder.display()
            ),
            StateError::NotACheckpoint { folder, reason } => {
                write!(
                    f,
                    "{} is not a checkpoint: {reason}; name a new or empty folder as the checkpoint",
                    folder.display()
                )
            }
            StateError::Mismatch { folder, found, expected } => write!(
                f,
                "checkpoint {} belongs to job {found}, not to {expected}; give {expected} a checkpoint of its own",
                folder.display()
            ),
            StateError::Format { place, found, supported } => {
                write!(
                    f,
                    "{place} has format {found}, this engine reads up to {supported}; use the newer engine that wrote it"
                )
            }
            StateError::Corrupt { place, detail } => {
                write!(f, "{place} is corrupt: {detail}; restore the checkpoint from a copy, or begin with a new one")
            }
            StateError::Io { action, place, detail } if self.is_disk_full() => {
                write!(f, "cannot {action} {}: {detail}; free some space there", place.display())
            }
            StateError::Io { action, place, detail } => {
                write!(f, "cannot {action} {}: {detail}; see to that, then start the job again", place.display())
            }
            StateError::Poisoned { folder, cause } => write!(
                f,
                "checkpoint {} takes nothing more since a write failed ({cause}); see to that, then start the job again",
                folder.display()
            ),
            StateError::Protocol(what) => {
                write!(f, "the engine broke its own protocol: {what}; nothing was written, please report it")
            }
        }
    }
}

impl std::error::Error for StateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StateError::Corrupt { detail, .. } | StateError::Io { detail, .. } => detail.cause(),
            StateError::Poisoned { cause, .. } => cause.cause(),
            StateError::Owned { .. }
            | StateError::NotACheckpoint { .. }
            | StateError::Mismatch { .. }
            | StateError::Format { .. }
            | StateError::Protocol(_) => None,
        }
    }
}
