//! What a connector is: traits for places that records come from and rows go to, and the laws that each must pass.
//!
//! ```text
//! source   Source ─► SourcePlanner: what there is, what the next epoch reads    SourceReader: exactly that, lane by lane
//! log      the same for splits that are logs: limits, ends, pinned ends         LogPlanner, LogReader
//! sink     Sink ─► SinkTable: position, define, stage ─► (the job commits) ─► publish, compare-and-set; sweep, adopt
//! catalog  the way back: the tables of a warehouse as of one epoch, for SQL
//! statics  rows that streams are joined with, by version
//! registry which connectors there are; filled where the binary is put together, and nowhere else
//! laws     what every connector must do, as tests that it runs over itself
//! ```
//! Nothing here knows a connector, and no connector knows another.

pub mod capabilities;
pub mod catalog;
pub mod error;
pub mod laws;
pub mod log;
pub mod registry;
pub mod sink;
pub mod source;
pub mod statics;

pub use capabilities::{Capabilities, Delivery, WriteMode};
pub use catalog::{AsOf, Catalog, Pointer, TableInfo, TableSnapshot, register_tables};
pub use epoch::message::{Message, causes_of};
pub use error::{DataLoss, ErrorKind, SinkError, SourceError, StaticError};
pub use registry::{Registry, SourceConnector, StaticConnector, Warehouse, WarehouseConnector};
pub use sink::{Content, ReadByThen, Sink, SinkPosition, SinkTable, StageWriter, TableDefinition, Tables, WriterId};
pub use source::{PlanRequest, ReadLimit, ReadProgress, ReaderOptions, Record, Source, SourcePlanner, SourceReader};
pub use statics::{StaticRows, StaticTable};
