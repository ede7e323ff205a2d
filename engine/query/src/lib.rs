//! SQL over the warehouse, for whoever asks: the command line today, a server tomorrow. Reads only, all tables of a job as of one epoch.
//!
//! ```text
//! Session::open ─► statements(text) ─► plan(statement) ─► stream(plan) ─► batches ─► rows::{table, csv, json_lines}
//!        └─► refresh, tables, columns
//! ```
//! Knows nothing of terminals, arguments and job files: what a job's operators keep is read by the caller ([`ReadState`]).

mod error;
pub mod rows;
mod session;
mod state;
mod stoppable;
pub mod text_table;
mod types;
mod warehouse;

pub use error::QueryError;
pub use expr::typing::TypeRules;
pub use session::{Answer, ReadPlan, Session};
pub use state::ReadState;
pub use types::type_name;
