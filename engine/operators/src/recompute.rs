//! The operator that does for any part of a query whose result falls apart by key: it keeps the input rows, runs the batch plan over
//! the partitions that an epoch touched, as they were and as they are, and emits the difference.

mod batch_plan;
mod gather;
mod operator;
mod operator_spec;
mod port;
mod spec;

pub use batch_plan::BatchPlan;
pub use spec::{RecomputePort, RecomputeSpec};

#[cfg(test)]
pub(crate) mod tests;
