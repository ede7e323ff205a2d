//! The warehouse: Delta Lake tables on a local disk or S3, staged by an epoch and published exactly once.
//!
//! ```text
//! Warehouse::open -> Table::open -> Table::stage -> StageWriter::{write, finish} -> (the job commits) -> Table::publish -> write_pointer
//! ```
//! A staged file is invisible until [`Table::publish`] names it in the table's log. [`read::register_tables`] is the way back: SQL over all tables as of one epoch.

mod entry;
mod error;
mod parquet_file;
mod place;
mod pointer;
mod provider;
mod publish;
pub mod read;
mod remove;
mod rows;
mod schema;
mod stage;
mod statistics;
mod table;
mod warehouse;

pub use connector::SinkError;
pub use place::DeltaFolder;
pub use pointer::{Pointer, read_pointers, write_pointer};
pub use read::{AsOf, Snapshot, TableInfo, register_tables, snapshots};
pub use schema::{table_schema, to_table_rows};
pub use stage::StageWriter;
pub use table::Table;
pub use warehouse::Warehouse;
