//! Files that are read whole, as those of static tables: CSV, JSON and Parquet to rows.

mod csv;
mod exact;
mod format;
mod json;
mod merged;
mod parquet;
mod read;
mod target;

pub use read::{format_of, read, read_each};
pub use target::{shaped, sorted};
