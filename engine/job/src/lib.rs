//! The job file: TOML text to a [`Job`], or every problem at once with its place and what to write instead.
//!
//! [`parse`] is the way in. What it cannot know (whether the SQL is sound) a later stage adds to the [`Problems`] of
//! [`inspect`], pointing into a table's SQL with [`SourceMap`]. The keys of a connector are read by the connector itself:
//! [`connector`].

pub mod connector;
pub mod instant;
pub mod keys;
pub mod model;
pub mod problem;
pub mod reference;
pub mod source_map;
pub mod tree;

mod document;
mod dotted;
mod nearest;
mod overrides;
mod parse;
mod quantity;
mod read;
mod types;
mod variable;

pub use connector::{ConnectorKeys, Connectors, ReadSource};
pub use document::document;
pub use keys::Keys;
pub use model::*;
pub use nearest::nearest;
pub use parse::{inspect, parse};
pub use problem::{Problem, Problems};
pub use source_map::SourceMap;

#[cfg(test)]
mod tests;
