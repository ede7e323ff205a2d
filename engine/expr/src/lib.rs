//! SQL functions as Spark has them, scalar and aggregate, and the casts, types and names that go with them.

pub mod aggregate;
pub mod casts;
pub mod clock;
pub mod display;
pub mod group_key;
pub mod interval;
pub mod map_keys;
pub mod refusal;
pub mod scalar;
pub mod types;
pub mod window;

pub use scalar::{register, register_batch};
