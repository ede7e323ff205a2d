//! Outer, semi and anti joins that are up to date after every epoch: what was emitted without a match is retracted when one comes.
//!
//! The operator emits the join of the rows as they are less the join of the rows as they were, both computed from the rows
//! that it keeps. A row may be evicted once no later difference can need it. Let ON demand `least < l - r < most`, and the watermark be
//! past `w`: rows that come, or are retracted, are newer than `w`, older ones are late. Then
//! - no change on the right matches `l` once `w >= l - least`: `l` is final. No change on the left matches `r` once
//!   `w >= r + most`: `r` is final. A row that is not final must stay, or a match would be missed;
//! - a row that may be retracted itself must stay too: `w >= l`, `w >= r`;
//! - if left rows without a match are emitted (or left rows that have one, once), a right row must stay until every left row
//!   that it matches is final: else such a left row looks as if it had no match, and the next one retracts what was never
//!   emitted. All of them are older than `r + most`, so they are final at `w >= r + most - least`. The same the other way
//!   round if right rows without a match are emitted.
//!
//! What stays behind is final, so what it looks like is the same before and after every change, and cancels.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, ExprSchemable, Join, JoinType, LogicalPlan, lit, when};
use datafusion::scalar::ScalarValue;
use expr::scalar::time_windows::end_of;
use operators::keyed;
use operators::recompute::RecomputePort;

use super::changing::RecomputePlan;
use super::cut::place;
use super::join::{Expiry, PreparedSide, words_of};
use super::{Builder, Stream};
use crate::bounds::{Bounds, conjuncts};
use crate::fault::Result;
use crate::logical::with_columns;
use crate::times::{EventTime, TimeKind, most_lag_us};

/// The time of one side by which its rows are evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SideLifetime {
    /// Its column.
    pub(super) column: usize,
    /// How long after it a result with the row may still change, microseconds.
    pub(super) final_after_us: i64,
    /// How long after it the row is kept, microseconds.
    pub(super) kept_us: i64,
}

/// The times by which the rows of both sides are evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lifetimes {
    pub(super) left: SideLifetime,
    pub(super) right: SideLifetime,
}

impl Lifetimes {
    /// Of sides whose times differ by more than `least_us` and less than `most_us`, left less right.
    pub(super) fn of(kind: JoinType, (left, right): (usize, usize), least_us: i64, most_us: i64) -> Lifetimes {
        let left_final_after_us = least_us.saturating_neg().max(0);
        let right_final_after_us = most_us.max(0);
        let (mut left_kept_us, mut right_kept_us) = (left_final_after_us, right_final_after_us);
        if kind != JoinType::Right {
            right_kept_us = right_kept_us.max(most_us.saturating_add(left_final_after_us));
        }
        if matches!(kind, JoinType::Right | JoinType::Full) {
            left_kept_us = left_kept_us.max(right_final_after_us.saturating_sub(least_us));
        }
        debug_assert!(left_kept_us >= left_final_after_us, "a left row is evicted while a match may still come");
        debug_assert!(right_kept_us >= right_final_after_us, "a right row is evicted while a match may still come");
        Lifetimes {
            left: SideLifetime { column: left, final_after_us: left_final_after_us, kept_us: left_kept_us },
            right: SideLifetime { column: right, final_after_us: right_final_after_us, kept_us: right_kept_us },
        }
    }
}

impl Builder<'_> {
    /// A join in update mode: up to date after every epoch, rows without a match included.
    pub(super) fn changing_join(&mut self, join: &Join) -> Result<Stream> {
        let (left_keys, right_keys): (Vec<Expr>, Vec<Expr>) = join.on.iter().cloned().unzip();
        let left = self.side(&join.left, &left_keys)?;
        let right = self.side(&join.right, &right_keys)?;
        let lifetimes = lifetimes_of(join, &left, &right);
        if lifetimes.is_none() {
            self.check_unbounded("rows of both sides")?;
        }
        let (left_schema, right_schema) = (Arc::clone(&left.stream.schema), Arc::clone(&right.stream.schema));
        let times = lifetimes.map(|lifetimes| times_of(join, &lifetimes, &left, &right));
        let mut batch = join.clone();
        batch.left = Arc::new(place(&join.left, &left_schema, 0)?);
        batch.right = Arc::new(place(&join.right, &right_schema, 1)?);
        let mut plan = LogicalPlan::Join(batch).recompute_schema()?;
        let mut times = times.unwrap_or_else(|| (vec![None; plan.schema().fields().len()], 0));
        let mut closes_by = closing_column(join, &times.0, left.width);
        if let (Some(lifetimes), None) = (lifetimes, closes_by) {
            // No column of the result says when a row is final: one more does, which is left out above.
            plan = with_columns(&plan, [closing_time(join, &lifetimes, (&left, &right))?.alias("closes")])?;
            closes_by = Some(times.0.len());
            times.0.push(Some(EventTime { lag_us: times.1, ..EventTime::INSTANT }));
        }
        let plan = self.batch_plan(&plan)?;
        let words = format!("{} join on {}", join.join_type, words_of(join));
        let left = self.joined_port(left, lifetimes.map(|lifetimes| lifetimes.left))?;
        let right = self.joined_port(right, lifetimes.map(|lifetimes| lifetimes.right))?;
        let (times, lag_us) = times;
        let forgotten_after_us = if lifetimes.is_none() { self.forgotten_after_us() } else { None };
        let recomputed = RecomputePlan {
            plan,
            prune: None,
            times,
            closes_by,
            lag_us,
            forgotten_after_us,
            definition: words,
            emits_when_empty: false,
        };
        self.recompute_ports(vec![left, right], recomputed)
    }

    /// A side as the operator takes it; its stream gets a column that says when its rows are evicted.
    fn joined_port(&mut self, side: PreparedSide, timed: Option<SideLifetime>) -> Result<(Stream, RecomputePort)> {
        let mut stream = side.stream;
        let mut expires = None;
        if let Some(SideLifetime { column, kept_us, .. }) = timed {
            expires = Some(column);
            if kept_us > 0 {
                expires = Some(stream.schema.fields().len());
                stream = self.with_expiry(stream, Expiry { column, after_us: kept_us })?;
            }
        }
        let port = RecomputePort {
            input: Arc::clone(&stream.schema),
            keys: side.keys,
            event_time: timed.map(|timed| keyed::EventTime { column: timed.column, required: false }),
            expires,
        };
        Ok((stream, port))
    }
}

/// When the rows of both sides are evicted: by an event time among the keys, or by a range of event times.
fn lifetimes_of(join: &Join, left: &PreparedSide, right: &PreparedSide) -> Option<Lifetimes> {
    let timed = |side: &PreparedSide, place: usize| side.stream.times[side.keys[place]].is_some();
    let places = || 0..left.keys.len();
    let both = places().find(|place| timed(left, *place) && timed(right, *place));
    if let Some(place) = both.or_else(|| places().find(|place| timed(left, *place) || timed(right, *place))) {
        // Rows with equal times: whoever matches a row that was evicted is late, on either side.
        let at = |column: usize| SideLifetime { column, final_after_us: 0, kept_us: 0 };
        return Some(Lifetimes { left: at(left.keys[place]), right: at(right.keys[place]) });
    }
    let conditions: Vec<Expr> = join.filter.iter().flat_map(conjuncts).cloned().collect();
    let instants = |side: &PreparedSide| -> Vec<usize> {
        let is_instant =
            |column: &usize| matches!(side.stream.times[*column], Some(EventTime { kind: TimeKind::Instant, .. }));
        (0..side.width).filter(is_instant).collect()
    };
    // Both ends of the range must be between the same two times: what a row matches is final by them.
    let pairs = instants(left).into_iter().flat_map(|one| instants(right).into_iter().map(move |other| (one, other)));
    let lifetimes = pairs.filter_map(|pair| {
        let only = |side: &PreparedSide, kept: usize| -> Vec<Option<EventTime>> {
            let times = side.stream.times.iter().enumerate();
            times.map(|(column, time)| time.filter(|_| column == kept)).collect()
        };
        let bounds = Bounds::of(&conditions, join, &only(left, pair.0), &only(right, pair.1));
        Some(Lifetimes::of(join.join_type, pair, bounds.least_us?.2, bounds.most_us?.2))
    });
    lifetimes.min_by_key(|lifetimes| lifetimes.left.kept_us.saturating_add(lifetimes.right.kept_us))
}

/// Event times of the result's columns, and how far the times that rows are evicted by lag behind the watermark.
fn times_of(
    join: &Join,
    lifetimes: &Lifetimes,
    left: &PreparedSide,
    right: &PreparedSide,
) -> (Vec<Option<EventTime>>, i64) {
    let sides = [(left, lifetimes.left), (right, lifetimes.right)];
    let lag_us = most_lag_us(sides.iter().filter_map(|(side, timed)| side.stream.times[timed.column]));
    let mut times = Vec::new();
    let given = if matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti) { 1 } else { 2 };
    for (side, timed) in sides.into_iter().take(given) {
        let before = times.len();
        times.resize(before + side.width, None);
        if let (Some(slot), Some(time)) = (times.get_mut(before + timed.column), side.stream.times[timed.column])
            && timed.column < side.width
        {
            *slot = Some(EventTime { lag_us: lag_us.saturating_add(timed.final_after_us), ..time });
        }
    }
    (times, lag_us)
}

/// The column of the result that has a time in every row that has one.
fn closing_column(join: &Join, times: &[Option<EventTime>], left_width: usize) -> Option<usize> {
    match join.join_type {
        JoinType::Full => None,
        JoinType::Right => (left_width..times.len()).find(|column| times[*column].is_some()),
        _ => (0..left_width).find(|column| times[*column].is_some()),
    }
}

/// When a row of the result is final.
fn closing_time(join: &Join, lifetimes: &Lifetimes, (left, right): (&PreparedSide, &PreparedSide)) -> Result<Expr> {
    let of_side = |plan: &LogicalPlan, side: &PreparedSide, timed: SideLifetime, keys: Vec<&Expr>| -> Result<Expr> {
        let key = side.keys.iter().position(|key| *key == timed.column).map(|place| keys[place].clone());
        let own = plan.schema().columns().into_iter().nth(timed.column).map(Expr::Column);
        let Some(time) = own.or(key) else {
            let what = "a join whose rows are evicted by a time that it has not".to_string();
            return Err(datafusion::error::DataFusionError::Internal(what).into());
        };
        let is_window = matches!(time.get_type(plan.schema())?, DataType::Struct(_));
        let time = if is_window { end_of(time) } else { time };
        let after = lit(ScalarValue::DurationMicrosecond(Some(timed.final_after_us)));
        Ok(if timed.final_after_us == 0 { time } else { time + after })
    };
    let (of_left, of_right): (Vec<&Expr>, Vec<&Expr>) = join.on.iter().map(|(left, right)| (left, right)).unzip();
    let of_left = of_side(&join.left, left, lifetimes.left, of_left)?;
    let of_right = of_side(&join.right, right, lifetimes.right, of_right)?;
    Ok(match join.join_type {
        JoinType::Right => of_right,
        JoinType::Full => when(of_left.clone().is_not_null(), of_left).otherwise(of_right)?,
        _ => of_left,
    })
}

#[cfg(test)]
mod tests;
