//! The one function through which a protocol step is entered: it times the step and holds its fail points.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use epoch::{EpochId, Step};

/// Environment variable that names a fail point: `commit:after:3` kills the process after step Commit of epoch 3. It counts only
/// where the command line asks for it (`engine submit --fail-points`). [`Fault`](crate::Fault) reads it.
pub const FAIL_POINT_VARIABLE: &str = "ENGINE_FAIL_POINT";

/// On which side of a step a fail point lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepSide {
    /// Before the step does anything.
    Before,
    /// When the step is done.
    After,
}

/// A place at which the process kills itself, as SIGKILL would: nothing is flushed, nothing is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailPoint {
    /// The step.
    pub step: Step,
    /// Which side of it.
    pub side: StepSide,
    /// In which epoch.
    pub epoch: EpochId,
}

impl FailPoint {
    /// Reads `step:before|after:epoch`.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<FailPoint, String> {
        let help = || {
            format!("{FAIL_POINT_VARIABLE}={text}: write step:before:epoch or step:after:epoch, such as commit:after:3")
        };
        let mut parts = text.split(':');
        let (Some(step), Some(side), Some(epoch), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(help());
        };
        let step = Step::from_name(step).ok_or_else(help)?;
        let side = match side {
            "before" => StepSide::Before,
            "after" => StepSide::After,
            _ => return Err(help()),
        };
        Ok(FailPoint { step, side, epoch: EpochId(epoch.parse().map_err(|_| help())?) })
    }
}

impl std::fmt::Display for FailPoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let side = if self.side == StepSide::Before { "before" } else { "after" };
        write!(f, "{}:{side}:{}", self.step.name(), self.epoch)
    }
}

/// What a fail point does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failing {
    /// Kills the process.
    Kill,
    /// Gives up the epoch; the process stays.
    Unwind,
}

/// Enters steps. Shared by all lanes of an epoch.
#[derive(Debug)]
pub struct Steps {
    /// Looked at on every entry of a step, by every lane: the lock behind it is taken only where there is a point.
    is_armed: AtomicBool,
    fail_point: Mutex<Option<(FailPoint, Failing)>>,
    has_failed: AtomicBool,
    spent_us: [AtomicU64; Step::ALL.len()],
}

impl Steps {
    /// Steps of a run. At the fail point the process kills itself, if there is one.
    pub fn new(fail_point: Option<FailPoint>) -> Steps {
        Steps {
            is_armed: AtomicBool::new(fail_point.is_some()),
            fail_point: Mutex::new(fail_point.map(|point| (point, Failing::Kill))),
            has_failed: AtomicBool::new(false),
            spent_us: Default::default(),
        }
    }

    /// Arms a fail point that leaves the process alive: what runs is given up by unwinding, so that nothing after the
    /// point is done, and whoever armed it catches that. See [`Steps::has_failed`].
    pub fn arm(&self, point: FailPoint) {
        *self.point() = Some((point, Failing::Unwind));
        self.is_armed.store(true, Ordering::Release);
    }

    /// Takes the fail point away.
    pub fn disarm(&self) {
        self.is_armed.store(false, Ordering::Release);
        *self.point() = None;
    }

    fn point(&self) -> MutexGuard<'_, Option<(FailPoint, Failing)>> {
        self.fail_point.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True once the fail point was reached.
    pub fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    /// Runs one step, or one lane's share of it, of an epoch.
    pub fn at<T>(&self, step: Step, epoch: EpochId, run: impl FnOnce() -> T) -> T {
        self.pass(step, StepSide::Before, epoch);
        let started = Instant::now();
        let result = run();
        let spent_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.spent_us[step as usize].fetch_add(spent_us, Ordering::Relaxed);
        tracing::trace!(step = step.name(), %epoch, spent_us, "step");
        self.pass(step, StepSide::After, epoch);
        result
    }

    /// Microseconds spent in a step since the last [`Steps::reset`]; lanes side by side add up.
    pub fn spent_us(&self, step: Step) -> u64 {
        self.spent_us[step as usize].load(Ordering::Relaxed)
    }

    /// Starts the times of a new epoch.
    pub fn reset(&self) {
        self.spent_us.iter().for_each(|spent| spent.store(0, Ordering::Relaxed));
    }

    fn pass(&self, step: Step, side: StepSide, epoch: EpochId) {
        if !self.is_armed.load(Ordering::Acquire) {
            return;
        }
        let here = FailPoint { step, side, epoch };
        let failing = self.point().filter(|(point, _)| *point == here).map(|(_, failing)| failing);
        if let Some(failing) = failing {
            self.has_failed.store(true, Ordering::Release);
            match failing {
                Failing::Kill => kill_self(),
                // Not a panic: nothing is printed, and it is caught where the point was armed.
                Failing::Unwind => std::panic::resume_unwind(Box::new(here)),
            }
        }
    }
}

/// Ends the process as `kill -9` does.
pub(crate) fn kill_self() -> ! {
    // SAFETY: `kill` and `getpid` take and give plain numbers and touch no memory of ours.
    unsafe {
        libc::kill(libc::getpid(), libc::SIGKILL);
    }
    // The signal is on its way; nothing more may happen.
    loop {
        std::hint::spin_loop();
    }
}

#[cfg(test)]
mod tests;
