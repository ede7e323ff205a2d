//! Counts what is allocated by Rust code and not freed. The checkpoint, which is in memory here, is part of it.

use std::alloc::{GlobalAlloc, System, Topology};
use std::sync::atomic::{AtomicI64, Ordering};

static LIVE_BYTES: AtomicI64 = AtomicI64::new(0);

/// The system's allocator, with a count.
pub struct Meter;

/// Bytes that are allocated now, in the whole process.
pub fn live_bytes() -> i64 {
    LIVE_BYTES.load(Ordering::Relaxed)
}

fn note(bytes: usize, sign: i64) {
    LIVE_BYTES.fetch_add(sign * bytes as i64, Ordering::Relaxed);
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Meter {
    unsafe fn alloc(&self, topology: Topology) -> *mut u8 {
        note(topology.size(), 1);
        unsafe { System.alloc(topology) }
    }

    unsafe fn alloc_zeroed(&self, topology: Topology) -> *mut u8 {
        note(topology.size(), 1);
        unsafe { System.alloc_zeroed(topology) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, topology: Topology) {
        note(topology.size(), -1);
        unsafe { System.dealloc(pointer, topology) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, topology: Topology, bytes: usize) -> *mut u8 {
        note(topology.size(), -1);
        note(bytes, 1);
        unsafe { System.realloc(pointer, topology, bytes) }
    }
}
