//! The memory that all operators of a job share.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A cap on memory and what is used of it, bytes.
#[derive(Debug)]
pub struct Budget {
    cap_bytes: usize,
    used_bytes: AtomicUsize,
}

impl Default for Budget {
    fn default() -> Self {
        Budget::new(usize::MAX)
    }
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(cap_bytes: usize) -> Budget {
        Budget { cap_bytes, used_bytes: AtomicUsize::new(0) }
    }

    /// Notes that a part has grown or shrunk.
    pub fn change(&self, before_bytes: usize, after_bytes: usize) {
        // Added first, so that it never falls below zero in between.
        self.used_bytes.fetch_add(after_bytes, Ordering::Relaxed);
        self.used_bytes.fetch_sub(before_bytes, Ordering::Relaxed);
    }

    /// Bytes in use.
    pub fn used_bytes(&self) -> usize {
        self.used_bytes.load(Ordering::Relaxed)
    }

    /// True if more is used than there is.
    pub fn is_over(&self) -> bool {
        self.used_bytes() > self.cap_bytes
    }
}
