//! SQL functions as Spark has them, scalar and aggregate, and the casts, types and names that go with them.
//!
//! A new scalar function is one more [`scalar`] `Simple` in the file of its kind (text, time, arrays …), which that file's `functions()`
//! lists: a name, how its arguments are read, the type of its result, and what it does with columns. A new aggregate is an
//! `AggregateDef` in a file of [`aggregate`] with an accumulator for all groups; its state is kept in checkpoints, so it must be the
//! same bytes on every run. [`registry`] makes both known, and `docs/sql.md` is made from what is registered.

pub mod aggregate;
mod by_name;
pub mod casts;
pub mod clock;
pub mod display;
pub mod group_key;
pub mod interval;
mod lambda_variables;
pub mod map_keys;
pub mod node_schema;
mod outer_columns;
pub mod plan_types;
pub mod refusal;
pub mod registry;
pub mod row_fault;
pub mod scalar;
mod sketches;
mod times;
pub mod types;
pub mod typing;
pub mod variant;
pub mod window;
pub mod window_numbers;

pub use registry::{register, register_batch};
