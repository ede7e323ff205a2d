//! Where and when to disturb: the two sides of each step, each place that is written to, and times from a seed.

use std::time::Duration;

use epoch::{EpochId, Step};
use runtime::{FailPoint, Fault, PlaceFailure, PlaceFault, StepSide};

/// Tries that a place which is away does not answer: those that the follower makes, after which the job is opened again, and one that the
/// start makes then.
pub const AWAY_TIMES: u32 = 4;

/// Before and after each of the eight steps of an epoch, in protocol order.
pub fn aimed(epoch: u64) -> Vec<Fault> {
    let at = |step, side| Fault::Kill(FailPoint { step, side, epoch: EpochId(epoch) });
    let sides = |step: Step| [StepSide::Before, StepSide::After].map(|side| at(step, side));
    Step::ALL.into_iter().flat_map(sides).collect()
}

/// For each place that gets something in an epoch: the process is killed as soon as it has that, whatever the others have; and it is away
/// for a while, and the others are not.
pub fn of_places<'a>(epoch: u64, places: impl IntoIterator<Item = &'a String>) -> Vec<Fault> {
    let fault =
        |place: &str, failure| Fault::Place(PlaceFault { place: place.to_owned(), epoch: EpochId(epoch), failure });
    let both = |place: &'a String| {
        [PlaceFailure::Killed, PlaceFailure::Away { times: AWAY_TIMES }].map(|failure| fault(place, failure))
    };
    places.into_iter().flat_map(both).collect()
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
