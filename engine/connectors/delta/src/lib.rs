//! Delta Lake tables, as the warehouse of jobs and as static tables: staged by an epoch, published exactly once, read at any version.
//!
//! ```text
//! sink     Warehouse ─► Table ─► stage: DataFileWriter ─► (the job commits) ─► publish: one log entry a table ─► pointer
//! catalog  the way back: DeltaRows, one version of each table for SQL, all of a job as of one epoch
//! statics  any version of a table that may be anybody's, for joins: DeltaFolder
//! ```
//! A staged file is invisible until [`Table::publish`] names it in the table's log. The traits of `connector` are implemented in
//! `sink.rs`, `catalog.rs` and `statics.rs`; all else is what stands behind them.

mod ahead;
mod bounded;
mod catalog;
mod damage;
mod definition;
mod entry;
mod error;
#[cfg(test)]
mod fixture;
mod folder;
mod head;
mod history;
mod parquet_file;
mod pinned;
mod pointer;
mod prepare;
mod provider;
mod publish;
mod record;
mod rows;
mod rules;
mod schema;
mod sink;
mod stage;
mod statics;
mod statistics;
mod sweep;
mod table;
mod upkeep;
mod warehouse;

pub use folder::DeltaFolder;
pub use pointer::write_pointer;
pub use schema::table_schema;
pub use sink::DeltaConnector;
pub use stage::DataFileWriter;
pub use statics::DeltaStatics;
pub use table::Table;
pub use warehouse::Warehouse;
