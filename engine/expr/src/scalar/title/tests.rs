//! Words get capitals as in Java.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::initcap;

#[test]
fn words_are_titles_as_in_java() {
    assert_eq!(initcap("ÀÉÎ ñ ß"), "Àéî Ñ Ss");
    assert_eq!(initcap("ŉ ﬁ İ ı ǅ ǆ"), "ʼN Fi İ I ǅ ǅ");
    assert_eq!(initcap("σας ΣΑΣ"), "Σας Σας");
    assert_eq!(initcap("  sPARK-sql  x"), "  Spark-sql  X");
}
