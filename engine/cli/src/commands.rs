//! The commands, one file each.

pub mod broker;
pub mod check;
pub mod checkpoint;
pub mod drill;
pub mod explain;
pub mod generate;
pub mod replay;
pub mod sql;
pub mod submit;
pub mod test;
pub mod verify;
