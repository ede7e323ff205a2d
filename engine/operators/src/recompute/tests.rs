//! Tests of the operator: DataFusion's batch answer over all rows is the oracle.

mod bed;
mod cases;
mod expiry;
mod random;

pub(crate) use bed::{Bed, Lanes, Places, Random, Table, epoch_time, texts};
