//! The one door to randomness: ids of checkpoints, runs and commits.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Draws numbers that another history does not draw.
#[derive(Debug)]
pub(crate) enum Random {
    /// Keyed by the system.
    System(RandomState, AtomicU64),
    /// The same in every run.
    Seed(u64, AtomicU64),
}

impl Random {
    /// Numbers of the system.
    pub(crate) fn of_system() -> Random {
        Random::System(RandomState::new(), AtomicU64::new(0))
    }

    /// Numbers that a name makes: the same for the same name.
    pub(crate) fn of_seed(name: &str) -> Random {
        Random::Seed(xxh3_64_with_seed(name.as_bytes(), 0), AtomicU64::new(0))
    }

    /// Begins the numbers of a term: those that a name makes differ from term to term.
    pub(crate) fn begin_term(&self, term: u64) {
        if let Random::Seed(_, drawn) = self {
            drawn.store(term << 32, Ordering::Relaxed);
        }
    }

    /// The next number.
    pub(crate) fn draw(&self) -> u64 {
        match self {
            Random::System(state, drawn) => state.hash_one(drawn.fetch_add(1, Ordering::Relaxed)),
            Random::Seed(seed, drawn) => xxh3_64_with_seed(&drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes(), *seed),
        }
    }
}
