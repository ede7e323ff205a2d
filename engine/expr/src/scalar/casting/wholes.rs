//! Texts as whole numbers.

use arrow::array::{Int64Array, StringArray};

/// A whole number as Spark reads it in a cast: blanks and control characters around it do not matter, a point does.
pub fn parse_whole(text: &str) -> Option<i64> {
    trimmed(text).parse().ok()
}

/// Without the blanks and control characters around it, as Spark's casts trim a text.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(|letter: char| letter <= ' ' || letter == '\u{7f}')
}

/// The numbers of texts; NULL for those that are none.
pub fn wholes_of_texts(texts: &StringArray) -> Int64Array {
    texts.iter().map(|text| text.and_then(parse_whole)).collect()
}
