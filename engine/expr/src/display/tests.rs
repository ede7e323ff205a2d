//! Texts of expressions.

use datafusion::prelude::{col, lit};

use super::expr_text;
use crate::scalar::one_value::one_value;

#[test]
fn what_is_compared_as_one_value_reads_as_it_was_written() {
    let condition = one_value(col("t.price")).gt(one_value(lit(1.5)));
    assert_eq!(expr_text(&condition), "price > 1.5");
}
