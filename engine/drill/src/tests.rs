//! The drill's own judgement: it must see a lost, a doubled and a changed row, and must not see order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod comparing;
mod reporting;
