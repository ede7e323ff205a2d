//! Where and when to kill: the two sides of each step, and times from a seed.

use std::time::Duration;

use epoch::{EpochId, Step};
use runtime::{FailPoint, StepSide};

/// Before and after each of the eight steps of an epoch, in protocol order.
pub fn aimed(epoch: u64) -> Vec<FailPoint> {
    let sides =
        |step: Step| [StepSide::Before, StepSide::After].map(|side| FailPoint { step, side, epoch: EpochId(epoch) });
    Step::ALL.into_iter().flat_map(sides).collect()
}

/// What an undisturbed run takes, to aim random kills by.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// From the start of the process to its first finished epoch.
    pub start: Duration,
    /// From one epoch to the next.
    pub epoch: Duration,
}

/// Random numbers from a seed (SplitMix64): the same seed kills at the same times, as far as the machine lets it.
#[derive(Debug, Clone)]
pub struct KillTimes {
    state: u64,
}

impl KillTimes {
    /// Times of a seed.
    pub fn new(seed: u64) -> KillTimes {
        KillTimes { state: seed }
    }

    /// When to kill a process that has just been started: one time in three while it starts and recovers, else within
    /// the two epochs that follow. Recovery has a share of its own, as it is short and the code that is run least.
    pub fn next(&mut self, pace: &Pace) -> Duration {
        if self.number().is_multiple_of(3) { self.within(pace.start) } else { pace.start + self.within(pace.epoch * 2) }
    }

    fn within(&mut self, time: Duration) -> Duration {
        // The upper 53 bits: as many as a double holds.
        let share = (self.number() >> 11) as f64 / (1u64 << 53) as f64;
        time.mul_f64(share)
    }

    fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
