//! Static tables of a job: which version an epoch sees, copies of its rows in the checkpoint, the static sides of joins.
//!
//! ```text
//! registry -> current (cheap) -> load_current, when it differs -> a copy, kept in the checkpoint
//!          -> a restart: the version of the newest commit -> the copy, or else load
//! ```
//! A replay of an epoch must see the same rows in the same order. A Delta table keeps its versions; of other places, and of
//! Delta tables that are never looked at again, the rows are copied into the checkpoint whenever the version changes, in the
//! write that commits the epoch which saw it first.

mod copy;
mod lookups;
mod schemas;
mod tables;

pub use copy::COPY_BYTES_MAX;
pub use lookups::Lookups;
pub use schemas::{StaticSchemas, static_schemas};
pub use tables::Statics;
