//! Event-time clocks: one per partition, their minimum over the active ones is the watermark, and it never goes back.

use serde::{Deserialize, Serialize};

use crate::splits::{PerSplit, Split};

/// Which clocks make the watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatermarkScope {
    /// Minimum over the active partitions: slow partitions lose no rows while they catch up.
    Partition,
    /// Spark's: maximum over all partitions of the source.
    Source,
}

/// How a source's watermark is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatermarkPolicy {
    /// How far the watermark stays behind the newest event, microseconds.
    pub delay_us: i64,
    /// A partition without rows and without backlog for this long no longer holds the watermark; `None`: it holds for ever.
    pub idle_timeout_us: Option<i64>,
    /// Which clocks count.
    pub scope: WatermarkScope,
}

/// What one epoch saw of one partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Observed {
    /// Newest event time among its rows, microseconds since 1970 UTC.
    pub event_us_max: Option<i64>,
    /// True if records were left unread when the epoch was planned or were read in it.
    pub has_backlog: bool,
}

/// The clock of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionClock {
    /// Newest event time ever seen, microseconds since 1970 UTC.
    pub event_us_max: Option<i64>,
    /// When it last had rows or a backlog, on the clock of its source ([`crate::Plan::answered_us`]), microseconds since 1970 UTC.
    pub active_us: i64,
}

/// The clocks of one source and the watermark they have reached. Stored with every epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatermarkState {
    /// Clock per partition.
    pub partitions: PerSplit<PartitionClock>,
    /// The watermark reached, microseconds since 1970 UTC.
    pub watermark_us: Option<i64>,
}

impl WatermarkState {
    /// Takes in what an epoch saw and returns the watermark for the next one. `now_us` is what the source's clock shows, which
    /// advances only while the source answers ([`crate::Plan::answered_us`]): an outage makes no partition idle.
    ///
    /// A partition that never had a row and has no backlog does not count. One with a backlog but no row yet holds
    /// the watermark where it is. Sub-millisecond parts are cut off, as Spark does (`EventTimeWatermarkExec`).
    pub fn advance(&mut self, policy: &WatermarkPolicy, now_us: i64, seen: &PerSplit<Observed>) -> Option<i64> {
        for (at, observed) in seen.iter() {
            self.observe(&at, observed, now_us);
        }
        let reached = match policy.scope {
            WatermarkScope::Source => self.partitions.iter().filter_map(|(_, clock)| clock.event_us_max).max(),
            WatermarkScope::Partition => self.slowest_active(policy, now_us),
        };
        let reached =
            reached.map(|event_us| event_us.saturating_sub(event_us.rem_euclid(1000)).saturating_sub(policy.delay_us));
        self.watermark_us = self.watermark_us.max(reached);
        self.watermark_us
    }

    /// Starts the idle time of every partition anew, at what the source's clock shows: the time an engine was down is nobody's
    /// idleness. Times that an older engine took from a wall clock, right or wrong, are gone with it.
    pub fn resume(&mut self, now_us: i64) {
        for partitions in self.partitions.0.values_mut() {
            partitions.values_mut().for_each(|clock| clock.active_us = now_us);
        }
    }

    fn observe(&mut self, at: &Split, observed: &Observed, now_us: i64) {
        if observed.event_us_max.is_none() && !observed.has_backlog && self.partitions.get(at).is_none() {
            return;
        }
        let clock =
            self.partitions.entry_or_insert_with(at, || PartitionClock { event_us_max: None, active_us: now_us });
        clock.event_us_max = clock.event_us_max.max(observed.event_us_max);
        if observed.has_backlog || observed.event_us_max.is_some() {
            clock.active_us = now_us;
        }
    }

    /// The oldest clock among active partitions; if all are idle, the newest clock of all.
    fn slowest_active(&self, policy: &WatermarkPolicy, now_us: i64) -> Option<i64> {
        let idle = |clock: &PartitionClock| {
            policy.idle_timeout_us.is_some_and(|timeout| now_us.saturating_sub(clock.active_us) >= timeout)
        };
        let mut active = self.partitions.iter().filter(|(_, clock)| !idle(clock)).peekable();
        if active.peek().is_none() {
            return self.partitions.iter().filter_map(|(_, clock)| clock.event_us_max).max();
        }
        // `None < Some`: a partition with a backlog but no row yet makes the minimum `None`, so nothing moves.
        active.map(|(_, clock)| clock.event_us_max).min().flatten()
    }
}

#[cfg(test)]
mod tests;
