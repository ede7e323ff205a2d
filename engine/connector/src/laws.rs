//! The laws that every connector passes: a suite of tests that a connector runs over itself, against the real place.
//!
//! A connector's tests implement [`SinkUnderTest`] or [`SourceUnderTest`] and call [`sink::all`] or [`source::all`]. A law that is
//! broken is an error with its name and what was seen; a fault that a law needs and that never struck is one, too.

mod broken;
pub mod sink;
pub mod source;

pub use broken::{Broken, Law};
pub use sink::SinkUnderTest;
pub use source::SourceUnderTest;
