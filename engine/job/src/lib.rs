//! The job file: TOML text to a [`Job`], or every problem at once with its place and what to write instead.
//!
//! [`parse`] is the way in. What it cannot know (whether the SQL is right) a later stage adds to the [`Problems`] of
//! [`inspect`], pointing into a table's SQL with [`SourceMap`].

pub mod model;
pub mod problem;
pub mod reference;
pub mod source_map;

mod nearest;
mod overrides;
mod parse;
mod quantity;
mod read;
mod tree;
mod types;
mod variable;

pub use model::*;
pub use parse::{inspect, parse};
pub use problem::{Problem, Problems};
pub use source_map::SourceMap;

#[cfg(test)]
mod tests;
