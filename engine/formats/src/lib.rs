//! Bytes to rows: a record's value straight into Arrow columns, by the schema of the source; what does not fit is rejected with a reason.
//!
//! ```text
//! records: decoder (the interface) ◄─ json, raw ◄─ registry (which format is which)
//! files:   files::format (the interface) ◄─ files::{csv, json, parquet} ◄─ files::read
//! ```
//! Read [`json`] first. A record is scanned once into spans (`scan`, `keys`), and only when the whole of it is
//! well-formed are the spans turned into values (`columns`, `nested`). A rejected record leaves no trace.
//!
//! The contract, where Spark's `from_json` and others differ:
//! - a value of the wrong type rejects the record and names the field (Spark writes null);
//! - a `string` column keeps numbers, booleans, objects and arrays as their JSON text, byte for byte (as Spark, less its re-formatting);
//! - `int` and `bigint` take `1.0` and `1e2` but not `1.5`;
//! - a whole number in a `timestamp` column is seconds since 1970, as in Spark's cast, unless the column says otherwise (`time_form`);
//! - of a key that comes twice in one object the last value counts, null included; keys are case-sensitive;
//! - keys that the schema does not know are skipped, but must be well-formed.

#![forbid(unsafe_code)]

mod byte_values;
mod columns;
pub mod decoder;
pub mod files;
pub mod json;
mod keys;
pub mod limits;
mod nested;
mod number;
pub mod raw;
mod registry;
pub mod reject;
mod scan;
pub mod schema;
mod size;
mod span;
mod string;
mod table_types;
pub mod time_form;
mod timestamp;

pub use decoder::Decoder;
pub use json::JsonDecoder;
pub use raw::RawDecoder;
pub use registry::decoder;
pub use reject::Reject;
pub use schema::{arrow_schema, arrow_type, source_schema};
pub use table_types::table_schema;
pub use time_form::{ReadTime, TimeText};

#[cfg(test)]
mod tests;
