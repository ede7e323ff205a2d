//! Patterns of Java find what they find in Java.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::in_rust;

fn finds(pattern: &str, text: &str) -> bool {
    regex::Regex::new(&in_rust(pattern)).unwrap().is_match(text)
}

#[test]
fn words_digits_and_blanks_are_of_ascii() {
    assert!(finds(r"^\w+$", "a_1") && !finds(r"^\w+$", "ß"));
    assert!(finds(r"^[\d.]+$", "1.5") && !finds(r"^\d$", "١"));
    assert!(finds(r"^[^\W]$", "a") && !finds(r"^[^\W]$", "-"));
    assert!(finds(r"^\S$", "\u{a0}"));
}

#[test]
fn escapes_that_only_java_has_are_known() {
    assert!(finds(r"^\Qa.b\E$", "a.b") && !finds(r"^\Qa.b\E$", "axb"));
    assert!(finds(r"^a\Rb$", "a\r\nb") && finds(r"\h", "\t") && finds(r"^\u0041\e$", "A\u{1b}"));
    assert!(finds(r"^\p{Punct}+$", "!?]") && finds(r"^\p{IsAlphabetic}$", "ß") && !finds(r"^\p{Alpha}$", "ß"));
    assert!(finds("^[]a]+$", "]a"));
}

#[test]
fn a_dot_is_no_end_of_a_line() {
    assert!(!finds("a.b", "a\rb") && finds("(?s)a.b", "a\nb") && finds("[.]", "."));
}
