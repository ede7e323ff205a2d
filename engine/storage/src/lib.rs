//! Where bytes lie: the local disk with real fsync, and S3, both behind `object_store`; trying again; faults by script.
//!
//! ```text
//! location  a folder or an S3 prefix to write to, opened from its text and the environment
//! keys      keys for S3: those of the environment, or those of the role of the container or the machine
//! place     files to read from, which others wrote
//! synced    the local disk as an object store whose writes survive a crash of the machine
//! aside     what is written beside its name, before it gets it
//! retry     how often and how long a failing store is asked again
//! error     a store's errors, sorted by what the operator must do
//! watched   a store that says when it is waited for
//! faults    an object store that fails by script, for tests and drills
//! ```
//! Knows no tables and no file formats.

mod aside;
pub mod error;
pub mod faults;
mod keys;
pub mod location;
mod place;
mod retry;
mod synced;
mod watched;

pub use aside::{Aside, clear_asides};
pub use error::store_error;
pub use location::Location;
pub use place::{Place, PlacedFile};
pub use retry::{Patience, patiently, retried};
pub use synced::{SyncedLocal, sync_file_and_folder};
