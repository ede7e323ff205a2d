//! Outer, semi and anti joins that are right after every epoch: what was given out without a match is taken back when one comes.
//!
//! The operator gives out the join of the rows as they are less the join of the rows as they were, both computed from the rows
//! that it keeps. A row may go once no later difference can need it. Let ON demand `least < l - r < most`, and the watermark be
//! past `w`: rows that come, or are taken back, are newer than `w`, older ones are late. Then
//! - no change on the right matches `l` once `w >= l - least`: `l` is settled. No change on the left matches `r` once
//!   `w >= r + most`: `r` is settled. A row that is not settled must stay, or a match would be missed;
//! - a row that may be taken back itself must stay too: `w >= l`, `w >= r`;
//! - if left rows without a match are given out (or left rows that have one, once), a right row must stay until every left row
//!   that it matches is settled: else such a left row looks as if it had no match, and the next one takes back what was never
//!   given out. All of them are older than `r + most`, so they are settled at `w >= r + most - least`. The same the other way
//!   round if right rows without a match are given out.
//!
//! What stays behind is settled, so what it looks like is the same before and after every change, and cancels.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, ExprSchemable, Join, JoinType, LogicalPlan, LogicalPlanBuilder, lit, when};
use datafusion::scalar::ScalarValue;
use expr::scalar::time_windows::end_of;
use job::StateTtl;
use operators::keyed;
use operators::recompute::RecomputePort;

use super::changing::Recomputed;
use super::cut::place;
use super::join::{Expires, Prepared, words_of};
use super::{Builder, Result, Stream};
use crate::bounds::{Bounds, conjuncts};
use crate::times::{EventTime, TimeKind};

/// A time of one side by which its rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timed {
    /// Its column.
    pub(super) column: usize,
    /// How long after it a result with the row may still change, microseconds.
    pub(super) settled_us: i64,
    /// How long after it the row is kept, microseconds.
    pub(super) kept_us: i64,
}

/// The times by which the rows of both sides go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lives {
    pub(super) left: Timed,
    pub(super) right: Timed,
}

impl Lives {
    /// Of sides whose times differ by more than `least_us` and less than `most_us`, left less right.
    pub(super) fn of(kind: JoinType, (left, right): (usize, usize), least_us: i64, most_us: i64) -> Lives {
        let left_settled_us = least_us.saturating_neg().max(0);
        let right_settled_us = most_us.max(0);
        let (mut left_kept_us, mut right_kept_us) = (left_settled_us, right_settled_us);
        if kind != JoinType::Right {
            right_kept_us = right_kept_us.max(most_us.saturating_add(left_settled_us));
        }
        if matches!(kind, JoinType::Right | JoinType::Full) {
            left_kept_us = left_kept_us.max(right_settled_us.saturating_sub(least_us));
        }
        Lives {
            left: Timed { column: left, settled_us: left_settled_us, kept_us: left_kept_us },
            right: Timed { column: right, settled_us: right_settled_us, kept_us: right_kept_us },
        }
    }
}

impl Builder<'_> {
    /// A join in update mode: right after every epoch, rows without a match included.
    pub(super) fn changing_join(&mut self, join: &Join) -> Result<Stream> {
        let (left_keys, right_keys): (Vec<Expr>, Vec<Expr>) = join.on.iter().cloned().unzip();
        let left = self.side(&join.left, &left_keys)?;
        let right = self.side(&join.right, &right_keys)?;
        let lives = lives_of(join, &left, &right);
        if lives.is_none() {
            self.check_unbounded("rows of both sides")?;
        }
        let (left_schema, right_schema) = (Arc::clone(&left.stream.schema), Arc::clone(&right.stream.schema));
        let times = lives.map(|lives| times_of(join, &lives, &left, &right));
        let mut batch = join.clone();
        batch.left = Arc::new(place(&join.left, &left_schema, 0)?);
        batch.right = Arc::new(place(&join.right, &right_schema, 1)?);
        let mut plan = LogicalPlan::Join(batch).recompute_schema()?;
        let mut times = times.unwrap_or_else(|| (vec![None; plan.schema().fields().len()], 0));
        let mut closes_by = closing_column(join, &times.0, left.width);
        if let (Some(lives), None) = (lives, closes_by) {
            // No column of the result tells when a row is final: one more does, which is left out above.
            let mut columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
            columns.push(closing_time(join, &lives, (&left, &right))?.alias("closes"));
            plan = LogicalPlanBuilder::from(plan).project(columns)?.build()?;
            closes_by = Some(times.0.len());
            times.0.push(Some(EventTime { lag_us: times.1, ..EventTime::INSTANT }));
        }
        let plan = self.batch_plan(&plan)?;
        let words = format!("{} join on {}", join.join_type, words_of(join));
        let left = self.joined_port(left, lives.map(|lives| lives.left))?;
        let right = self.joined_port(right, lives.map(|lives| lives.right))?;
        let (times, lag_us) = times;
        let forgotten_after_us = match self.table.state_ttl {
            Some(StateTtl::After(us)) if lives.is_none() => Some(us),
            _ => None,
        };
        let recomputed = Recomputed {
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

    /// What the operator is told of a side, whose stream gets a column that says when its rows go.
    fn joined_port(&mut self, side: Prepared, timed: Option<Timed>) -> Result<(Stream, RecomputePort)> {
        let mut stream = side.stream;
        let mut expires = None;
        if let Some(Timed { column, kept_us, .. }) = timed {
            expires = Some(column);
            if kept_us > 0 {
                expires = Some(stream.schema.fields().len());
                stream = self.with_expiry(stream, Expires { column, after_us: kept_us })?;
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

/// When the rows of both sides go: by an event time among the keys, or by a range of event times.
fn lives_of(join: &Join, left: &Prepared, right: &Prepared) -> Option<Lives> {
    let timed = |side: &Prepared, place: usize| side.stream.times[side.keys[place]].is_some();
    let places = || 0..left.keys.len();
    let both = places().find(|place| timed(left, *place) && timed(right, *place));
    if let Some(place) = both.or_else(|| places().find(|place| timed(left, *place) || timed(right, *place))) {
        // Rows with equal times: whoever matches a row that has gone is late, on either side.
        let at = |column: usize| Timed { column, settled_us: 0, kept_us: 0 };
        return Some(Lives { left: at(left.keys[place]), right: at(right.keys[place]) });
    }
    let conditions: Vec<Expr> = join.filter.iter().flat_map(conjuncts).cloned().collect();
    let instants = |side: &Prepared| -> Vec<usize> {
        let is_instant =
            |column: &usize| matches!(side.stream.times[*column], Some(EventTime { kind: TimeKind::Instant, .. }));
        (0..side.width).filter(is_instant).collect()
    };
    // Both ends of the range must be between the same two times: what a row matches is settled by them.
    let pairs = instants(left).into_iter().flat_map(|one| instants(right).into_iter().map(move |other| (one, other)));
    let lives = pairs.filter_map(|pair| {
        let only = |side: &Prepared, kept: usize| -> Vec<Option<EventTime>> {
            let times = side.stream.times.iter().enumerate();
            times.map(|(column, time)| time.filter(|_| column == kept)).collect()
        };
        let bounds = Bounds::of(&conditions, join, &only(left, pair.0), &only(right, pair.1));
        Some(Lives::of(join.join_type, pair, bounds.least_us?.2, bounds.most_us?.2))
    });
    lives.min_by_key(|lives| lives.left.kept_us.saturating_add(lives.right.kept_us))
}

/// Event times of the result's columns, and how far the times that rows go by lag behind the watermark.
fn times_of(join: &Join, lives: &Lives, left: &Prepared, right: &Prepared) -> (Vec<Option<EventTime>>, i64) {
    let sides = [(left, lives.left), (right, lives.right)];
    let lags = sides.iter().filter_map(|(side, timed)| side.stream.times[timed.column]);
    let lag_us = lags.map(|time| time.lag_us).max().unwrap_or_default();
    let mut times = Vec::new();
    let given = if matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti) { 1 } else { 2 };
    for (side, timed) in sides.into_iter().take(given) {
        let before = times.len();
        times.resize(before + side.width, None);
        if let (Some(slot), Some(time)) = (times.get_mut(before + timed.column), side.stream.times[timed.column])
            && timed.column < side.width
        {
            *slot = Some(EventTime { lag_us: lag_us.saturating_add(timed.settled_us), ..time });
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
fn closing_time(join: &Join, lives: &Lives, (left, right): (&Prepared, &Prepared)) -> Result<Expr> {
    let of_side = |plan: &LogicalPlan, side: &Prepared, timed: Timed, keys: Vec<&Expr>| -> Result<Expr> {
        let key = side.keys.iter().position(|key| *key == timed.column).map(|place| keys[place].clone());
        let own = plan.schema().columns().into_iter().nth(timed.column).map(Expr::Column);
        let Some(time) = own.or(key) else {
            let what = "a join that goes by a time that it has not".to_string();
            return Err(datafusion::error::DataFusionError::Internal(what).into());
        };
        let is_window = matches!(time.get_type(plan.schema())?, DataType::Struct(_));
        let time = if is_window { end_of(time) } else { time };
        let after = lit(ScalarValue::DurationMicrosecond(Some(timed.settled_us)));
        Ok(if timed.settled_us == 0 { time } else { time + after })
    };
    let (of_left, of_right): (Vec<&Expr>, Vec<&Expr>) = join.on.iter().map(|(left, right)| (left, right)).unzip();
    let of_left = of_side(&join.left, left, lives.left, of_left)?;
    let of_right = of_side(&join.right, right, lives.right, of_right)?;
    Ok(match join.join_type {
        JoinType::Right => of_right,
        JoinType::Full => when(of_left.clone().is_not_null(), of_left).otherwise(of_right)?,
        _ => of_left,
    })
}

#[cfg(test)]
mod tests;
