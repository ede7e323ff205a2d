//! Clocks that nobody can set: how much time has passed, whatever the wall clock says.
//!
//! A wall clock jumps: it is set by hand, by the network, by a virtual machine that wakes up. So `current_timestamp` alone is read
//! from it. What must not be forgotten or waited for because of a jump goes by these rules:
//!
//! - `state_ttl` counts, table by table, on a clock that begins with the wall clock and then advances by what the machine's uptime
//!   clock says has passed, also over a restart of the engine. Only where that clock cannot tell (another machine, or the machine
//!   was started anew) the difference of the wall clocks counts, at least nothing and at most half of the table's `state_ttl`: one
//!   wrong wall clock then cannot make a key forgotten that came within the other half.
//! - Idleness of a partition counts on the clock of its source, which advances only while the source answers.
//! - Pauses are measured by the process's own monotonic clock.
//!
//! Readings are part of each plan, so an epoch that runs again is at the same time, and none of these clocks ever goes back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An answer that takes longer than this, microseconds, is waited for: the source was away.
pub const PROMPT_US: i64 = 5_000_000;

/// Where a machine's uptime clock stands. It is never set, and begins anew when the machine does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uptime {
    /// The start that it counts from: readings that count from different ones cannot be compared. Empty if it is not known.
    pub boot: String,
    /// Microseconds since then.
    pub us: i64,
}

impl Uptime {
    /// Microseconds that passed since an earlier reading; `None` if the two count from different starts.
    pub fn since(&self, earlier: &Uptime) -> Option<i64> {
        let are_of_one_start = !self.boot.is_empty() && self.boot == earlier.boot;
        are_of_one_start.then(|| self.us.saturating_sub(earlier.us).max(0))
    }
}

/// What the clocks of a job showed when an epoch was planned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocks {
    /// The machine's.
    pub uptime: Uptime,
    /// What `state_ttl` counts on, by the tables that have one, microseconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, i64>,
    /// What idleness counts on, by source, microseconds since 1970 UTC. It advances while the source answers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, i64>,
}

impl Clocks {
    /// True if nothing was read: plans had no clocks once.
    pub fn are_unread(&self) -> bool {
        *self == Clocks::default()
    }

    /// What the tables' clocks show in a plan that is made now. `last` are the clocks and the batch time of the plan before it,
    /// `ttls_us` the tables' `state_ttl`.
    pub fn of_tables(
        last: Option<(&Clocks, i64)>,
        uptime: &Uptime,
        wall_us: i64,
        ttls_us: &BTreeMap<String, i64>,
    ) -> BTreeMap<String, i64> {
        let now_us = |table: &String, ttl_us: i64| {
            let Some((last, batch_time_us)) = last else { return wall_us };
            let by_wall_us = || wall_us.saturating_sub(batch_time_us).clamp(0, (ttl_us / 2).max(0));
            let passed_us = uptime.since(&last.uptime).unwrap_or_else(by_wall_us);
            // Plans once had no clocks: the batch time was what was counted on.
            last.tables.get(table).copied().unwrap_or(batch_time_us).saturating_add(passed_us)
        };
        ttls_us.iter().map(|(table, ttl_us)| (table.clone(), now_us(table, *ttl_us))).collect()
    }
}

/// The clock of a source: time between two questions counts if both were answered, and the second one promptly.
///
/// While a place is away its producers cannot reach it either, and when it is back they need a while: nobody was idle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answering {
    us: i64,
    /// When the last answer came, by the uptime clock; `None` if none did since the source was away.
    last_us: Option<i64>,
}

impl Answering {
    /// A clock that stood here when it was last read, and did not go on since.
    pub fn resumed(us: i64) -> Answering {
        Answering { us, last_us: None }
    }

    /// The source was asked and answered, at these times of the uptime clock, microseconds. Returns what the clock shows now.
    pub fn answered(&mut self, asked_us: i64, answered_us: i64) -> i64 {
        let is_prompt = answered_us.saturating_sub(asked_us) <= PROMPT_US;
        if let Some(last_us) = self.last_us.filter(|_| is_prompt) {
            self.us = self.us.saturating_add(answered_us.saturating_sub(last_us).max(0));
        }
        self.last_us = Some(answered_us);
        self.us
    }

    /// No answer came, or something was waited for: what passed since the last answer counts for nobody.
    pub fn was_away(&mut self) {
        self.last_us = None;
    }
}

#[cfg(test)]
mod tests;
