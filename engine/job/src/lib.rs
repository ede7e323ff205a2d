//! The job file: TOML text to a [`Job`], or every problem at once with its place and what to write instead.

pub mod model;

pub use model::*;
