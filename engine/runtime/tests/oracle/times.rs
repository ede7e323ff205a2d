//! Where the time of all cases goes, added up over the threads and reported at the end of a run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What the time of a case is spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Plan,
    Open,
    Restart,
    Epochs,
    Tables,
    Duck,
    Fusion,
    Rest,
}

const PARTS: [(Part, &str); 8] = [
    (Part::Plan, "engine: planning"),
    (Part::Open, "engine: opening"),
    (Part::Restart, "engine: restarts and kills"),
    (Part::Epochs, "engine: epochs"),
    (Part::Tables, "engine: reading tables"),
    (Part::Duck, "DuckDB"),
    (Part::Fusion, "DataFusion"),
    (Part::Rest, "the rest"),
];

static SPENT_NS: [AtomicU64; PARTS.len()] = [const { AtomicU64::new(0) }; PARTS.len()];

/// Does the work and notes how long it took.
pub fn spent<T>(part: Part, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = work();
    add(part, began.elapsed().as_nanos() as u64);
    done
}

/// As [`spent`]; what the work notes for other parts is not counted twice.
pub fn spent_besides<T>(part: Part, work: impl FnOnce() -> T) -> T {
    let (began, before) = (Instant::now(), of_this_thread());
    let done = work();
    add(part, (began.elapsed().as_nanos() as u64).saturating_sub(of_this_thread() - before));
    done
}

thread_local! {
    static OF_THIS_THREAD_NS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

fn of_this_thread() -> u64 {
    OF_THIS_THREAD_NS.get()
}

fn add(part: Part, spent_ns: u64) {
    SPENT_NS[part as usize].fetch_add(spent_ns, Ordering::Relaxed);
    OF_THIS_THREAD_NS.set(of_this_thread() + spent_ns);
}

/// The share of each part.
pub fn shares() -> String {
    let spent: Vec<f64> = SPENT_NS.iter().map(|spent_ns| spent_ns.load(Ordering::Relaxed) as f64 / 1e9).collect();
    let all: f64 = spent.iter().sum();
    let part = |(part, name): &(Part, &str)| {
        let seconds = spent[*part as usize];
        format!("{name} {seconds:.1} s ({:.0} %)", 100.0 * seconds / all.max(1e-9))
    };
    PARTS.iter().map(part).collect::<Vec<_>>().join(", ")
}
