//! Aggregate functions of Spark that DataFusion lacks, or keeps in a state too large for many groups.

mod approx_count_distinct;
mod collect_list;
mod sketch;

pub use approx_count_distinct::approx_count_distinct;
pub use collect_list::collect_list;
