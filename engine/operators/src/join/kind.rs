//! Which rows a join emits, and how.

use super::side::Side;

/// Which rows a join emits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// Pairs.
    Inner,
    /// Pairs, and left rows that match nothing.
    Left,
    /// Pairs, and right rows that match nothing.
    Right,
    /// Pairs, and rows of both sides that match nothing.
    Full,
    /// Left rows that match something, once each.
    LeftSemi,
    /// Left rows that match nothing.
    LeftAnti,
}

/// How a join emits its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinMode {
    /// A row that was emitted is never retracted: rows that match nothing are emitted when nothing can match them any more.
    Append,
    /// Input rows may be retracted, and the result is what it must be after every epoch. Inner joins only.
    Changes,
}

impl JoinKind {
    /// True if a row of this side that matches nothing is emitted.
    pub(super) fn preserves(self, side: Side) -> bool {
        match self {
            JoinKind::Inner | JoinKind::LeftSemi => false,
            JoinKind::Full => true,
            JoinKind::Left | JoinKind::LeftAnti => side == Side::Left,
            JoinKind::Right => side == Side::Right,
        }
    }

    /// True if its result has the columns of both sides.
    pub(super) fn emits_pairs(self) -> bool {
        !matches!(self, JoinKind::LeftSemi | JoinKind::LeftAnti)
    }

    /// Its name as in SQL.
    pub fn name(self) -> &'static str {
        match self {
            JoinKind::Inner => "inner",
            JoinKind::Left => "left outer",
            JoinKind::Right => "right outer",
            JoinKind::Full => "full outer",
            JoinKind::LeftSemi => "left semi",
            JoinKind::LeftAnti => "left anti",
        }
    }
}
