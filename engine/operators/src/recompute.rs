//! The operator that is right for any task of a query whose result falls apart by key: it keeps the input rows, runs the batch plan over
//! the partitions that an epoch touched, as they were and as they are, and gives out the difference.

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
