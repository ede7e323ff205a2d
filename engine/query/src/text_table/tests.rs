//! Columns as people read them.

use super::*;

#[test]
fn names_stand_left_and_numbers_right() {
    let rows = vec![vec!["gold.counts".to_owned(), "7".to_owned()], vec!["ä".to_owned(), "1,000".to_owned()]];
    let lines = text_table(&[("table", Side::Left), ("rows", Side::Right)], &rows);
    assert_eq!(lines, ["table         rows", "gold.counts      7", "ä            1,000"]);
    assert_eq!(text_table(&[("table", Side::Left)], &[]), ["table"]);
}

#[test]
fn a_column_without_a_heading_holds_signs() {
    let rows = vec![vec!["-".to_owned(), "a".to_owned()], vec![" ".to_owned(), "b".to_owned()]];
    assert_eq!(text_table(&[(" ", Side::Left), ("name", Side::Left)], &rows), ["   name", "-  a", "   b"]);
}
