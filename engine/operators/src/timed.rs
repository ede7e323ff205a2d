//! Rows that may be retracted, through expressions that read what time it is: each row stands as it was emitted until it is retracted.
//!
//! Evaluated again, `current_timestamp` would be another, and what is retracted would not be what was added. So the operator keeps each
//! row of its input beside what it made of it. A condition that reads the time is looked at again in every epoch: a row is retracted
//! when it is not met any more, and added when it is.

mod operator;
mod operator_spec;
mod spec;

pub use spec::TimedSpec;

#[cfg(test)]
mod tests;
