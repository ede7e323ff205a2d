//! Events to try the engine with: made the same way for the same seed, sent as fast as a broker takes them.

mod ecommerce;
mod json;
mod produce;
mod random;

pub use ecommerce::{EventKind, EventWriter, Mix};
pub use produce::{Codec, GenerateError, Settings, Summary, run};
