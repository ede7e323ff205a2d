//! A law that does not hold, and how the laws say so.

/// A law that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The law.
    pub law: &'static str,
    /// What was seen.
    pub seen: String,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "law \"{}\" is broken: {}", self.law, self.seen)
    }
}

impl std::error::Error for Broken {}

/// What a law gives.
pub type Law = Result<(), Broken>;

/// Refuses with the name of the law unless something holds.
pub(super) fn hold(law: &'static str, holds: bool, seen: impl FnOnce() -> String) -> Law {
    if holds { Ok(()) } else { Err(Broken { law, seen: seen() }) }
}

/// An error that no law allows here.
pub(super) fn fails<E: std::fmt::Display>(law: &'static str) -> impl Fn(E) -> Broken {
    move |error| Broken { law, seen: error.to_string() }
}
