//! The exact sum of whole numbers or of decimals of one scale.

use crate::typing::decimals::PRECISION_MAX;

/// A sum: nothing yet, so much, or more than can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExactWhole {
    /// Of no values.
    Empty,
    /// So much.
    Sum(i128),
    /// It had more than 38 digits at some time.
    TooLarge,
}

impl ExactWhole {
    /// Both together.
    #[inline]
    pub fn plus(self, other: ExactWhole) -> ExactWhole {
        match (self, other) {
            (ExactWhole::Empty, other) | (other, ExactWhole::Empty) => other,
            (ExactWhole::Sum(left), ExactWhole::Sum(right)) => match left.checked_add(right) {
                Some(sum) if sum.unsigned_abs() < LIMIT => ExactWhole::Sum(sum),
                _ => ExactWhole::TooLarge,
            },
            _ => ExactWhole::TooLarge,
        }
    }

    /// What is kept of it; `None` of nothing, and of what is too large.
    pub fn kept(self) -> Option<i128> {
        if let ExactWhole::Sum(sum) = self { Some(sum) } else { None }
    }
}

/// One above the largest number of 38 digits.
const LIMIT: u128 = 10_u128.pow(PRECISION_MAX as u32);
