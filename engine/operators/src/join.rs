//! Join of two streams: every row waits in the state of its side until the watermark proves that nothing can match it any more.
//!
//! Read `spec` for what a join computes, `work` for what happens to the rows of one shard in one epoch. The rules:
//! rows of the left side of an epoch look at the right state as it was, then they are kept; rows of the right side look at
//! the left state with them, then they are kept; so both sides of an epoch see each other exactly once. Then the rows that
//! are due are evicted; those of a preserved side are emitted, null-extended, if nothing matched them.

mod kind;
mod lane;
mod operator;
mod operator_spec;
mod output;
mod pairs;
mod retract;
mod side;
mod spec;
mod work;

pub use kind::{JoinKind, JoinMode};
pub use operator::Join;
pub use side::{JoinSide, Side};
pub use spec::JoinSpec;

#[cfg(test)]
mod tests;
