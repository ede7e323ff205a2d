//! Lines as they are typed, and what they make.
use super::*;

fn add_all(lines: &[&str]) -> Vec<Entry> {
    let mut typed = Typed::default();
    lines.iter().map(|line| typed.add(line)).collect()
}

#[test]
fn a_statement_goes_on_until_its_semicolon() {
    assert_eq!(
        add_all(&["SELECT 1", "", " , 2;"]),
        [Entry::More, Entry::More, Entry::Statements("SELECT 1\n\n , 2;\n".to_owned())]
    );
    assert_eq!(add_all(&["SELECT 1; -- done"]), [Entry::Statements("SELECT 1; -- done\n".to_owned())]);
    assert_eq!(add_all(&["SELECT 1; SELECT 2"]), [Entry::More]);
}

#[test]
fn semicolons_in_texts_names_and_comments_end_nothing() {
    assert_eq!(add_all(&["SELECT ';"]), [Entry::More]);
    assert_eq!(add_all(&["SELECT ';", "';"]), [Entry::More, Entry::Statements("SELECT ';\n';\n".to_owned())]);
    assert_eq!(add_all(&["SELECT 1 -- ;"]), [Entry::More]);
    assert_eq!(add_all(&["SELECT 1 /* ;"]), [Entry::More]);
    assert_eq!(add_all(&["SELECT 1 AS `a;"]), [Entry::More]);
}

#[test]
fn commands_are_taken_on_a_fresh_line_only() {
    assert_eq!(
        add_all(&["\\d", "\\d gold.counts;", "\\q", "quit;", "\\?", "  ", "\\x y", "\\dt"]),
        [
            Entry::Tables,
            Entry::Columns("gold.counts".to_owned()),
            Entry::Quit,
            Entry::Quit,
            Entry::Help,
            Entry::Nothing,
            Entry::Unknown("\\x".to_owned()),
            Entry::Tables
        ]
    );
    assert_eq!(add_all(&["SELECT", "exit"]), [Entry::More, Entry::More], "a column may be named so");
}

#[test]
fn what_is_left_at_the_end_is_run_without_its_semicolon() {
    let mut typed = Typed::default();
    assert_eq!(typed.rest(), None);
    assert_eq!(typed.add("SELECT 1"), Entry::More);
    assert_eq!(typed.rest(), Some("SELECT 1\n".to_owned()));
    assert_eq!(typed.rest(), None);
}
