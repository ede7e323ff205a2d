//! The one door to the machine's clocks: the wall clock, which may be set, and the uptime clock, which nobody sets.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use epoch::Uptime;

/// Longest time between two looks at the stop flag.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Names the machine's start; the same for every process, in containers too.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Microseconds since 1970 UTC.
pub fn now_us() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the one door to the wall clock")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The time that a run goes by.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's.
    Wall,
    /// One that stands until it is set.
    Set(Arc<SetClock>),
}

impl Clock {
    /// What the wall clock shows, microseconds since 1970 UTC. It may be wrong, and right again in the next moment.
    pub fn now_us(&self) -> i64 {
        match self {
            Clock::Wall => now_us(),
            Clock::Set(clock) => clock.now_us(),
        }
    }

    /// What the uptime clock shows.
    pub fn uptime(&self) -> Uptime {
        match self {
            Clock::Wall => uptime(),
            Clock::Set(clock) => clock.uptime(),
        }
    }
}

/// A machine's clocks for tests: they stand until they are set, and the wall clock may be wrong.
#[derive(Debug, Default)]
pub struct SetClock {
    /// What has really passed, microseconds since 1970 UTC.
    time_us: AtomicI64,
    /// How far the wall clock is ahead of it, microseconds.
    wall_error_us: AtomicI64,
    /// When the machine was last started, microseconds since 1970 UTC.
    started_us: AtomicI64,
}

impl SetClock {
    /// Clocks that stand at this time, microseconds since 1970 UTC.
    pub fn at(time_us: i64) -> SetClock {
        SetClock { time_us: AtomicI64::new(time_us), started_us: AtomicI64::new(time_us), ..SetClock::default() }
    }

    /// What the wall clock shows, microseconds since 1970 UTC.
    pub fn now_us(&self) -> i64 {
        self.time_us.load(Ordering::Acquire).saturating_add(self.wall_error_us.load(Ordering::Acquire))
    }

    /// Time passes until the wall clock shows this, microseconds since 1970 UTC.
    pub fn pass_to(&self, wall_us: i64) {
        let time_us = wall_us.saturating_sub(self.wall_error_us.load(Ordering::Acquire));
        self.time_us.store(time_us, Ordering::Release);
    }

    /// The wall clock is set forward, or back, by so much, microseconds. No time passes.
    pub fn step_wall(&self, by_us: i64) {
        self.wall_error_us.fetch_add(by_us, Ordering::AcqRel);
    }

    /// The machine is started anew: its uptime begins at nothing. No time passes.
    pub fn start_machine(&self) {
        self.started_us.store(self.time_us.load(Ordering::Acquire), Ordering::Release);
    }

    fn uptime(&self) -> Uptime {
        let started_us = self.started_us.load(Ordering::Acquire);
        let us = self.time_us.load(Ordering::Acquire).saturating_sub(started_us);
        Uptime { boot: format!("start at {started_us}"), us }
    }
}

/// The machine's uptime, sleep included; where it says none, that of this process.
fn uptime() -> Uptime {
    static BOOT: OnceLock<Option<String>> = OnceLock::new();
    let boot = BOOT.get_or_init(|| std::fs::read_to_string(BOOT_ID).ok().map(|id| id.trim().to_owned()));
    match (boot, machine_uptime_us()) {
        (Some(boot), Some(us)) => Uptime { boot: boot.clone(), us },
        _ => process_uptime(),
    }
}

#[cfg(target_os = "linux")]
fn machine_uptime_us() -> Option<i64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes into the one place that it is given, which lives until it returns.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut time) };
    (result == 0).then(|| time.tv_sec.saturating_mul(1_000_000).saturating_add(time.tv_nsec / 1_000))
}

#[cfg(not(target_os = "linux"))]
fn machine_uptime_us() -> Option<i64> {
    None
}

/// Counts from the first look in this process. No other process has its name: the number alone is used again.
fn process_uptime() -> Uptime {
    static FIRST: OnceLock<(String, Instant)> = OnceLock::new();
    let first = || (format!("process {} of {}", std::process::id(), now_us()), Instant::now());
    let (name, first) = FIRST.get_or_init(first);
    Uptime { boot: name.clone(), us: i64::try_from(first.elapsed().as_micros()).unwrap_or(i64::MAX) }
}

/// Waits, but no longer than until the stop flag is set. No clock that can be set is looked at.
pub fn wait(time: Duration, stop: &AtomicBool) {
    let started = Instant::now();
    while let Some(left) = time.checked_sub(started.elapsed()).filter(|left| !left.is_zero()) {
        if stop.load(Ordering::Acquire) {
            return;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the trigger waits for the next epoch; nothing is synchronised by it"
        )]
        std::thread::sleep(left.min(LOOK_EVERY));
    }
}

#[cfg(test)]
mod tests;
