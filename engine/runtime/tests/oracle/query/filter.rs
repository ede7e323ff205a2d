//! Conditions that mean the same to all, and to a row in plain Rust.

use crate::case::Row;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    SomeKeys,
    NotFirstKey,
    Positive,
    Even,
    HasG,
    NoG,
    SmallX,
    Either,
    Cases,
}

impl Filter {
    pub const ALL: [Filter; 9] = [
        Filter::SomeKeys,
        Filter::NotFirstKey,
        Filter::Positive,
        Filter::Even,
        Filter::HasG,
        Filter::NoG,
        Filter::SmallX,
        Filter::Either,
        Filter::Cases,
    ];

    pub fn sql(self) -> &'static str {
        match self {
            Filter::SomeKeys => "k IN ('k0', 'k1', 'k3')",
            Filter::NotFirstKey => "NOT (k = 'k0')",
            Filter::Positive => "v > 0",
            Filter::Even => "v % 2 = 0",
            Filter::HasG => "g IS NOT NULL",
            Filter::NoG => "g IS NULL",
            Filter::SmallX => "x <= 2.5",
            Filter::Either => "(v > 2 OR g = 1)",
            Filter::Cases => "CASE WHEN g = 1 THEN v > 1 ELSE v < 7 END",
        }
    }

    /// True if the condition is true of a row; NULL is not true.
    pub fn holds(self, row: &Row) -> bool {
        match self {
            Filter::SomeKeys => row.k.as_deref().is_some_and(|k| ["k0", "k1", "k3"].contains(&k)),
            Filter::NotFirstKey => row.k.as_deref().is_some_and(|k| k != "k0"),
            Filter::Positive => row.v.is_some_and(|v| v > 0),
            Filter::Even => row.v.is_some_and(|v| v % 2 == 0),
            Filter::HasG => row.g.is_some(),
            Filter::NoG => row.g.is_none(),
            Filter::SmallX => row.x.is_some_and(|x| x <= 2.5),
            Filter::Either => row.v.is_some_and(|v| v > 2) || row.g == Some(1),
            Filter::Cases => match row.g {
                Some(1) => row.v.is_some_and(|v| v > 1),
                _ => row.v.is_some_and(|v| v < 7),
            },
        }
    }
}
