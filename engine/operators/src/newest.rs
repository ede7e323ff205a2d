//! The newest row of each key, behind an operator that forgets keys: what was emitted for a key stands until a newer row takes its
//! place, and is retracted then, whoever emitted it.

mod operator;
mod operator_spec;
mod spec;

pub use spec::NewestSpec;

#[cfg(test)]
mod tests;
