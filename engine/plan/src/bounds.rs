//! What a join's condition says of the distance in time between rows that match: it bounds how long either has to be kept.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::expr::Between;
use datafusion::logical_expr::{BinaryExpr, Expr, Join, Operator};
use datafusion::scalar::ScalarValue;
use expr::interval::constant_us;

use crate::times::EventTime;

/// Bounds of left time minus right time, microseconds: the columns of the two times, and a distance that is never reached.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// It is more than this.
    pub least_us: Option<(usize, usize, i64)>,
    /// It is less than this.
    pub most_us: Option<(usize, usize, i64)>,
}

/// How far a bound that may be reached lies from one that may not: a millisecond, as watermarks and Spark count them.
const STEP_US: i64 = 1_000;

/// A sum of event times, each with its sign, and a constant.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Linear {
    /// Column and factor for the left side, for the right side.
    left: Option<(usize, i64)>,
    right: Option<(usize, i64)>,
    constant_us: i64,
}

impl Bounds {
    /// The bounds that these conditions put on event times of the two sides.
    pub fn of(conditions: &[Expr], join: &Join, left: &[Option<EventTime>], right: &[Option<EventTime>]) -> Bounds {
        let reader = Reader { join, left, right };
        let mut bounds = Bounds::default();
        for condition in conditions {
            match condition {
                Expr::BinaryExpr(comparison) => bounds.add(&reader, &comparison.left, comparison.op, &comparison.right),
                Expr::Between(Between { expr, negated: false, low, high }) => {
                    bounds.add(&reader, expr, Operator::GtEq, low);
                    bounds.add(&reader, expr, Operator::LtEq, high);
                }
                _ => {}
            }
        }
        bounds
    }

    fn add(&mut self, reader: &Reader<'_>, one: &Expr, op: Operator, other: &Expr) {
        let (Some(one), Some(other)) = (reader.linear(one), reader.linear(other)) else { return };
        // one - other, compared with nothing.
        let Some(sum) = one.minus(&other) else { return };
        let (Some((left, left_factor)), Some((right, right_factor))) = (sum.left, sum.right) else { return };
        // (left - right) + c, or its negative.
        let (distance_us, op) = match (left_factor, right_factor) {
            (1, -1) => (sum.constant_us.saturating_neg(), op),
            (-1, 1) => (sum.constant_us, turned(op)),
            _ => return,
        };
        let (below, above) = (distance_us.saturating_sub(STEP_US), distance_us.saturating_add(STEP_US));
        match op {
            Operator::Gt => self.raise_least((left, right, distance_us)),
            Operator::GtEq => self.raise_least((left, right, below)),
            Operator::Lt => self.lower_most((left, right, distance_us)),
            Operator::LtEq => self.lower_most((left, right, above)),
            Operator::Eq => {
                self.raise_least((left, right, below));
                self.lower_most((left, right, above));
            }
            _ => {}
        }
    }

    fn raise_least(&mut self, found: (usize, usize, i64)) {
        if self.least_us.is_none_or(|before| before.2 < found.2) {
            self.least_us = Some(found);
        }
    }

    fn lower_most(&mut self, found: (usize, usize, i64)) {
        if self.most_us.is_none_or(|before| before.2 > found.2) {
            self.most_us = Some(found);
        }
    }
}

fn turned(op: Operator) -> Operator {
    match op {
        Operator::Gt => Operator::Lt,
        Operator::GtEq => Operator::LtEq,
        Operator::Lt => Operator::Gt,
        Operator::LtEq => Operator::GtEq,
        other => other,
    }
}

struct Reader<'a> {
    join: &'a Join,
    left: &'a [Option<EventTime>],
    right: &'a [Option<EventTime>],
}

impl Reader<'_> {
    fn linear(&self, expr: &Expr) -> Option<Linear> {
        match expr {
            Expr::Alias(alias) => self.linear(&alias.expr),
            // Times are compared to the millisecond here: a cast to whole seconds moves them further.
            Expr::Cast(cast) if matches!(cast.field.data_type(), DataType::Timestamp(unit, _) if *unit != TimeUnit::Second) => {
                self.linear(&cast.expr)
            }
            Expr::Column(column) => self.column(column),
            Expr::Literal(value, _) => Some(Linear { constant_us: interval_us(value)?, ..Linear::default() }),
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Plus, right }) => {
                self.linear(left)?.minus(&self.linear(right)?.negated())
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Minus, right }) => {
                self.linear(left)?.minus(&self.linear(right)?)
            }
            _ => None,
        }
    }

    fn column(&self, column: &Column) -> Option<Linear> {
        if let Some(at) = self.join.left.schema().maybe_index_of_column(column) {
            self.left.get(at).copied().flatten()?;
            return Some(Linear { left: Some((at, 1)), ..Linear::default() });
        }
        let at = self.join.right.schema().maybe_index_of_column(column)?;
        self.right.get(at).copied().flatten()?;
        Some(Linear { right: Some((at, 1)), ..Linear::default() })
    }
}

impl Linear {
    fn negated(&self) -> Linear {
        let turn = |term: Option<(usize, i64)>| term.map(|(column, factor)| (column, -factor));
        Linear { left: turn(self.left), right: turn(self.right), constant_us: self.constant_us.saturating_neg() }
    }

    /// `None` if the difference is no sum of one time a side.
    fn minus(&self, other: &Linear) -> Option<Linear> {
        let other = other.negated();
        let add = |one: Option<(usize, i64)>, other: Option<(usize, i64)>| match (one, other) {
            (Some((one, factor)), Some((same, by))) if one == same => {
                Some(Some((one, factor + by)).filter(|(_, factor)| *factor != 0))
            }
            (Some(_), Some(_)) => None,
            (one, other) => Some(one.or(other)),
        };
        Some(Linear {
            left: add(self.left, other.left)?,
            right: add(self.right, other.right)?,
            constant_us: self.constant_us.checked_add(other.constant_us)?,
        })
    }
}

fn interval_us(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::DurationMicrosecond(Some(us)) => Some(*us),
        other => constant_us(other),
    }
}

/// The parts of a condition that are joined by AND.
pub fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            conjuncts(left).into_iter().chain(conjuncts(right)).collect()
        }
        other => vec![other],
    }
}

/// True if a condition names columns of this schema only.
pub fn reads_only(condition: &Expr, schema: &DFSchema) -> bool {
    condition.column_refs().iter().all(|column| schema.maybe_index_of_column(column).is_some())
}

#[cfg(test)]
mod tests;
