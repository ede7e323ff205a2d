//! What an operation gives where it has no result.

/// What an operation gives where it has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Missing {
    /// An error.
    Error,
    /// A whole number that wrapped around; NULL of a decimal that is too large, or where the divisor is zero.
    Wraps,
    /// NULL.
    Null,
}

impl Missing {
    /// By `spark.sql.ansi.enabled`.
    pub fn of(ansi: bool) -> Missing {
        if ansi { Missing::Error } else { Missing::Wraps }
    }
}
