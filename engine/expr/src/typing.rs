//! The types that Spark gives to constants, to arithmetic and to values that meet, put into a plan before DataFusion adds its own.

pub mod calls;
pub mod casting;
mod compared;
pub mod decimals;
mod frames;
pub mod guards;
mod literal_arguments;
pub mod meeting;
pub mod missing;
pub mod nodes;
pub mod of_times;
mod ordering;
pub mod rewrite;
pub mod rules;

pub use rules::TypeRules;
